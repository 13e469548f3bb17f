"""What do the records of `__consumer_offsets` look like, and what does each say?

Kafka's own formats, so that Apache's tools and a later Apache broker read our log:

    key    int16 version 0 or 1   OffsetCommitKey: group string, topic string, partition int32
           int16 version 2        GroupMetadataKey: group string
    value  int16 version 0-4      OffsetCommitValue or GroupMetadataValue; no value is a tombstone

Version 4 of both values is the flexible one (compact strings, tagged fields; tag 0 of OffsetCommitValue is
the topic id). As Apache Kafka 4.3 does, offsets are written as version 4, or 1 where the commit carries its
own expiry, and group metadata as version 3. All older versions are read. Keys of other versions belong to
group types that are not kept here: they decode to None and are passed over.

Source of the formats: OffsetCommitKey.json, OffsetCommitValue.json, GroupMetadataKey.json and
GroupMetadataValue.json of Apache Kafka's group coordinator.
"""

import struct
import sys
from dataclasses import dataclass
from typing import NamedTuple

from kcon_broker.state.groups import record_fields as fields
from kcon_broker.state.groups.record_fields import RecordReader, UnreadableRecordError

CoordinatorRecord = tuple[bytes, bytes | None]
"""Key and value of one record of `__consumer_offsets`; a value of None deletes."""

NO_TOPIC_ID = b"\0" * 16
NO_TIMESTAMP = -1

_OFFSET_KEY_VERSIONS = (0, 1)
_GROUP_KEY_VERSION = 2
_VALUE_VERSION_MAX = 4
_FLEXIBLE_SINCE = 4
_TOPIC_ID_TAG = 0
_TOPIC_ID_HEAD = bytes((1, _TOPIC_ID_TAG, len(NO_TOPIC_ID)))
_ONE_BYTE_MAX = 0x7F
_KEY_HEAD, _VALUE_HEAD = struct.Struct(">hh"), struct.Struct(">hqiB")
_INT16, _INT32, _INT64 = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")


class CommittedOffset(NamedTuple):
    """Where a group is in one partition.

    leader_epoch: -1 where the client named none.
    commit_timestamp_ms: wall clock of the commit.
    expire_timestamp_ms: the commit's own expiry (OffsetCommit v2-4), -1 for the broker's retention.
    topic_id: all zero in records that older writers left.
    """

    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    commit_timestamp_ms: int = NO_TIMESTAMP
    expire_timestamp_ms: int = NO_TIMESTAMP
    topic_id: bytes = NO_TOPIC_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberMetadata:
    """One member as a GroupMetadataValue keeps it: its subscription under the chosen protocol only."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    subscription: bytes
    assignment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMetadata:
    """A generation of a group: members and assignment, or nobody."""

    protocol_type: str = ""
    generation: int = 0
    protocol: str | None = None
    leader: str | None = None
    state_timestamp_ms: int = NO_TIMESTAMP
    members: tuple[MemberMetadata, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetRecord:
    """A commit, or with value None the end of one."""

    group_id: str
    topic: str
    partition: int
    value: CommittedOffset | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    """A group's metadata, or with value None the end of the group."""

    group_id: str
    value: GroupMetadata | None


def encode_offset(group_id: str, topic: str, partition: int, value: CommittedOffset | None) -> CoordinatorRecord:
    """Encode a commit, or its tombstone where the value is None."""
    key = fields.int16(1) + fields.string(group_id) + fields.string(topic) + fields.int32(partition)
    if value is None:
        return key, None
    if value.expire_timestamp_ms != NO_TIMESTAMP:
        return key, _encode_expiring_offset(value)
    tagged = b"\0"
    if value.topic_id != NO_TOPIC_ID:
        tagged = bytes((1, _TOPIC_ID_TAG, len(value.topic_id))) + value.topic_id
    return key, b"".join(
        (
            fields.int16(4),
            fields.int64(value.offset),
            fields.int32(value.leader_epoch),
            fields.compact_string(value.metadata),
            fields.int64(value.commit_timestamp_ms),
            tagged,
        )
    )


def encode_group(group_id: str, value: GroupMetadata | None) -> CoordinatorRecord:
    """Encode a group's metadata, or its tombstone where the value is None."""
    key = fields.int16(_GROUP_KEY_VERSION) + fields.string(group_id)
    if value is None:
        return key, None
    parts = [
        fields.int16(3),
        fields.string(value.protocol_type),
        fields.int32(value.generation),
        fields.string(value.protocol),
        fields.string(value.leader),
        fields.int64(value.state_timestamp_ms),
        fields.int32(len(value.members)),
    ]
    for member in value.members:
        parts += (
            fields.string(member.member_id),
            fields.string(member.instance_id),
            fields.string(member.client_id),
            fields.string(member.client_host),
            fields.int32(member.rebalance_timeout_ms),
            fields.int32(member.session_timeout_ms),
            fields.data(member.subscription),
            fields.data(member.assignment),
        )
    return key, b"".join(parts)


def decode_record(key: bytes | None, value: bytes | None) -> OffsetRecord | GroupRecord | None:
    """Decode a record; None where its key belongs to another kind of group.

    Raises UnreadableRecordError for bytes that contradict their version.
    """
    if key is None:
        raise UnreadableRecordError("the record has no key")
    if value is not None and (quick := decode_quickly(key, value)) is not None:
        return quick
    return decode_carefully(key, value)


