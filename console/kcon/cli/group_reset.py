"""`kcon group reset`: shows the plan of a reset, has it confirmed, and carries it out."""

from collections.abc import Mapping
from pathlib import Path

from kcon.cli.changes import Change, Outcome, carry_out, refuse_early
from kcon.cli.document import Block, Column, Document, Item, ItemError, Value, int64
from kcon.cli.group import scopes_of
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.group import GroupReset
from kcon.core.ids import GroupId, TopicPartition, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_spec import Purpose, describe_offset_spec, parse_offset_spec
from kcon.core.offsets_csv import format_offsets_csv, parse_offsets_csv
from kcon.core.reset_plan import ResetRow
from kcon.core.snapshot import GroupDescription
from kcon.core.times import format_time
from kcon.core.wire_text import display_safe
from kcon.errors import ExitCode, KconError, UsageError
from kcon.gate.permit import Operation
from kcon.services.reset_times import rows_to_date, times_at
from kcon.services.resets import (
    GroupResetPlan,
    ResetResult,
    Target,
    ToGroup,
    ToOffsets,
    ToPlace,
    active_group,
    apply_reset,
    plan_reset,
    wait_until_empty,
)
from kcon.services.session import Session

OFFSETS_FILE_BYTES_MAX = 64 * 1024 * 1024


async def run_reset(request: GroupReset, invocation: Invocation, session: Session) -> int:
    """Plan, show, confirm, apply."""
    group = group_id(request.group)
    confirmation = request.confirmation
    if not request.export:
        refuse_early(session, Operation.OFFSETS_COMMIT, confirmation)
    target = _target(request, invocation, group)
    will_write = not (confirmation.dry_run or request.export)
    if request.wait_ms is not None and will_write:
        await wait(invocation, session, group, request.wait_ms)
    async with invocation.deadline():
        plan = await plan_reset(session, group, target, scopes_of(request.topics))
    if request.export:
        return _export(plan, invocation)
    async with invocation.deadline():
        times = await times_at(session, rows_to_date(plan, every=request.with_times))
    document = _document(plan, invocation, times)

    async def apply(confirmed_by: str) -> Outcome:
        result = await apply_reset(session, plan.confirmed(confirmed_by))
        return _outcome(plan, result, invocation, times)

    count = len(plan.plan.changed_rows)
    return await carry_out(
        invocation,
        confirmation,
        Change(
            operation=plan.operation,
            targets=plan.targets,
            document=document,
            question=f"Move {count:,} {_commits_word(count)} of group {group}?",
            apply=apply,
            is_empty=count == 0,
            blocked=refusal(plan.description),
        ),
    )


def _commits_word(count: int) -> str:
    return "commit" if count == 1 else "commits"


def _target(request: GroupReset, invocation: Invocation, group: GroupId) -> Target:
    """Read where to, before anything is asked of the cluster."""
    if request.to_group is not None:
        return ToGroup(group=group_id(request.to_group))
    if request.from_file is not None:
        text = _file_text(request.from_file, invocation)
        return ToOffsets(
            offsets=parse_offsets_csv(text, group=group.raw), text=f"the offsets of {display_safe(request.from_file)}"
        )
    zone, zone_name = invocation.zone
    spec = parse_offset_spec(
        request.target or "", now_ms=invocation.environment.now_ms(), tz=zone, purpose=Purpose.RESET
    )
    return ToPlace(spec=spec, text=describe_offset_spec(spec, zone, zone_name))


