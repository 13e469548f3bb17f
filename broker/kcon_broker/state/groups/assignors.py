"""Which member is to have which partition? The two ways of Kafka's new group protocol.

An assignor is a pure function of what members subscribe to, how many partitions topics have and who was to have
what before; the same input gives the same answer. Every partition of a subscribed topic goes to exactly one
member that subscribes to it.

    range     members in order, each with a contiguous range of every topic: the same numbers of topics with equally
              many partitions go to the same member
    uniform   as equal as possible in number, and as little as possible moves (KIP-848)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from kcon_broker.state.groups.consumer_records import TopicPartitions

Targets: TypeAlias = dict[str, TopicPartitions]
_Partition: TypeAlias = tuple[bytes, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedMember:
    """A member as an assignor sees it: subscribed topics by id, and its target so far."""

    instance_id: str | None
    topic_ids: frozenset[bytes]
    target: TopicPartitions


Members: TypeAlias = Mapping[str, AssignedMember]
PartitionCounts: TypeAlias = Mapping[bytes, int]
Assignor: TypeAlias = Callable[[Members, PartitionCounts], Targets]


def assign_range(members: Members, partition_counts: PartitionCounts) -> Targets:
    """Give each member a contiguous range of each topic; static members come first, by instance id."""
    ordered = sorted(members, key=lambda member_id: _range_order(member_id, members[member_id]))
    shares: dict[str, dict[bytes, frozenset[int]]] = {member_id: {} for member_id in members}
    for topic_id, count in partition_counts.items():
        subscribers = [member_id for member_id in ordered if topic_id in members[member_id].topic_ids]
        if not subscribers:
            continue
        quota, extra = divmod(count, len(subscribers))
        start = 0
        for index, member_id in enumerate(subscribers):
            end = start + quota + (index < extra)
            if end > start:
                shares[member_id][topic_id] = frozenset(range(start, end))
            start = end
    return dict(shares)


def _range_order(member_id: str, member: AssignedMember) -> tuple[bool, str]:
    return (False, member.instance_id) if member.instance_id is not None else (True, member_id)


def assign_uniform(members: Members, partition_counts: PartitionCounts) -> Targets:
    """Share partitions out evenly and let members keep what they were to have."""
    if not members:
        return {}
    subscriptions = {member.topic_ids for member in members.values()}
    kept, free = _keep_valid(members, partition_counts)
    if len(subscriptions) == 1:
        _fill_to_quotas(kept, free)
    else:
        _fill_least_loaded(members, kept, free)
        _balance(members, kept)
    return {member_id: _by_topic(partitions) for member_id, partitions in kept.items()}


def _keep_valid(
    members: Members, partition_counts: PartitionCounts
) -> tuple[dict[str, list[_Partition]], list[_Partition]]:
    """Return what members may keep, in order, and the partitions that nobody has."""
    kept: dict[str, list[_Partition]] = {}
    taken: set[_Partition] = set()
    for member_id in sorted(members):
        member = members[member_id]
        partitions = [
            (topic_id, index)
            for topic_id, indexes in sorted(member.target.items())
            if topic_id in member.topic_ids
            for index in sorted(indexes)
            if index < partition_counts.get(topic_id, 0) and (topic_id, index) not in taken
        ]
        taken.update(partitions)
        kept[member_id] = partitions
    subscribed: set[bytes] = set().union(*(member.topic_ids for member in members.values()))
    free = [
        (topic_id, index)
        for topic_id in sorted(subscribed)
        for index in range(partition_counts.get(topic_id, 0))
        if (topic_id, index) not in taken
    ]
    return kept, free


def _fill_to_quotas(kept: dict[str, list[_Partition]], free: list[_Partition]) -> None:
    """Cut members with too much to their quota and fill the others; all subscribe to the same topics."""
    quota, extra = divmod(sum(map(len, kept.values())) + len(free), len(kept))
    # Who has most keeps the odd ones, so that fewer partitions move.
    ordered = sorted(kept, key=lambda member_id: (-len(kept[member_id]), member_id))
    quotas = {member_id: quota + (index < extra) for index, member_id in enumerate(ordered)}
    for member_id, partitions in kept.items():
        free += partitions[quotas[member_id] :]
        del partitions[quotas[member_id] :]
    start = 0
    for member_id in ordered:
        end = start + quotas[member_id] - len(kept[member_id])
        kept[member_id] += free[start:end]
        start = end
    assert start == len(free), "the quotas add up to all partitions"


def _subscribers(members: Members) -> dict[bytes, list[str]]:
    subscribers: dict[bytes, list[str]] = {}
    for member_id in sorted(members):
        for topic_id in members[member_id].topic_ids:
            subscribers.setdefault(topic_id, []).append(member_id)
    return subscribers


def _fill_least_loaded(members: Members, kept: dict[str, list[_Partition]], free: list[_Partition]) -> None:
    """Give each free partition to its subscriber with the fewest; topics that few can take go first."""
    subscribers = _subscribers(members)
    for topic_id, index in sorted(free, key=lambda partition: (len(subscribers[partition[0]]), partition)):
        least = min(subscribers[topic_id], key=lambda member_id: (len(kept[member_id]), member_id))
        kept[least].append((topic_id, index))


def _balance(members: Members, kept: dict[str, list[_Partition]]) -> None:
    """Move single partitions to subscribers with at least two less, until no such move is left.

    Each move makes the sum of the squared sizes smaller, so it ends.
    """
    subscribers = _subscribers(members)
    has_moved = True
    while has_moved:
        has_moved = False
        smallest = min(map(len, kept.values()))
        for owner in sorted(kept, key=lambda member_id: (-len(kept[member_id]), member_id)):
            if len(kept[owner]) <= smallest + 1:
                break
            for topic_id, index in list(kept[owner]):
                least = min(subscribers[topic_id], key=lambda member_id: (len(kept[member_id]), member_id))
                if len(kept[least]) + 1 < len(kept[owner]):
                    kept[owner].remove((topic_id, index))
                    kept[least].append((topic_id, index))
                    has_moved = True


def _by_topic(partitions: list[_Partition]) -> TopicPartitions:
    topics: dict[bytes, set[int]] = {}
    for topic_id, index in partitions:
        topics.setdefault(topic_id, set()).add(index)
    return {topic_id: frozenset(indexes) for topic_id, indexes in topics.items()}


ASSIGNORS: Mapping[str, Assignor] = MappingProxyType({"uniform": assign_uniform, "range": assign_range})
"""By the names that clients use; the first is the default."""
DEFAULT_ASSIGNOR = "uniform"