def decode_carefully(key: bytes, value: bytes | None) -> OffsetRecord | GroupRecord | None:
    """Decode a record of any version, as `decode_record` says."""
    reader = RecordReader(key)
    version = reader.int16()
    if version in _OFFSET_KEY_VERSIONS:
        return OffsetRecord(
            group_id=reader.required_string(compact=False),
            topic=reader.required_string(compact=False),
            partition=reader.int32(),
            value=None if value is None else _decode_offset(value),
        )
    if version == _GROUP_KEY_VERSION:
        return GroupRecord(
            group_id=reader.required_string(compact=False),
            value=None if value is None else _decode_group(value),
        )
    return None


def decode_quickly(key: bytes, value: bytes) -> OffsetRecord | None:
    """Read a commit as this broker writes it; None: it is something else, and takes the careful way.

    A start reads every commit there is: this takes a third of the time.

    key    version i16 = 1 | length i16 | group | length i16 | topic | partition i32
    value  version i16 = 4 | offset i64 | leader epoch i32 | length + 1 u8 | metadata | commit time i64 | tags
    tags   0, or 1, 0, 16 and the topic's id
    """
    try:
        key_version, group_size = _KEY_HEAD.unpack_from(key)
        topic_at = _KEY_HEAD.size + group_size
        topic_size = _INT16.unpack_from(key, topic_at)[0]
        partition_at = topic_at + _INT16.size + topic_size
        version, offset, leader_epoch, metadata_size = _VALUE_HEAD.unpack_from(value)
        time_at = _VALUE_HEAD.size + metadata_size - 1
        tags_at = time_at + _INT64.size
        tags = value[tags_at : tags_at + len(_TOPIC_ID_HEAD)]
        if (
            key_version != 1
            or version != _FLEXIBLE_SINCE
            or min(group_size, topic_size) < 0
            or not 1 <= metadata_size <= _ONE_BYTE_MAX
            or len(key) != partition_at + _INT32.size
            or len(value) != tags_at + (1 if tags == b"\0" else len(_TOPIC_ID_HEAD) + len(NO_TOPIC_ID))
            or tags not in (b"\0", _TOPIC_ID_HEAD)
        ):
            return None
        return OffsetRecord(
            group_id=key[_KEY_HEAD.size : topic_at].decode(),
            topic=sys.intern(key[topic_at + _INT16.size : partition_at].decode()),
            partition=_INT32.unpack_from(key, partition_at)[0],
            value=CommittedOffset(
                offset=offset,
                leader_epoch=leader_epoch,
                metadata=value[_VALUE_HEAD.size : time_at].decode(),
                commit_timestamp_ms=_INT64.unpack_from(value, time_at)[0],
                topic_id=NO_TOPIC_ID if tags == b"\0" else value[tags_at + len(_TOPIC_ID_HEAD) :],
            ),
        )
    except (struct.error, UnicodeDecodeError):
        return None


def _encode_expiring_offset(value: CommittedOffset) -> bytes:
    return b"".join(
        (
            fields.int16(1),
            fields.int64(value.offset),
            fields.string(value.metadata),
            fields.int64(value.commit_timestamp_ms),
            fields.int64(value.expire_timestamp_ms),
        )
    )


def _decode_offset(value: bytes) -> CommittedOffset:
    reader = RecordReader(value)
    version = _value_version(reader)
    flexible = version >= _FLEXIBLE_SINCE
    offset = reader.int64()
    leader_epoch = reader.int32() if version >= 3 else -1
    metadata = reader.required_string(compact=flexible)
    commit_timestamp_ms = reader.int64()
    expire_timestamp_ms = reader.int64() if version == 1 else NO_TIMESTAMP
    tagged = reader.tagged_fields() if flexible else {}
    topic_id = tagged.get(_TOPIC_ID_TAG, NO_TOPIC_ID)
    if len(topic_id) != len(NO_TOPIC_ID):
        raise UnreadableRecordError("a topic id is not sixteen bytes")
    return CommittedOffset(
        offset=offset,
        leader_epoch=leader_epoch,
        metadata=metadata,
        commit_timestamp_ms=commit_timestamp_ms,
        expire_timestamp_ms=expire_timestamp_ms,
        topic_id=topic_id,
    )


def _decode_group(value: bytes) -> GroupMetadata:
    reader = RecordReader(value)
    version = _value_version(reader)
    flexible = version >= _FLEXIBLE_SINCE
    metadata = GroupMetadata(
        protocol_type=reader.required_string(compact=flexible),
        generation=reader.int32(),
        protocol=reader.string(compact=flexible),
        leader=reader.string(compact=flexible),
        state_timestamp_ms=reader.int64() if version >= 2 else NO_TIMESTAMP,
        members=tuple(_decode_member(reader, version) for _ in range(reader.array_length(compact=flexible))),
    )
    if flexible:
        reader.tagged_fields()
    return metadata


def _decode_member(reader: RecordReader, version: int) -> MemberMetadata:
    flexible = version >= _FLEXIBLE_SINCE
    member_id = reader.required_string(compact=flexible)
    instance_id = reader.string(compact=flexible) if version >= 3 else None
    client_id = reader.required_string(compact=flexible)
    client_host = reader.required_string(compact=flexible)
    rebalance_timeout_ms = reader.int32() if version >= 1 else -1
    session_timeout_ms = reader.int32()
    member = MemberMetadata(
        member_id=member_id,
        instance_id=instance_id,
        client_id=client_id,
        client_host=client_host,
        rebalance_timeout_ms=session_timeout_ms if rebalance_timeout_ms == -1 else rebalance_timeout_ms,
        session_timeout_ms=session_timeout_ms,
        subscription=reader.data(compact=flexible),
        assignment=reader.data(compact=flexible),
    )
    if flexible:
        reader.tagged_fields()
    return member


def _value_version(reader: RecordReader) -> int:
    version = reader.int16()
    if not 0 <= version <= _VALUE_VERSION_MAX:
        raise UnreadableRecordError(f"value version {version} is not known")
    return version
