"""How old is the record at an offset? One batch is fetched there and its header read; the records stay unread.

A partition a request: for any but the first partition of a Fetch a broker leaves out a batch that is larger than the
limit (KIP-74), and with a limit of one byte every batch is. So the cost is one batch, whole.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.calls import ask, item_error
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.fan_out import fan_out
from kcon.admin.requests import ReadRequest
from kcon.admin.routes import Routes
from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.time_lag import Probe

NO_RECORDS: Final = Probe(asked_offset=-1, base_offset=-1, last_offset=-1, base_timestamp_ms=-1, max_timestamp_ms=-1)
"""What stands for a place without a record that tells its time."""


async def probe_times(
    cluster: Cluster, routes: Routes, places: Mapping[TopicPartition, int], deadline: Deadline
) -> dict[TopicPartition, Probe | KafkaError | None]:
    """Return what the batch at or after each offset tells; None where there is none, or one without a time."""

    async def route(keys: Sequence[TopicPartition], fresh: bool) -> Mapping[TopicPartition, int | KafkaError]:
        return dict(zip(keys, await routes.leaders(keys, fresh, deadline), strict=True))

    async def ask_one(broker_id: int, keys: Sequence[TopicPartition]) -> Mapping[TopicPartition, Probe | KafkaError]:
        (where,) = keys
        told = await ask(cluster, _request(where, places[where]), deadline, broker_id)
        whole = item_error(told)
        if whole is not None:
            return {where: whole}
        for topic in told.responses:
            for partition in topic.partitions:
                return {where: _read(partition, places[where])}
        return {}

    told = await fan_out(
        list(places),
        route=route,
        ask=ask_one,
        batch_max=1,
        settings=cluster.settings,
        deadline=deadline,
        needs="READ",
    )
    return {where: None if result is NO_RECORDS else result for where, result in told.items()}


def _request(where: TopicPartition, offset: int) -> ReadRequest:
    partition = {"partition": where.partition, "fetch_offset": offset, "partition_max_bytes": 1}
    return ReadRequest(
        api=Api.FETCH,
        values={
            "max_wait": 0,
            "min_bytes": 0,
            "max_bytes": 1,
            "topics": [{"topic": where.topic.raw, "partitions": [partition]}],
            "forgotten_topics_data": [],
        },
        droppable=frozenset({"forgotten_topics_data"}),
    )


def _read(partition: Any, asked_offset: int) -> Probe | KafkaError:
    error = item_error(partition)
    if error is not None:
        return error
    return read_batch_header(partition.records or b"", asked_offset) or NO_RECORDS


def read_batch_header(data: "bytes | memoryview", asked_offset: int) -> Probe | None:
    """Return what the first batch tells; None for no whole header, or a message of magic 0, which has no time.

    Magic 2 (KIP-98):  base_offset:int64 length:int32 leader_epoch:int32 magic:int8 crc:uint32 attributes:int16
                       last_offset_delta:int32 base_timestamp:int64 max_timestamp:int64 ...
    Magic 1 (KIP-32):  offset:int64 size:int32 crc:uint32 magic:int8 attributes:int8 timestamp:int64 ...
    """
    if len(data) < _MAGIC_AT + 1:
        return None
    magic = data[_MAGIC_AT]
    if magic == 2 and len(data) >= _HEADER.size:
        base, _length, _epoch, _magic, _crc, attributes, last_delta, base_ms, max_ms = _HEADER.unpack_from(data)
        if attributes & _LOG_APPEND_TIME:
            base_ms = max_ms
        last = base + max(0, last_delta)
    elif magic == 1 and len(data) >= _MESSAGE.size:
        base, _length, _crc, _magic, _attributes, base_ms = _MESSAGE.unpack_from(data)
        last, max_ms = base, base_ms
    else:
        return None
    if base_ms < 0:
        return None
    return Probe(
        asked_offset=asked_offset,
        base_offset=base,
        last_offset=last,
        base_timestamp_ms=base_ms,
        max_timestamp_ms=max(base_ms, max_ms),
    )


_HEADER: Final = struct.Struct(">qiibIhiqq")
_MESSAGE: Final = struct.Struct(">qiIbbq")
_MAGIC_AT: Final = 16
_LOG_APPEND_TIME: Final = 0x08
"""All records of the batch have its maximum as their time (bit 3 of the attributes)."""
