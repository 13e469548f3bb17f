"""`kcon migrate`: shows what would move, has it confirmed, moves it, and says what was verified."""

import asyncio

from kcon.cli.changes import Change, Outcome, carry_out
from kcon.cli.document import Column, Document, Item, ItemError, int64
from kcon.cli.invocation import Invocation
from kcon.cli.topic import missing_topics
from kcon.commands.migrate import Migrate
from kcon.commands.request import Request
from kcon.core.units import format_bytes
from kcon.errors import AuthError, KconError, RefusedError, UnreachableError
from kcon.gate.permit import Operation
from kcon.services.copying import CopyCounts
from kcon.services.job_progress import check_job_name
from kcon.services.migration import GroupMoved, Migration, TopicMoved
from kcon.services.migration_groups import GroupMigration
from kcon.services.migration_plan import MigrationPlan, TopicMove, plan_migration
from kcon.services.session import Session

_PLAN_COLUMNS = (
    Column(key="kind"),
    Column(key="name"),
    Column(key="partitions", right=True),
    Column(key="offsets", right=True),
    Column(key="before", right=True, drop=1),
    Column(key="action"),
)
_REPORT_COLUMNS = (
    Column(key="kind"),
    Column(key="name"),
    Column(key="copied", right=True),
    Column(key="before", right=True, drop=1),
    Column(key="verified", right=True),
    Column(key="commits", right=True),
    Column(key="result"),
)


async def run_migrate(request: Request, invocation: Invocation) -> int:
    """Plan, confirm, move, report."""
    assert isinstance(request, Migrate)
    job = None if request.job is None else check_job_name(request.job)
    from_context, to_context = invocation.other_context(request.source), invocation.other_context(request.target)
    invocation.context = to_context  # What the command changes, and what its answer names.
    invocation.diagnostics.context = to_context.name
    async with invocation.session_on(from_context) as source, invocation.session_on(to_context) as target:
        if not request.confirmation.dry_run:
            target.gate.refuse_if_read_only(Operation.PRODUCE)
        plan = await plan_migration(
            source,
            target,
            invocation.patterns(request.patterns),
            job=job,
            replication_factor=request.replication_factor,
            wants_groups=request.groups,
        )
        return await carry_out(invocation, request.confirmation, _change(request, invocation, source, target, plan))


def _change(request: Migrate, invocation: Invocation, source: Session, target: Session, plan: MigrationPlan) -> Change:
    blocked = [move for move in plan.topics if move.is_blocked]
    error: KconError | None = None
    if blocked:
        names = ", ".join(str(move.topic.name) for move in blocked[:5])
        error = RefusedError(
            f"{len(blocked):,} topics cannot be moved: {names}.", "Name the others, or make room at the target."
        )

    async def apply(confirmed_by: str) -> Outcome:
        return await _move(request, invocation, source, target, plan, confirmed_by=confirmed_by)

    return Change(
        operation=Operation.PRODUCE,
        targets=frozenset(move.topic.name.raw for move in plan.topics),
        document=_plan_document(invocation, plan),
        question=f"Move {len(plan.topics):,} topics and {len(plan.groups):,} groups?",
        apply=apply,
        by_pattern=not request.patterns,
        is_long=True,
        is_empty=not plan.topics,
        blocked=error,
    )


def _plan_document(invocation: Invocation, plan: MigrationPlan) -> Document:
    items: list[Item] = [
        {
            "kind": "topic",
            "name": move.topic.name,
            "partitions": len(move.topic.partitions),
            "offsets": int64(move.offsets),
            "before": int64(move.copied),
            "action": f"blocked: {move.action}" if move.is_blocked else move.action,
        }
        for move in plan.topics
    ]
    items += [
        {
            "kind": "group",
            "name": move.group,
            "partitions": len(move.commits),
            "offsets": None,
            "before": None,
            "action": f"commit (it is {move.target_state.lower()} at the target)",
        }
        for move in plan.groups
    ]
    notes = [f"New topics get {plan.replication_factor} replicas. Access rights, quotas and users are not moved."]
    if plan.hidden:
        notes.append(f"{plan.hidden:,} hidden behind an open transaction are not moved; run it again later.")
    return Document(
        kind="MigrationPlan",
        context=invocation.context.name,
        columns=_PLAN_COLUMNS,
        items=items,
        errors=missing_topics(plan.missing),
        notes=notes,
    )


