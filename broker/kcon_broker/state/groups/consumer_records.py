"""What do the records of groups of the new protocol (KIP-848) look like, and what does each say?

Keys name their kind in the version; every value has version 0 and is flexible (compact forms, tagged fields):

    3   group                          value: epoch, tag 0 hash of the subscribed topics
    4   group                          partition metadata of brokers before 4.1; only its tombstone is written
    5   group, member                  value: what the member told of itself
    6   group                          value: epoch of the target assignment, tag 0 when it was computed
    7   group, member                  value: the partitions that the member is to have
    8   group, member                  value: epochs, state, the partitions that it has and has to give back
    16  group, regular expression      value: the topics that it matches

Source of the formats: the ConsumerGroup*Key.json and *Value.json of Apache Kafka's group coordinator, 4.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import TypeAlias

from kcon_broker.state.groups import record_fields as fields
from kcon_broker.state.groups.record_fields import RecordReader, UnreadableRecordError
from kcon_broker.state.groups.records import CoordinatorRecord

TopicPartitions: TypeAlias = Mapping[bytes, frozenset[int]]
"""Partitions by topic id; no topic without partitions."""

PartitionEpochs: TypeAlias = Mapping[bytes, Mapping[int, int]]
"""By topic id and partition, the epoch at which the partition was assigned to the member."""

NO_PARTITIONS: Mapping[bytes, Mapping[int, int]] = MappingProxyType({})

_VALUE_VERSION = 0
_METADATA_HASH_TAG = 0
_CLASSIC_TAG = 0
_IS_PRESENT = 1
"""The byte before a struct that may be null."""
_ASSIGNED_AT_TAG = 0
_ASSIGNMENT_EPOCHS_TAG = 0


class KeyVersion(IntEnum):
    """The kind of a record, which its key carries as version."""

    GROUP_EPOCH = 3
    PARTITION_METADATA = 4
    MEMBER = 5
    TARGET_EPOCH = 6
    TARGET_MEMBER = 7
    CURRENT_MEMBER = 8
    REGULAR_EXPRESSION = 16


class MemberState(IntEnum):
    """How far a member is with its target assignment, under the numbers that records carry."""

    STABLE = 0
    """It has what its epoch's target gives it."""
    UNREVOKED_PARTITIONS = 1
    """It has to give partitions back before it moves to the next epoch."""
    UNRELEASED_PARTITIONS = 2
    """It waits for partitions that others have not given back yet."""
    UNKNOWN = 127
    """A state of a later broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicMembership:
    """What a member told that uses JoinGroup, while the group moves between the protocols."""

    session_timeout_ms: int
    protocols: tuple[tuple[str, bytes], ...]
    """Names and subscriptions, in its order of preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSubscription:
    """What a member told of itself; no expression is an empty one, or null in older records.

    classic: None for a member that uses ConsumerGroupHeartbeat.
    """

    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    topic_names: frozenset[str] = frozenset()
    topic_regex: str | None = ""
    rebalance_timeout_ms: int = -1
    server_assignor: str | None = None
    classic: ClassicMembership | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberProgress:
    """Which epoch a member has reached, and with which partitions.

    previous_epoch: accepted once more, as the answer that told the newer one may have been lost.
    assigned: what it may use; revoking: what it still has but must give back.
    """

    epoch: int = 0
    previous_epoch: int = 0
    state: MemberState = MemberState.STABLE
    assigned: PartitionEpochs = field(default_factory=lambda: NO_PARTITIONS)
    revoking: PartitionEpochs = field(default_factory=lambda: NO_PARTITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRegex:
    """The topics that a regular expression matched, when `version` of the topics was known."""

    topics: frozenset[str]
    version: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEpochRecord:
    """The group's epoch; None ends the group."""

    group_id: str
    epoch: int | None
    metadata_hash: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionMetadataRecord:
    """A leftover of an older broker; None removes it."""

    group_id: str
    is_present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """What a member told; None ends its membership."""

    group_id: str
    member_id: str
    value: MemberSubscription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEpochRecord:
    """The epoch for which the target assignment was computed, and the wall clock then; None ends it."""

    group_id: str
    epoch: int | None
    computed_at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMemberRecord:
    """What a member is to have; None: it has no target any more."""

    group_id: str
    member_id: str
    value: TopicPartitions | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentMemberRecord:
    """What a member has; None: it has left."""

    group_id: str
    member_id: str
    value: MemberProgress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexRecord:
    """What a regular expression matches; None: nobody uses it any more."""

    group_id: str
    regex: str
    value: ResolvedRegex | None


ConsumerRecord: TypeAlias = (
    GroupEpochRecord
    | PartitionMetadataRecord
    | MemberRecord
    | TargetEpochRecord
    | TargetMemberRecord
    | CurrentMemberRecord
    | RegexRecord
)


def encode_consumer_record(record: ConsumerRecord) -> CoordinatorRecord:
    """Encode a record, or its tombstone."""
    group_id = record.group_id
    match record:
        case GroupEpochRecord(epoch=epoch):
            return _key(KeyVersion.GROUP_EPOCH, group_id), None if epoch is None else _encode_epoch(
                epoch, record.metadata_hash, _METADATA_HASH_TAG
            )
        case PartitionMetadataRecord():
            assert not record.is_present, "only older brokers wrote it"
            return _key(KeyVersion.PARTITION_METADATA, group_id), None
        case MemberRecord(member_id=member_id, value=member):
            return _key(KeyVersion.MEMBER, group_id, member_id), None if member is None else _encode_member(member)
        case TargetEpochRecord(epoch=epoch):
            return _key(KeyVersion.TARGET_EPOCH, group_id), None if epoch is None else _encode_epoch(
                epoch, record.computed_at_ms, _ASSIGNED_AT_TAG
            )
        case TargetMemberRecord(member_id=member_id, value=target):
            return _key(KeyVersion.TARGET_MEMBER, group_id, member_id), None if target is None else _encode_target(
                target
            )
        case CurrentMemberRecord(member_id=member_id, value=current):
            return _key(KeyVersion.CURRENT_MEMBER, group_id, member_id), None if current is None else _encode_current(
                current
            )
        case RegexRecord(regex=regex, value=resolved):
            return _key(KeyVersion.REGULAR_EXPRESSION, group_id, regex), None if resolved is None else _encode_regex(
                resolved
            )


def decode_consumer_record(key: bytes | None, value: bytes | None) -> ConsumerRecord | None:
    """Decode a record; None where its key belongs to another kind of group.

    Raises UnreadableRecordError for bytes that contradict their version.
    """
    if key is None:
        raise UnreadableRecordError("the record has no key")
    reader = RecordReader(key)
    version = reader.int16()
    if version not in tuple(KeyVersion):
        return None
    group_id = reader.required_string(compact=False)
    body = None if value is None else _body(value)
    match KeyVersion(version):
        case KeyVersion.GROUP_EPOCH:
            epoch, metadata_hash = (None, 0) if body is None else _decode_epoch(body, _METADATA_HASH_TAG)
            return GroupEpochRecord(group_id=group_id, epoch=epoch, metadata_hash=metadata_hash)
        case KeyVersion.PARTITION_METADATA:
            return PartitionMetadataRecord(group_id=group_id, is_present=body is not None)
        case KeyVersion.TARGET_EPOCH:
            epoch, computed_at_ms = (None, 0) if body is None else _decode_epoch(body, _ASSIGNED_AT_TAG)
            return TargetEpochRecord(group_id=group_id, epoch=epoch, computed_at_ms=computed_at_ms)
        case KeyVersion.MEMBER:
            member_id = reader.required_string(compact=False)
            return MemberRecord(
                group_id=group_id, member_id=member_id, value=None if body is None else _decode_member(body)
            )
        case KeyVersion.TARGET_MEMBER:
            member_id = reader.required_string(compact=False)
            return TargetMemberRecord(
                group_id=group_id, member_id=member_id, value=None if body is None else _decode_target(body)
            )
        case KeyVersion.CURRENT_MEMBER:
            member_id = reader.required_string(compact=False)
            return CurrentMemberRecord(
                group_id=group_id, member_id=member_id, value=None if body is None else _decode_current(body)
            )
        case KeyVersion.REGULAR_EXPRESSION:
            regex = reader.required_string(compact=False)
            return RegexRecord(group_id=group_id, regex=regex, value=None if body is None else _decode_regex(body))


def _key(version: KeyVersion, *names: str) -> bytes:
    return fields.int16(version) + b"".join(map(fields.string, names))


def _body(value: bytes) -> RecordReader:
    reader = RecordReader(value)
    version = reader.int16()
    if version != _VALUE_VERSION:
        raise UnreadableRecordError(f"value version {version} is not known")
    return reader


def _encode_epoch(epoch: int, tagged: int, tag: int) -> bytes:
    """Encode an epoch with one tagged 64-bit field, which is left out when it is zero."""
    return (
        fields.int16(_VALUE_VERSION)
        + fields.int32(epoch)
        + fields.tagged_fields({tag: fields.int64(tagged)} if tagged else {})
    )


def _decode_epoch(body: RecordReader, tag: int) -> tuple[int, int]:
    epoch = body.int32()
    tagged = body.tagged_fields().get(tag)
    return epoch, 0 if tagged is None else RecordReader(tagged).int64()


def _encode_member(value: MemberSubscription) -> bytes:
    return b"".join(
        (
            fields.int16(_VALUE_VERSION),
            fields.compact_string(value.instance_id),
            fields.compact_string(value.rack_id),
            fields.compact_string(value.client_id),
            fields.compact_string(value.client_host),
            fields.string_array(sorted(value.topic_names)),
            fields.compact_string(value.topic_regex),
            fields.int32(value.rebalance_timeout_ms),
            fields.compact_string(value.server_assignor),
            # Apache Kafka takes a missing one for a member of the classic protocol.
            fields.tagged_fields({_CLASSIC_TAG: b"\0" if value.classic is None else _encode_classic(value.classic)}),
        )
    )


def _encode_classic(value: ClassicMembership) -> bytes:
    parts = [fields.int8(_IS_PRESENT), fields.int32(value.session_timeout_ms), fields.varint(len(value.protocols) + 1)]
    for name, metadata in value.protocols:
        parts += (fields.compact_string(name), fields.varint(len(metadata) + 1), metadata, fields.tagged_fields({}))
    return b"".join((*parts, fields.tagged_fields({})))


def _decode_classic(value: bytes | None) -> ClassicMembership | None:
    reader = RecordReader(value or b"\0")
    if reader.int8() != _IS_PRESENT:
        return None
    session_timeout_ms = reader.int32()
    protocols = []
    for _ in range(reader.array_length(compact=True)):
        protocols.append((reader.required_string(compact=True), reader.data(compact=True)))
        reader.tagged_fields()
    return ClassicMembership(session_timeout_ms=session_timeout_ms, protocols=tuple(protocols))


def _decode_member(body: RecordReader) -> MemberSubscription:
    return MemberSubscription(
        instance_id=body.string(compact=True),
        rack_id=body.string(compact=True),
        client_id=body.required_string(compact=True),
        client_host=body.required_string(compact=True),
        topic_names=frozenset(body.string_array()),
        topic_regex=body.string(compact=True),
        rebalance_timeout_ms=body.int32(),
        server_assignor=body.string(compact=True),
        classic=_decode_classic(body.tagged_fields().get(_CLASSIC_TAG)),
    )


def _encode_target(value: TopicPartitions) -> bytes:
    parts = [fields.int16(_VALUE_VERSION), fields.varint(len(value) + 1)]
    for topic_id, partitions in sorted(value.items()):
        parts += (topic_id, fields.int32_array(sorted(partitions)), fields.tagged_fields({}))
    return b"".join((*parts, fields.tagged_fields({})))


def _decode_target(body: RecordReader) -> TopicPartitions:
    return {
        topic_id: frozenset(epochs) for topic_id, epochs in _decode_partitions(body, assigned_epoch=0).items() if epochs
    }


def _encode_current(value: MemberProgress) -> bytes:
    return b"".join(
        (
            fields.int16(_VALUE_VERSION),
            fields.int32(value.epoch),
            fields.int32(value.previous_epoch),
            fields.int8(value.state),
            _encode_partitions(value.assigned),
            _encode_partitions(value.revoking),
            fields.tagged_fields({}),
        )
    )


def _decode_current(body: RecordReader) -> MemberProgress:
    epoch, previous_epoch, state = body.int32(), body.int32(), body.int8()
    return MemberProgress(
        epoch=epoch,
        previous_epoch=previous_epoch,
        state=MemberState(state) if state in tuple(MemberState) else MemberState.UNKNOWN,
        assigned=_decode_partitions(body, assigned_epoch=epoch),
        revoking=_decode_partitions(body, assigned_epoch=epoch),
    )


def _encode_partitions(value: PartitionEpochs) -> bytes:
    parts = [fields.varint(len(value) + 1)]
    for topic_id, epochs in sorted(value.items()):
        partitions = sorted(epochs)
        assignment_epochs = fields.int32_array([epochs[partition] for partition in partitions])
        parts += (
            topic_id,
            fields.int32_array(partitions),
            fields.tagged_fields({_ASSIGNMENT_EPOCHS_TAG: assignment_epochs}),
        )
    return b"".join(parts)


def _decode_partitions(body: RecordReader, *, assigned_epoch: int) -> PartitionEpochs:
    """Read partitions by topic; older writers did not tell at which epoch each was assigned."""
    topics: dict[bytes, Mapping[int, int]] = {}
    for _ in range(body.array_length(compact=True)):
        topic_id = body.take(16)
        partitions = body.int32_array()
        tagged = body.tagged_fields().get(_ASSIGNMENT_EPOCHS_TAG)
        epochs = (assigned_epoch,) * len(partitions) if not tagged else RecordReader(tagged).int32_array()
        if len(epochs) != len(partitions):
            raise UnreadableRecordError("the assignment epochs do not fit the partitions")
        if partitions:
            topics[topic_id] = dict(zip(partitions, epochs, strict=True))
    return topics


def _encode_regex(value: ResolvedRegex) -> bytes:
    return b"".join(
        (
            fields.int16(_VALUE_VERSION),
            fields.string_array(sorted(value.topics)),
            fields.int64(value.version),
            fields.int64(value.timestamp_ms),
            fields.tagged_fields({}),
        )
    )


def _decode_regex(body: RecordReader) -> ResolvedRegex:
    return ResolvedRegex(topics=frozenset(body.string_array()), version=body.int64(), timestamp_ms=body.int64())
