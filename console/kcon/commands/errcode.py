"""`kcon errcode`: what does this error of Kafka mean?"""

from typing import ClassVar

import click

from kcon.commands.options import output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Errcode(Request):
    """Explain error codes."""

    command: ClassVar[str] = "errcode"
    codes: tuple[str, ...] = ()
    """Numbers or names; empty: all of them."""


@leaf("errcode", options=output_options())
@click.argument("codes", metavar="[CODE|NAME]...", nargs=-1)
def errcode(*, shared: Shared, codes: tuple[str, ...]) -> Request:
    """Explain error codes of Kafka.

    By number or name; all of them without one.

    Example: kcon errcode 25

    Example: kcon errcode NOT_LEADER_OR_FOLLOWER
    """
    return Errcode(shared=shared, codes=codes)


COMMAND = errcode
