"""Who is in a group of the new protocol (KIP-848), at which epoch, and who has which partition?

    group epoch     rises with every change of members, subscriptions or subscribed topics
    target epoch    the group epoch for which the target assignment was computed
    member epoch    the target epoch that a member has reached; it moves on its own heartbeats

All of it is durable: `apply` is the only function that changes a group, at start as in operation. Decisions are
made elsewhere (consumer_heartbeat.py), on a `Draft` where they need more than one record.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from kcon_broker.state.groups.consumer_records import (
    ConsumerRecord,
    CurrentMemberRecord,
    GroupEpochRecord,
    MemberProgress,
    MemberRecord,
    MemberState,
    MemberSubscription,
    PartitionEpochs,
    PartitionMetadataRecord,
    RegexRecord,
    ResolvedRegex,
    TargetEpochRecord,
    TargetMemberRecord,
    TopicPartitions,
    encode_consumer_record,
)
from kcon_broker.state.groups.records import CoordinatorRecord

LEFT_EPOCH = -1
"""The epoch of a member that leaves."""
STATIC_LEFT_EPOCH = -2
"""The epoch of a static member that leaves for a while and keeps its partitions (KIP-345, KIP-848)."""
_NO_EPOCH = -1
_INITIAL_EPOCH = 1
"""Not 0, which joins: a member without topics stays in the group's first epoch."""


class ConsumerGroupState(Enum):
    """The states of a group of the new protocol, under the names that Kafka's answers carry."""

    EMPTY = "Empty"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"
    STABLE = "Stable"


@dataclass(frozen=True, slots=True)
class ConsumerMember:
    """One member: what it told, and how far it is."""

    member_id: str
    subscription: MemberSubscription = field(default_factory=MemberSubscription)
    progress: MemberProgress = field(default_factory=MemberProgress)

    def is_reconciled_to(self, target_epoch: int) -> bool:
        """Say whether the member has all that the target of this epoch gives it."""
        return self.progress.state is MemberState.STABLE and self.progress.epoch == target_epoch

    def owned(self) -> TopicPartitions:
        """Return all that the member has, also what it still has to give back."""
        owned: dict[bytes, frozenset[int]] = {}
        for topics in (self.progress.assigned, self.progress.revoking):
            for topic_id, partitions in topics.items():
                owned[topic_id] = owned.get(topic_id, frozenset()) | frozenset(partitions)
        return owned

    def assignment_epoch(self, topic_id: bytes, partition: int) -> int | None:
        """Return the epoch at which the member got a partition that it still has, None if it has it not."""
        for owned in (self.progress.assigned, self.progress.revoking):
            epoch = owned.get(topic_id, {}).get(partition)
            if epoch is not None:
                return epoch
        return None


