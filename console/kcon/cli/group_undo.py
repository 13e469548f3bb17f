"""`kcon group undo`: lists what can be taken back, shows the plan of an undo, and carries it out."""

from collections.abc import Mapping

from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Block, Column, Document, Item, ItemError, Value, int64
from kcon.cli.group_reset import refusal, wait
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.group import GroupUndo
from kcon.core.ids import TopicPartition, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.times import format_time
from kcon.gate.permit import Operation
from kcon.services.session import Session
from kcon.services.undo import UndoPlan, UndoRow, apply_undo, list_undo_records, plan_undo

_LIST_COLUMNS = (
    Column(key="id"),
    Column(key="group"),
    Column(key="time"),
    Column(key="operation"),
    Column(key="partitions", right=True),
    Column(key="undone"),
)


async def run_undo(request: GroupUndo, invocation: Invocation, session: Session) -> int:
    """Execute one request about taking changes back."""
    if request.list_records:
        return await _list(request, invocation, session)
    assert request.group is not None, "parsing wants a group or --list"
    group = group_id(request.group)
    refuse_early(session, Operation.OFFSETS_COMMIT, request.confirmation)
    if request.wait_ms is not None and not request.confirmation.dry_run:
        await wait(invocation, session, group, request.wait_ms)
    async with invocation.deadline():
        plan = await plan_undo(session, group, request.record_id)

    async def apply(confirmed_by: str) -> Outcome:
        result = await apply_undo(session, plan.confirmed(confirmed_by))
        return _outcome(plan, result.results, result.undo_id, invocation)

    count = sum(row.changes for row in plan.rows)
    return await carry_out(
        invocation,
        request.confirmation,
        Change(
            operation=Operation.OFFSETS_COMMIT,
            targets=plan.targets,
            document=_document(plan, invocation),
            question=f"Take {plan.record.operation} of group {group} back in {count:,} partitions?",
            apply=apply,
            is_empty=count == 0,
            blocked=refusal(plan.description),
        ),
    )


async def _list(request: GroupUndo, invocation: Invocation, session: Session) -> int:
    async with invocation.deadline():
        records = await list_undo_records(session, group_id(request.group) if request.group is not None else None)
    zone, _name = invocation.zone
    return invocation.show(
        Document(
            kind="UndoList",
            context=invocation.context.name,
            columns=_LIST_COLUMNS,
            name_key="id",
            items=[
                {
                    "id": record.id,
                    "group": record.group,
                    "time": format_time(record.created_ms, zone, milliseconds=False),
                    "operation": record.operation,
                    "partitions": len(record.entries),
                    "undone": record.undone_ms is not None,
                }
                for record in records
            ],
        )
    )


_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="current", right=True),
    Column(key="restored", right=True),
    Column(key="delta", right=True, show=lambda value: f"{value:+,}" if isinstance(value, int) else show(value)),
    Column(key="moved", right=True, drop=1),
    Column(key="lag", right=True),
    Column(key="note", drop=2),
)
_RESULT = Column(key="result")


def _document(
    plan: UndoPlan,
    invocation: Invocation,
    results: Mapping[TopicPartition, KafkaError | None] | None = None,
) -> Document:
    zone, zone_name = invocation.zone
    items: list[Item] = []
    for row in plan.rows:
        item: dict[str, Value] = {
            "group": plan.record.group,
            "topic": row.partition.topic,
            "partition": row.partition.partition,
            "current": int64(row.current),
            "restored": int64(row.restored.offset) if row.restored else None,
            "delta": int64(row.delta),
            "moved": int64(row.moved),
            "lag": int64(row.lag),
            "note": _note(row),
        }
        if results is not None:
            error = results.get(row.partition)
            word = "restored" if row.restored is not None else "deleted"
            item["result"] = "left alone" if row.partition not in results else word if error is None else error.name
        items.append(item)
    columns = _COLUMNS if results is None else (*_COLUMNS, _RESULT)
    record = plan.record
    members = len(plan.description.members)
    facts = [
        ("context", invocation.context.name),
        ("cluster", str(record.cluster_id)),
        ("state", f"{plan.description.state}, {members} member{'' if members == 1 else 's'}"),
        ("takes back", f"{record.operation} ({record.id})"),
        ("made", f"{format_time(record.created_ms, zone, milliseconds=False)} ({zone_name})"),
    ]
    return Document(
        kind="OffsetUndo",
        context=invocation.context.name,
        columns=columns,
        items=items,
        blocks=[Block(heading=f"Undo for group {record.group}", facts=facts, columns=columns, rows=items)],
        name_key="topic",
        errors=_row_errors(plan),
        notes=_notes(plan),
    )


def _note(row: UndoRow) -> str | None:
    notes = []
    if row.restored is None:
        notes.append("commit is deleted" if row.changes else "no commit, as before")
    elif not row.changes:
        notes.append("unchanged")
    if row.lost:
        notes.append(f"{row.lost:,} records before the log start are gone")
    return ", ".join(notes) or None


def _notes(plan: UndoPlan) -> list[str]:
    notes = []
    if plan.record.undone_ms is not None:
        notes.append("This change was taken back before.")
    again = sum(-row.delta for row in plan.rows if row.delta is not None and row.delta < 0)
    skipped = sum(row.delta for row in plan.rows if row.delta is not None and row.delta > 0)
    if again:
        notes.append(f"{again:,} records are read again.")
    if skipped:
        notes.append(f"{skipped:,} records are skipped.")
    if plan.description.is_active:
        notes.append("The group is active: its offsets cannot be moved until it is empty.")
    if not any(row.changes for row in plan.rows):
        notes.append("Nothing to change: every commit is as it was.")
    return notes


def _row_errors(plan: UndoPlan) -> list[ItemError]:
    errors = []
    for row in plan.rows:
        if row.error is not None:
            where = f"{row.partition.topic}/{row.partition.partition}"
            errors.append(ItemError(item=where, error=row.error.as_exception(where)))
    return errors


def _outcome(
    plan: UndoPlan,
    results: Mapping[TopicPartition, KafkaError | None],
    undo_id: str | None,
    invocation: Invocation,
) -> Outcome:
    failed: list[ItemError] = []
    for where, error in results.items():
        if error is not None:
            name = f"{where.topic}/{where.partition}"
            failed.append(ItemError(item=name, error=error.as_exception(name)))
    notes = [f"{len(results) - len(failed):,} of {len(results):,} partitions are as before."]
    if undo_id is not None:
        notes.append(f"To take that back: kcon group undo {plan.record.group} {undo_id}")
    return Outcome(errors=failed, notes=notes, document=_document(plan, invocation, results))
