"""Where is each group in each partition, and who may say so?

Commits come from members of the current generation, or from anybody while the group has no members (simple
consumers and administrators, generation -1). The table itself changes only by `replay`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.consumer_protocol import CONSUMER_PROTOCOL_TYPE
from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.outcome import Moment, Outcome, Records, answered
from kcon_broker.state.groups.pending_offsets import OffsetPlace, PendingOffsets
from kcon_broker.state.groups.records import (
    NO_TIMESTAMP,
    CommittedOffset,
    CoordinatorRecord,
    encode_group,
    encode_offset,
)
from kcon_broker.wire.error_codes import ErrorCode

GROUP_ID_NOT_FOUND_SINCE = 9
"""OffsetCommit says GROUP_ID_NOT_FOUND from this version on, ILLEGAL_GENERATION before (KIP-848)."""

GROUP_ID_BYTES_MAX = 2**15 - 1
"""A record's key has a 16-bit length; compact strings of newer requests may be longer."""
_TIMESTAMP_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionCommit:
    """One partition of a commit, of a topic that exists."""

    topic: str
    topic_id: bytes
    partition: int
    offset: int
    leader_epoch: int
    metadata: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAsk:
    """What an OffsetCommit request asks; retention_ms of -1 leaves the retention to the broker."""

    group_id: str
    generation: int
    member_id: str
    instance_id: str | None
    retention_ms: int
    api_version: int
    commits: tuple[PartitionCommit, ...]


