"""How far behind is a share or a streams group? The report of `groups.group_lag`, for the two kinds whose members and
places other APIs tell (KIP-932, KIP-1071).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from kcon.admin.client import Admin
from kcon.core.ids import GroupId, MemberId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import PartitionLag
from kcon.core.snapshot import GroupCommits, GroupDescription, GroupMember, OffsetAt
from kcon.core.typed_group import ShareGroup, StreamsGroup, StreamsMember
from kcon.core.wire_text import WireText
from kcon.services.groups import LagReport, describe_as_group, group_error, lag_row, missing_group
from kcon.services.session import Session

SHARE, STREAMS = "share", "streams"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedLag:
    """One group of a newer kind at one moment."""

    report: LagReport
    sharers: Mapping[TopicPartition, int] = field(default_factory=dict)
    """Members of a share group that read a partition; there may be several."""
    tasks: Mapping[MemberId, str] = field(default_factory=dict)
    """What a member of a streams group does, as `active 0_0 0_1, standby 1_0`."""


async def kind_of_group(session: Session, group: GroupId) -> str | None:
    """Return what kind of group it is; None when no broker lists it."""
    listed = await (await session.admin()).list_groups()
    return next((each.group_type for each in listed.items if each.group == group), None)


async def share_lag(session: Session, group: GroupId) -> TypedLag:
    """Measure a share group: its place in a partition is the first record it is not done with."""
    admin = await session.admin()
    described, offsets = await asyncio.gather(admin.describe_share_groups([group]), admin.share_offsets([group]))
    told, places = described[group], offsets[group]
    if not isinstance(told, ShareGroup):
        return TypedLag(report=_failed(group, told, SHARE))
    if isinstance(places, KafkaError):
        return TypedLag(report=_failed(group, places, SHARE))
    sharers: dict[TopicPartition, list[GroupMember]] = {}
    members = tuple(
        GroupMember(
            member_id=each.member_id, client_id=each.client_id, host=each.host, assignment=tuple(each.assignment)
        )
        for each in told.members
    )
    for member in members:
        for where in member.assignment:
            sharers.setdefault(where, []).append(member)
    begun = {place.partition: place for place in places}
    partitions = sorted({*begun, *sharers}, key=lambda where: (where.topic.raw, where.partition))
    bounds = await admin.list_bounds(partitions)
    rows: list[PartitionLag] = []
    errors: dict[tuple[GroupId, TopicPartition], KafkaError] = {}
    for where in partitions:
        owners = sharers.get(where, [])
        place = begun.get(where)
        commit = None if place is None else place.as_commit
        row, problem = lag_row(group, where, commit, bounds[where], owners[0] if len(owners) == 1 else None)
        # What the broker says counts the records that are done with out of order.
        rows.append(row if place is None or place.lag is None else row._replace(lag=place.lag))
        if problem is not None:
            errors[group, where] = problem
    description = GroupDescription(
        group=group,
        state=told.state,
        protocol_type=SHARE,
        protocol=told.assignor,
        coordinator_id=told.coordinator_id,
        members=members,
        group_type=SHARE,
        generation_id=told.group_epoch,
    )
    report = LagReport(rows=rows, groups={group: description}, group_errors={}, partition_errors=errors)
    return TypedLag(report=report, sharers={where: len(each) for where, each in sharers.items()})


async def streams_lag(session: Session, group: GroupId) -> TypedLag:
    """Measure a streams group: it commits as consumers do; its members own tasks, not partitions."""
    admin = await session.admin()
    described, committed = await asyncio.gather(
        admin.describe_streams_groups([group]), admin.committed_offsets([group])
    )
    told, commits = described[group], committed[group]
    if not isinstance(told, StreamsGroup):
        return TypedLag(report=_failed(group, told, STREAMS))
    if isinstance(commits, KafkaError):
        return TypedLag(report=_failed(group, commits, STREAMS))
    sources = dict(told.subtopologies)
    members = tuple(_streams_member(each, sources) for each in told.members)
    description = describe_as_group(told).with_changes(members=members)
    rows, errors = await _rows(admin, group, commits, members)
    report = LagReport(rows=rows, groups={group: description}, group_errors={}, partition_errors=errors)
    return TypedLag(report=report, tasks={each.member_id: _tasks_of(each) for each in told.members})


def _streams_member(member: StreamsMember, sources: Mapping[WireText, tuple[WireText, ...]]) -> GroupMember:
    """Return a member with the partitions of its active tasks' source topics."""
    active = [task for task in member.tasks if task.role == "active"]
    return GroupMember(
        member_id=member.member_id,
        client_id=member.client_id,
        host=member.host,
        assignment=tuple(
            TopicPartition(TopicName(topic), partition)
            for task in active
            for topic in sources.get(task.subtopology, ())
            for partition in task.partitions
        ),
    )


def _tasks_of(member: StreamsMember) -> str:
    return ", ".join(
        f"{task.role} {' '.join(f'{task.subtopology}_{partition}' for partition in task.partitions)}"
        for task in member.tasks
    )


async def _rows(
    admin: Admin, group: GroupId, commits: GroupCommits, members: tuple[GroupMember, ...]
) -> tuple[list[PartitionLag], dict[tuple[GroupId, TopicPartition], KafkaError]]:
    owners = {where: member for member in members for where in member.assignment}
    partitions = sorted({*commits, *owners}, key=lambda where: (where.topic.raw, where.partition))
    bounds = await admin.list_bounds(partitions)
    rows: list[PartitionLag] = []
    errors: dict[tuple[GroupId, TopicPartition], KafkaError] = {}
    for where in partitions:
        if not any(isinstance(bound, OffsetAt) for bound in bounds[where]) and where not in commits:
            continue  # A task of several source topics has the number of the widest of them.
        row, problem = lag_row(group, where, commits.get(where), bounds[where], owners.get(where))
        rows.append(row)
        if problem is not None:
            errors[group, where] = problem
    return rows, errors


def _failed(group: GroupId, told: object, kind: str) -> LagReport:
    error = group_error(group, told, kind) if isinstance(told, KafkaError) else missing_group(group, kind)
    return LagReport(rows=[], groups={}, group_errors={group: error}, partition_errors={})