def _file_text(path: str, invocation: Invocation) -> str:
    try:
        if path == "-":
            data = invocation.environment.stdin.read(OFFSETS_FILE_BYTES_MAX + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(OFFSETS_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {display_safe(path)}: {error.strerror or error}.") from error
    if len(data) > OFFSETS_FILE_BYTES_MAX:
        raise UsageError(f"{display_safe(path)} is larger than {OFFSETS_FILE_BYTES_MAX:,} bytes.")
    return data.decode("utf-8", "surrogateescape")


async def wait(invocation: Invocation, session: Session, group: GroupId, wait_ms: int) -> None:
    """Wait until the group is empty, saying so once."""
    told = False

    def tell(description: GroupDescription) -> None:
        nonlocal told
        if not told:
            count = len(description.members)
            invocation.diagnostics.note(f"Waiting for group {group} to be empty: {count} members now.")
            told = True

    await wait_until_empty(session, group, wait_ms, tell)


def _export(plan: GroupResetPlan, invocation: Invocation) -> int:
    offsets = {row.partition: row.new for row in plan.plan.rows if row.new is not None}
    invocation.writer.text(format_offsets_csv(offsets))
    invocation.writer.flush()
    for warning in plan.plan.warnings:
        invocation.diagnostics.note(warning)
    errors = _row_errors(plan)
    invocation.diagnostics.item_errors(errors)
    return ExitCode.FAILED if errors else ExitCode.OK


_COLUMNS = (
    Column(key="topic"),
    Column(key="partition", right=True),
    Column(key="current", right=True),
    Column(key="new", right=True),
    Column(key="delta", right=True, show=lambda value: f"{value:+,}" if isinstance(value, int) else show(value)),
    Column(key="lag", right=True),
    Column(key="time", drop=1),
    Column(key="note", drop=2),
)
_RESULT = Column(key="result")


def _document(
    plan: GroupResetPlan,
    invocation: Invocation,
    times: Mapping[TopicPartition, int],
    results: Mapping[TopicPartition, KafkaError | None] | None = None,
) -> Document:
    zone, zone_name = invocation.zone
    items: list[Item] = []
    for row in plan.plan.rows:
        time_ms = times.get(row.partition)
        item: dict[str, Value] = {
            "group": plan.plan.group,
            "topic": row.partition.topic,
            "partition": row.partition.partition,
            "current": int64(row.current),
            "new": int64(row.new),
            "asked": int64(row.asked),
            "delta": int64(row.delta),
            "lag": int64(row.lag),
            "time": None if time_ms is None else format_time(time_ms, zone),
            "note": ", ".join(note.value for note in row.notes) or None,
        }
        if results is not None:
            item["result"] = _result_word(row, results)
        items.append(item)
    columns = _COLUMNS if results is None else (*_COLUMNS, _RESULT)
    description = plan.description
    members = len(description.members)
    facts = [
        ("context", invocation.context.name),
        ("cluster", str(plan.cluster_id) if plan.cluster_id else show(None)),
        ("state", f"{description.state}, {members} member{'' if members == 1 else 's'}"),
        ("to", plan.plan.target),
        ("times in", zone_name),
    ]
    notes = list(plan.plan.warnings)
    if description.is_active:
        notes.append("The group is active: its offsets cannot be moved until it is empty.")
    if not plan.plan.changed_rows:
        notes.append("Nothing to change: every commit is there already.")
    return Document(
        kind="OffsetReset",
        context=invocation.context.name,
        columns=columns,
        items=items,
        blocks=[Block(heading=f"Reset of group {plan.plan.group}", facts=facts, columns=columns, rows=items)],
        name_key="topic",
        errors=_row_errors(plan),
        notes=notes,
    )


def _result_word(row: ResetRow, results: Mapping[TopicPartition, KafkaError | None]) -> str:
    if row.partition not in results:
        return "left alone"
    error = results[row.partition]
    return "committed" if error is None else error.name


def _row_errors(plan: GroupResetPlan) -> list[ItemError]:
    errors = []
    for row in plan.plan.rows:
        if row.error is not None:
            where = f"{row.partition.topic}/{row.partition.partition}"
            errors.append(ItemError(item=where, error=row.error.as_exception(where)))
    return errors


def _outcome(
    plan: GroupResetPlan, result: ResetResult, invocation: Invocation, times: Mapping[TopicPartition, int]
) -> Outcome:
    failed: list[ItemError] = []
    for where, error in result.results.items():
        if error is not None:
            name = f"{where.topic}/{where.partition}"
            failed.append(ItemError(item=name, error=error.as_exception(name)))
    done = len(result.results) - len(failed)
    notes = [f"{done:,} of {len(result.results):,} {_commits_word(len(result.results))} moved."]
    if result.undo_id is not None:
        notes.append(f"To take it back: kcon group undo {plan.plan.group} {result.undo_id}")
    return Outcome(errors=failed, notes=notes, document=_document(plan, invocation, times, result.results))


def refusal(description: GroupDescription) -> KconError | None:
    """Return why the group's offsets cannot be moved now, or None."""
    return active_group(description) if description.is_active else None