class OffsetTable:
    """The committed offsets: group, then topic, then partition."""

    def __init__(self, settings: GroupSettings) -> None:
        self._settings = settings
        self._offsets: dict[str, dict[str, dict[int, CommittedOffset]]] = {}
        self.pending = PendingOffsets()
        """Offsets of transactions that are not decided yet."""

    def of_group(self, group_id: str) -> dict[str, dict[int, CommittedOffset]]:
        """Return a group's offsets by topic and partition, to be read only."""
        return self._offsets.get(group_id, {})

    def get(self, group_id: str, topic: str, partition: int) -> CommittedOffset | None:
        return self.of_group(group_id).get(topic, {}).get(partition)

    def replay(self, group_id: str, topic: str, partition: int, value: CommittedOffset | None) -> None:
        """Apply one record; None removes."""
        if self.pending.has_any:
            self.pending.overtaken(OffsetPlace(group_id, topic, partition))
        self._put(group_id, topic, partition, value)

    def replay_all(self, group_id: str, topic: str, partitions: dict[int, CommittedOffset]) -> None:
        """Apply commits of one topic; `partitions` is kept. Only while no transaction has pending offsets."""
        assert not self.pending.has_any
        topics = self._offsets.setdefault(group_id, {})
        known = topics.get(topic)
        if known is None:
            topics[topic] = partitions
        else:
            known.update(partitions)

    def replay_end(self, producer_id: int, is_concerned: Callable[[str], bool], *, is_commit: bool) -> None:
        """Apply the marker of a transaction to the groups concerned."""
        for place, value in self.pending.end(producer_id, is_concerned, is_commit=is_commit):
            self._put(*place, value)

    def _put(self, group_id: str, topic: str, partition: int, value: CommittedOffset | None) -> None:
        if value is not None:
            self._offsets.setdefault(group_id, {}).setdefault(topic, {})[partition] = value
            return
        topics = self._offsets.get(group_id, {})
        partitions = topics.get(topic, {})
        partitions.pop(partition, None)
        if not partitions:
            topics.pop(topic, None)
        if not topics:
            self._offsets.pop(group_id, None)

    def forget(self, group_id: str) -> None:
        """Drop a group's offsets from memory, as its partition is unloaded."""
        self._offsets.pop(group_id, None)
        self.pending.forget(group_id)

    def group_ids(self) -> list[str]:
        return list(dict.fromkeys((*self._offsets, *self.pending.group_ids())))

    def commit(self, group: Group | None, ask: CommitAsk, at: Moment) -> Outcome[tuple[ErrorCode, ...]]:
        """Record the commits; the answer has an error code for each, in their order."""
        return self.record_commits(ask, self._validate_commit(group, ask), at)

    def validate_pending(self, group: Group | None, ask: CommitAsk) -> ErrorCode:
        """Judge a commit within a transaction, which may leave out who commits (KIP-447)."""
        if group is None:
            return ErrorCode.NONE if ask.generation < 0 else ErrorCode.ILLEGAL_GENERATION
        if ask.generation < 0 and (group.state is GroupState.EMPTY or is_anonymous(ask)):
            return ErrorCode.NONE
        error = group.validate_member(ask.member_id, ask.instance_id)
        if error is not ErrorCode.NONE:
            return error
        return ErrorCode.NONE if ask.generation == group.generation else ErrorCode.ILLEGAL_GENERATION

    def record_commits(self, ask: CommitAsk, refusal: ErrorCode, at: Moment) -> Outcome[tuple[ErrorCode, ...]]:
        """Record the commits unless the request is refused; the answer has an error code for each."""
        if refusal is not ErrorCode.NONE:
            return answered((refusal,) * len(ask.commits))
        errors: list[ErrorCode] = []
        records: list[CoordinatorRecord] = []
        expire_timestamp_ms = NO_TIMESTAMP
        if ask.retention_ms != -1:
            # The field is an int64, and so is what the client asks for.
            expire_timestamp_ms = min(at.wall_ms + ask.retention_ms, _TIMESTAMP_MAX)
        for commit in ask.commits:
            metadata = commit.metadata or ""
            if _utf16_length(metadata) > self._settings.offset_metadata_bytes_max:
                errors.append(ErrorCode.OFFSET_METADATA_TOO_LARGE)
                continue
            errors.append(ErrorCode.NONE)
            value = CommittedOffset(
                offset=commit.offset,
                leader_epoch=commit.leader_epoch,
                metadata=metadata,
                commit_timestamp_ms=at.wall_ms,
                expire_timestamp_ms=expire_timestamp_ms,
                topic_id=commit.topic_id,
            )
            records.append(encode_offset(ask.group_id, commit.topic, commit.partition, value))
        return Outcome(tuple(records), lambda: tuple(errors))

    def delete(
        self, group: Group | None, partitions: tuple[tuple[str, int], ...]
    ) -> Outcome[tuple[ErrorCode, tuple[ErrorCode, ...]]]:
        """Delete single offsets: the answer has the request's error, then one for each partition."""
        if group is None:
            return answered((ErrorCode.GROUP_ID_NOT_FOUND, ()))
        if group.state is not GroupState.EMPTY and group.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return answered((ErrorCode.NON_EMPTY_GROUP, ()))
        return self.delete_unsubscribed(group.group_id, group.is_subscribed_to, partitions)

    def delete_unsubscribed(
        self, group_id: str, is_subscribed_to: Callable[[str], bool], partitions: tuple[tuple[str, int], ...]
    ) -> Outcome[tuple[ErrorCode, tuple[ErrorCode, ...]]]:
        """Delete single offsets of topics that the group does not subscribe to."""
        errors = tuple(
            ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if is_subscribed_to(topic) else ErrorCode.NONE
            for topic, _ in partitions
        )
        records = tuple(
            encode_offset(group_id, topic, partition, None)
            for (topic, partition), error in zip(partitions, errors, strict=True)
            if error is ErrorCode.NONE and self.get(group_id, topic, partition) is not None
        )
        return Outcome(records, lambda: (ErrorCode.NONE, errors))

    def tombstones(self, group_id: str) -> Records:
        """Return the records that end all offsets of a group."""
        return tuple(encode_offset(group_id, topic, partition, None) for topic, partition, _ in self._entries(group_id))

    def topic_tombstones(self, group_id: str, topic: str, topic_id: bytes) -> Records:
        """Return the records that end a group's offsets of a deleted topic, not those of a namesake."""
        return tuple(
            encode_offset(group_id, topic, partition, None)
            for partition, value in self.of_group(group_id).get(topic, {}).items()
            if not any(value.topic_id) or value.topic_id == topic_id
        )

    def expired_tombstones(self, group: Group, wall_ms: int) -> Records:
        """Return the records that end a group's offsets past their retention, and the group if nothing is left.

        Retention counts from when the group lost its last member; for a group that never had one, and for
        topics that a stable group no longer subscribes to, from the commit (KIP-211).
        """
        counts_from_state = False
        if group.protocol_type is not None:
            if group.state is GroupState.EMPTY:
                counts_from_state = group.state_timestamp_ms != NO_TIMESTAMP
            elif group.state is not GroupState.STABLE or group.topics is None:
                return ()
        since_ms = group.state_timestamp_ms if counts_from_state else None
        expired, is_all = self._expired(group.group_id, group.is_subscribed_to, since_ms, wall_ms)
        if is_all and group.state is GroupState.EMPTY and not group.pending_members:
            expired.append(encode_group(group.group_id, None))
        return tuple(expired)

    def expired_of_consumer_group(
        self, group_id: str, subscribed_topics: frozenset[str], wall_ms: int
    ) -> tuple[Records, bool]:
        """Return the tombstones of a group of the new protocol, and whether no offset is left.

        Retention counts from the commit, for topics that the group does not subscribe to.
        """
        expired, is_all = self._expired(group_id, subscribed_topics.__contains__, None, wall_ms)
        return tuple(expired), is_all

    def _expired(
        self, group_id: str, is_subscribed_to: Callable[[str], bool], since_ms: int | None, wall_ms: int
    ) -> tuple[list[CoordinatorRecord], bool]:
        """Return tombstones, and whether they end all offsets; a `since_ms` of None counts from each commit."""
        expired: list[CoordinatorRecord] = []
        kept_count = 1 if self.pending.has_group(group_id) else 0
        for topic, partition, value in self._entries(group_id):
            counts_from_ms = value.commit_timestamp_ms if since_ms is None else since_ms
            is_free = not is_subscribed_to(topic) and OffsetPlace(group_id, topic, partition) not in self.pending
            if is_free and self._is_expired(value, counts_from_ms, wall_ms):
                expired.append(encode_offset(group_id, topic, partition, None))
            else:
                kept_count += 1
        return expired, kept_count == 0

    def _is_expired(self, value: CommittedOffset, since_ms: int, wall_ms: int) -> bool:
        if value.expire_timestamp_ms != NO_TIMESTAMP:
            return wall_ms >= value.expire_timestamp_ms
        return wall_ms - since_ms >= self._settings.offsets_retention_ms

    def _entries(self, group_id: str) -> Iterator[tuple[str, int, CommittedOffset]]:
        for topic, partitions in self.of_group(group_id).items():
            for partition, value in partitions.items():
                yield topic, partition, value

    def _validate_commit(self, group: Group | None, ask: CommitAsk) -> ErrorCode:
        if group is None:
            if len(ask.group_id.encode()) > GROUP_ID_BYTES_MAX:
                return ErrorCode.INVALID_GROUP_ID
            if ask.generation < 0:
                return ErrorCode.NONE
            if ask.api_version >= GROUP_ID_NOT_FOUND_SINCE:
                return ErrorCode.GROUP_ID_NOT_FOUND
            return ErrorCode.ILLEGAL_GENERATION
        if ask.generation < 0 and group.state is GroupState.EMPTY:
            return ErrorCode.NONE
        if ask.generation < 0 and not ask.member_id and ask.instance_id is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        error = group.validate_member(ask.member_id, ask.instance_id)
        if error is not ErrorCode.NONE:
            return error
        if ask.generation != group.generation:
            return ErrorCode.ILLEGAL_GENERATION
        if group.state is GroupState.COMPLETING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE


def is_anonymous(ask: CommitAsk) -> bool:
    """Say whether a commit names no member at all."""
    return ask.generation < 0 and not ask.member_id and ask.instance_id is None


def _utf16_length(text: str) -> int:
    """Return the length as Java counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-be", "surrogatepass")) // 2
