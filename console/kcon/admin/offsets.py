"""Where does each partition start and end, and which record was there at a time? ListOffsets, one batch a leader.

Encoded by hand and decoded in pieces: with 40,000 partitions a generic codec would hold the loop for 0.4 s.
"""

import asyncio
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.connection import Answer
from kcon.admin.decode import Cursor, read_array, reading
from kcon.admin.encode import encode_compact_string, encode_uvarint
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
from kcon.admin.schema import entity_type
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.offset_query import MAX_TIMESTAMP, OffsetBound, OffsetQuery
from kcon.core.snapshot import OffsetAt, OffsetResult

_READ_COMMITTED_SINCE: Final = 2
_LEADER_EPOCH_SINCE: Final = 4
_FLEXIBLE_SINCE: Final = 6
_MAX_TIMESTAMP_SINCE: Final = 7
_TIMEOUT_SINCE: Final = 10


async def list_offsets(
    cluster: Cluster,
    routes: Routes,
    partitions: Collection[TopicPartition],
    at: OffsetQuery,
    *,
    read_committed: bool,
    deadline: Deadline,
) -> dict[TopicPartition, OffsetResult]:
    """Return an offset or an error for every partition, in their order."""
    code = at.value if isinstance(at, OffsetBound) else at.ms
    version_min = _MAX_TIMESTAMP_SINCE if at is MAX_TIMESTAMP else 1
    if read_committed:
        version_min = max(version_min, _READ_COMMITTED_SINCE)

    unique = list(dict.fromkeys(partitions))
    hold = cluster.settings.partitions_per_hold_max

    # Inside, a partition is its place in `unique`: hashing its name at every step would cost more than the rest.
    async def route(keys: Sequence[int], fresh: bool) -> Mapping[int, int | KafkaError]:
        return dict(zip(keys, await routes.leaders([unique[key] for key in keys], fresh, deadline), strict=True))

    async def ask(broker_id: int, keys: Sequence[int]) -> Mapping[int, OffsetResult]:
        by_topic: dict[TopicName, dict[int, int]] = {}
        last: TopicName | None = None
        places: dict[int, int] = {}
        for key in keys:
            topic, partition = unique[key]
            if topic is not last:  # Neighbours are of one topic most often, and a look-up hashes its name.
                last, places = topic, by_topic.setdefault(topic, {})
            places[partition] = key
        empty = ReadRequest(api=Api.LIST_OFFSETS, version_min=version_min)
        version = await cluster.choose_version(empty, deadline, broker_id)
        timeout_ms = int(deadline.left_ms(cluster.settings.request_timeout_ms))
        body = await _encode(
            version, by_topic, code=code, read_committed=read_committed, timeout_ms=timeout_ms, hold_max=hold
        )
        request = ReadRequest(
            api=Api.LIST_OFFSETS, encode_body=lambda _: body, version_min=version, version_max=version
        )
        answer = await cluster.send(request, deadline, broker_id)
        return await _decode(answer, {topic.raw: places for topic, places in by_topic.items()}, hold)

    told = await fan_out(
        range(len(unique)),
        route=route,
        ask=ask,
        batch_max=cluster.settings.partitions_per_request_max,
        settings=cluster.settings,
        deadline=deadline,
        needs="DESCRIBE",
    )
    return dict(zip(unique, told.values(), strict=True))


