"""What Produce answers, case by case; each expectation was seen from Apache Kafka 4.3 with the same bytes."""

import struct
import time

import pytest
from crc32c import crc32c

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_configs import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResponse,
)
from kcon_broker.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from tests.kcon_broker.raw_client import RawClient, batch, produce

_GOOD = batch(b"value")


def with_header(records: bytes, position: int, code: str, value: int) -> bytes:
    """Return the batch with one header field changed, under a CRC that fits."""
    changed = bytearray(records)
    struct.pack_into(code, changed, position, value)
    struct.pack_into(">I", changed, 17, crc32c(bytes(changed[21:])))
    return bytes(changed)


@pytest.mark.parametrize(
    ("records", "error_code"),
    [
        pytest.param(None, 87, id="null"),
        pytest.param(b"", 87, id="empty"),
        pytest.param(b"x" * 100, 2, id="garbage"),
        pytest.param(_GOOD + _GOOD, 87, id="two batches"),
        pytest.param(_GOOD[:-3], 87, id="truncated"),
        pytest.param(_GOOD[:16] + b"\x01" + _GOOD[17:], 87, id="magic 1"),
        pytest.param(_GOOD[:-1] + b"\xff", 2, id="CRC does not fit"),
        pytest.param(with_header(_GOOD, 57, ">i", 3), 87, id="record count lies"),
        pytest.param(with_header(_GOOD, 23, ">i", 3), 87, id="last offset delta lies"),
        pytest.param(with_header(_GOOD, 21, ">h", 0x20), 87, id="control batch"),
        pytest.param(with_header(_GOOD, 21, ">h", 7), -1, id="codec 7"),
        pytest.param(with_header(_GOOD, 21, ">h", 0x10), 53, id="transactional without transactional id"),
        pytest.param(batch(b"a", producer_id=5, epoch=0), 87, id="producer id without sequence"),
    ],
)
def test_bad_batch_is_refused_and_nothing_is_written(client: RawClient, records: bytes | None, error_code: int) -> None:
    refused = produce(client, "t", records)
    assert (refused.error_code, refused.base_offset) == (error_code, -1)
    assert produce(client, "t", _GOOD).base_offset == 0


def test_record_of_the_future_is_refused_by_name(client: RawClient) -> None:
    future = batch(b"a", timestamp_ms=int(time.time() * 1000) + 2 * 3_600_000)
    refused = produce(client, "t", future)
    assert refused.error_code == ErrorCode.INVALID_TIMESTAMP
    assert [error.batch_index for error in refused.record_errors] == [0]


def test_stray_bytes_after_the_batch_are_not_written(client: RawClient) -> None:
    assert produce(client, "t", _GOOD + b"zzz").base_offset == 0
    assert produce(client, "t", _GOOD).base_offset == 1


@pytest.mark.parametrize(
    ("topic", "partition", "acks", "error_code"),
    [
        ("no-such-topic", 0, -1, 3),
        ("no/topic", 0, -1, 3),
        ("t", 2, -1, 3),
        ("t", -1, -1, 3),
        ("__consumer_offsets", 0, -1, 17),
        ("t", 0, 2, 21),
        ("t", 0, -2, 21),
    ],
)
def test_impossible_target_is_refused(
    client: RawClient, topic: str, partition: int, acks: int, error_code: int
) -> None:
    assert produce(client, topic, _GOOD, partition=partition, acks=acks).error_code == error_code


def test_unknown_topic_id_is_told_as_such(client: RawClient) -> None:
    data = TopicProduceData(topic_id=b"\1" * 16, partition_data=[PartitionProduceData(records=_GOOD)])
    response = client.ask(ProduceRequest(acks=-1, topic_data=[data]), ProduceResponse, 13)
    assert response.responses[0].partition_responses[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_zstd_needs_version_7(client: RawClient) -> None:
    """KIP-110: an older consumer of the same release could not read it."""
    zstd = batch(b"a" * 50, codec=4)
    assert produce(client, "t", zstd, version=6).error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert produce(client, "t", zstd, version=7).error_code == ErrorCode.NONE


def test_idempotent_sequences(client: RawClient) -> None:
    def send(sequence: int, epoch: int = 0) -> tuple[int, int]:
        records = batch(b"v", producer_id=777, epoch=epoch, sequence=sequence)
        response = produce(client, "t", records)
        return response.error_code, response.base_offset

    assert send(5) == (0, 0), "an unknown producer may start anywhere"
    assert send(5) == (0, 0), "a duplicate gets the offset of the original"
    assert send(9) == (45, -1)
    assert send(6) == (0, 1)
    assert send(5) == (0, 0)
    assert send(3, epoch=1) == (45, -1)
    assert send(0, epoch=1) == (0, 2)
    assert send(7, epoch=0) == (47, -1)


def test_topic_configs_govern_batches(client: RawClient) -> None:
    configure(
        client, {"max.message.bytes": "200", "cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
    )
    assert produce(client, "t", batch(b"a" * 200, key=b"k")).error_code == ErrorCode.MESSAGE_TOO_LARGE
    keyless = produce(client, "t", _GOOD)
    assert (keyless.error_code, [error.batch_index for error in keyless.record_errors]) == (87, [0])
    stamped = produce(client, "t", batch(b"a", key=b"k", timestamp_ms=1))
    assert stamped.error_code == ErrorCode.NONE
    assert abs(stamped.log_append_time_ms - time.time() * 1000) < 3_600_000


def configure(client: RawClient, configs: dict[str, str]) -> None:
    entries = [AlterableConfig(name=name, value=value) for name, value in configs.items()]
    request = AlterConfigsRequest(resources=[AlterConfigsResource(resource_type=2, resource_name="t", configs=entries)])
    assert client.ask(request, AlterConfigsResponse, 2).responses[0].error_code == ErrorCode.NONE
