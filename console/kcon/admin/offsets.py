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
from kcon.admin.connection import Answer
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

    unique = list(dict.fromkeys(partitions))
    hold = cluster.settings.partitions_per_hold_max

    # Inside, a partition is its place in `unique`: hashing its name at every step would cost more than the rest.
    async def route(keys: Sequence[int], fresh: bool) -> Mapping[int, int | KafkaError]:
        return dict(zip(keys, await routes.leaders([unique[key] for key in keys], fresh, deadline), strict=True))

    async def ask(broker_id: int, keys: Sequence[int]) -> Mapping[int, OffsetResult]:
        by_topic: dict[TopicName, dict[int, int]] = {}
        for key in keys:
            topic, partition = unique[key]
            by_topic.setdefault(topic, {})[partition] = key
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


async def _decode(answer: Answer, places: Mapping[str, Mapping[int, int]], hold_max: int) -> dict[int, OffsetResult]:
    """Return the answers by place. places: by topic and partition, what was asked; anything else is passed over."""
    results: dict[int, OffsetResult] = {}
    top = codec.entity_type(Api.LIST_OFFSETS, answer.version, "response")
    has_epoch = answer.version >= _LEADER_EPOCH_SINCE
    held = 0
    for topic in codec.read_array(top, answer.body, answer.offset, "topics")[1]:
        place_of = places.get(topic.name, {})
        for p in topic.partitions:
            place = place_of.get(p.partition_index)
            if place is None:
                continue
            error_code = int(p.error_code)
            if error_code:
                results[place] = kafka_error(error_code)
            else:
                results[place] = OffsetAt(p.offset, p.timestamp, p.leader_epoch if has_epoch else -1)
        held += len(topic.partitions)
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
