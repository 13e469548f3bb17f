"""`kcon audit`: what did kcon change, when, and who agreed?"""

from typing import ClassVar

import click

from kcon.commands.options import connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf


class Audit(Request):
    """List the audit log."""

    command: ClassVar[str] = "audit"
    since: str | None = None
    """A time in the offsets mini-language, e.g. `@-1h`."""
    operations: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    count: int | None = None


@leaf("audit", options=[*output_options(), *connection_options()])
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
@click.option("--since", metavar="TIME", help="From this time on: @-1h, @14:05, @today, @2026-01-31.")
@click.option("--operation", "operations", metavar="NAME", multiple=True, help="A glob, e.g. 'topic.*'; repeatable.")
@click.option(
    "--event",
    "events",
    type=click.Choice(["authorised", "refused", "done", "failed"]),
    multiple=True,
    help="What became of it; repeatable.",
)
@click.option("-n", "--count", type=click.IntRange(min=0), metavar="N", help="The last N entries.")
def audit(
    *,
    shared: Shared,
    targets: tuple[str, ...],
    since: str | None,
    operations: tuple[str, ...],
    events: tuple[str, ...],
    count: int | None,
) -> Request:
    """List what kcon changed or refused to change, oldest first; -C for one context alone.

    Example: kcon audit --since @today

    Example: kcon audit 'orders*' --operation 'topic.*' -o json
    """
    return Audit(shared=shared, since=since, operations=operations, targets=targets, events=events, count=count)


COMMAND = audit