async def _encode(
    version: int,
    by_topic: Mapping[TopicName, Collection[int]],
    *,
    code: int,
    read_committed: bool,
    timeout_ms: int,
    hold_max: int,
) -> bytes:
    """Encode the body.

    replica_id:int32=-1 [isolation:int8] topics:[name [index:int32 [leader_epoch:int32=-1] time:int64 (tags)] (tags)]
    [timeout_ms:int32] (tags); lengths are varints plus one, and tags are there, in flexible versions.
    """
    flexible = version >= _FLEXIBLE_SINCE
    tail = struct.pack(">q", code) + (b"\0" if flexible else b"")
    if version >= _LEADER_EPOCH_SINCE:
        tail = _NO_EPOCH + tail
    out = bytearray(_NO_REPLICA)
    if version >= _READ_COMMITTED_SINCE:
        out.append(1 if read_committed else 0)
    out += _length(len(by_topic), flexible)
    held = 0
    pack_index = _INT32.pack
    rows: dict[tuple[int, ...], bytes] = {}  # Many topics are asked for the same partitions.
    for topic, indexes in by_topic.items():
        name = topic.encode()
        out += encode_compact_string(name) if flexible else _INT16.pack(len(name)) + name
        key = tuple(indexes)
        row = rows.get(key)
        if row is None:
            row = _length(len(key), flexible) + b"".join([pack_index(index) + tail for index in key])
            if flexible:
                row += b"\0"
            if len(key) <= _ROW_KEPT_MAX:
                rows[key] = row
        out += row
        held += len(indexes)
        if held >= hold_max:
            held = 0
            await asyncio.sleep(0)
    if version >= _TIMEOUT_SINCE:
        out += _INT32.pack(timeout_ms)
    if flexible:
        out.append(0)
    return bytes(out)


async def _decode(answer: Answer, places: Mapping[str, Mapping[int, int]], hold_max: int) -> dict[int, OffsetResult]:
    """Return the answers by place. places: by topic and partition, what was asked; anything else is passed over."""
    results: dict[int, OffsetResult] = {}
    top = entity_type(Api.LIST_OFFSETS, answer.version, "response")
    if answer.version < _FLEXIBLE_SINCE:
        for topic in read_array(top, answer.body, answer.offset, "topics"):
            place_of = places.get(topic.name, {})
            for p in topic.partitions:
                _put(results, place_of, (p.partition_index, p.error_code, p.timestamp, p.offset, _epoch(p)))
        return results
    held = 0
    with reading(top):
        cursor = Cursor(answer.body, answer.offset + 4)
        for _ in range(cursor.array_length(True) or 0):
            place_of = places.get(cursor.text(True) or "", {})
            count = cursor.array_length(True) or 0
            held += count
            _read_partitions(cursor, count, place_of, results)
            cursor.skip_tags()
            if held >= hold_max:
                held = 0
                await asyncio.sleep(0)
    return results


def _read_partitions(cursor: Cursor, count: int, place_of: Mapping[int, int], results: dict[int, OffsetResult]) -> None:
    """Read `[index:int32 error:int16 timestamp:int64 offset:int64 leader_epoch:int32 tags]`.

    As long as a partition has neither tags nor an error, its bytes have one size and are read in one sweep.
    """
    body, start = cursor.body, cursor.offset
    done = 0
    if start + count * _BARE_ROW.size <= len(body):
        for index, error, timestamp_ms, offset, epoch, tags in _BARE_ROW.iter_unpack(
            memoryview(body)[start : start + count * _BARE_ROW.size]
        ):
            if error or tags:
                break
            place = place_of.get(index)
            if place is not None:
                results[place] = _make_offset(OffsetAt, (offset, timestamp_ms, epoch))
            done += 1
        cursor.offset = start + done * _BARE_ROW.size
    for _ in range(count - done):
        _put(results, place_of, cursor.unpack(_ROW))
        cursor.skip_tags()


def _put(results: dict[int, OffsetResult], place_of: Mapping[int, int], row: tuple[Any, ...]) -> None:
    index, error_code, timestamp_ms, offset, epoch = row
    place = place_of.get(index)
    if place is not None:
        results[place] = kafka_error(error_code) if error_code else OffsetAt(offset, timestamp_ms, epoch)


def _epoch(partition: Any) -> int:
    return getattr(partition, "leader_epoch", -1)


def _length(count: int, flexible: bool) -> bytes:
    return encode_uvarint(count + 1) if flexible else _INT32.pack(count)


_ROW: Final = struct.Struct(">ihqqi")
_BARE_ROW: Final = struct.Struct(">ihqqiB")
"""A row and its count of tags."""
_ROW_KEPT_MAX: Final = 1_000
_make_offset: Final = tuple.__new__
"""Makes a named tuple without the call of its own constructor, which would double the cost of a partition."""
_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_NO_REPLICA: Final = struct.pack(">i", -1)
_NO_EPOCH: Final = struct.pack(">i", -1)
