"""Which groups consume, who is in them, and how far behind are they?"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from kcon.core.ids import GroupId, TopicName, TopicPartition, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import PartitionLag, offset_lag, records_lost
from kcon.core.snapshot import (
    CommittedOffset,
    GroupCommits,
    GroupDescription,
    GroupListing,
    GroupMember,
    OffsetAt,
    OffsetResult,
)
from kcon.core.typed_group import StreamsGroup
from kcon.errors import KconError, NotFoundError
from kcon.services.names import is_pattern, select_names
from kcon.services.near_names import hint_groups
from kcon.services.session import Session

OFFSET_GROUP_TYPES: Final = frozenset({"", "classic", "consumer", "streams"})
"""Kinds of groups that commit offsets; share groups keep their progress elsewhere."""
DEAD: Final = "Dead"

_First = TypeVar("_First")
_Second = TypeVar("_Second")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsFound:
    """The groups that were asked for, and the plain names that do not exist."""

    groups: list[GroupListing]
    missing: list[str]
    errors: dict[int, KconError]
    """By broker id: its groups are missing from `groups`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionScope:
    """A topic that the user named, with some of its partitions or (None) all."""

    topic: TopicName
    partitions: frozenset[int] | None = None

    def covers(self, where: TopicPartition) -> bool:
        """The partition was named."""
        return where.topic == self.topic and (self.partitions is None or where.partition in self.partitions)


@dataclass(frozen=True, slots=True, kw_only=True)
class LagReport:
    """The lag of groups by partition, sorted by group, topic and partition."""

    rows: list[PartitionLag]
    groups: dict[GroupId, GroupDescription]
    """Those that could be described."""
    group_errors: dict[GroupId, KconError]
    partition_errors: dict[tuple[GroupId, TopicPartition], KafkaError]
    """A commit or a bound that could not be read; the row is there with what is known."""
    broker_errors: dict[int, KconError] = field(default_factory=dict)
    """Brokers whose groups are missing."""


async def list_groups(
    session: Session, patterns: Sequence[str] | None = None, *, regex: bool = False, states: Collection[str] = ()
) -> GroupsFound:
    """Return groups sorted by id; patterns None: all. states: only these, in any case of letters."""
    admin = await session.admin()
    listed = await admin.list_groups()
    by_id = {listing.group: listing for listing in listed.items}
    selection = select_names(by_id, patterns, regex=regex)
    wanted = {state.lower() for state in states}
    groups = [by_id[name] for name in selection.names if not wanted or by_id[name].state.lower() in wanted]
    return GroupsFound(groups=groups, missing=selection.missing, errors=listed.errors)


async def describe_groups(
    session: Session, names: Sequence[str], *, regex: bool = False, kind: str | None = None
) -> tuple[list[GroupDescription], dict[GroupId, KconError]]:
    """Return the named groups, and why others could not be described. A group that is not there is an error.

    kind: `streams` for streams groups alone; one of another kind counts as not there.
    """
    ids = await resolve_groups(session, names, regex=regex, kind=kind)
    admin = await session.admin()
    described: Mapping[GroupId, GroupDescription | KafkaError]
    if kind == "streams":
        told = await admin.describe_streams_groups(ids)
        described = {
            group: describe_as_group(each) if isinstance(each, StreamsGroup) else each for group, each in told.items()
        }
    else:
        described = await admin.describe_groups(ids)
    found: list[GroupDescription] = []
    errors: dict[GroupId, KconError] = {}
    for group in ids:
        each = described[group]
        error = _description_error(group, each, kind)
        if error is not None:
            errors[group] = error
        elif isinstance(each, GroupDescription):
            found.append(each)
    await hint_groups(admin, errors)
    return found, errors


async def resolve_groups(
    session: Session, names: Sequence[str], *, regex: bool = False, kind: str | None = None
) -> list[GroupId]:
    """Return the ids that names and patterns mean, of one kind where it is given; a plain name needs no listing."""
    if not any(is_pattern(name, regex=regex) for name in names):
        return [group_id(name) for name in dict.fromkeys(names)]
    found = await list_groups(session, names, regex=regex)
    ids = [listing.group for listing in found.groups if kind is None or listing.group_type == kind]
    return ids + [group_id(name) for name in found.missing]


def describe_as_group(each: StreamsGroup) -> GroupDescription:
    """Return what a streams group has in common with the others; its members own tasks, so there are no partitions."""
    return GroupDescription(
        group=each.group,
        state=each.state,
        protocol_type="streams",
        protocol="",
        coordinator_id=each.coordinator_id,
        members=tuple(
            GroupMember(member_id=member.member_id, client_id=member.client_id, host=member.host)
            for member in each.members
        ),
        group_type="streams",
        generation_id=each.group_epoch,
    )


def _description_error(
    group: GroupId, described: GroupDescription | KafkaError, kind: str | None = None
) -> KconError | None:
    if isinstance(described, KafkaError):
        return group_error(group, described, kind)
    if described.error is not None:
        return described.error.as_exception(f"group {group}")
    return missing_group(group, kind) if described.state == DEAD else None


def group_error(group: GroupId, error: KafkaError, kind: str | None = None) -> KconError:
    """Return what a broker's error about a group means to a user."""
    return missing_group(group, kind) if error.name == "GROUP_ID_NOT_FOUND" else error.as_exception(f"group {group}")


