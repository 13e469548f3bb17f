"""What ListOffsets answers for each version and each special time; seen from Apache Kafka 4.3."""

import pytest

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from kcon_broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from kcon_broker.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.kcon_broker.raw_client import RawClient, batch, produce

_BASE_MS = 1_700_000_000_000
_SPECIAL = range(-7, 0)


@pytest.fixture
def filled(client: RawClient) -> RawClient:
    """Give a connection to a broker whose partition t-0 holds three records, 10 ms apart, the second the latest."""
    for timestamp_ms in (_BASE_MS, _BASE_MS + 20, _BASE_MS + 10):
        assert produce(client, "t", batch(b"v", timestamp_ms=timestamp_ms)).error_code == ErrorCode.NONE
    return client


def look_up(
    client: RawClient, timestamp: int, version: int = 7, *, partition: int = 0, epoch: int = -1, topic: str = "t"
) -> ListOffsetsPartitionResponse:
    wish = ListOffsetsPartition(partition_index=partition, current_leader_epoch=epoch, timestamp=timestamp)
    request = ListOffsetsRequest(topics=[ListOffsetsTopic(name=topic, partitions=[wish])])
    return client.ask(request, ListOffsetsResponse, version).topics[0].partitions[0]


@pytest.mark.parametrize("version", range(1, 12))
def test_special_times_by_version(filled: RawClient, version: int) -> None:
    known = {-1: 3, -2: 0}
    known |= {-3: 1} if version >= 7 else {}
    known |= {-4: 0} if version >= 8 else {}
    known |= {-5: -1} if version >= 9 else {}
    known |= {-6: -1} if version >= 11 else {}
    for timestamp in _SPECIAL:
        answer = look_up(filled, timestamp, version)
        if timestamp in known:
            assert (timestamp, answer.error_code, answer.offset) == (timestamp, 0, known[timestamp])
        else:
            assert (timestamp, answer.error_code) == (timestamp, ErrorCode.UNSUPPORTED_VERSION)


@pytest.mark.parametrize(
    ("timestamp", "offset"),
    [(0, 0), (_BASE_MS, 0), (_BASE_MS + 1, 1), (_BASE_MS + 20, 1), (_BASE_MS + 21, -1)],
)
def test_first_record_at_or_after_a_time(filled: RawClient, timestamp: int, offset: int) -> None:
    assert look_up(filled, timestamp).offset == offset


def test_largest_timestamp_tells_offset_and_time(filled: RawClient) -> None:
    answer = look_up(filled, -3)
    assert (answer.offset, answer.timestamp) == (1, _BASE_MS + 20)


@pytest.mark.parametrize(("timestamp", "offset"), [(-1, 0), (-2, 0), (-3, -1), (5, -1)])
def test_empty_partition_never_says_0_for_unknown(client: RawClient, timestamp: int, offset: int) -> None:
    assert look_up(client, timestamp).offset == offset


def test_errors_of_partitions(filled: RawClient) -> None:
    assert look_up(filled, -1, partition=2).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert look_up(filled, -1, topic="nope").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert look_up(filled, -1, epoch=5).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH


def test_partition_named_twice_is_answered_once(filled: RawClient) -> None:
    wish = ListOffsetsPartition(timestamp=-1)
    request = ListOffsetsRequest(topics=[ListOffsetsTopic(name="t", partitions=[wish, wish])])
    answers = filled.ask(request, ListOffsetsResponse, 7).topics[0].partitions
    assert [answer.error_code for answer in answers] == [ErrorCode.INVALID_REQUEST]


@pytest.mark.parametrize(("epoch", "end"), [(-1, (-1, -1)), (0, (0, 3)), (1, (-1, -1))])
def test_end_of_an_epoch(filled: RawClient, epoch: int, end: tuple[int, int]) -> None:
    wish = OffsetForLeaderPartition(leader_epoch=epoch)
    request = OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic="t", partitions=[wish])])
    answer = filled.ask(request, OffsetForLeaderEpochResponse, 4).topics[0].partitions[0]
    assert (answer.error_code, (answer.leader_epoch, answer.end_offset)) == (0, end)


def test_a_time_does_not_find_deleted_records_of_a_batch_that_is_still_there(client: RawClient) -> None:
    two = encode_batch([Record(0, _BASE_MS + 20, None, b"v"), Record(0, _BASE_MS, None, b"v")])
    assert produce(client, "t", bytes(two)).error_code == ErrorCode.NONE
    assert produce(client, "t", batch(b"v", timestamp_ms=_BASE_MS + 30)).error_code == ErrorCode.NONE
    wanted = DeleteRecordsTopic(name="t", partitions=[DeleteRecordsPartition(offset=1)])
    deleted = client.ask(DeleteRecordsRequest(topics=[wanted]), DeleteRecordsResponse, 2)
    assert deleted.topics[0].partitions[0].error_code == ErrorCode.NONE
    assert look_up(client, 0).offset == 1
    assert look_up(client, _BASE_MS + 1).offset == 2
