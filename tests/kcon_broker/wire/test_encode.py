"""Bytes that leave the broker: golden ones, and large records without a copy."""

from collections.abc import Sequence

import pytest

from kcon_broker.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest
from kcon_broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from kcon_broker.wire.schema import Message, Part, WireError
from kcon_broker.wire.stored_bytes import StoredBytes

BROKER = MetadataResponseBroker(node_id=1, host="h", port=9092)
TOPIC = MetadataResponseTopic(
    name="t",
    topic_id=bytes(range(16)),
    partitions=[MetadataResponsePartition(leader_id=1, leader_epoch=2, replica_nodes=[1], isr_nodes=[1])],
)
METADATA = MetadataResponse(brokers=[BROKER], cluster_id="c", controller_id=1, topics=[TOPIC])

GOLDEN: dict[str, tuple[Message, int, str]] = {
    "api versions 0": (
        ApiVersionsResponse(error_code=35, api_keys=[ApiVersion(api_key=18, min_version=0, max_version=4)]),
        0,
        "0023 00000001 0012 0000 0004",
    ),
    "api versions 3": (
        ApiVersionsResponse(api_keys=[ApiVersion(api_key=18, min_version=0, max_version=4)]),
        3,
        "0000 02 0012 0000 0004 00 00000000 00",
    ),
    "api versions request 3": (
        ApiVersionsRequest(client_software_name="kcon", client_software_version="1"),
        3,
        "05 6b636f6e 02 31 00",
    ),
    "metadata request 0, all topics": (MetadataRequest(topics=[]), 0, "00000000"),
    "metadata request 12, all topics": (MetadataRequest(topics=None), 12, "00 01 00 00"),
    "metadata 1": (
        METADATA,
        1,
        (
            "00000001 00000001 0001 68 00002384 ffff 00000001"
            "00000001 0000 0001 74 00 00000001 0000 00000000 00000001 00000001 00000001 00000001 00000001"
        ),
    ),
    "metadata 12": (
        METADATA,
        12,
        (
            "00000000 02 00000001 02 68 00002384 00 00 02 63 00000001"
            "02 0000 02 74 000102030405060708090a0b0c0d0e0f 00"
            "02 0000 00000000 00000001 00000002 02 00000001 02 00000001 01 00 80000000 00 00"
        ),
    ),
    "heartbeat 3": (
        HeartbeatRequest(group_id="g", generation_id=5, member_id="m"),
        3,
        "0001 67 00000005 0001 6d ffff",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_bytes(name: str) -> None:
    """Written by hand from Kafka's schemas, so that encoder and decoder cannot be wrong together."""
    message, version, expected = GOLDEN[name]
    assert message.encode(version) == bytes.fromhex(expected)


def fetch_of(*records: bytes | memoryview | list[memoryview | StoredBytes] | None) -> FetchResponse:
    partitions = [PartitionData(partition_index=i, records=item) for i, item in enumerate(records)]
    return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=partitions)])


def joined(parts: Sequence[Part]) -> bytes:
    return b"".join(part.load() if isinstance(part, StoredBytes) else part for part in parts)


class Promised(StoredBytes):
    """Bytes that are nowhere yet."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __len__(self) -> int:
        return len(self.content)

    def send(self, socket_descriptor: int, start: int, *, may_block: bool) -> tuple[int, int]:
        raise AssertionError("nobody sends here")

    def load(self) -> memoryview:
        return memoryview(self.content)

    def release(self) -> None: ...


@pytest.mark.parametrize("version", [4, 12, 16])
def test_stored_bytes_stay_where_they_are(version: int) -> None:
    """Only their length goes into the message; where they are too few to matter, they are loaded."""
    large, small = Promised(b"x" * 10_000), Promised(b"y" * 10)
    response = fetch_of([large], [small])
    parts = response.encode_parts(version)
    assert [part for part in parts if isinstance(part, StoredBytes)] == [large]
    assert joined(parts) == response.encode(version) == fetch_of(large.content, small.content).encode(version)


@pytest.mark.parametrize("version", [4, 12, 16])
def test_large_records_are_sent_without_a_copy(version: int) -> None:
    """A fetch of megabytes hands the log's own memory to the socket."""
    large = memoryview(bytes(10_000))
    response = fetch_of(large, b"small", None, b"")
    parts = response.encode_parts(version)
    assert any(part is large for part in parts)
    whole = joined(parts)
    assert whole == response.encode(version)
    decoded, end = FetchResponse.decode(whole, 0, version)
    assert end == len(whole)
    got = [partition.records for partition in decoded.responses[0].partitions]
    assert got == [large, b"small", None, b""]


@pytest.mark.parametrize("size", [1, 3000])
@pytest.mark.parametrize("version", [4, 12])
def test_records_may_be_several_batches(version: int, size: int) -> None:
    """The log returns whole batches as views that need not be neighbours."""
    batches: list[memoryview | StoredBytes] = [memoryview(bytes([i]) * size) for i in range(3)]
    parts = fetch_of(batches, batches[:1]).encode_parts(version)
    assert joined(parts) == fetch_of(joined(batches), joined(batches[:1])).encode(version)


def test_a_version_outside_the_range_is_refused() -> None:
    """A response in a version that was never defined would be read as garbage."""
    with pytest.raises(WireError, match="HeartbeatRequest has no version 5"):
        HeartbeatRequest().encode(5)


def test_repr_names_the_fields() -> None:
    """Failing tests and debug logs show messages."""
    assert repr(BROKER) == "MetadataResponseBroker(node_id=1, host='h', port=9092, rack=None)"
    assert MetadataResponseBroker(node_id=1, host="h", port=9092) == BROKER
    assert MetadataResponseBroker(node_id=2, host="h", port=9092) != BROKER
    assert BROKER != TOPIC
