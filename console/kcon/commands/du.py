"""`kcon du`: whose bytes, by what, watched for how long, and with which retentions tried?"""

from typing import ClassVar

import click

from kcon.commands.options import Duration, connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf

BY = ("topic", "partition", "broker")


class Du(Request):
    """Tell who uses the disks."""

    command: ClassVar[str] = "du"
    names: tuple[str, ...]
    by: str = "topic"
    watch_ms: int = 0
    retentions_ms: tuple[int, ...] = ()


@leaf("du", options=[*output_options(), *connection_options()])
@click.argument("names", metavar="[TOPIC]...", nargs=-1)
@click.option("--by", type=click.Choice(BY), default="topic", help="A line a topic, a partition, or a broker's volume.")
@click.option("--for", "watch_ms", type=Duration(), metavar="DURATION", help="Look twice, so far apart: growth.")
@click.option(
    "--retention",
    "retentions_ms",
    type=Duration(),
    multiple=True,
    metavar="DURATION",
    help="About what a retention.ms of so long would free now; repeatable.",
)
def du(
    *,
    shared: Shared,
    names: tuple[str, ...],
    by: str,
    watch_ms: int | None,
    retentions_ms: tuple[int, ...],
) -> Request:
    """Tell who uses the disks, how fast that grows, and when a volume is full.

    Sizes are those of all replicas, the largest first. With --for a second look tells growth, and by it when the
    volume is full; without it growth is that of the last day, where there is history. --retention changes nothing: it
    says about how much would go, for segments go as a whole.

    Example: kcon du --for 30s

    Example: kcon du 'clicks*' --retention 1d --retention 3d

    Example: kcon du --by broker -o json
    """
    if by == "broker" and (names or retentions_ms):
        raise click.UsageError("--by broker tells whole volumes; leave topics and --retention out.")
    return Du(shared=shared, names=names, by=by, watch_ms=watch_ms or 0, retentions_ms=retentions_ms)


COMMAND = du