async def _move(
    request: Migrate,
    invocation: Invocation,
    source: Session,
    target: Session,
    plan: MigrationPlan,
    *,
    confirmed_by: str,
) -> Outcome:
    """Move topic by topic, then the groups. One that fails does not stop the others, unless nothing can work."""
    migration = Migration(
        source,
        target,
        plan,
        confirmed_by,
        verifies=request.verifies,
        bytes_per_s_max=request.bytes_per_s_max,
    )
    topics: list[TopicMoved] = []
    groups: list[GroupMoved] = []
    try:
        for move in plan.topics:
            topics.append(await _move_topic(invocation, migration, move))
        group_migration = GroupMigration(source, target, plan, confirmed_by)
        failed = {moved.topic for moved in topics if moved.error is not None}
        for group in plan.groups:
            moved_group = GroupMoved(group=group.group)
            groups.append(moved_group)
            if any(where.topic in failed for where in group.commits):
                moved_group.error = RefusedError(f"Group {group.group} waits for a topic that could not be moved.")
                continue
            try:
                groups[-1] = await group_migration.move_group(group)
            except (UnreachableError, AuthError):
                raise
            except KconError as error:
                moved_group.error = error
    except asyncio.CancelledError:
        invocation.diagnostics.end_progress()
        invocation.diagnostics.note("Interrupted: the same command goes on.")
        raise
    return _outcome(invocation, topics, groups)


async def _move_topic(invocation: Invocation, migration: Migration, move: TopicMove) -> TopicMoved:
    def show(step: str, counts: CopyCounts) -> None:
        share = counts.offsets_done * 100 // counts.offsets_total if counts.offsets_total else 100
        size = f", {format_bytes(counts.bytes)}" if counts.bytes else ""
        invocation.diagnostics.progress(f"{move.topic.name}: {step}, {share}%, {counts.copied:,} records{size}")

    try:
        return await migration.move_topic(move, show)
    except (UnreachableError, AuthError):
        raise
    except KconError as error:
        return TopicMoved(topic=move.topic.name, error=error)
    finally:
        invocation.diagnostics.end_progress()


def _outcome(invocation: Invocation, topics: list[TopicMoved], groups: list[GroupMoved]) -> Outcome:
    errors = [
        *(ItemError(item=f"topic {each.topic}", error=each.error) for each in topics if each.error is not None),
        *(ItemError(item=f"group {each.group}", error=each.error) for each in groups if each.error is not None),
    ]
    items: list[Item] = [
        {
            "kind": "topic",
            "name": each.topic,
            "copied": int64(each.copied),
            "before": int64(each.before),
            "verified": int64(each.verified),
            "commits": None,
            "result": "moved" if each.error is None else "failed",
        }
        for each in topics
    ]
    items += [
        {
            "kind": "group",
            "name": each.group,
            "copied": None,
            "before": None,
            "verified": None,
            "commits": len(each.committed),
            "result": "moved" if each.error is None else "failed",
        }
        for each in groups
    ]
    copied = sum(each.copied for each in topics)
    verified = sum(each.verified or 0 for each in topics)
    moved = sum(each.error is None for each in topics), sum(each.error is None for each in groups)
    what = f"{moved[0]:,} of {len(topics):,} topics and {moved[1]:,} of {len(groups):,} groups moved"
    return Outcome(
        errors=errors,
        notes=[
            f"{what}; {copied:,} records copied, {verified:,} read again and the same.",
        ],
        document=Document(
            kind="MigrationReport", context=invocation.context.name, columns=_REPORT_COLUMNS, items=items
        ),
    )
