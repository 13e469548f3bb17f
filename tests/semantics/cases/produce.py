"""Produce: what is appended, what is refused and with which code, and what a consumer then reads."""

from collections.abc import Callable

from kcon_broker.batch.header import HEADER_BYTES, read_header
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.differential.generators.batches import BAD_BATCHES, GOOD_BATCHES, with_field
from tests.semantics.batches import batch_of, now_ms, record, split
from tests.semantics.case import case, each
from tests.semantics.kafka import EARLIEST, LATEST, Kafka, produce_request

_HOUR_MS = 3_600_000
_SNAPPY, _LZ4, _ZSTD, _GZIP = 2, 3, 4, 1


@case
def the_first_record_has_offset_0(kafka: Kafka) -> None:
    assert kafka.produce(kafka.topic(), b"a").base_offset == 0


@case
def offsets_go_on_where_the_last_batch_ended(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a", b"b", b"c")
    assert kafka.produce(topic, b"d").base_offset == 3


@case
def partitions_have_offsets_of_their_own(kafka: Kafka) -> None:
    topic = kafka.topic(partitions=2)
    kafka.produce(topic, b"a", partition=0)
    assert kafka.produce(topic, b"b", partition=1).base_offset == 0


@case
def records_come_back_as_they_were_sent(kafka: Kafka) -> None:
    topic = kafka.topic()
    sent = record(b"value", key=b"key", timestamp_ms=now_ms(), headers=((b"h", b"1"), (b"h", None), (b"", b"")))
    kafka.produce(topic, sent)
    assert kafka.records(topic) == [sent._replace(offset=0)]


@case
def a_null_value_and_an_empty_value_are_different(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, record(None, key=b"k"), record(b"", key=b"k"))
    assert kafka.values(topic) == [None, b""]


@case
def a_null_key_and_an_empty_key_are_different(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, record(b"v"), record(b"v", key=b""))
    assert [one.key for one in kafka.records(topic)] == [None, b""]


@case
def a_record_may_be_older_than_the_one_before(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, record(b"a", timestamp_ms=now_ms()), record(b"b", timestamp_ms=now_ms() - 1_000))
    assert kafka.values(topic) == [b"a", b"b"]


@each({"gzip": _GZIP, "snappy": _SNAPPY, "lz4": _LZ4, "zstd": _ZSTD})
def a_compressed_batch_stays_compressed(kafka: Kafka, codec: int) -> None:
    topic = kafka.topic()
    kafka.produce(topic, batch=batch_of(b"a" * 100, b"b" * 100, codec=codec))
    (batch,) = split(kafka.fetch(topic))
    assert read_header(batch).attributes & 7 == codec
    assert kafka.values(topic) == [b"a" * 100, b"b" * 100]


@each({"gzip": ("gzip", _GZIP), "snappy": ("snappy", _SNAPPY), "lz4": ("lz4", _LZ4), "zstd": ("zstd", _ZSTD)})
def a_topic_with_a_compression_type_compresses_what_comes_plain(kafka: Kafka, wanted: tuple[str, int]) -> None:
    name, codec = wanted
    topic = kafka.topic(compression_type=name)
    kafka.produce(topic, b"a" * 100)
    (batch,) = split(kafka.fetch(topic))
    assert read_header(batch).attributes & 7 == codec


@case
def a_topic_with_compression_type_uncompressed_unpacks_what_comes_compressed(kafka: Kafka) -> None:
    topic = kafka.topic(compression_type="uncompressed")
    kafka.produce(topic, batch=batch_of(b"a" * 100, codec=_GZIP))
    (batch,) = split(kafka.fetch(topic))
    assert read_header(batch).attributes & 7 == 0


@case
def the_answer_tells_the_log_start_offset(kafka: Kafka) -> None:
    assert kafka.produce(kafka.topic(), b"a").log_start_offset == 0


@case
def a_topic_of_create_time_answers_no_append_time(kafka: Kafka) -> None:
    assert kafka.produce(kafka.topic(), b"a").log_append_time_ms == -1


@case
def a_topic_of_log_append_time_answers_the_time_it_gave_the_records(kafka: Kafka) -> None:
    topic = kafka.topic(message_timestamp_type="LogAppendTime")
    answer = kafka.produce(topic, record(b"a", timestamp_ms=5), record(b"b", timestamp_ms=6))
    assert answer.log_append_time_ms > 6
    assert {one.timestamp_ms for one in kafka.records(topic)} == {answer.log_append_time_ms}


@case
def a_topic_of_log_append_time_takes_any_timestamp(kafka: Kafka) -> None:
    topic = kafka.topic(message_timestamp_type="LogAppendTime")
    assert kafka.produce(topic, record(b"a", timestamp_ms=now_ms() + 100 * _HOUR_MS)).error_code == ErrorCode.NONE


@case
def several_partitions_of_one_request_are_judged_alone(kafka: Kafka) -> None:
    topic = kafka.topic(partitions=2)
    data = [PartitionProduceData(index=index, records=batch_of(b"v")) for index in (0, 1, 2)]
    request = ProduceRequest(acks=-1, timeout_ms=5_000, topic_data=[TopicProduceData(name=topic, partition_data=data)])
    answered = kafka.ask(request, 11).responses[0].partition_responses
    assert {one.index: one.error_code for one in answered} == {0: 0, 1: 0, 2: 3}


@case
def an_unknown_topic_is_unknown_topic_or_partition_and_is_not_created(kafka: Kafka) -> None:
    name = kafka.fresh("no")
    assert kafka.produce(name, b"v").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert kafka.produce(name, b"v").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@each({"a slash": "a/b", "empty": "", "two dots": "..", "too long": "x" * 250})
def an_invalid_topic_name_is_unknown_topic_or_partition(kafka: Kafka, name: str) -> None:
    assert kafka.produce(name, b"v").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@each({"1": 1, "-1": -1, "the largest": (1 << 31) - 1})
def an_unknown_partition_is_unknown_topic_or_partition(kafka: Kafka, partition: int) -> None:
    answer = kafka.produce(kafka.topic(), b"v", partition=partition)
    assert (answer.error_code, answer.base_offset) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)


