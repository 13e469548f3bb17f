"""What commits does a whole batch of `__consumer_offsets` hold, read in one go?

A start reads every commit there is, nearly all of them as this broker writes them: uncompressed records of one time
without headers, with keys of version 1 and values of version 4 without metadata. Such a batch takes a quarter of the
time that its records would take one by one. Anything else in it, and the records are read one by one (`records`),
which alone decides what is readable.

    record   size varint | attributes 0 | time delta 0 | offset delta varint | key size varint | key
             value size 48 or 84 (24 or 42 bytes) | value | header count 0
    key      version i16 = 1 | length i16 | group | length i16 | topic | partition i32
    value    version i16 = 4 | offset i64 | leader epoch i32 | length + 1 u8 = 1 | commit time i64 | tags
    tags     0, or 1, 0, 16 and the topic's id
"""

import struct
import sys

from kcon_broker.state.groups.records import NO_TIMESTAMP, NO_TOPIC_ID, CommittedOffset

_KEY_HEAD = struct.Struct(">hh")
_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")
_PLAIN_VALUE = struct.Struct(">hqiBqB")
_VALUE_WITH_ID = struct.Struct(">hqiBqBBB16s")
_KEY_VERSION, _VALUE_VERSION = 1, 4
_NO_METADATA = 1
_ID_TAGS = (1, 0, len(NO_TOPIC_ID))

Commits = dict[tuple[str, str], dict[int, CommittedOffset]]
"""By group and topic, then by partition; of several for one place the last."""


def decode_commits(records: bytes, count: int) -> Commits | None:
    """Return what `count` uncompressed records say; None: there is something else among them."""
    by_prefix: dict[bytes, dict[int, CommittedOffset]] = {}
    end = at = 0
    try:
        for _ in range(count):
            size = records[at]
            at += 1
            if size >= 0x80:
                size = size & 0x7F | records[at] << 7
                at += 1
            end = at + (size >> 1)
            if size & 1 or size >> 14 or records[at] or records[at + 1]:
                return None
            at += 3 if records[at + 2] < 0x80 else 4
            if records[at - 1] >= 0x80:
                return None
            key_size = records[at]
            at += 1
            if key_size >= 0x80:
                key_size = key_size & 0x7F | records[at] << 7
                at += 1
            partition_at = at + (key_size >> 1) - _INT32.size
            value_at = partition_at + _INT32.size + 1
            if key_size & 1 or key_size >> 14 or partition_at < at or records[end - 1]:
                return None
            value_bytes = end - 1 - value_at
            if records[value_at - 1] != value_bytes << 1:
                return None
            topic_id = NO_TOPIC_ID
            if value_bytes == _VALUE_WITH_ID.size:
                version, offset, epoch, metadata, time_ms, *tags, topic_id = _VALUE_WITH_ID.unpack_from(
                    records, value_at
                )
                if (*tags,) != _ID_TAGS:
                    return None
            elif value_bytes == _PLAIN_VALUE.size:
                version, offset, epoch, metadata, time_ms, tag_count = _PLAIN_VALUE.unpack_from(records, value_at)
                if tag_count:
                    return None
            else:
                return None
            if version != _VALUE_VERSION or metadata != _NO_METADATA:
                return None
            prefix = records[at:partition_at]
            partitions = by_prefix.get(prefix)
            if partitions is None:
                partitions = by_prefix[prefix] = {}
            value = CommittedOffset(offset, epoch, "", time_ms, NO_TIMESTAMP, topic_id)
            partitions[_INT32.unpack_from(records, partition_at)[0]] = value
            at = end
        if at != len(records):
            return None
        return {_place(prefix): partitions for prefix, partitions in by_prefix.items()}
    except (IndexError, struct.error, ValueError):
        return None


def _place(prefix: bytes) -> tuple[str, str]:
    """Return the group and the topic of a key without its partition; raises ValueError or struct.error."""
    version, group_bytes = _KEY_HEAD.unpack_from(prefix)
    topic_at = _KEY_HEAD.size + group_bytes
    (topic_bytes,) = _INT16.unpack_from(prefix, topic_at)
    name_at = topic_at + _INT16.size
    if version != _KEY_VERSION or group_bytes < 0 or topic_bytes < 0 or name_at + topic_bytes != len(prefix):
        raise ValueError("the key is another one")
    return prefix[_KEY_HEAD.size : topic_at].decode(), sys.intern(prefix[name_at:].decode())
