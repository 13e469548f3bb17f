"""Idempotent producers: sequences, epochs, duplicates, and what is remembered of a producer id."""

from kcon_broker.batch.header import read_header
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_producers import DescribeProducersRequest, ProducerState, TopicRequest
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest
from tests.semantics.batches import batch_of, split
from tests.semantics.case import case, each
from tests.semantics.kafka import LATEST, Kafka
from tests.semantics.producers import Producer

_INT32_MAX = (1 << 31) - 1


def _producer(kafka: Kafka) -> Producer:
    return Producer(kafka).ready()


def _active(kafka: Kafka, topic: str) -> list[ProducerState]:
    request = DescribeProducersRequest(topics=[TopicRequest(name=topic, partition_indexes=[0])])
    found: list[ProducerState] = kafka.ask(request, 0).topics[0].partitions[0].active_producers
    return found


@case
def a_producer_id_comes_with_epoch_0(kafka: Kafka) -> None:
    producer = _producer(kafka)
    assert producer.producer_id >= 0
    assert producer.epoch == 0


@case
def every_producer_gets_an_id_of_its_own(kafka: Kafka) -> None:
    assert len({_producer(kafka).producer_id for _ in range(5)}) == 5


@case
def a_present_id_is_not_kept_without_a_transactional_id(kafka: Kafka) -> None:
    producer = _producer(kafka)
    old = producer.producer_id
    assert not producer.init(producer_id=old, epoch=0).error_code
    assert producer.producer_id != old


@case
def an_empty_transactional_id_is_an_invalid_request(kafka: Kafka) -> None:
    request = InitProducerIdRequest(
        transactional_id="", transaction_timeout_ms=1_000, producer_id=-1, producer_epoch=-1
    )
    assert kafka.ask(request, 4).error_code == ErrorCode.INVALID_REQUEST


@case
def sequences_go_on(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    assert producer.send(topic, b"a", b"b", sequence=0).base_offset == 0
    assert producer.send(topic, b"c", sequence=2).base_offset == 2


@case
def a_duplicate_gets_the_first_offset_and_is_not_appended(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    first = producer.send(topic, b"a", sequence=0)
    again = producer.send(topic, b"a", sequence=0)
    assert (again.error_code, again.base_offset) == (ErrorCode.NONE, first.base_offset)
    assert kafka.values(topic) == [b"a"]


@case
def any_of_the_last_five_batches_is_known_as_a_duplicate(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    for sequence in range(5):
        producer.send(topic, b"%d" % sequence, sequence=sequence)
    assert [producer.send(topic, b"x", sequence=sequence).base_offset for sequence in range(5)] == list(range(5))
    assert kafka.offset(topic, LATEST).offset == 5


@case
def a_duplicate_older_than_five_batches_is_out_of_order(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    for sequence in range(6):
        producer.send(topic, b"%d" % sequence, sequence=sequence)
    old = producer.send(topic, b"x", sequence=0)
    assert ErrorCode(old.error_code) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


@case
def a_gap_is_out_of_order_and_appends_nothing(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", sequence=0)
    assert producer.send(topic, b"c", sequence=2).error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert kafka.values(topic) == [b"a"]
    assert producer.send(topic, b"b", sequence=1).base_offset == 1


@case
def an_overlap_that_is_no_duplicate_is_out_of_order(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", b"b", sequence=0)
    assert producer.send(topic, b"b", b"c", sequence=1).error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


@each({"5": 5, "1000": 1_000, "the largest": _INT32_MAX})
def an_unknown_producer_id_may_start_at_sequence(kafka: Kafka, sequence: int) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    assert producer.send(topic, b"a", sequence=sequence).error_code == ErrorCode.NONE


@case
def sequences_wrap_from_the_largest_to_0(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", sequence=_INT32_MAX)
    assert producer.send(topic, b"b", sequence=0).base_offset == 1


@case
def a_batch_may_wrap_inside(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    assert producer.send(topic, b"a", b"b", b"c", sequence=_INT32_MAX - 1).error_code == ErrorCode.NONE
    assert producer.send(topic, b"d", sequence=1).base_offset == 3


@case
def an_older_epoch_is_invalid(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", sequence=0, epoch=1)
    assert producer.send(topic, b"b", sequence=1, epoch=0).error_code == ErrorCode.INVALID_PRODUCER_EPOCH


@case
def a_newer_epoch_begins_at_sequence_0(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", sequence=0, epoch=0)
    assert producer.send(topic, b"b", sequence=0, epoch=1).base_offset == 1


@case
def a_newer_epoch_with_another_sequence_is_out_of_order(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", sequence=0, epoch=0)
    answer = producer.send(topic, b"b", sequence=1, epoch=1)
    assert answer.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


@case
def partitions_count_sequences_alone(kafka: Kafka) -> None:
    topic, producer = kafka.topic(partitions=2), _producer(kafka)
    producer.send(topic, b"a", sequence=0, partition=0)
    assert producer.send(topic, b"b", sequence=0, partition=1).error_code == ErrorCode.NONE
    assert producer.send(topic, b"c", sequence=2, partition=1).error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


@case
def two_producers_do_not_disturb_each_other(kafka: Kafka) -> None:
    topic = kafka.topic()
    first, second = _producer(kafka), _producer(kafka)
    for sequence in range(3):
        assert not first.send(topic, b"a", sequence=sequence).error_code
        assert not second.send(topic, b"b", sequence=sequence).error_code
    assert kafka.values(topic) == [b"a", b"b"] * 3


@case
def an_idempotent_batch_tells_its_producer_to_consumers(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", sequence=0)
    header = read_header(split(kafka.fetch(topic))[0])
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (producer.producer_id, 0, 0)


@case
def a_refused_batch_does_not_use_up_its_sequence(kafka: Kafka) -> None:
    topic, producer = kafka.topic(max_message_bytes="200"), _producer(kafka)
    assert producer.send(topic, b"x" * 500, sequence=0).error_code == ErrorCode.MESSAGE_TOO_LARGE
    assert producer.send(topic, b"x", sequence=0).error_code == ErrorCode.NONE


@case
def describe_producers_tells_who_wrote(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.send(topic, b"a", b"b", sequence=0)
    (state,) = _active(kafka, topic)
    assert (state.producer_id, state.producer_epoch, state.last_sequence) == (producer.producer_id, 0, 1)
    assert (state.coordinator_epoch, state.current_txn_start_offset) == (-1, -1)


@case
def describe_producers_of_a_partition_without_any_is_empty(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"a")
    assert _active(kafka, topic) == []


@case
def describe_producers_of_an_unknown_partition_is_unknown(kafka: Kafka) -> None:
    request = DescribeProducersRequest(topics=[TopicRequest(name=kafka.fresh("no"), partition_indexes=[0])])
    code = kafka.ask(request, 0).topics[0].partitions[0].error_code
    assert code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@case
def a_producer_id_without_a_sequence_is_an_invalid_record(kafka: Kafka) -> None:
    batch = batch_of(b"a", producer_id=5, epoch=0, sequence=-1)
    assert kafka.produce(kafka.topic(), batch=batch).error_code == ErrorCode.INVALID_RECORD


@each({str(version): version for version in range(6)})
def a_producer_id_is_given_in_version(kafka: Kafka, version: int) -> None:
    assert Producer(kafka).init(version=version).producer_id >= 0
