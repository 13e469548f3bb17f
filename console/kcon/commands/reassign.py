"""`kcon reassign`: move replicas between brokers, watch them move, cancel."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import click

from kcon.commands.group import Scope, TopicScope
from kcon.commands.options import (
    confirmation,
    connection_options,
    output_options,
    parse_partitions,
    takes_confirmation,
)
from kcon.commands.request import Confirmation, Request, Shared
from kcon.commands.tree import Noun, leaf
from kcon.errors import UsageError

_F = TypeVar("_F", bound=Callable[..., Any])


class ReassignPlan(Request):
    """Plan moves, or carry them out."""

    command: ClassVar[str] = "reassign plan"
    topics: tuple[str, ...] = ()
    brokers: tuple[int, ...] = ()
    """Empty: all live ones."""
    replication_factor: int | None = None
    ignore_racks: bool = False
    from_file: str | None = None
    export: str | None = None
    """`new` or `current`: write Apache's JSON instead of a table."""
    execute: bool = False
    throttle_bytes_per_s: int | None = None
    confirmation: Confirmation = Confirmation()


class ReassignUnthrottle(Request):
    """Lift throttles."""

    command: ClassVar[str] = "reassign unthrottle"
    confirmation: Confirmation = Confirmation()


class ReassignStatus(Request):
    """Show what moves."""

    command: ClassVar[str] = "reassign status"


class ReassignCancel(Request):
    """Cancel moves."""

    command: ClassVar[str] = "reassign cancel"
    topics: tuple[str, ...] = ()
    confirmation: Confirmation = Confirmation()


class ReassignLogDir(Request):
    """Move replicas to another log dir of their broker."""

    command: ClassVar[str] = "reassign logdir"
    topics: tuple[TopicScope, ...]
    broker: int
    path: str
    confirmation: Confirmation = Confirmation()


COMMAND = Noun("reassign", "Move replicas: plan, execute, status, cancel.", {"list": "status"})

_ANSWER = [*output_options(), *connection_options()]


def _brokers(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, ...]:
    if value is None:
        return ()
    try:
        return parse_partitions(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} does not name brokers; write 1,2 or 1-3.") from error


def _takes_plan(function: _F) -> _F:
    for option in (
        click.option("--from-file", metavar="PATH", help="Take the plan from Apache's JSON; - is standard input."),
        click.option(
            "-r", "--replication-factor", type=click.IntRange(1, 32_767), metavar="N", help="So many replicas each."
        ),
        click.option("--ignore-racks", is_flag=True, help="Choose brokers without a look at their racks."),
        click.option("--brokers", callback=_brokers, metavar="IDS", help="Onto these brokers, e.g. 1,2,3; else all."),
        click.option("-t", "--topic", "topics", multiple=True, metavar="TOPIC", help="A topic, a glob; repeatable."),
    ):
        function = option(function)
    return function


def _checked(topics: tuple[str, ...], from_file: str | None, others: tuple[object, ...]) -> None:
    if bool(topics) == (from_file is not None):
        raise click.UsageError("Say what moves: topics with --topic, or a plan with --from-file.")
    if from_file is not None and any(others):
        raise click.UsageError("--from-file says where everything goes; it takes no --brokers, -r or --ignore-racks.")


@leaf("plan", parent=COMMAND, options=_ANSWER)
@_takes_plan
@click.option("--export", type=click.Choice(("new", "current")), help="Write Apache's JSON: the plan, or the way back.")
def reassign_plan(
    *,
    shared: Shared,
    topics: tuple[str, ...],
    brokers: tuple[int, ...],
    replication_factor: int | None,
    ignore_racks: bool,
    from_file: str | None,
    export: str | None,
) -> Request:
    """Show where replicas would go, moving as few as possible. Nothing is changed.

    Example: kcon reassign plan -t orders --brokers 1,2,3 -r 3
    """
    _checked(topics, from_file, (brokers, replication_factor, ignore_racks))
    return ReassignPlan(
        shared=shared,
        topics=topics,
        brokers=brokers,
        replication_factor=replication_factor,
        ignore_racks=ignore_racks,
        from_file=from_file,
        export=export,
    )


