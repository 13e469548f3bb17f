"""What may a member have next, on its way to the target assignment?

A member first gives back what the target takes from it and stays at its epoch meanwhile; then it moves to the
target's epoch with all its new partitions that nobody else has, and waits for the rest. So a partition never has
two owners: until its old owner says that it gave the partition up, or is gone, nobody else gets it.

    STABLE -> UNREVOKED_PARTITIONS    something must be given back first
           -> UNRELEASED_PARTITIONS   something is still with another member
           -> STABLE                  all there

Source of the rules: KIP-848 and CurrentAssignmentBuilder of Apache Kafka's group coordinator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kcon_broker.state.groups.consumer_records import (
    NO_PARTITIONS,
    MemberProgress,
    MemberState,
    PartitionEpochs,
    TopicPartitions,
)

OwnedPartitions: TypeAlias = Sequence[tuple[bytes, Sequence[int]]]
"""What a member says it has, by topic id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where a member is to go.

    topic_ids: the topics it subscribes to that exist; of others it gets nothing, whatever the target says.
    owners: who has a partition now, in the whole group.
    """

    epoch: int
    target: TopicPartitions
    topic_ids: frozenset[bytes]
    owners: Mapping[tuple[bytes, int], str]


def reconcile(
    member_id: str,
    progress: MemberProgress,
    goal: Goal,
    owned: OwnedPartitions | None,
    *,
    has_subscription_changed: bool,
) -> MemberProgress:
    """Return a member's next step, or the same progress if there is none.

    owned: None where the heartbeat did not tell, which is no proof that anything was given back.
    """
    match progress.state:
        case MemberState.STABLE:
            if progress.epoch != goal.epoch:
                return _step(member_id, progress, goal, owned)
            return _drop_unsubscribed(progress, goal, owned) if has_subscription_changed else progress
        case MemberState.UNREVOKED_PARTITIONS:
            if _owns_any(owned, progress.revoking):
                return _drop_unsubscribed(progress, goal, owned) if has_subscription_changed else progress
            return _step(member_id, progress, goal, owned)
        case MemberState.UNRELEASED_PARTITIONS | MemberState.UNKNOWN:
            return _step(member_id, progress, goal, owned)


def _step(member_id: str, progress: MemberProgress, goal: Goal, owned: OwnedPartitions | None) -> MemberProgress:
    kept: dict[bytes, Mapping[int, int]] = {}
    revoked: dict[bytes, Mapping[int, int]] = {}
    gained: dict[bytes, dict[int, int]] = {}
    is_waiting = False
    for topic_id in {**goal.target, **progress.assigned}:
        target = goal.target.get(topic_id, frozenset()) if topic_id in goal.topic_ids else frozenset()
        has = progress.assigned.get(topic_id, {})
        _put(kept, topic_id, {index: epoch for index, epoch in has.items() if index in target})
        _put(revoked, topic_id, {index: epoch for index, epoch in has.items() if index not in target})
        for index in target:
            if index in has:
                continue
            if goal.owners.get((topic_id, index), member_id) != member_id:
                is_waiting = True
            else:
                gained.setdefault(topic_id, {})[index] = goal.epoch
    if revoked and _owns_any(owned, revoked):
        return _advance(progress, progress.epoch, MemberState.UNREVOKED_PARTITIONS, kept, revoked)
    for topic_id, partitions in gained.items():
        kept[topic_id] = {**kept.get(topic_id, {}), **partitions}
    state = MemberState.UNRELEASED_PARTITIONS if is_waiting else MemberState.STABLE
    return _advance(progress, goal.epoch, state, kept, NO_PARTITIONS)


def _drop_unsubscribed(progress: MemberProgress, goal: Goal, owned: OwnedPartitions | None) -> MemberProgress:
    """Take back the partitions of topics that the member gave up, without looking at the target."""
    dropped = {topic_id: has for topic_id, has in progress.assigned.items() if topic_id not in goal.topic_ids}
    if not dropped:
        return progress
    kept = {topic_id: has for topic_id, has in progress.assigned.items() if topic_id in goal.topic_ids}
    revoking = {
        topic_id: {**progress.revoking.get(topic_id, {}), **dropped.get(topic_id, {})}
        for topic_id in {**progress.revoking, **dropped}
    }
    if _owns_any(owned, revoking):
        return _advance(progress, progress.epoch, MemberState.UNREVOKED_PARTITIONS, kept, revoking)
    return _advance(progress, progress.epoch, progress.state, kept, progress.revoking)


def _advance(
    progress: MemberProgress, epoch: int, state: MemberState, assigned: PartitionEpochs, revoking: PartitionEpochs
) -> MemberProgress:
    return MemberProgress(
        epoch=epoch,
        previous_epoch=progress.epoch,
        state=state,
        assigned=assigned,
        revoking=revoking,
    )


def _owns_any(owned: OwnedPartitions | None, partitions: PartitionEpochs) -> bool:
    if owned is None:
        return True
    return any(index in partitions.get(topic_id, {}) for topic_id, indexes in owned for index in indexes)


def _put(topics: dict[bytes, Mapping[int, int]], topic_id: bytes, partitions: Mapping[int, int]) -> None:
    if partitions:
        topics[topic_id] = partitions
