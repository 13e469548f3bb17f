"""`kcon history`: what is kept of a cluster's past, what happened, and what is different between two moments?"""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import Noun, leaf

MARK_WORDS = (
    "reset",
    "rebalance",
    "group",
    "status",
    "config",
    "leader",
    "isr",
    "broker",
    "topic",
    "change",
    "note",
    "incident",
)
SINCE = "@-24h"


class HistoryStatus(Request):
    """Tell what is kept."""

    command: ClassVar[str] = "history status"


class HistoryMarks(Request):
    """List what happened."""

    command: ClassVar[str] = "history marks"
    subjects: tuple[str, ...] = ()
    since: str = SINCE
    until: str | None = None
    kinds: tuple[str, ...] = ()
    count: int | None = None


class HistoryDiff(Request):
    """Tell what is different between two moments."""

    command: ClassVar[str] = "history diff"
    before: str
    after: str | None = None
    """None: the last look."""
    kinds: tuple[str, ...] = ()


COMMAND = Noun("history", "The cluster's past: what is kept, what happened, what is different.")


@leaf("status", parent=COMMAND, options=[*output_options(), *connection_options()])
def history_status(*, shared: Shared) -> Request:
    """Tell from when to when there is history, how much, and whether somebody writes it now.

    The console, `kcon top` and `kcon metrics` write it while they run, one of them for each cluster. Samples are kept
    every 10 seconds for a day, then a minute for a week, then 10 minutes for 90 days, up to 600 MiB a cluster;
    `[history]` in config.toml says otherwise. `--at` of lists, describe, lag and top reads it.

    Example: kcon history status
    """
    return HistoryStatus(shared=shared)


@leaf("marks", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("subjects", metavar="[NAME]...", nargs=-1)
@click.option("--since", default=SINCE, metavar="TIME", help=f"From this time on; {SINCE} by default.")
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(MARK_WORDS), help="Only these; repeatable.")
@click.option("-n", "--count", type=click.IntRange(min=0), metavar="N", help="The last N.")
def history_marks(
    *,
    shared: Shared,
    subjects: tuple[str, ...],
    since: str,
    until: str | None,
    kinds: tuple[str, ...],
    count: int | None,
) -> Request:
    """List what happened, the oldest first: resets, rebalances, settings, leaders, replicas, brokers, topics, groups.

    Also what kcon itself changed (from its audit log), and what somebody noted. NAME is a glob over topics, groups and
    brokers.

    Example: kcon history marks --since @-2h

    Example: kcon history marks billing --kind rebalance --kind reset -o json
    """
    return HistoryMarks(shared=shared, subjects=subjects, since=since, until=until, kinds=kinds, count=count)


@leaf("diff", parent=COMMAND, options=[*output_options(where=True), *connection_options()])
@click.argument("before", metavar="TIME")
@click.argument("after", metavar="[TIME]", required=False)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(("broker", "topic", "config", "group")),
    help="Only these; repeatable.",
)
def history_diff(*, shared: Shared, before: str, after: str | None, kinds: tuple[str, ...]) -> Request:
    """Tell what is different between two moments; without the second, between the first and the last look.

    Example: kcon history diff @-1h

    Example: kcon history diff @13:50 @14:10 --kind group --where 'what == "lag"'
    """
    return HistoryDiff(shared=shared, before=before, after=after, kinds=kinds)
