"""Fetch: which batches come, how limits cut, when an answer waits, what epochs and ids are refused."""

import time

from kcon_broker.batch.header import read_header
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.fetch import FetchPartition, FetchTopic
from tests.semantics.batches import batch_of, split
from tests.semantics.case import case, each
from tests.semantics.cases.topics import delete
from tests.semantics.kafka import LATEST, Kafka, fetch_request


@case
def an_empty_partition_gives_no_records_and_no_error(kafka: Kafka) -> None:
    data = kafka.fetch(kafka.topic())
    assert (data.error_code, data.high_watermark, split(data)) == (ErrorCode.NONE, 0, [])


@case
def at_the_end_of_the_log_nothing_comes(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert kafka.values(topic, 1) == []


@case
def beyond_the_end_is_out_of_range(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert kafka.fetch(topic, 2).error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@case
def a_negative_offset_is_out_of_range(kafka: Kafka) -> None:
    assert kafka.fetch(kafka.topic(), -1).error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@case
def out_of_range_tells_no_watermarks(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    data = kafka.fetch(topic, 9)
    assert (data.high_watermark, data.last_stable_offset, data.log_start_offset) == (-1, -1, -1)


@case
def the_high_watermark_is_the_end_of_the_log(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a", b"b")
    data = kafka.fetch(topic)
    assert (data.high_watermark, data.last_stable_offset, data.log_start_offset) == (2, 2, 0)


@case
def a_fetch_inside_a_batch_returns_the_whole_batch(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a", b"b", b"c")
    (batch,) = split(kafka.fetch(topic, 2))
    assert read_header(batch).base_offset == 0


@case
def a_fetch_begins_with_the_batch_that_has_the_offset(kafka: Kafka) -> None:
    topic = kafka.topic()
    for value in (b"a", b"b", b"c"):
        kafka.produce(topic, value)
    assert [read_header(batch).base_offset for batch in split(kafka.fetch(topic, 1))] == [1, 2]


@case
def a_first_batch_larger_than_the_limit_is_returned_whole(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"x" * 5_000)
    assert kafka.records(topic)[0].value == b"x" * 5_000
    assert len(split(kafka.fetch(topic, max_bytes=10))) == 1


@case
def the_limit_of_a_partition_keeps_later_batches_back(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"x" * 100)
    kafka.produce(topic, b"y" * 100)
    size = len(split(kafka.fetch(topic))[0])
    assert len(split(kafka.fetch(topic, max_bytes=size + 10))) == 1
    assert len(split(kafka.fetch(topic, max_bytes=2 * size))) == 2


@case
def the_limit_of_a_request_gives_the_first_partition_with_records_a_batch(kafka: Kafka) -> None:
    topic = kafka.topic(partitions=3)
    for partition in (1, 2):
        kafka.produce(topic, b"x" * 1_000, partition=partition)
    request = fetch_request(topic)
    request.max_bytes = 10
    request.topics[0].partitions = [FetchPartition(partition=index, partition_max_bytes=1 << 20) for index in range(3)]
    data = kafka.ask(request, 12).responses[0].partitions
    assert {one.partition_index: len(split(one)) for one in data} == {0: 0, 1: 1, 2: 0}


@case
def a_limit_of_0_bytes_still_returns_a_batch(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert len(split(kafka.fetch(topic, max_bytes=0))) == 1


@case
def a_fetch_without_enough_bytes_waits_for_max_wait(kafka: Kafka) -> None:
    started = time.monotonic()
    kafka.fetch(kafka.topic(), max_wait_ms=150, min_bytes=1)
    assert time.monotonic() - started >= 0.14


@case
def a_waiting_fetch_is_answered_when_a_record_comes(kafka: Kafka) -> None:
    topic = kafka.topic()
    request = fetch_request(topic)
    request.max_wait_ms, request.min_bytes = 60_000, 1
    kafka.send(request, 12, on="waiting")
    kafka.produce(topic, b"a")
    answer = kafka.receive("waiting").response
    assert len(split(answer.responses[0].partitions[0])) == 1  # type: ignore[union-attr]  # A Fetch answer.


@case
def a_fetch_with_an_error_does_not_wait(kafka: Kafka) -> None:
    answer = kafka.fetch(kafka.topic(), 5, max_wait_ms=60_000, min_bytes=1)
    assert answer.error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@case
def a_fetch_with_min_bytes_0_does_not_wait(kafka: Kafka) -> None:
    assert kafka.fetch(kafka.topic(), max_wait_ms=60_000, min_bytes=0).error_code == ErrorCode.NONE


@case
def a_fetch_of_nothing_is_answered_at_once(kafka: Kafka) -> None:
    request = fetch_request("")
    request.topics, request.max_wait_ms, request.min_bytes = [], 60_000, 1
    assert kafka.ask(request, 12).responses == []


@case
def a_waiting_fetch_is_answered_when_its_topic_is_deleted(kafka: Kafka) -> None:
    topic = kafka.topic()
    request = fetch_request(topic)
    request.max_wait_ms, request.min_bytes = 60_000, 1
    kafka.send(request, 12, on="waiting")
    assert delete(kafka, topic) == ErrorCode.NONE
    answer = kafka.receive("waiting").response
    code = answer.responses[0].partitions[0].error_code  # type: ignore[union-attr]  # A Fetch answer.
    assert ErrorCode(code) in (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NOT_LEADER_OR_FOLLOWER)


@case
def an_unknown_topic_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    assert kafka.fetch(kafka.fresh("no")).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def an_unknown_partition_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    assert kafka.fetch(kafka.topic(), partition=5).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def an_unknown_topic_id_is_unknown_topic_id(kafka: Kafka) -> None:
    request = fetch_request("")
    request.topics[0].topic_id = b"no-such-topic-id"
    answer = kafka.ask(request, 13)
    assert answer.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


@case
def a_topic_can_be_named_by_its_id(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert len(split(kafka.fetch(topic, version=13))) == 1


@case
def a_leader_epoch_of_the_future_is_unknown(kafka: Kafka) -> None:
    topic = kafka.topic()
    epoch = kafka.offset(topic, LATEST).leader_epoch
    assert kafka.fetch(topic, leader_epoch=epoch + 1).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
    assert kafka.fetch(topic, leader_epoch=epoch).error_code == ErrorCode.NONE


@case
def a_last_fetched_epoch_of_the_future_is_out_of_range(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    request = fetch_request(topic)
    request.topics[0].partitions[0].last_fetched_epoch = kafka.offset(topic, LATEST).leader_epoch + 5
    data = kafka.ask(request, 12).responses[0].partitions[0]
    assert data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@case
def the_last_fetched_epoch_of_the_log_does_not_diverge(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    request = fetch_request(topic)
    request.topics[0].partitions[0].last_fetched_epoch = kafka.offset(topic, LATEST).leader_epoch
    data = kafka.ask(request, 12).responses[0].partitions[0]
    assert data.diverging_epoch is None
    assert len(split(data)) == 1


@case
def a_partition_named_twice_is_answered_once_in_a_sessionless_fetch(kafka: Kafka) -> None:
    topic = kafka.topic()
    request = fetch_request(topic)
    request.topics[0].partitions *= 2
    assert sum(len(one.partitions) for one in kafka.ask(request, 12).responses) == 1


@case
def several_topics_are_answered(kafka: Kafka) -> None:
    topics = [kafka.topic() for _ in range(3)]
    for topic in topics:
        kafka.produce(topic, topic.encode())
    request = fetch_request("")
    request.topics = [
        FetchTopic(topic=topic, partitions=[FetchPartition(partition_max_bytes=1 << 20)]) for topic in topics
    ]
    assert {one.topic for one in kafka.ask(request, 12).responses} == set(topics)


@case
def no_preferred_read_replica_is_told(kafka: Kafka) -> None:
    assert kafka.fetch(kafka.topic()).preferred_read_replica == -1


@case
def read_uncommitted_gets_no_list_of_aborted_transactions(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert kafka.fetch(topic, isolation=0).aborted_transactions is None
    assert kafka.fetch(topic, isolation=1).aborted_transactions == []


@case
def zstd_batches_come_in_every_version(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, batch=batch_of(b"a", codec=4))
    assert len(split(kafka.fetch(topic, version=4))) == 1


@each({str(version): version for version in range(4, 19)})
def records_come_in_version(kafka: Kafka, version: int) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert len(split(kafka.fetch(topic, version=version))) == 1