def _rate(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    from kcon.core.units import parse_bytes

    try:
        rate = parse_bytes(value.removesuffix("/s"))
    except UsageError as error:
        raise click.BadParameter(f"{value!r} is no rate; write 50MiB or 50MiB/s.") from error
    if rate <= 0:
        raise click.BadParameter("A rate is more than 0; `kcon reassign unthrottle` lifts it.")
    return rate


@leaf("execute", parent=COMMAND, options=_ANSWER)
@_takes_plan
@click.option(
    "--throttle",
    "throttle_bytes_per_s",
    callback=_rate,
    metavar="RATE",
    help="Copy at most so much a second and broker, e.g. 50MiB; stays until `reassign unthrottle`.",
)
@takes_confirmation
def reassign_execute(
    *,
    shared: Shared,
    topics: tuple[str, ...],
    brokers: tuple[int, ...],
    replication_factor: int | None,
    ignore_racks: bool,
    from_file: str | None,
    throttle_bytes_per_s: int | None,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Begin to move replicas as planned. `kcon reassign status` shows how far it is.

    Example: kcon reassign execute -t orders --brokers 1,2,3
    """
    _checked(topics, from_file, (brokers, replication_factor, ignore_racks))
    return ReassignPlan(
        shared=shared,
        topics=topics,
        brokers=brokers,
        replication_factor=replication_factor,
        ignore_racks=ignore_racks,
        from_file=from_file,
        execute=True,
        throttle_bytes_per_s=throttle_bytes_per_s,
        confirmation=confirmation(dry_run, yes, confirm),
    )


@leaf("status", parent=COMMAND, options=[*output_options(watch=True), *connection_options()])
def reassign_status(*, shared: Shared) -> Request:
    """Show the partitions on the move: which replicas come and which go.

    Example: kcon reassign status --watch
    """
    return ReassignStatus(shared=shared)


@leaf("unthrottle", parent=COMMAND, options=_ANSWER)
@takes_confirmation
def reassign_unthrottle(*, shared: Shared, dry_run: bool, yes: bool, confirm: str | None) -> Request:
    """Lift the throttles of replication from every broker and topic. Moves leave theirs behind.

    Example: kcon reassign unthrottle -y
    """
    return ReassignUnthrottle(shared=shared, confirmation=confirmation(dry_run, yes, confirm))


@leaf("cancel", parent=COMMAND, options=_ANSWER)
@click.option("-t", "--topic", "topics", multiple=True, metavar="TOPIC", help="Only of this topic, a glob; repeatable.")
@takes_confirmation
def reassign_cancel(
    *, shared: Shared, topics: tuple[str, ...], dry_run: bool, yes: bool, confirm: str | None
) -> Request:
    """Cancel moves, all or of these topics: the replicas stay where they were.

    Example: kcon reassign cancel
    """
    return ReassignCancel(shared=shared, topics=topics, confirmation=confirmation(dry_run, yes, confirm))


@leaf("logdir", parent=COMMAND, options=_ANSWER)
@click.argument("topics", metavar="TOPIC[:P]...", nargs=-1, required=True, type=Scope())
@click.option("--broker", type=click.IntRange(min=0), required=True, metavar="ID", help="The broker that has them.")
@click.option("--to", "path", required=True, metavar="PATH", help="The log dir, as `kcon broker logdirs` shows it.")
@takes_confirmation
def reassign_logdir(
    *,
    shared: Shared,
    topics: tuple[TopicScope, ...],
    broker: int,
    path: str,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
) -> Request:
    """Begin to move replicas to another log dir, thus another disk, of the same broker.

    `kcon broker logdirs ID --replicas` shows how far it is.

    Example: kcon reassign logdir orders:0,2 --broker 1 --to /disk2/kafka
    """
    return ReassignLogDir(
        shared=shared, topics=topics, broker=broker, path=path, confirmation=confirmation(dry_run, yes, confirm)
    )