def missing_group(group: GroupId, kind: str | None = None) -> NotFoundError:
    """Return the error of a group that does not exist, or not as one of a kind (`share`, `streams`)."""
    if kind is None:
        return NotFoundError(f"Group {group} does not exist.", "`kcon group list` shows the names.")
    return NotFoundError(f"There is no {kind} group {group}.", f"`kcon {kind} list` shows the names.")


async def group_lag(
    session: Session,
    names: Sequence[str] | None = None,
    *,
    regex: bool = False,
    scopes: Sequence[PartitionScope] = (),
) -> LagReport:
    """Measure the lag of groups (None: all that commit offsets) in every partition they know.

    A partition is known by a commit or by an assignment. scopes: only these partitions.
    """
    admin = await session.admin()
    broker_errors: dict[int, KconError] = {}
    if names is not None and not any(is_pattern(name, regex=regex) for name in names):
        ids = [group_id(name) for name in dict.fromkeys(names)]
    else:
        found = await list_groups(session, names, regex=regex)
        broker_errors = found.errors
        ids = [listing.group for listing in found.groups if listing.group_type in OFFSET_GROUP_TYPES]
        ids += [group_id(name) for name in found.missing]
    described, committed = await _both(admin.describe_groups(ids), admin.committed_offsets(ids))
    groups: dict[GroupId, GroupDescription] = {}
    group_errors: dict[GroupId, KconError] = {}
    commits: dict[GroupId, GroupCommits] = {}
    for group in ids:
        about, offsets = described[group], committed[group]
        if isinstance(offsets, KafkaError):
            group_errors[group] = offsets.as_exception(f"group {group}")
            continue
        error = _description_error(group, about)
        # Commits without a described group: an old simple consumer's group reads as Dead and still has them.
        if error is not None and not offsets:
            group_errors[group] = error
            continue
        if isinstance(about, GroupDescription):
            groups[group] = about
        commits[group] = offsets
    await hint_groups(admin, group_errors)
    owners = {group: _owners(groups.get(group)) for group in commits}
    wanted = {group: _places(offsets, owners[group], scopes) for group, offsets in commits.items()}
    # In their order, not as a set: neighbours of one topic cost less on the way to the brokers.
    partitions = list(dict.fromkeys(where for places in wanted.values() for where, _commit in places))
    all_bounds = await admin.list_bounds(partitions)
    rows: list[PartitionLag] = []
    partition_errors: dict[tuple[GroupId, TopicPartition], KafkaError] = {}
    for index, (group, places) in enumerate(sorted(wanted.items(), key=lambda item: item[0].raw)):
        if index % 100 == 0:
            await asyncio.sleep(0)
        mine = owners[group]
        for where, commit in sorted(places, key=lambda place: (place[0].topic.raw, place[0].partition)):
            row, problem = lag_row(group, where, commit, all_bounds[where], mine.get(where) if mine else None)
            rows.append(row)
            if problem is not None:
                partition_errors[group, where] = problem
    return LagReport(
        rows=rows,
        groups=groups,
        group_errors=group_errors,
        partition_errors=partition_errors,
        broker_errors=broker_errors,
    )


async def _both(
    first: Coroutine[object, object, _First],
    second: Coroutine[object, object, _Second],
) -> tuple[_First, _Second]:
    return await asyncio.gather(first, second)


def _owners(group: GroupDescription | None) -> dict[TopicPartition, GroupMember]:
    if group is None:
        return {}
    return {where: member for member in group.members for where in member.assignment}


def _places(
    commits: GroupCommits, owners: Mapping[TopicPartition, GroupMember], scopes: Sequence[PartitionScope]
) -> list[tuple[TopicPartition, CommittedOffset | KafkaError | None]]:
    """Return the partitions that a group knows, with what it committed there."""
    known: list[tuple[TopicPartition, CommittedOffset | KafkaError | None]] = list(commits.items())
    if owners:
        known += [(where, None) for where in owners if where not in commits]
    return [(where, commit) for where, commit in known if _in_scope(where, scopes)] if scopes else known


def _in_scope(where: TopicPartition, scopes: Sequence[PartitionScope]) -> bool:
    return not scopes or any(scope.covers(where) for scope in scopes)


def lag_row(
    group: GroupId,
    where: TopicPartition,
    commit: CommittedOffset | KafkaError | None,
    bounds: tuple[OffsetResult, OffsetResult],
    owner: GroupMember | None,
) -> tuple[PartitionLag, KafkaError | None]:
    """Return the row of one partition, and the error that keeps it from being whole."""
    start, end = bounds
    committed = commit.offset if isinstance(commit, CommittedOffset) else None
    start_offset = start.offset if isinstance(start, OffsetAt) else None
    end_offset = end.offset if isinstance(end, OffsetAt) else None
    row = PartitionLag(
        group,
        where,
        committed,
        start_offset,
        end_offset,
        offset_lag(committed, start_offset, end_offset),
        records_lost(committed, start_offset),
        *((owner.member_id, owner.client_id, owner.host) if owner else ()),
    )
    if committed is not None and start_offset is not None and end_offset is not None:
        return row, None  # Nearly always.
    return row, next((each for each in (commit, end, start) if isinstance(each, KafkaError)), None)
