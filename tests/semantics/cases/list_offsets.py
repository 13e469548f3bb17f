"""ListOffsets: offsets by time, the special values of each version, isolation, leader epochs."""

from kcon_broker.wire.error_codes import ErrorCode
from tests.semantics.batches import batch_of, now_ms, record
from tests.semantics.case import case, each
from tests.semantics.cases.delete_records import delete_before
from tests.semantics.kafka import EARLIEST, LATEST, Kafka
from tests.semantics.producers import Producer

_MAX_TIMESTAMP, _EARLIEST_LOCAL, _LATEST_TIERED, _EARLIEST_PENDING = -3, -4, -5, -6
_CODECS = {"plain": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def _filled(kafka: Kafka, *times_ms: int, codec: int = 0) -> str:
    topic = kafka.topic(retention_ms="-1")
    records = [record(b"v", timestamp_ms=time_ms) for time_ms in times_ms]
    assert not kafka.produce(topic, batch=batch_of(*records, codec=codec)).error_code
    return topic


@case
def an_empty_partition_begins_and_ends_at_0(kafka: Kafka) -> None:
    topic = kafka.topic()
    assert [kafka.offset(topic, wanted).offset for wanted in (EARLIEST, LATEST)] == [0, 0]


@case
def the_latest_offset_is_that_of_the_next_record(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a", b"b")
    assert kafka.offset(topic, LATEST).offset == 2


@case
def latest_and_earliest_tell_no_timestamp(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000)
    assert [kafka.offset(topic, wanted).timestamp for wanted in (EARLIEST, LATEST)] == [-1, -1]


@each(_CODECS)
def a_time_finds_the_first_record_at_it_inside_a_batch(kafka: Kafka, codec: int) -> None:
    topic = _filled(kafka, 1_000, 2_000, 3_000, codec=codec)
    found = kafka.offset(topic, 2_000)
    assert (found.offset, found.timestamp) == (1, 2_000)


@case
def a_time_between_two_records_finds_the_later(kafka: Kafka) -> None:
    found = kafka.offset(_filled(kafka, 1_000, 2_000), 1_500)
    assert (found.offset, found.timestamp) == (1, 2_000)


@case
def a_time_before_all_records_finds_the_first(kafka: Kafka) -> None:
    found = kafka.offset(_filled(kafka, 1_000, 2_000), 0)
    assert (found.offset, found.timestamp) == (0, 1_000)


@case
def a_time_after_all_records_finds_nothing_and_is_no_error(kafka: Kafka) -> None:
    found = kafka.offset(_filled(kafka, 1_000), 1_001)
    assert (found.error_code, found.offset, found.timestamp) == (ErrorCode.NONE, -1, -1)


@case
def a_time_in_an_empty_partition_finds_nothing(kafka: Kafka) -> None:
    assert kafka.offset(kafka.topic(), 5).offset == -1


@case
def records_out_of_order_are_found_by_the_smallest_offset(kafka: Kafka) -> None:
    assert kafka.offset(_filled(kafka, 3_000, 1_000, 2_000), 2_000).offset == 0


@case
def a_time_is_found_in_a_later_batch(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000)
    kafka.produce(topic, record(b"v", timestamp_ms=5_000))
    found = kafka.offset(topic, 2_000)
    assert (found.offset, found.timestamp) == (1, 5_000)


@each(_CODECS)
def the_largest_timestamp_is_found_with_the_offset_of_its_record(kafka: Kafka, codec: int) -> None:
    topic = _filled(kafka, 1_000, 9_000, 2_000, codec=codec)
    found = kafka.offset(topic, _MAX_TIMESTAMP)
    assert (found.offset, found.timestamp) == (1, 9_000)


@case
def of_two_records_with_the_largest_timestamp_the_first_is_found(kafka: Kafka) -> None:
    topic = _filled(kafka, 9_000, 9_000)
    kafka.produce(topic, record(b"v", timestamp_ms=9_000))
    assert kafka.offset(topic, _MAX_TIMESTAMP).offset == 0


@case
def the_largest_timestamp_of_an_empty_partition_is_none(kafka: Kafka) -> None:
    found = kafka.offset(kafka.topic(), _MAX_TIMESTAMP)
    assert (found.error_code, found.offset, found.timestamp) == (ErrorCode.NONE, -1, -1)


@each({str(version): version for version in range(1, 7)})
def the_largest_timestamp_is_not_known_before_version_7(kafka: Kafka, version: int) -> None:
    topic = _filled(kafka, 1_000)
    answer = kafka.offset(topic, _MAX_TIMESTAMP, version=version)
    assert ErrorCode(answer.error_code) == ErrorCode.UNSUPPORTED_VERSION


@case
def the_local_log_start_is_not_known_in_version_7_and_is_in_8(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000)
    assert kafka.offset(topic, _EARLIEST_LOCAL, version=7).error_code == ErrorCode.UNSUPPORTED_VERSION
    assert kafka.offset(topic, _EARLIEST_LOCAL, version=8).offset == 0


@case
def the_last_tiered_offset_is_not_known_in_version_8_and_none_in_9(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000)
    assert kafka.offset(topic, _LATEST_TIERED, version=8).error_code == ErrorCode.UNSUPPORTED_VERSION
    found = kafka.offset(topic, _LATEST_TIERED, version=9)
    assert (found.error_code, found.offset) == (ErrorCode.NONE, -1)


@case
def the_earliest_pending_upload_is_none_in_version_11(kafka: Kafka) -> None:
    found = kafka.offset(_filled(kafka, 1_000), _EARLIEST_PENDING, version=11)
    assert (found.error_code, found.offset) == (ErrorCode.NONE, -1)


@each({"-7": -7, "-100": -100})
def an_unknown_special_value_is_unsupported_version(kafka: Kafka, wanted: int) -> None:
    assert kafka.offset(_filled(kafka, 1_000), wanted).error_code == ErrorCode.UNSUPPORTED_VERSION


@case
def an_unknown_topic_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    answer = kafka.offset(kafka.fresh("no"), LATEST)
    assert (answer.error_code, answer.offset) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)


@case
def an_unknown_partition_is_unknown_topic_or_partition(kafka: Kafka) -> None:
    answer = kafka.offset(kafka.topic(), LATEST, partition=7)
    assert answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def a_stale_leader_epoch_is_fenced(kafka: Kafka) -> None:
    topic = kafka.topic()
    epoch = kafka.offset(topic, LATEST).leader_epoch
    if epoch > 0:
        assert kafka.offset(topic, LATEST, leader_epoch=epoch - 1).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert kafka.offset(topic, LATEST, leader_epoch=epoch).error_code == ErrorCode.NONE


@case
def a_leader_epoch_of_the_future_is_unknown(kafka: Kafka) -> None:
    topic = kafka.topic()
    epoch = kafka.offset(topic, LATEST).leader_epoch
    assert kafka.offset(topic, LATEST, leader_epoch=epoch + 1).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH


@case
def a_record_found_by_time_tells_its_leader_epoch(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000)
    assert kafka.offset(topic, 1_000).leader_epoch == kafka.offset(topic, LATEST).leader_epoch


@case
def read_committed_ends_at_the_first_open_transaction(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    producer = Producer(kafka, kafka.fresh("txn")).ready()
    producer.add(topic)
    producer.send(topic, b"b")
    kafka.produce(topic, b"c")
    assert kafka.offset(topic, LATEST, isolation=0).offset == 3
    assert kafka.offset(topic, LATEST, isolation=1).offset == 1
    producer.commit()
    assert kafka.until(lambda: kafka.offset(topic, LATEST, isolation=1).offset, lambda end: end == 4) == 4


@case
def earliest_follows_deleted_records(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000, 2_000, 3_000)
    assert delete_before(kafka, topic, 2).low_watermark == 2
    assert kafka.offset(topic, EARLIEST).offset == 2
    assert kafka.offset(topic, 0).offset == 2


@case
def a_time_does_not_find_records_that_are_deleted(kafka: Kafka) -> None:
    topic = _filled(kafka, 1_000, 2_000, 3_000)
    delete_before(kafka, topic, 1)
    assert kafka.offset(topic, 1_000).offset == 1


@case
def log_append_time_is_what_a_time_finds(kafka: Kafka) -> None:
    topic = kafka.topic(message_timestamp_type="LogAppendTime")
    answer = kafka.produce(topic, record(b"a", timestamp_ms=5))
    assert kafka.offset(topic, now_ms() - 3_600_000).timestamp == answer.log_append_time_ms
    assert kafka.offset(topic, answer.log_append_time_ms + 1).offset == -1


@each({str(version): version for version in range(1, 12)})
def latest_is_told_in_version(kafka: Kafka, version: int) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert kafka.offset(topic, LATEST, version=version).offset == 1
