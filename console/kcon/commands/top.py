"""`kcon top`: how much of it, how often, and until when?"""

from typing import ClassVar

import click

from kcon.commands.options import Duration, connection_options, past_options, report_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf

INTERVAL_MS = 2_000
ROWS = 8


class Top(Request):
    """Show the groups that are furthest behind, and the busiest topics."""

    command: ClassVar[str] = "top"
    interval_ms: int = INTERVAL_MS
    once: bool = False
    summary: bool = False
    rows: int = ROWS


@leaf("top", options=[*past_options(), *report_options(), *connection_options()])
@click.option("--interval", "interval_ms", type=Duration(), default=INTERVAL_MS, metavar="DURATION", help="2s.")
@click.option("--once", is_flag=True, help="Two looks, one --interval apart, and the second one is shown.")
@click.option("--summary", is_flag=True, help="The cluster alone, without its groups and topics.")
@click.option(
    "-n", "--rows", type=click.IntRange(min=1), default=ROWS, metavar="N", help=f"Groups and topics to show; {ROWS}."
)
def top(*, shared: Shared, interval_ms: int, once: bool, summary: bool, rows: int) -> Request:
    """Show live which groups are furthest behind, and which topics are busiest.

    A time lag carries a mark for its quality: exact, interpolated, at least so much, or unknown; JSON has the word.
    It goes on until ctrl-C; on a terminal each look takes the place of the one before, and `--output ndjson` writes a
    line a look.

    Example: kcon top

    Example: kcon top --once -o json | jq '.items[0].groups[0]'

    Example: kcon top --summary --interval 10s -o ndjson >> load.ndjson
    """
    if interval_ms <= 0:
        raise click.UsageError("--interval is more than 0.")
    return Top(shared=shared, interval_ms=interval_ms, once=once, summary=summary, rows=rows)


COMMAND = top
