"""Where does each partition start and end, and which record was there at a time? ListOffsets, one batch a leader.

Encoded by hand and decoded in pieces: with 40,000 partitions a generic codec would hold the loop for 0.4 s.
"""

import asyncio
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.connection import Answer
from kcon.admin.decode import Cursor, read_array, reading
from kcon.admin.encode import encode_compact_string, encode_uvarint
from kcon.admin.fan_out import NETWORK_EXCEPTION, fan_out, together
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
from kcon.admin.schema import entity_type
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.offset_query import MAX_TIMESTAMP, OffsetBound, OffsetQuery
from kcon.core.snapshot import OffsetAt, OffsetResult

_READ_COMMITTED_SINCE: Final = 2
_LEADER_EPOCH_SINCE: Final = 4
FLEXIBLE_SINCE: Final = 6
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
    unique = list(dict.fromkeys(partitions))
    question = _Question(queries=(at,), read_committed=read_committed)
    (found,) = await _look_up(cluster, routes, unique, question, deadline)
    return dict(zip(unique, found, strict=True))


async def list_bounds(
    cluster: Cluster, routes: Routes, partitions: Collection[TopicPartition], deadline: Deadline
) -> dict[TopicPartition, tuple[OffsetResult, OffsetResult]]:
    """Return the start and the end of every partition, in their order; both are the error where one is."""
    unique = list(dict.fromkeys(partitions))
    question = _Question(queries=(OffsetBound.EARLIEST, OffsetBound.LATEST), read_committed=False)
    starts, ends = await _look_up(cluster, routes, unique, question, deadline)
    return dict(zip(unique, zip(starts, ends, strict=True), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked of every partition: one request each."""

    queries: Sequence[OffsetQuery]
    read_committed: bool

    @property
    def version_min(self) -> int:
        """The oldest version that can say this."""
        least = _MAX_TIMESTAMP_SINCE if MAX_TIMESTAMP in self.queries else 1
        return max(least, _READ_COMMITTED_SINCE) if self.read_committed else least

    @property
    def codes(self) -> list[int]:
        """The times as they are asked for on the wire."""
        return [each.value if isinstance(each, OffsetBound) else each.ms for each in self.queries]


async def _look_up(
    cluster: Cluster, routes: Routes, unique: Sequence[TopicPartition], question: _Question, deadline: Deadline
) -> list[list[OffsetResult]]:
    """Return for each query the answers in the order of the partitions.

    Inside, a partition is its place in `unique`: hashing its name at every step would cost more than the rest.
    """
    settings = cluster.settings
    hold = settings.partitions_per_hold_max
    tables: list[list[OffsetResult | None]] = [[None] * len(unique) for _ in question.queries]

    async def route(keys: Sequence[int], fresh: bool) -> Mapping[int, int | KafkaError]:
        return dict(zip(keys, await routes.leaders([unique[key] for key in keys], fresh, deadline), strict=True))

    async def ask(broker_id: int, keys: Sequence[int]) -> Mapping[int, bool | KafkaError]:
        by_topic = await _by_topic(unique, keys, hold)
        empty = ReadRequest(api=Api.LIST_OFFSETS, version_min=question.version_min)
        version = await cluster.choose_version(empty, deadline, broker_id)
        timeout_ms = int(deadline.left_ms(settings.request_timeout_ms))
        errors: dict[int, KafkaError] = {}

        async def one(code: int, table: list[OffsetResult | None]) -> None:
            body = encode_topics(version, by_topic, code=code, read_committed=question.read_committed)
            body += encode_end(version, timeout_ms)
            request = ReadRequest(
                api=Api.LIST_OFFSETS, encode_body=lambda _: body, version_min=version, version_max=version
            )
            await _decode(await cluster.send(request, deadline, broker_id), by_topic, table, errors, hold)

        await together(one(code, table) for code, table in zip(question.codes, tables, strict=True))
        told: dict[int, bool | KafkaError] = dict.fromkeys(keys, True)
        for table in tables:
            for key in keys:
                if table[key] is None:
                    told[key] = _LEFT_OUT
        return told | errors

    told = await fan_out(
        range(len(unique)),
        route=route,
        ask=ask,
        batch_max=settings.partitions_per_request_max,
        settings=settings,
        deadline=deadline,
        needs="DESCRIBE",
    )
    for place, result in told.items():
        if result is not True:
            assert isinstance(result, KafkaError), "what is not done has failed"
            for table in tables:
                table[place] = result
    return cast("list[list[OffsetResult]]", tables)  # Nothing is None any more: what was not answered has its error.


_Places: TypeAlias = "dict[bytes, dict[int, int]]"
"""By the bytes of a topic's name and a partition, the place where the answer belongs."""


async def _by_topic(unique: Sequence[TopicPartition], keys: Sequence[int], hold_max: int) -> _Places:
    by_topic: dict[TopicName, dict[int, int]] = {}
    last: TopicName | None = None
    places: dict[int, int] = {}
    for count, key in enumerate(keys):
        if count % hold_max == hold_max - 1:
            await asyncio.sleep(0)
        topic, partition = unique[key]
        if topic is not last:  # Neighbours are of one topic most often, and a look-up hashes its name.
            last, places = topic, by_topic.setdefault(topic, {})
        places[partition] = key
    return {topic.encode(): places for topic, places in by_topic.items()}


def encode_topics(version: int, by_topic: Mapping[bytes, Collection[int]], *, code: int, read_committed: bool) -> bytes:
    """Encode the body but for its end.

    replica_id:int32=-1 [isolation:int8] topics:[name [index:int32 [leader_epoch:int32=-1] time:int64 (tags)] (tags)];
    lengths are varints plus one, and tags are there, in flexible versions.
    """
    flexible = version >= FLEXIBLE_SINCE
    tail = struct.pack(">q", code) + (b"\0" if flexible else b"")
    if version >= _LEADER_EPOCH_SINCE:
        tail = _NO_EPOCH + tail
    out = bytearray(_NO_REPLICA)
    if version >= _READ_COMMITTED_SINCE:
        out.append(1 if read_committed else 0)
    out += _length(len(by_topic), flexible)
    pack_index = _INT32.pack
    rows: dict[tuple[int, ...], bytes] = {}  # Many topics are asked for the same partitions.
    for name, indexes in by_topic.items():
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
    return bytes(out)


def encode_end(version: int, timeout_ms: int) -> bytes:
    """Encode what follows the topics: [timeout_ms:int32] (tags)."""
    timeout = _INT32.pack(timeout_ms) if version >= _TIMEOUT_SINCE else b""
    return timeout + b"\0" if version >= FLEXIBLE_SINCE else timeout


async def _decode(
    answer: Answer,
    by_topic: _Places,
    table: list[OffsetResult | None],
    errors: dict[int, KafkaError],
    hold_max: int,
) -> None:
    """Put the answers into their places; what was not asked for is passed over."""
    top = entity_type(Api.LIST_OFFSETS, answer.version, "response")
    if answer.version < FLEXIBLE_SINCE:
        for topic in read_array(top, answer.body, answer.offset, "topics"):
            place_of = by_topic.get(topic.name.encode("utf-8", "surrogateescape"), {})
            for p in topic.partitions:
                row = (p.partition_index, p.error_code, p.timestamp, p.offset, _epoch(p))
                _put(table, errors, place_of, row)
        return
    held = 0
    with reading(top):
        cursor = Cursor(answer.body, answer.offset + 4)
        for _ in range(cursor.array_length(True) or 0):
            place_of = by_topic.get(cursor.text_bytes(), {})
            held += _read_partitions(cursor, place_of, table, errors)
            if held >= hold_max:
                held = 0
                await asyncio.sleep(0)


def _read_partitions(
    cursor: Cursor, place_of: Mapping[int, int], table: list[OffsetResult | None], errors: dict[int, KafkaError]
) -> int:
    """Read `[index:int32 error:int16 timestamp:int64 offset:int64 leader_epoch:int32 tags] tags`; return how many.

    A partition with neither tags nor an error, which is nearly each, is read in one go.
    """
    count = cursor.array_length(True) or 0
    body, at, unpack_from, size = cursor.body, cursor.offset, _BARE_ROW.unpack_from, _BARE_ROW.size
    for _ in range(count):
        index, error, timestamp_ms, offset, epoch, tags = unpack_from(body, at)
        if error or tags:
            cursor.offset = at
            _put(table, errors, place_of, cursor.unpack(_ROW))
            cursor.skip_tags()
            at = cursor.offset
            continue
        at += size
        place = place_of.get(index)
        if place is not None:
            table[place] = _make_offset(OffsetAt, (offset, timestamp_ms, epoch))
    cursor.offset = at
    cursor.skip_tags()
    return count


def _put(
    table: list[OffsetResult | None], errors: dict[int, KafkaError], place_of: Mapping[int, int], row: tuple[Any, ...]
) -> None:
    index, error_code, timestamp_ms, offset, epoch = row
    place = place_of.get(index)
    if place is None:
        return
    if error_code:
        errors[place] = kafka_error(error_code)
    else:
        table[place] = OffsetAt(offset, timestamp_ms, epoch)


def _epoch(partition: Any) -> int:
    return getattr(partition, "leader_epoch", -1)


def _length(count: int, flexible: bool) -> bytes:
    return encode_uvarint(count + 1) if flexible else _INT32.pack(count)


_ROW: Final = struct.Struct(">ihqqi")
_BARE_ROW: Final = struct.Struct(">ihqqiB")
"""A row and its count of tags."""
_ROW_KEPT_MAX: Final = 1_000
_LEFT_OUT: Final = kafka_error(NETWORK_EXCEPTION, "the answer left it out")
_make_offset: Final = tuple.__new__
"""Makes a named tuple without the call of its own constructor, which would double the cost of a partition."""
_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_NO_REPLICA: Final = struct.pack(">i", -1)
_NO_EPOCH: Final = struct.pack(">i", -1)
