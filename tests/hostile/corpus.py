"""Which frames of every API and version do the fuzzers start from? Made from the schemas; Produce has real batches."""

import random
from typing import Final, NamedTuple

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.headers import RequestHeader
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kcon_broker.wire.schema import ApiMessage
from tests.kcon_broker.wire.message_maker import MessageMaker

VERSIONS: Final = [
    (key, version) for key, spec in API_TABLE.items() for version in range(spec.min_version, spec.max_version + 1)
]


class Seed(NamedTuple):
    """A valid frame without its size."""

    frame: bytes
    header_bytes: int


def make_seed(maker: MessageMaker, key: int, version: int) -> Seed:
    """Return a valid request of random content."""
    if key == ApiKey.PRODUCE and maker.random.random() < 0.7:
        request: ApiMessage = _produce(maker.random)
    else:
        made = maker.message(API_TABLE[key].request_class, version)
        assert isinstance(made, ApiMessage)
        request = made
    header = RequestHeader(ApiKey(key), version, maker.random.randrange(1 << 31), "fuzz").encode()
    return Seed(header + request.encode(version), len(header))


def _produce(chance: random.Random) -> ProduceRequest:
    """Return a request with a batch that can be appended, of any codec."""
    records = [
        Record(0, 1_700_000_000_000, chance.choice((None, b"key")), chance.randbytes(chance.randrange(40)))
        for _ in range(chance.randrange(1, 5))
    ]
    producer_id = chance.choice((-1, 7))
    batch = encode_batch(
        records,
        codec=chance.randrange(5),
        producer_id=producer_id,
        producer_epoch=0 if producer_id >= 0 else -1,
        base_sequence=0 if producer_id >= 0 else -1,
    )
    partition = PartitionProduceData(index=chance.randrange(2), records=bytes(batch))
    return ProduceRequest(
        acks=chance.choice((-1, 0, 1)),
        timeout_ms=1_000,
        topic_data=[TopicProduceData(name="fuzzed", partition_data=[partition])],
    )
