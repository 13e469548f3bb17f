"""How are a group's offsets moved? A plan from what the cluster says, and its execution with a way back.

`apply_reset` reads the group again just before it writes, keeps an undo record first, and reports each partition.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kcon.admin.client import Admin
from kcon.core.ids import ClusterId, GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.offset_spec import FromCurrent, OffsetSpec, query_of
from kcon.core.reset_plan import PartitionState, ResetPlan, plan_reset_to
from kcon.core.reset_plan import plan_reset as plan_rows
from kcon.core.snapshot import CommittedOffset, GroupDescription, OffsetAt, OffsetResult
from kcon.errors import NotFoundError, RefusedError
from kcon.gate.permit import Operation
from kcon.gate.undo import UndoEntry
from kcon.services.groups import DEAD, PartitionScope
from kcon.services.near_names import group_not_found, topic_error
from kcon.services.session import Session

POLL_MS: Final = 500
"""How often a wait looks at the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPlace:
    """Every partition goes to one place."""

    spec: OffsetSpec
    text: str
    """As the plan shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToGroup:
    """Each partition goes where another group stands."""

    group: GroupId


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOffsets:
    """Each partition goes to its own offset, as read from a file."""

    offsets: Mapping[TopicPartition, int]
    text: str


Target = ToPlace | ToGroup | ToOffsets


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResetPlan:
    """A reset as it is shown, confirmed and applied."""

    plan: ResetPlan
    description: GroupDescription
    cluster_id: ClusterId | None
    is_relative: bool = False
    """It moves from the commits, so commits made since the plan make it wrong."""
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.OFFSETS_COMMIT

    @property
    def targets(self) -> frozenset[str]:
        """The group's raw id."""
        return frozenset({self.plan.group.raw})

    def confirmed(self, confirmed_by: str) -> "GroupResetPlan":
        """Return the plan with the word of who agreed."""
        return replace(self, confirmed_by=confirmed_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetResult:
    """What became of a reset; None for each partition that was committed."""

    results: Mapping[TopicPartition, KafkaError | None]
    undo_id: str | None
    """None: nothing was written."""


async def plan_reset(
    session: Session, group: GroupId, target: Target, scopes: Sequence[PartitionScope] = ()
) -> GroupResetPlan:
    """Plan a reset. Scope: partitions with a commit; scopes narrow it and add what they name without one.

    NotFoundError: the group has neither members nor commits and no topic is named; a named topic is missing.
    """
    admin = await session.admin()
    cluster = await admin.cluster()
    description = await describe_one(admin, group)
    commits = await read_commits(admin, group)
    source: Mapping[TopicPartition, int] | None = None
    if isinstance(target, ToOffsets):
        source = target.offsets
    elif isinstance(target, ToGroup):
        source = await _source_commits(admin, target.group)
    if description.state == DEAD and not commits and not scopes and source is None:
        raise await group_not_found(admin, group)
    places = set(source or {}) if isinstance(target, ToOffsets) else {*commits, *(source or {})}
    places = await in_scope(admin, places, scopes)
    states = await states_of(admin, places, commits, target)
    if isinstance(target, ToPlace):
        plan = plan_rows(group, target.spec, states, target=target.text)
    else:
        text = target.text if isinstance(target, ToOffsets) else f"the commits of {target.group}"
        plan = plan_reset_to(group, source or {}, states, target=text)
    return GroupResetPlan(
        plan=plan,
        description=description,
        cluster_id=cluster.cluster_id,
        is_relative=isinstance(target, ToPlace) and isinstance(target.spec, FromCurrent) and target.spec.delta != 0,
    )


async def describe_one(admin: Admin, group: GroupId) -> GroupDescription:
    """Describe one group; Dead when it does not exist. KconError when it cannot be described."""
    described = (await admin.describe_groups([group]))[group]
    if isinstance(described, KafkaError):
        if described.name == "GROUP_ID_NOT_FOUND":
            raise await group_not_found(admin, group)
        raise described.as_exception(f"group {group}")
    if described.error is not None:
        raise described.error.as_exception(f"group {group}")
    return described


Commits = dict[TopicPartition, CommittedOffset | KafkaError]


async def read_commits(admin: Admin, group: GroupId) -> Commits:
    """Return the commits of one group; an error for each that could not be read."""
    found = (await admin.committed_offsets([group]))[group]
    if isinstance(found, KafkaError):
        raise found.as_exception(f"group {group}")
    return found


async def _source_commits(admin: Admin, group: GroupId) -> dict[TopicPartition, int]:
    commits = await read_commits(admin, group)
    if not commits:
        raise NotFoundError(f"Group {group} has no commits to copy.", "`kcon group list` shows the names.")
    return {where: commit.offset for where, commit in commits.items() if isinstance(commit, CommittedOffset)}


async def in_scope(admin: Admin, places: set[TopicPartition], scopes: Sequence[PartitionScope]) -> set[TopicPartition]:
    """Narrow to what was named, and add the partitions that were named without being known."""
    if not scopes:
        return places
    chosen = {where for where in places if any(scope.covers(where) for scope in scopes)}
    infos = await admin.topics({scope.topic for scope in scopes})
    by_name = {info.name: info for info in infos}
    for scope in scopes:
        info = by_name[scope.topic]
        if info.error is not None:
            raise await topic_error(admin, scope.topic, info.error)
        existing = {part.partition for part in info.partitions}
        missing = sorted((scope.partitions or frozenset()) - existing)
        if missing:
            raise NotFoundError(
                f"Topic {scope.topic} has no partition {missing[0]}.", f"It has {len(existing)}, counted from 0."
            )
        wanted = existing if scope.partitions is None else scope.partitions
        chosen |= {TopicPartition(scope.topic, partition) for partition in wanted}
    return chosen


async def states_of(
    admin: Admin, places: set[TopicPartition], commits: Commits, target: Target
) -> list[PartitionState]:
    """Return what a plan needs to know of each place."""
    starts, ends = await asyncio.gather(admin.list_offsets(places, EARLIEST), admin.list_offsets(places, LATEST))
    query = query_of(target.spec) if isinstance(target, ToPlace) else None
    at_time: Mapping[TopicPartition, OffsetResult] = {}
    if query is not None and query not in (EARLIEST, LATEST):
        at_time = await admin.list_offsets(places, query)
    return [_state(where, commits.get(where), starts[where], ends[where], at_time.get(where)) for where in places]


def _state(
    where: TopicPartition,
    commit: CommittedOffset | KafkaError | None,
    start: OffsetResult,
    end: OffsetResult,
    at_time: OffsetResult | None,
) -> PartitionState:
    error = next((each for each in (commit, start, end, at_time) if isinstance(each, KafkaError)), None)
    # A commit that could not be read must not pass for "no commit": without bounds the row is left alone.
    readable = not isinstance(commit, KafkaError)
    return PartitionState(
        partition=where,
        committed=commit.offset if isinstance(commit, CommittedOffset) else None,
        start=start.offset if isinstance(start, OffsetAt) and readable else None,
        end=end.offset if isinstance(end, OffsetAt) and readable else None,
        at_time=at_time if isinstance(at_time, OffsetAt) else None,
        error=error,
    )


async def wait_until_empty(
    session: Session, group: GroupId, wait_ms: int, on_wait: Callable[[GroupDescription], None] | None = None
) -> None:
    """Wait until a group has no members. RefusedError when it still has some after `wait_ms`."""
    admin = await session.admin()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_ms / 1000
    while True:
        description = await describe_one(admin, group)
        if not description.is_active:
            return
        if loop.time() >= deadline:
            raise active_group(description)
        if on_wait is not None:
            on_wait(description)
        await asyncio.sleep(POLL_MS / 1000)


def active_group(description: GroupDescription, what: str = "moved") -> RefusedError:
    """Return the refusal to change a group that has members. what: `moved` or `deleted`."""
    count = len(description.members)
    members = f"{count} member{'' if count == 1 else 's'}"
    subject = "its offsets" if what == "moved" else "it"
    return RefusedError(
        f"Group {description.group} is {description.state} with {members}: {subject} cannot be {what}.",
        "Stop its members first" + (", or let kcon wait for that with --wait 5m." if what == "moved" else "."),
    )


async def apply_reset(session: Session, plan: GroupResetPlan) -> ResetResult:
    """Commit the plan's offsets. RefusedError before anything is written: the group became active, a relative
    plan is out of date, or no undo record can be kept."""
    offsets = plan.plan.offsets()
    if not offsets:
        return ResetResult(results={}, undo_id=None)
    permit = await session.authorise(plan)
    admin = await session.admin()
    group = plan.plan.group
    description = await describe_one(admin, group)
    if description.is_active:
        raise active_group(description)
    before = await read_commits(admin, group)
    if plan.is_relative:
        _require_unmoved(plan.plan, before)
    undo_id = keep_undo_record(session, group, f"reset to {plan.plan.target}", before, offsets)
    results = await admin.commit_offsets(group, offsets, permit)
    failed = {f"{where.topic.raw}/{where.partition}": error.name for where, error in results.items() if error}
    session.gate.record_result(permit, ok=not failed, detail={"undo": undo_id, "errors": failed})
    return ResetResult(results=results, undo_id=undo_id)


def _require_unmoved(plan: ResetPlan, before: Commits) -> None:
    for row in plan.changed_rows:
        commit = before.get(row.partition)
        now = commit.offset if isinstance(commit, CommittedOffset) else None
        if now != row.current:
            raise RefusedError(
                f"Group {plan.group} committed since the plan was made, and the plan is relative to that.",
                "Look at a new plan.",
            )


def keep_undo_record(
    session: Session,
    group: GroupId,
    operation: str,
    before: Commits,
    after: Mapping[TopicPartition, int | None],
) -> str:
    """Keep what is about to be overwritten; return the record's id. RefusedError when that is not possible."""
    unreadable = next((where for where in after if isinstance(before.get(where), KafkaError)), None)
    if unreadable is not None:
        raise RefusedError(
            f"The commit of {unreadable.topic}/{unreadable.partition} cannot be read, "
            "so the change could not be undone."
        )
    entries = []
    for where, offset in after.items():
        commit = before.get(where)
        entries.append(UndoEntry(where, commit if isinstance(commit, CommittedOffset) else None, offset))
    record = session.undo.save(
        cluster_id=session.gate.cluster_id,
        group=group,
        context=session.context.name,
        operation=operation,
        now_ms=session.now_ms(),
        entries=tuple(entries),
    )
    return record.id
