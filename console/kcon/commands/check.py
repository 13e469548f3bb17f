"""`kcon check`: yes or no, for cron and CI."""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf


class CheckRestart(Request):
    """Say whether a broker may be stopped."""

    command: ClassVar[str] = "check restart"
    broker: int
    allow_single: bool = False


COMMAND = Noun("check", "Check for cron and CI: may this broker be stopped?")


@leaf("restart", parent=COMMAND, options=[*output_options(), *connection_options()])
@click.argument("broker", type=click.IntRange(min=0))
@click.option(
    "--allow-single", is_flag=True, help="Partitions without another replica may be gone for a while: only warn."
)
def check_restart(*, shared: Shared, broker: int, allow_single: bool) -> Request:
    """Say whether a broker may be stopped: 0 yes, 7 no.

    No means that a partition would be offline or below its min.insync.replicas, or the metadata quorum lost.

    Example: kcon check restart 2

    Example: kcon check restart 2 --allow-single -o json
    """
    return CheckRestart(shared=shared, broker=broker, allow_single=allow_single)
