"""`kcon probe`: how many records, how far apart, on which topic, and may it be made and removed?"""

from typing import ClassVar

import click

from kcon.commands.options import (
    Duration,
    Size,
    confirmation,
    connection_options,
    output_options,
    takes_typed_name,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import leaf

TOPIC = "kcon-probe"
"""Its own topic, and what any other name begins with: a probe never writes into somebody's data."""
COUNT = 10
COUNT_MAX = 100_000
WAIT_MS = 10_000


class Probe(Request):
    """Send records through the cluster and back."""

    command: ClassVar[str] = "probe"
    topic: str = TOPIC
    count: int = COUNT
    interval_ms: int = 0
    wait_ms: int = WAIT_MS
    size_bytes: int = 100
    create: bool = False
    delete: bool = False
    max_p99_ms: int | None = None
    confirmation: Confirmation = Confirmation()


@leaf("probe", options=[*output_options(), *connection_options()])
@click.option(
    "-t", "--topic", default=TOPIC, metavar="TOPIC", help=f"Another topic of its own; it begins with {TOPIC}."
)
@click.option("-n", "--count", type=click.IntRange(1, COUNT_MAX), default=COUNT, metavar="N", help=f"Records; {COUNT}.")
@click.option("--once", is_flag=True, help="One record, whose time contains that of connecting.")
@click.option("--interval", "interval_ms", type=Duration(), default=0, metavar="DURATION", help="Between two records.")
@click.option(
    "--wait", "wait_ms", type=Duration(), default=WAIT_MS, metavar="DURATION", help="A record is lost after it; 10s."
)
@click.option("--size", "size_bytes", type=Size(), default=100, metavar="SIZE", help="Of a record's value; 100 bytes.")
@click.option("--create", is_flag=True, help="Make the topic if it is not there: a partition a broker.")
@click.option("--delete", is_flag=True, help="Remove the topic and the group at the end.")
@click.option(
    "--max-p99", "max_p99_ms", type=Duration(), metavar="DURATION", help="Exit 7 when round trips are slower."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@takes_typed_name
def probe(
    *,
    shared: Shared,
    topic: str,
    count: int,
    once: bool,
    interval_ms: int,
    wait_ms: int,
    size_bytes: int,
    create: bool,
    delete: bool,
    max_p99_ms: int | None,
    dry_run: bool,
    confirm: str | None,
) -> Request:
    """Send records through the cluster and back, and tell how that went.

    They are written, read and committed, one by one. It tells the 50th and 99th percentile of each step, and what was
    lost or came twice. Exit 0: every record went all the way, once; 7: one did not, or --max-p99 was not kept; 5: the
    topic is not there. The first record opens the connections and is not timed. Offsets are committed to a group of
    the topic's name.

    Example: kcon probe --create --delete

    Example: kcon probe --count 100 --interval 100ms --max-p99 50ms -o json

    Example: kcon probe --create --dry-run
    """
    if not topic.startswith(TOPIC):
        raise click.UsageError(f"The topic of a probe begins with {TOPIC}, so that nobody's data gets its records.")
    return Probe(
        shared=shared,
        topic=topic,
        count=1 if once else count,
        interval_ms=interval_ms,
        wait_ms=wait_ms,
        size_bytes=size_bytes,
        create=create,
        delete=delete,
        max_p99_ms=max_p99_ms,
        confirmation=confirmation(dry_run, False, confirm),
    )


COMMAND = probe