@case
def an_unknown_topic_id_is_unknown_topic_id(kafka: Kafka) -> None:
    request = produce_request("", b"v")
    request.topic_data[0].topic_id = b"no-such-topic-id"
    answer = kafka.ask(request, 13)
    assert answer.responses[0].partition_responses[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


@case
def a_topic_can_be_named_by_its_id(kafka: Kafka) -> None:
    topic = kafka.topic()
    assert kafka.produce(topic, b"v", version=13).error_code == ErrorCode.NONE
    assert kafka.values(topic) == [b"v"]


@each({"acks of 1": 1, "acks of -1": -1})
def a_batch_is_appended_with(kafka: Kafka, acks: int) -> None:
    topic = kafka.topic()
    assert kafka.produce(topic, b"v", acks=acks).base_offset == 0
    assert kafka.until(lambda: kafka.values(topic), bool) == [b"v"]


@each({"2": 2, "-2": -2, "100": 100})
def acks_other_than_three_are_invalid_required_acks(kafka: Kafka, acks: int) -> None:
    answer = kafka.produce(kafka.topic(), b"v", acks=acks)
    assert (answer.error_code, answer.base_offset) == (ErrorCode.INVALID_REQUIRED_ACKS, -1)


@case
def acks_0_is_not_answered_and_appends(kafka: Kafka) -> None:
    topic = kafka.topic()
    connection = kafka.connection()
    request = produce_request(topic, b"v", acks=0)
    connection.send(0, 11, request.encode(11), "semantics", has_answer=False)  # type: ignore[arg-type]  # Produce.
    assert kafka.ask(ApiVersionsRequest(), 0).error_code == ErrorCode.NONE
    assert kafka.until(lambda: kafka.values(topic), bool) == [b"v"]


@case
def acks_0_with_an_error_closes_the_connection(kafka: Kafka) -> None:
    request = produce_request(kafka.fresh("no"), b"v", acks=0)
    kafka.connection().send(0, 11, request.encode(11), "semantics", has_answer=False)  # type: ignore[arg-type]
    assert kafka.attempt(ApiVersionsRequest(), 0).reaction == "closed"


@each({name: recipe for name, recipe in GOOD_BATCHES.items() if name != "a base offset"})
def a_batch_is_taken(kafka: Kafka, recipe: Callable[[int, int], bytes]) -> None:
    topic = kafka.topic(retention_ms="-1")
    assert kafka.produce(topic, batch=recipe(now_ms(), 0)).error_code == ErrorCode.NONE


_REFUSED = {
    "two hours ahead": ErrorCode.INVALID_TIMESTAMP,
    "one of three ahead": ErrorCode.INVALID_TIMESTAMP,
    "one record too many told": ErrorCode.INVALID_RECORD,
    "one record too few told": ErrorCode.INVALID_RECORD,
    "the count alone lies": ErrorCode.INVALID_RECORD,
    "the last delta alone lies": ErrorCode.INVALID_RECORD,
    "no records told": ErrorCode.INVALID_RECORD,
    "a huge count": ErrorCode.INVALID_RECORD,
    "control": ErrorCode.INVALID_RECORD,
    "codec 7": ErrorCode.UNKNOWN_SERVER_ERROR,
    "a producer without sequence": ErrorCode.INVALID_RECORD,
    "a wrong checksum": ErrorCode.CORRUPT_MESSAGE,
    "two batches": ErrorCode.INVALID_RECORD,
    "magic 0": ErrorCode.INVALID_RECORD,
    "magic 1": ErrorCode.INVALID_RECORD,
    "cut by a byte": ErrorCode.INVALID_RECORD,
    "half a header": ErrorCode.INVALID_RECORD,
    "nothing": ErrorCode.INVALID_RECORD,
}


@each({name: (BAD_BATCHES[name], code) for name, code in _REFUSED.items()})
def a_batch_is_refused(kafka: Kafka, given: tuple[Callable[[int, int], bytes], ErrorCode]) -> None:
    recipe, code = given
    topic = kafka.topic()
    assert ErrorCode(kafka.produce(topic, batch=recipe(now_ms(), 0)).error_code) == code
    assert kafka.offset(topic, LATEST).offset == 0


@case
def garbage_in_a_compressed_batch_is_an_unknown_server_error(kafka: Kafka) -> None:
    batch = BAD_BATCHES["garbage"](now_ms(), _GZIP)
    assert kafka.produce(kafka.topic(), batch=batch).error_code == ErrorCode.UNKNOWN_SERVER_ERROR


@case
def a_record_in_the_future_is_told_by_its_place_in_the_batch(kafka: Kafka) -> None:
    answer = kafka.produce(kafka.topic(), record(b"a"), record(b"b", timestamp_ms=now_ms() + 2 * _HOUR_MS))
    assert answer.error_code == ErrorCode.INVALID_TIMESTAMP
    assert [one.batch_index for one in answer.record_errors] == [1]


@case
def a_record_in_the_future_hidden_by_the_header_is_found(kafka: Kafka) -> None:
    late = now_ms() + 2 * _HOUR_MS
    batch = with_field(batch_of(record(b"a", timestamp_ms=late)), 35, ">q", now_ms())
    answer = kafka.produce(kafka.topic(), batch=batch)
    assert answer.error_code == ErrorCode.INVALID_TIMESTAMP
    assert [one.batch_index for one in answer.record_errors] == [0]


@case
def a_largest_timestamp_that_lies_is_corrected(kafka: Kafka) -> None:
    topic, time_ms = kafka.topic(), now_ms()
    batch = with_field(batch_of(record(b"a", timestamp_ms=time_ms)), 35, ">q", time_ms + 10 * _HOUR_MS)
    assert kafka.produce(topic, batch=batch).error_code == ErrorCode.NONE
    assert read_header(split(kafka.fetch(topic))[0]).max_timestamp == time_ms


@case
def a_record_older_than_the_topic_allows_is_invalid_timestamp(kafka: Kafka) -> None:
    topic = kafka.topic(message_timestamp_before_max_ms="60000")
    answer = kafka.produce(topic, record(b"a", timestamp_ms=now_ms() - 120_000))
    assert answer.error_code == ErrorCode.INVALID_TIMESTAMP
    assert kafka.produce(topic, record(b"a", timestamp_ms=now_ms() - 30_000)).error_code == ErrorCode.NONE


@case
def a_topic_may_allow_records_further_in_the_future(kafka: Kafka) -> None:
    topic = kafka.topic(message_timestamp_after_max_ms=str(10 * _HOUR_MS))
    assert kafka.produce(topic, record(b"a", timestamp_ms=now_ms() + 2 * _HOUR_MS)).error_code == ErrorCode.NONE


@case
def a_batch_up_to_max_message_bytes_is_taken_and_a_byte_more_is_not(kafka: Kafka) -> None:
    topic = kafka.topic(max_message_bytes="200")
    room = 200 - HEADER_BYTES - 8
    sizes = {size: len(batch_of(b"x" * size)) for size in range(room - 20, room + 20)}
    exact = next(size for size, whole in sizes.items() if whole == 200)
    assert kafka.produce(topic, b"x" * exact).error_code == ErrorCode.NONE
    assert kafka.produce(topic, b"x" * (exact + 1)).error_code == ErrorCode.MESSAGE_TOO_LARGE


@case
def max_message_bytes_is_about_the_compressed_size(kafka: Kafka) -> None:
    topic = kafka.topic(max_message_bytes="300")
    assert kafka.produce(topic, batch=batch_of(b"x" * 10_000, codec=_GZIP)).error_code == ErrorCode.NONE


@case
def the_default_limit_of_a_batch_is_a_mebibyte_and_12_bytes(kafka: Kafka) -> None:
    # The first request of a connection may be limited further.
    kafka.ask(ApiVersionsRequest(), 0)
    limit = (1 << 20) + 12
    overhead = len(batch_of(b"x" * 1_000_000)) - 1_000_000
    topic = kafka.topic()
    assert kafka.produce(topic, b"x" * (limit - overhead)).error_code == ErrorCode.NONE
    assert kafka.produce(topic, b"x" * (limit - overhead + 1)).error_code == ErrorCode.MESSAGE_TOO_LARGE


@case
def zstd_needs_version_7(kafka: Kafka) -> None:
    topic = kafka.topic()
    batch = batch_of(b"v", codec=_ZSTD)
    assert kafka.produce(topic, batch=batch, version=6).error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert kafka.produce(topic, batch=batch, version=7).error_code == ErrorCode.NONE


@case
def a_compacted_topic_refuses_a_record_without_a_key_and_tells_which(kafka: Kafka) -> None:
    topic = kafka.topic(cleanup_policy="compact")
    answer = kafka.produce(topic, record(b"a", key=b"k"), record(b"b"))
    assert answer.error_code == ErrorCode.INVALID_RECORD
    assert [one.batch_index for one in answer.record_errors] == [1]
    assert kafka.offset(topic, LATEST).offset == 0


@case
def a_compacted_topic_takes_an_empty_key(kafka: Kafka) -> None:
    assert kafka.produce(kafka.topic(cleanup_policy="compact"), record(b"a", key=b"")).error_code == ErrorCode.NONE


@case
def a_base_offset_other_than_0_is_an_invalid_record(kafka: Kafka) -> None:
    batch = with_field(batch_of(b"a"), 0, ">q", 500)
    assert kafka.produce(kafka.topic(), batch=batch).error_code == ErrorCode.INVALID_RECORD


@case
def stray_bytes_after_the_batch_are_not_kept(kafka: Kafka) -> None:
    topic = kafka.topic()
    batch = batch_of(b"a")
    assert kafka.produce(topic, batch=batch + b"stray").error_code == ErrorCode.NONE
    kafka.produce(topic, b"b")
    assert kafka.values(topic) == [b"a", b"b"]
    assert len(split(kafka.fetch(topic))[0]) == len(batch)


@case
def a_fetched_batch_carries_the_leader_epoch_of_its_append(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert read_header(split(kafka.fetch(topic))[0]).partition_leader_epoch == kafka.offset(topic, LATEST).leader_epoch


@case
def a_refused_batch_leaves_no_gap(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    kafka.produce(topic, batch=BAD_BATCHES["control"](now_ms(), 0))
    assert kafka.produce(topic, b"b").base_offset == 1
    assert kafka.offset(topic, EARLIEST).offset == 0


@case
def a_request_without_topics_is_answered_empty(kafka: Kafka) -> None:
    assert kafka.ask(ProduceRequest(acks=-1, timeout_ms=1_000), 11).responses == []


@each({str(version): version for version in range(3, 14)})
def a_batch_is_appended_in_version(kafka: Kafka, version: int) -> None:
    topic = kafka.topic()
    assert kafka.produce(topic, b"v", version=version).base_offset == 0
    assert kafka.values(topic) == [b"v"]
