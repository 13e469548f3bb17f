"""Which topics are there, and who leads their partitions? One Metadata answer, decoded in pieces."""

import asyncio
import base64
import struct
from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeAlias

from kcon.admin.cluster import Cluster, Deadline, metadata_request
from kcon.admin.decode import Cursor, read_head, reading, struct_reader
from kcon.admin.schema import entity_type, nested_type
from kcon.core.ids import TopicName
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo, TopicInfo
from kcon.core.wire_text import WireText

_NAMES_PER_REQUEST: Final = 5_000


class KnownTopics:
    """The topics of the last answer about all, by the bytes that spelled them: seldom does one change. One event loop.

    Nothing is kept of the first answer: a short command asks once.
    """

    def __init__(self) -> None:
        self.by_name: dict[bytes, tuple[bytes, TopicInfo]] = {}
        self.version = -1
        self.is_repeated = False


async def read_topics(
    cluster: Cluster, names: Sequence[TopicName] | None, deadline: Deadline, known: KnownTopics
) -> list[TopicInfo]:
    """Return topics sorted by name (None: all), or in the order of `names`, a missing one with its error.

    known: those that are spelled as before are the same objects as before.
    """
    if names is None:
        found = await _read(cluster, None, deadline, known)
        return sorted(found, key=_RAW_NAME)
    by_name: dict[TopicName, TopicInfo] = {}
    unique = list(dict.fromkeys(names))
    for start in range(0, len(unique), _NAMES_PER_REQUEST):
        part = unique[start : start + _NAMES_PER_REQUEST]
        by_name |= {topic.name: topic for topic in await _read(cluster, [n.raw for n in part], deadline)}
    missing = kafka_error(3)
    return [by_name.get(name) or TopicInfo(name, None, False, (), missing) for name in unique]


async def _read(
    cluster: Cluster, names: Sequence[str] | None, deadline: Deadline, known: KnownTopics | None = None
) -> list[TopicInfo]:
    """known: gets all topics of this answer, where it is about all."""
    answer = await cluster.send(metadata_request(names), deadline)
    top = entity_type(answer.api, answer.version, "response")
    replicas: dict[tuple[int, ...], tuple[int, ...]] = {}  # Tens of thousands of replica lists share a few values.
    tails: _Tails = {}
    topics: list[TopicInfo] = []
    held = 0
    head, cursor, count = read_head(top, answer.body, answer.offset, "topics")
    cluster.learn(head)
    by_hand = answer.version >= _BY_HAND_SINCE
    reader = struct_reader(nested_type(top, "topics"))
    before = known.by_name if known is not None and known.version == answer.version else {}
    now: dict[bytes, tuple[bytes, TopicInfo]] = {}
    with reading(top):
        for _ in range(count):
            if by_hand:
                start = cursor.offset
                name = cursor.body[start + 3 : start + 2 + cursor.body[start + 2]]
                spelled, topic = before.get(name, _NOT_KNOWN)
                if topic is not None and cursor.body.startswith(spelled, start):
                    cursor.offset += len(spelled)
                    now[name] = (spelled, topic)
                else:
                    topic = _read_topic(cursor, answer.version, tails)
                    if known is not None and known.is_repeated:
                        now[name] = (cursor.body[start : cursor.offset], topic)
            else:
                item, cursor.offset = reader(cursor.body, cursor.offset)
                topic = _topic(item, replicas)
            topics.append(topic)
            held += len(topic.partitions) + 1
            if held >= cluster.settings.partitions_per_hold_max:
                held = 0
                await asyncio.sleep(0)
    if known is not None:
        known.by_name, known.version, known.is_repeated = now, answer.version, True
    return topics


_Tails: TypeAlias = "dict[bytes, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]"
"""The replicas, ISR and offline replicas of partitions, by the bytes that spell them."""


