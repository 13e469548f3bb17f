"""`kcon streams`: streams groups, their topology and tasks (KIP-1071)."""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class StreamsList(Request):
    """List streams groups."""

    command: ClassVar[str] = "streams list"
    patterns: tuple[str, ...] = ()


class StreamsDescribe(Request):
    """Describe streams groups."""

    command: ClassVar[str] = "streams describe"
    names: tuple[str, ...]


COMMAND = Noun("streams", "Streams groups: list, describe with topology and tasks.")


@leaf("list", parent=COMMAND, options=[*output_options(watch=True), *connection_options()])
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
def streams_list(*, shared: Shared, patterns: tuple[str, ...]) -> Request:
    """List streams groups, all or those whose names match a glob.

    Example: kcon streams list
    """
    return StreamsList(shared=shared, patterns=patterns)


@leaf("describe", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("names", metavar="GROUP...", nargs=-1, required=True)
def streams_describe(*, shared: Shared, names: tuple[str, ...]) -> Request:
    """Describe streams groups: subtopologies, members, and the tasks of each.

    Example: kcon streams describe word-count
    """
    return StreamsDescribe(shared=shared, names=names)
