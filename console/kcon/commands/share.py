"""`kcon share`: share groups, their members and where they stand (KIP-932)."""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class ShareList(Request):
    """List share groups."""

    command: ClassVar[str] = "share list"
    patterns: tuple[str, ...] = ()


class ShareDescribe(Request):
    """Describe share groups."""

    command: ClassVar[str] = "share describe"
    names: tuple[str, ...]


COMMAND = Noun("share", "Share groups: list, describe with members and offsets.")


@leaf("list", parent=COMMAND, options=[*output_options(watch=True), *connection_options()])
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
def share_list(*, shared: Shared, patterns: tuple[str, ...]) -> Request:
    """List share groups, all or those whose names match a glob.

    Example: kcon share list
    """
    return ShareList(shared=shared, patterns=patterns)


@leaf("describe", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
def share_describe(*, shared: Shared, names: tuple[str, ...]) -> Request:
    """Describe share groups: members, and in each partition the first record not yet done with.

    Example: kcon share describe workers
    """
    return ShareDescribe(shared=shared, names=names)
