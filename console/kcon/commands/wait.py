"""`kcon wait`: until something is so, or a deadline passes."""

from typing import Any, ClassVar

import click

from kcon.commands.options import Duration, connection_options, output_options
from kcon.commands.request import Request, Shared
from kcon.commands.tree import leaf
from kcon.core.wait_condition import Condition, parse_condition
from kcon.errors import UsageError

FOR_MS = 300_000
INTERVAL_MS = 1_000


class Wait(Request):
    """Wait until every condition holds."""

    command: ClassVar[str] = "wait"
    conditions: tuple[Condition, ...]
    groups: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    for_ms: int = FOR_MS
    interval_ms: int = INTERVAL_MS


class _Conditions(click.ParamType[Condition]):
    name = "condition"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Condition:
        if isinstance(value, Condition):
            return value
        try:
            return parse_condition(str(value))
        except UsageError as error:
            self.fail(f"{error.message} {error.hint}", param, ctx)


@leaf("wait", options=[*output_options(), *connection_options()])
@click.argument("conditions", metavar="CONDITION...", nargs=-1, required=True, type=_Conditions())
@click.option("-g", "--group", "groups", multiple=True, metavar="GROUP", help="Whose lag or state; repeatable.")
@click.option("-t", "--topic", "topics", multiple=True, metavar="TOPIC", help="Whose partitions, a glob; repeatable.")
@click.option("--for", "for_ms", type=Duration(), default=FOR_MS, metavar="DURATION", help="At most so long; 5m.")
@click.option(
    "--every", "interval_ms", type=Duration(), default=INTERVAL_MS, metavar="DURATION", help="Look so often; 1s."
)
def wait(
    *,
    shared: Shared,
    conditions: tuple[Condition, ...],
    groups: tuple[str, ...],
    topics: tuple[str, ...],
    for_ms: int,
    interval_ms: int,
) -> Request:
    """Wait until something is so: replicas in sync, a group empty, lag gone.

    Conditions are urp, offline, moves, brokers, lag and members, compared with a number by = != < <= > or >=, and
    group=STATE. What is unknown never holds. Quote < and > from the shell. Exit 0: every condition holds; 7: one does
    not when the time is over; 3: the cluster did not answer.

    Example: kcon wait urp=0 offline=0 --for 10m

    Example: kcon wait group=empty -g billing

    Example: kcon wait 'lag<1000' -g billing --for 30m
    """
    if any(condition.subject.wants_group for condition in conditions) and not groups:
        raise click.UsageError("Say which group with --group.")
    if for_ms <= 0 or interval_ms <= 0:
        raise click.UsageError("--for and --every are more than 0.")
    return Wait(
        shared=shared, conditions=conditions, groups=groups, topics=topics, for_ms=for_ms, interval_ms=interval_ms
    )


COMMAND = wait
