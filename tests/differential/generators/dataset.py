"""The topics and records that requests of every kind find on both brokers.

plain      3 partitions: 0 with four batches in four codecs, 1 with its first records deleted, 2 empty
append     the broker's time on every record
compact    keys required
small      batches up to 200 bytes
zstd       compressed anew by the broker
strict     no record older than a minute before
"""

from collections.abc import Callable
from typing import Final

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.create_topics import CreatableTopic
from kcon_broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.differential.generators.draw import topic
from tests.differential.session import Side, Step

SHARED_TOPICS: Final = ("plain", "append", "compact", "small", "zstd", "strict")
PRODUCE_VERSION: Final = 9
PLAIN_RECORDS: Final = 12
"""In partition 0 of `plain`: offsets [0, 12)."""


def dataset_topics(prefix: str) -> list[CreatableTopic]:
    """Return the topics to create."""
    return [
        topic(f"{prefix}-plain", 3),
        topic(f"{prefix}-append", message_timestamp_type="LogAppendTime"),
        topic(f"{prefix}-compact", cleanup_policy="compact"),
        topic(f"{prefix}-small", max_message_bytes="200"),
        topic(f"{prefix}-zstd", compression_type="zstd"),
        topic(f"{prefix}-strict", message_timestamp_before_max_ms="60000"),
    ]


def dataset_steps(prefix: str, base_ms: int) -> list[Step]:
    """Return the steps that fill them."""
    plain, append, compact = (f"{prefix}-{name}" for name in ("plain", "append", "compact"))
    return [
        produce(plain, 0, batch(base_ms, 3)),
        produce(plain, 0, batch(base_ms + 1_000, 4, codec=1)),
        # Timestamps that go back: the largest is not the last.
        produce(plain, 0, batch(base_ms + 500, 2, codec=4)),
        produce(plain, 0, batch(base_ms + 2_000, 3, codec=2)),
        produce(plain, 1, batch(base_ms, 2)),
        produce(plain, 1, batch(base_ms + 10, 3)),
        Step(
            label="delete records",
            api_key=ApiKey.DELETE_RECORDS,
            version=2,
            kind="",
            build=lambda _: DeleteRecordsRequest(
                topics=[
                    DeleteRecordsTopic(name=plain, partitions=[DeleteRecordsPartition(partition_index=1, offset=2)])
                ],
                timeout_ms=10_000,
            ),
        ),
        produce(append, 0, batch(base_ms, 2), situations=frozenset({"append time"})),
        produce(append, 0, batch(base_ms, 2, codec=3), situations=frozenset({"append time"})),
        produce(compact, 0, batch(base_ms, 3)),
        produce(f"{prefix}-zstd", 0, batch(base_ms, 3)),
    ]


def batch(timestamp_ms: int, count: int, *, codec: int = 0) -> bytes:
    """Return one batch with keys; its records are a millisecond apart."""
    records = [
        Record(0, timestamp_ms + index, b"k%d" % index, b"value-%d" % index, ((b"h", b"%d" % index),))
        for index in range(count)
    ]
    return bytes(encode_batch(records, codec=codec))


def produce(
    name: str,
    partition: int,
    records: bytes | Callable[[Side], bytes],
    *,
    situations: frozenset[str] = frozenset(),
) -> Step:
    """Return a step that appends a batch."""

    def build(side: Side) -> ProduceRequest:
        content = records if isinstance(records, bytes) else records(side)
        data = PartitionProduceData(index=partition, records=content)
        return ProduceRequest(
            acks=-1, timeout_ms=10_000, topic_data=[TopicProduceData(name=name, partition_data=[data])]
        )

    return Step(
        label=f"produce to {name}-{partition}",
        api_key=ApiKey.PRODUCE,
        version=PRODUCE_VERSION,
        kind="",
        build=build,
        situations=situations,
    )