@dataclass(slots=True)
class ConsumerGroup:
    """One group.

    target: what each member is to have; owners: who has a partition now, given back or not.
    regex_users: how many members use each expression.
    """

    group_id: str
    epoch: int = _INITIAL_EPOCH
    metadata_hash: int = 0
    target_epoch: int = _INITIAL_EPOCH
    target_computed_at_ms: int = 0
    has_partition_metadata: bool = False
    members: dict[str, ConsumerMember] = field(default_factory=dict)
    static_members: dict[str, str] = field(default_factory=dict)
    target: dict[str, TopicPartitions] = field(default_factory=dict)
    owners: dict[tuple[bytes, int], str] = field(default_factory=dict)
    regexes: dict[str, ResolvedRegex] = field(default_factory=dict)
    regex_users: Counter[str] = field(default_factory=Counter)

    def copy(self) -> "ConsumerGroup":
        """Return a group that can change on its own; members and targets are values."""
        return replace(
            self,
            members=dict(self.members),
            static_members=dict(self.static_members),
            target=dict(self.target),
            owners=dict(self.owners),
            regexes=dict(self.regexes),
            regex_users=Counter(self.regex_users),
        )

    # Questions

    @property
    def state(self) -> ConsumerGroupState:
        """Say where the group stands between a change and everybody having the assignment for it."""
        if not self.members:
            return ConsumerGroupState.EMPTY
        if self.epoch > self.target_epoch:
            return ConsumerGroupState.ASSIGNING
        if all(member.is_reconciled_to(self.target_epoch) for member in self.members.values()):
            return ConsumerGroupState.STABLE
        return ConsumerGroupState.RECONCILING

    def static_member(self, instance_id: str) -> ConsumerMember | None:
        return self.members.get(self.static_members.get(instance_id, ""))

    def subscribed_topics_of(self, member: ConsumerMember) -> frozenset[str]:
        """Return the names of a member's topics; an expression that is not resolved matches none."""
        names = member.subscription.topic_names
        resolved = self.regexes.get(member.subscription.topic_regex or "")
        return names if resolved is None else names | resolved.topics

    def subscribed_topics(self) -> frozenset[str]:
        """Return the names of all members' topics."""
        names: set[str] = set()
        for member in self.members.values():
            names |= member.subscription.topic_names
        for regex in self.subscribed_regexes():
            resolved = self.regexes.get(regex)
            if resolved is not None:
                names |= resolved.topics
        return frozenset(names)

    def subscribed_regexes(self) -> frozenset[str]:
        """Return the expressions that members use."""
        return frozenset(self.regex_users)

    def preferred_assignor(self, default: str) -> str:
        """Return the assignor that most members ask for."""
        votes: dict[str, int] = {}
        for member in self.members.values():
            name = member.subscription.server_assignor
            if name is not None:
                votes[name] = votes.get(name, 0) + 1
        return max(votes, key=lambda name: votes[name], default=default)

    # The durable part

    def apply(self, record: ConsumerRecord) -> None:
        """Become what the record says."""
        match record:
            case GroupEpochRecord(epoch=epoch):
                self.epoch = _NO_EPOCH if epoch is None else epoch
                self.metadata_hash = record.metadata_hash
            case PartitionMetadataRecord():
                self.has_partition_metadata = record.is_present
            case MemberRecord(member_id=member_id, value=None):
                self._forget(member_id)
            case MemberRecord(member_id=member_id, value=subscription):
                assert subscription is not None
                self._put(replace(self.members.get(member_id, ConsumerMember(member_id)), subscription=subscription))
            case TargetEpochRecord(epoch=epoch):
                self.target_epoch = _NO_EPOCH if epoch is None else epoch
                self.target_computed_at_ms = record.computed_at_ms
            case TargetMemberRecord(member_id=member_id, value=None):
                self.target.pop(member_id, None)
            case TargetMemberRecord(member_id=member_id, value=target):
                assert target is not None
                self.target[member_id] = target
            case CurrentMemberRecord(member_id=member_id, value=progress):
                self._move(member_id, progress)
            case RegexRecord(value=None):
                self.regexes.pop(record.regex, None)
            case RegexRecord(value=resolved):
                assert resolved is not None
                self.regexes[record.regex] = resolved

    def _put(self, member: ConsumerMember) -> None:
        self._count_regex(self.members.get(member.member_id), -1)
        self._count_regex(member, 1)
        self.members[member.member_id] = member
        if member.subscription.instance_id is not None:
            self.static_members[member.subscription.instance_id] = member.member_id

    def _forget(self, member_id: str) -> None:
        member = self.members.pop(member_id, None)
        if member is None:
            return
        self._release(member)
        self._count_regex(member, -1)
        instance_id = member.subscription.instance_id
        if instance_id is not None and self.static_members.get(instance_id) == member_id:
            del self.static_members[instance_id]

    def _move(self, member_id: str, progress: MemberProgress | None) -> None:
        member = self.members.get(member_id)
        if member is None:
            if progress is None:
                return
            member = ConsumerMember(member_id)
        self._release(member)
        if progress is None:
            progress = MemberProgress(epoch=LEFT_EPOCH, previous_epoch=LEFT_EPOCH)
        self._put(replace(member, progress=progress))
        for partition in _each(progress.assigned, progress.revoking):
            self.owners[partition] = member_id

    def _count_regex(self, member: ConsumerMember | None, change: int) -> None:
        regex = None if member is None else member.subscription.topic_regex
        if regex:
            self.regex_users[regex] += change
            if not self.regex_users[regex]:
                del self.regex_users[regex]

    def _release(self, member: ConsumerMember) -> None:
        for partition in _each(member.progress.assigned, member.progress.revoking):
            # While a compacted log is read two members may seem to have a partition; the later record counts.
            if self.owners.get(partition) == member.member_id:
                del self.owners[partition]

    def tombstones(self) -> Iterator[ConsumerRecord]:
        """Yield the records that end the group, in the order in which they may be read."""
        for member_id in self.members:
            yield CurrentMemberRecord(group_id=self.group_id, member_id=member_id, value=None)
        for member_id in {**self.members, **self.target}:
            yield TargetMemberRecord(group_id=self.group_id, member_id=member_id, value=None)
        yield TargetEpochRecord(group_id=self.group_id, epoch=None)
        for member_id in self.members:
            yield MemberRecord(group_id=self.group_id, member_id=member_id, value=None)
        for regex in self.regexes:
            yield RegexRecord(group_id=self.group_id, regex=regex, value=None)
        if self.has_partition_metadata:
            yield PartitionMetadataRecord(group_id=self.group_id, is_present=False)
        yield GroupEpochRecord(group_id=self.group_id, epoch=None)


class Draft:
    """A group as it will be, and the records that make it so; the live group stays as it is."""

    __slots__ = ("_is_copy", "group", "records")

    def __init__(self, group: ConsumerGroup, records: tuple[CoordinatorRecord, ...] = ()) -> None:
        """Begin with a live group, and with records that come before its own."""
        self.group = group
        self.records = list(records)
        self._is_copy = False

    def add(self, record: ConsumerRecord) -> None:
        """Write one record more; the first one makes a copy of the group."""
        if not self._is_copy:
            self.group = self.group.copy()
            self._is_copy = True
        self.group.apply(record)
        self.records.append(encode_consumer_record(record))


def _each(*owned: PartitionEpochs) -> Iterator[tuple[bytes, int]]:
    for topics in owned:
        for topic_id, partitions in topics.items():
            for partition in partitions:
                yield topic_id, partition
