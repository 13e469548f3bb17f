"""`kcon why`: of which groups, topics or cluster should the cause be told, and for how long may kcon look?"""

from typing import ClassVar

import click

from kcon.commands.options import Duration, connection_options, output_options, past_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Why(Request):
    """Tell what is the matter with groups, topics or the cluster."""

    command: ClassVar[str] = "why"
    names: tuple[str, ...]
    watch_ms: int | None = None
    """None: as long as it takes, ten seconds at most."""


@leaf("why", options=[*past_options(), *output_options(), *connection_options()])
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--for",
    "watch_ms",
    type=Duration(),
    metavar="DURATION",
    help="Look for so long; else as long as it takes, at most 10s.",
)
def why(*, shared: Shared, names: tuple[str, ...], watch_ms: int | None) -> Request:
    """Tell what is the matter with groups, topics or the cluster.

    It tells the cause, how sure that is, the evidence, and what to run next. A name is that of a group or, if there
    is no such group, of a topic; `group/NAME` and `topic/NAME` are that alone (other signs percent-encoded), and
    `cluster` is the cluster. What one look shows is told at once. What only movement shows takes ten seconds; before
    that kcon says that it needs more time instead of guessing. Where history has seen the minute before, it waits for
    nothing, and adds what happened in the last hour. --for lets the cluster's disks be watched for growth,
    too. --at judges a moment of the past by what history has seen of it and of the minute before.

    Example: kcon why billing

    Example: kcon why topic/orders cluster

    Example: kcon why billing --at @14:05

    Example: kcon why billing --for 60s --output json | jq '.items[].cause'
    """
    return Why(shared=shared, names=names, watch_ms=watch_ms)


COMMAND = why
