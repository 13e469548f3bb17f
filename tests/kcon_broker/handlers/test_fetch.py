"""What Fetch answers: limits, long poll, epochs and sessions; seen from Apache Kafka 4.3 with the same requests."""

import threading

import pytest

from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
)
from tests.kcon_broker.raw_client import RawClient, batch, produce

_BATCH_BYTES = len(batch(b"0"))


@pytest.fixture
def filled(client: RawClient) -> RawClient:
    """Give a connection to a broker whose partition t-0 holds ten batches of one record."""
    for number in range(10):
        assert produce(client, "t", batch(str(number).encode())).base_offset == number
    return client


def fetch(
    client: RawClient,
    offset: int,
    *,
    version: int = 11,
    partition: int = 0,
    max_bytes: int = 1 << 20,
    partition_max_bytes: int = 1 << 20,
    current_leader_epoch: int = -1,
    last_fetched_epoch: int = -1,
    topic: str = "t",
) -> PartitionData:
    wish = FetchPartition(
        partition=partition,
        fetch_offset=offset,
        partition_max_bytes=partition_max_bytes,
        current_leader_epoch=current_leader_epoch,
        last_fetched_epoch=last_fetched_epoch,
    )
    request = FetchRequest(max_bytes=max_bytes, topics=[FetchTopic(topic=topic, partitions=[wish])])
    return client.ask(request, FetchResponse, version).responses[0].partitions[0]


def size(data: PartitionData) -> int:
    assert isinstance(data.records, memoryview | bytes)
    return len(data.records)


@pytest.mark.parametrize("version", range(4, 13))
def test_every_version_tells_the_same(filled: RawClient, version: int) -> None:
    data = fetch(filled, 3, version=version)
    assert (data.error_code, data.high_watermark, data.last_stable_offset) == (0, 10, 10)
    assert size(data) == 7 * _BATCH_BYTES


def test_first_batch_comes_whole_whatever_the_limits(filled: RawClient) -> None:
    """KIP-74: a consumer must get past a batch larger than its limits."""
    assert size(fetch(filled, 0, max_bytes=1, partition_max_bytes=1)) == _BATCH_BYTES
    assert size(fetch(filled, 0, max_bytes=0)) == _BATCH_BYTES
    assert size(fetch(filled, 0, partition_max_bytes=0)) == _BATCH_BYTES
    assert size(fetch(filled, 0, partition_max_bytes=3 * _BATCH_BYTES)) == 3 * _BATCH_BYTES


def test_fetch_inside_a_batch_returns_that_batch(client: RawClient) -> None:
    records = batch(b"a", b"b", b"c")
    assert produce(client, "t", records).base_offset == 0
    assert size(fetch(client, 1)) == len(records)


@pytest.mark.parametrize(
    ("wish", "error_code"),
    [
        ({"offset": -1}, 1),
        ({"offset": 11}, 1),
        ({"offset": 0, "partition": 2}, 3),
        ({"offset": 0, "topic": "nope"}, 3),
        ({"offset": 0, "current_leader_epoch": 9}, 75),
        ({"offset": 0, "last_fetched_epoch": 5, "version": 12}, 1),
    ],
)
def test_impossible_wish_is_an_error(filled: RawClient, wish: dict[str, int], error_code: int) -> None:
    data = fetch(filled, **wish)  # type: ignore[arg-type]  # Names and types of the table above are right.
    assert (data.error_code, data.high_watermark, size(data)) == (error_code, -1, 0)


def test_fetch_at_the_end_is_empty_and_no_error(filled: RawClient) -> None:
    data = fetch(filled, 10)
    assert (data.error_code, data.high_watermark, size(data)) == (0, 10, 0)


def test_unknown_topic_id(client: RawClient) -> None:
    request = FetchRequest(topics=[FetchTopic(topic_id=b"\1" * 16, partitions=[FetchPartition()])])
    data = client.ask(request, FetchResponse, 13).responses[0].partitions[0]
    assert data.error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_long_poll_ends_with_the_record_it_waits_for(broker: InProcessBroker, client: RawClient) -> None:
    """The wait is an hour; only the wake-up by the append can end it."""
    got: list[int] = []

    def wait() -> None:
        with RawClient(broker.bootstrap) as reader:
            wish = FetchPartition(fetch_offset=0, partition_max_bytes=1 << 20)
            request = FetchRequest(
                max_wait_ms=3_600_000, min_bytes=1, topics=[FetchTopic(topic="t", partitions=[wish])]
            )
            got.append(size(reader.ask(request, FetchResponse, 11).responses[0].partitions[0]))

    reader = threading.Thread(target=wait)
    reader.start()
    records = batch(b"awaited")
    assert produce(client, "t", records).error_code == ErrorCode.NONE
    reader.join(20)
    assert got == [len(records)]


def test_long_poll_ends_at_its_deadline(filled: RawClient) -> None:
    wish = FetchPartition(fetch_offset=0, partition_max_bytes=1 << 20)
    request = FetchRequest(max_wait_ms=20, min_bytes=1 << 20, topics=[FetchTopic(topic="t", partitions=[wish])])
    assert size(filled.ask(request, FetchResponse, 11).responses[0].partitions[0]) == 10 * _BATCH_BYTES


def test_session_tells_only_what_is_new(filled: RawClient) -> None:
    """KIP-227, as a Java consumer goes through it."""

    def ask(session_id: int, epoch: int, *wishes: FetchPartition, forgets: int | None = None) -> FetchResponse:
        request = FetchRequest(
            min_bytes=0,
            session_id=session_id,
            session_epoch=epoch,
            topics=[FetchTopic(topic="t", partitions=list(wishes))] if wishes else [],
            forgotten_topics_data=[] if forgets is None else [ForgottenTopic(topic="t", partitions=[forgets])],
        )
        return filled.ask(request, FetchResponse, 11)

    def told(response: FetchResponse) -> list[int]:
        return [data.partition_index for topic in response.responses for data in topic.partitions]

    full = ask(0, 0, *(FetchPartition(partition=index, partition_max_bytes=1_000) for index in (0, 1)))
    session_id = full.session_id
    assert session_id != 0
    assert told(full) == [0, 1]
    assert told(ask(session_id, 1, FetchPartition(fetch_offset=10, partition_max_bytes=1_000))) == []
    assert produce(filled, "t", batch(b"new"), partition=1).error_code == ErrorCode.NONE
    assert told(ask(session_id, 2)) == [1]
    assert ask(session_id, 7).error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert ask(12_345, 1).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    ask(session_id, 3, forgets=0)
    assert ask(session_id, 4, forgets=1).session_id == 0