def _read_topic(cursor: Cursor, version: int, tails: _Tails) -> TopicInfo:
    """Read `error:int16 name [v10: id:uuid] internal:int8 partitions:[...] operations:int32 tags`.

    A partition: `error:int16 index:int32 leader:int32 epoch:int32 replicas:[int32] isr:[int32] offline:[int32] tags`.
    """
    error_code = cursor.int16()
    name = cursor.text(True)
    (topic_id,) = cursor.unpack(_UUID) if version >= _ID_SINCE else (b"",)
    (internal,) = cursor.unpack(_INT8)
    partitions = []
    count = cursor.array_length(True) or 0
    body, offset, unpack_from = cursor.body, cursor.offset, _PARTITION.unpack_from
    for _ in range(count):
        code, index, leader_id, epoch = unpack_from(body, offset)
        offset += _PARTITION.size
        end = _tail_end(body, offset)
        replicas, isr, offline = tails.get(body[offset:end]) or _read_tail(body, offset, end, tails)
        offset = end
        error = kafka_error(code).lacking("DESCRIBE") if code else None
        partitions.append(_make_partition(PartitionInfo, (index, leader_id, epoch, replicas, isr, offline, error)))
    cursor.offset = offset
    cursor.unpack(_INT32)
    cursor.skip_tags()
    partitions.sort(key=_INDEX)
    return TopicInfo(
        TopicName(WireText(name or "")),
        format_topic_id(topic_id) if any(topic_id) else None,
        bool(internal),
        tuple(partitions),
        kafka_error(error_code).lacking("DESCRIBE") if error_code else None,
    )


def _tail_end(body: bytes, offset: int) -> int:
    """Return where the three arrays of a partition and its tags end; of short arrays without reading them."""
    first = body[offset]
    at = offset + 4 * first - 3
    if 0 < first < 0x80 and 0 < body[at] < 0x80:
        at += 4 * body[at] - 3
        if 0 < body[at] < 0x80:
            at += 4 * body[at] - 3
            if body[at] == 0:
                return at + 1
    cursor = Cursor(body, offset)
    for _ in range(3):
        cursor.int32s()
    cursor.skip_tags()
    return cursor.offset


def _read_tail(
    body: bytes, offset: int, end: int, tails: _Tails
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    cursor = Cursor(body, offset)
    found = (cursor.int32s(), cursor.int32s(), cursor.int32s())
    tails[body[offset:end]] = found
    return found


def _topic(item: Any, known: dict[tuple[int, ...], tuple[int, ...]]) -> TopicInfo:
    """Convert a topic of an older version."""
    partitions = [
        PartitionInfo(
            p.partition_index,
            p.leader_id,
            getattr(p, "leader_epoch", -1),
            known.setdefault(p.replica_nodes, p.replica_nodes),
            known.setdefault(p.isr_nodes, p.isr_nodes),
            getattr(p, "offline_replicas", ()),
            kafka_error(p.error_code) if p.error_code else None,
        )
        for p in item.partitions
    ]
    partitions.sort(key=_INDEX)
    error = kafka_error(item.error_code).lacking("DESCRIBE") if item.error_code else None
    return TopicInfo(TopicName(WireText(item.name or "")), None, bool(item.is_internal), tuple(partitions), error)


_make_partition: Final = tuple.__new__
"""Makes a named tuple without the call of its own constructor, which would cost more than the rest of a partition."""
_NOT_KNOWN: Final[tuple[bytes, TopicInfo | None]] = (b"", None)
_RAW_NAME: Final = attrgetter("name.raw")
_BY_HAND_SINCE: Final = 9
"""Metadata is flexible since this version."""
_ID_SINCE: Final = 10
_UUID: Final = struct.Struct(">16s")
_INT8: Final = struct.Struct(">b")
_INT32: Final = struct.Struct(">i")
_PARTITION: Final = struct.Struct(">hiii")
_INDEX: Final = itemgetter(0)


def format_topic_id(topic_id: bytes) -> str:
    """Return Kafka's form of an id: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
