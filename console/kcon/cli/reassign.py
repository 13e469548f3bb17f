"""`kcon reassign`: executes its requests and shows the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kcon.admin.client import Admin
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item, ItemError, Value
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.cli.topic import missing_topics
from kcon.commands.reassign import ReassignCancel, ReassignLogDir, ReassignPlan, ReassignStatus, ReassignUnthrottle
from kcon.commands.request import Request
from kcon.core.broker_facts import BrokerRow
from kcon.core.config_entry import ConfigResource, ResourceType
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.reassign_plan import (
    ReassignRow,
    format_plan_json,
    parse_plan_json,
    plan_reassignment,
)
from kcon.core.units import format_bytes_rate
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, NotFoundError, UsageError
from kcon.gate.permit import Operation, Permit
from kcon.services.item_changes import ItemChanges
from kcon.services.names import is_pattern, select_names
from kcon.services.session import Session
from kcon.services.throttles import Edits, find_throttles, lift, plan_throttle, set_throttle
from kcon.services.topics import find_topics

PLAN_BYTES_MAX = 256 * 1024 * 1024


async def run_reassign(request: Request, invocation: Invocation) -> int:
    """Execute one request about moves."""
    async with invocation.open_session() as session:
        match request:
            case ReassignPlan():
                return await _plan(request, invocation, session)
            case ReassignLogDir():
                from kcon.cli.reassign_logdir import run_logdir

                return await run_logdir(request, invocation, session)
            case ReassignUnthrottle():
                return await _unthrottle(request, invocation, session)
            case ReassignStatus():
                return await _status(invocation, session)
            case ReassignCancel():
                return await _cancel(request, invocation, session)
            case _:
                raise AssertionError(f"not about moves: {request.command}")


_PLAN_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="current"),
    Column(key="new"),
    Column(key="copies", right=True),
)


async def _plan(request: ReassignPlan, invocation: Invocation, session: Session) -> int:
    if request.execute:
        refuse_early(session, Operation.REASSIGN, request.confirmation)
    text = None if request.from_file is None else _read(request.from_file, invocation)
    async with invocation.deadline():
        rows, errors = await _rows(request, text, session)
    if request.export is not None:
        invocation.writer.text(format_plan_json(rows, current=request.export == "current"))
        invocation.writer.flush()
        invocation.diagnostics.item_errors(errors)
        return ExitCode.NOT_FOUND if errors else ExitCode.OK
    if not request.execute:
        return invocation.show(
            Document(
                kind="ReassignmentPlan",
                context=invocation.context.name,
                columns=_PLAN_COLUMNS,
                name_key="topic",
                items=[_row_item(row) for row in rows],
                errors=errors,
            )
        )
    moved = {row.partition: row for row in rows if row.changes}
    changes = _changes(
        {where: row.new for where, row in moved.items()},
        by_pattern=any(is_pattern(name, regex=False) for name in request.topics),
    )
    notes = [] if moved or errors else ["Every replica is there already."]
    if request.throttle_bytes_per_s is not None and moved:
        rate = request.throttle_bytes_per_s
        changes = _with_throttle(session, changes, plan_throttle(moved.values(), rate))
        notes.append(f"Throttled to {format_bytes_rate(rate)} a broker until `kcon reassign unthrottle`.")
    shape = Shape(
        kind="Reassignment",
        columns=_PLAN_COLUMNS,
        question=f"Move {len(moved):,} partitions, copying {sum(row.copies for row in moved.values()):,} replicas?",
        planned="to be moved",
        done="begun",
        what="moves",
        name_key="topic",
        errors=errors,
        notes=notes,
    )
    return await carry_out_items(
        invocation, session, request.confirmation, changes, shape, item=lambda where: _row_item(moved[where])
    )


def _with_throttle(session: Session, changes: ItemChanges[TopicPartition], edits: Edits) -> ItemChanges[TopicPartition]:
    """Let the throttle be set before the moves begin; if it cannot be, they do not."""
    begin = changes.send

    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        await set_throttle(session, edits, "-y")
        return await begin(admin, permit)

    return replace(changes, send=send)


def _row_item(row: ReassignRow) -> dict[str, Value]:
    return {
        "topic": row.partition.topic,
        "partition": row.partition.partition,
        "current": row.current,
        "new": row.new,
        "copies": row.copies,
    }


async def _rows(request: ReassignPlan, text: str | None, session: Session) -> tuple[list[ReassignRow], list[ItemError]]:
    """Return the plan, after what the user wrote or after the rule."""
    admin = await session.admin()
    if text is not None:
        wanted = parse_plan_json(text)
        names = sorted({where.topic.raw for where in wanted})
        found = await find_topics(session, names)
        current = {
            TopicPartition(topic.name, part.partition): part.replicas
            for topic in found.topics
            for part in topic.partitions
        }
        rows = [ReassignRow(where, current[where], replicas) for where, replicas in wanted.items() if where in current]
        unknown = [where for where in wanted if where not in current and where.topic.raw not in found.missing]
        errors = [
            ItemError(
                item=f"{where.topic}/{where.partition}",
                error=NotFoundError(f"Topic {where.topic} has no partition {where.partition}."),
            )
            for where in unknown
        ]
        return rows, [*missing_topics(found.missing, found.near), *errors]
    found = await find_topics(session, request.topics)
    live = [broker for broker in await admin.brokers() if not broker.fenced]
    missing = sorted(set(request.brokers) - {broker.id for broker in live})
    if missing:
        raise NotFoundError(f"Broker {missing[0]} is not live.", "`kcon broker list` shows the brokers.")
    current = {
        TopicPartition(topic.name, part.partition): part.replicas for topic in found.topics for part in topic.partitions
    }
    rows = plan_reassignment(
        current,
        brokers=request.brokers or [broker.id for broker in live],
        racks=racks_that_count(request, live),
        replication_factor=request.replication_factor,
    )
    return rows, missing_topics(found.missing, found.near)


def racks_that_count(request: ReassignPlan, brokers: Sequence[BrokerRow]) -> dict[int, str | None]:
    """Return the rack of each broker that has one; none where the user wants them ignored."""
    if request.ignore_racks:
        return {}
    return {broker.id: broker.rack.raw for broker in brokers if broker.rack is not None}


def _read(path: str, invocation: Invocation) -> str:
    try:
        if path == "-":
            data = invocation.environment.stdin.read(PLAN_BYTES_MAX + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(PLAN_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {display_safe(path)}: {error.strerror or error}.") from error
    if len(data) > PLAN_BYTES_MAX:
        raise UsageError(f"{display_safe(path)} is larger than {PLAN_BYTES_MAX:,} bytes.")
    return data.decode("utf-8", "surrogateescape")


def _changes(
    targets: Mapping[TopicPartition, Sequence[int] | None], *, by_pattern: bool
) -> ItemChanges[TopicPartition]:
    async def send(admin: Admin, permit: Permit) -> Mapping[TopicPartition, KafkaError | None]:
        return await admin.reassign(targets, permit)

    return ItemChanges(
        operation=Operation.REASSIGN,
        targets=frozenset(where.topic.raw for where in targets),
        keys=tuple(targets),
        label=lambda where: f"{where.topic.raw}/{where.partition}",
        send=send,
        by_pattern=by_pattern,
    )


_STATUS_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="replicas"),
    Column(key="adding"),
    Column(key="removing"),
)


async def _status(invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        moving = await (await session.admin()).reassignments()
        throttles = await find_throttles(session, everywhere=False)
    notes = [] if moving else ["Nothing moves."]
    if throttles:
        brokers = ", ".join(str(each.resource.name) for each in throttles if each.resource.type is ResourceType.BROKER)
        left = "" if moving else " though nothing moves: `kcon reassign unthrottle` lifts it"
        notes.append(f"Replication of brokers {brokers} is throttled{left}.")
    items: list[Item] = [
        {
            "topic": where.topic,
            "partition": where.partition,
            "replicas": each.replicas,
            "adding": each.adding,
            "removing": each.removing,
        }
        for where, each in moving.items()
    ]
    return invocation.show(
        Document(
            kind="Reassignments",
            context=invocation.context.name,
            columns=_STATUS_COLUMNS,
            name_key="topic",
            items=items,
            notes=notes,
        )
    )


_THROTTLE_COLUMNS = (Column(key="resource"), Column(key="settings"))


async def _unthrottle(request: ReassignUnthrottle, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.CONFIG_ALTER, request.confirmation)
    async with invocation.deadline():
        throttles = {each.resource: each for each in await find_throttles(session, everywhere=True)}
    shape = Shape(
        kind="ReassignmentThrottles",
        columns=_THROTTLE_COLUMNS,
        question=f"Lift the throttles of {len(throttles):,} brokers and topics?",
        planned="to be lifted",
        done="lifted",
        what="throttles",
        name_key="resource",
        notes=[] if throttles else ["Nothing is throttled."],
    )

    def item(resource: ConfigResource) -> Mapping[str, Value]:
        settings = throttles[resource].settings
        return {
            "resource": display_safe(resource.target.replace(":", " ", 1)),
            "settings": [f"{name}={value}" for name, value in settings.items()],
        }

    changes = lift(throttles.values())
    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=item)


async def _cancel(request: ReassignCancel, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.REASSIGN, request.confirmation)
    async with invocation.deadline():
        moving = await (await session.admin()).reassignments()
    chosen = set(select_names(dict.fromkeys(where.topic for where in moving), request.topics or None).names)
    mine = {where: each for where, each in moving.items() if where.topic in chosen}
    changes = _changes(
        dict.fromkeys(mine),
        by_pattern=not request.topics or any(is_pattern(name, regex=False) for name in request.topics),
    )
    shape = Shape(
        kind="ReassignmentCancel",
        columns=_STATUS_COLUMNS,
        question=f"Cancel {len(mine):,} moves?",
        planned="to be cancelled",
        done="cancelled",
        what="moves",
        name_key="topic",
        notes=[] if mine else ["Nothing moves."],
    )

    def item(where: TopicPartition) -> Mapping[str, Value]:
        each = mine[where]
        return {
            "topic": where.topic,
            "partition": where.partition,
            "replicas": each.replicas,
            "adding": each.adding,
            "removing": each.removing,
        }

    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=item)
