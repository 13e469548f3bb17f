"""Where does each partition start and end, and which record was there at a time? ListOffsets, one batch a leader.

Encoded by hand and decoded in pieces: with 40,000 partitions the generic codec would hold the loop for 0.4 s.
"""

import asyncio
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from kcon.admin import codec
from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
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

    async def route(keys: Sequence[TopicPartition], fresh: bool) -> Mapping[TopicPartition, int | KafkaError]:
        return await routes.leaders(keys, fresh, deadline)

    async def ask(broker_id: int, keys: Sequence[TopicPartition]) -> Mapping[TopicPartition, OffsetResult]:
        by_topic: dict[TopicName, list[int]] = {}
        for topic, partition in keys:
            by_topic.setdefault(topic, []).append(partition)
        empty = ReadRequest(api=Api.LIST_OFFSETS, version_min=version_min)
        version = await cluster.choose_version(empty, deadline, broker_id)
        timeout_ms = int(deadline.left_ms(cluster.settings.request_timeout_ms))
        hold = cluster.settings.partitions_per_hold_max
        body = await _encode(
            version, by_topic, code=code, read_committed=read_committed, timeout_ms=timeout_ms, hold_max=hold
        )
        request = ReadRequest(
            api=Api.LIST_OFFSETS, encode_body=lambda _: body, version_min=version, version_max=version
        )
        answer = await cluster.send(request, deadline, broker_id)
        return await _decode(version, answer.body, answer.offset, {t.raw: t for t in by_topic}, hold)

    return await fan_out(
        list(dict.fromkeys(partitions)),
        route=route,
        ask=ask,
        batch_max=cluster.settings.partitions_per_request_max,
        settings=cluster.settings,
        deadline=deadline,
    )


async def _encode(
    version: int,
    by_topic: Mapping[TopicName, Sequence[int]],
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
    for topic, indexes in by_topic.items():
        name = topic.encode()
        out += codec.encode_compact_string(name) if flexible else _INT16.pack(len(name)) + name
        out += _length(len(indexes), flexible)
        out += b"".join([pack_index(index) + tail for index in indexes])
        if flexible:
            out.append(0)
        held += len(indexes)
        if held >= hold_max:
            held = 0
            await asyncio.sleep(0)
    if version >= _TIMEOUT_SINCE:
        out += _INT32.pack(timeout_ms)
    if flexible:
        out.append(0)
    return bytes(out)


async def _decode(
    version: int, body: bytes, offset: int, topics: Mapping[str, TopicName], hold_max: int
) -> dict[TopicPartition, OffsetResult]:
    results: dict[TopicPartition, OffsetResult] = {}
    top = codec.entity_type(Api.LIST_OFFSETS, version, "response")
    held = 0
    for told in codec.read_array(top, body, offset, "topics")[1]:
        topic = topics.get(told.name)
        if topic is None:
            continue
        for p in told.partitions:
            error_code = int(p.error_code)
            results[TopicPartition(topic, p.partition_index)] = (
                kafka_error(error_code)
                if error_code
                else OffsetAt(p.offset, p.timestamp, getattr(p, "leader_epoch", -1))
            )
        held += len(told.partitions)
        if held >= hold_max:
            held = 0
            await asyncio.sleep(0)
    return results


def _length(count: int, flexible: bool) -> bytes:
    return codec.encode_uvarint(count + 1) if flexible else _INT32.pack(count)


_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_NO_REPLICA: Final = struct.pack(">i", -1)
_NO_EPOCH: Final = struct.pack(">i", -1)
