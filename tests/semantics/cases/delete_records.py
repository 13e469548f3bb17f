"""DeleteRecords: where a log begins afterwards, and who sees that."""

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from tests.semantics.case import case
from tests.semantics.kafka import EARLIEST, LATEST, Kafka


def delete_before(kafka: Kafka, topic: str, offset: int, *, partition: int = 0) -> DeleteRecordsPartitionResult:
    """Delete the records of a partition below an offset."""
    wanted = DeleteRecordsTopic(
        name=topic, partitions=[DeleteRecordsPartition(partition_index=partition, offset=offset)]
    )
    answer = kafka.ask(DeleteRecordsRequest(topics=[wanted], timeout_ms=10_000), 2)
    found: DeleteRecordsPartitionResult = answer.topics[0].partitions[0]
    return found


def _filled(kafka: Kafka) -> str:
    topic = kafka.topic()
    for value in (b"a", b"b", b"c"):
        kafka.produce(topic, value)
    return topic


@case
def the_log_begins_at_the_offset(kafka: Kafka) -> None:
    topic = _filled(kafka)
    answer = delete_before(kafka, topic, 2)
    assert (answer.error_code, answer.low_watermark) == (ErrorCode.NONE, 2)
    assert kafka.offset(topic, EARLIEST).offset == 2


@case
def a_fetch_below_the_log_start_is_out_of_range(kafka: Kafka) -> None:
    topic = _filled(kafka)
    delete_before(kafka, topic, 2)
    assert kafka.fetch(topic, 1).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert kafka.values(topic, 2) == [b"c"]


@case
def a_fetch_tells_the_log_start_offset(kafka: Kafka) -> None:
    topic = _filled(kafka)
    delete_before(kafka, topic, 1)
    assert kafka.fetch(topic, 1).log_start_offset == 1


@case
def minus_one_deletes_everything(kafka: Kafka) -> None:
    topic = _filled(kafka)
    assert delete_before(kafka, topic, -1).low_watermark == 3
    assert (kafka.offset(topic, EARLIEST).offset, kafka.offset(topic, LATEST).offset) == (3, 3)
    assert kafka.values(topic, 3) == []


@case
def the_end_of_the_log_may_be_named(kafka: Kafka) -> None:
    assert delete_before(kafka, _filled(kafka), 3).low_watermark == 3


@case
def beyond_the_end_is_out_of_range(kafka: Kafka) -> None:
    topic = _filled(kafka)
    answer = delete_before(kafka, topic, 4)
    assert (answer.error_code, answer.low_watermark) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
    assert kafka.offset(topic, EARLIEST).offset == 0


@case
def an_offset_below_minus_one_is_out_of_range(kafka: Kafka) -> None:
    assert delete_before(kafka, _filled(kafka), -2).error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@case
def an_offset_below_the_log_start_changes_nothing(kafka: Kafka) -> None:
    topic = _filled(kafka)
    delete_before(kafka, topic, 2)
    answer = delete_before(kafka, topic, 1)
    assert (answer.error_code, answer.low_watermark) == (ErrorCode.NONE, 2)


@case
def offsets_go_on_after_everything_is_deleted(kafka: Kafka) -> None:
    topic = _filled(kafka)
    delete_before(kafka, topic, -1)
    assert kafka.produce(topic, b"d").base_offset == 3


@case
def produce_tells_the_log_start_offset_afterwards(kafka: Kafka) -> None:
    topic = _filled(kafka)
    delete_before(kafka, topic, 2)
    assert kafka.produce(topic, b"d").log_start_offset == 2


@case
def a_log_may_begin_inside_a_batch_and_the_batch_is_fetched_whole(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a", b"b", b"c")
    assert delete_before(kafka, topic, 1).low_watermark == 1
    assert kafka.fetch(topic, 0).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert kafka.values(topic, 1) == [b"b", b"c"]


@case
def an_unknown_partition_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    assert delete_before(kafka, kafka.topic(), 0, partition=9).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def an_unknown_topic_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    assert delete_before(kafka, kafka.fresh("no"), 0).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def a_compacted_topic_is_a_policy_violation(kafka: Kafka) -> None:
    topic = kafka.topic(cleanup_policy="compact")
    assert delete_before(kafka, topic, 0).error_code == ErrorCode.POLICY_VIOLATION


@case
def a_topic_that_compacts_and_deletes_is_allowed(kafka: Kafka) -> None:
    topic = kafka.topic(cleanup_policy="compact,delete")
    assert delete_before(kafka, topic, 0).error_code == ErrorCode.NONE


@case
def one_partition_does_not_touch_another(kafka: Kafka) -> None:
    topic = kafka.topic(partitions=2)
    kafka.produce(topic, b"a", partition=0)
    kafka.produce(topic, b"b", partition=1)
    delete_before(kafka, topic, 1, partition=0)
    assert kafka.values(topic, 0, partition=1) == [b"b"]
