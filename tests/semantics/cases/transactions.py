"""Transactions, as clients of both versions of the protocol (KIP-98 and KIP-890) see them."""

from typing import Any

from kcon_broker.batch.records import MARKER_ABORT, MARKER_COMMIT
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from kcon_broker.wire.messages.describe_producers import DescribeProducersRequest, ProducerState, TopicRequest
from kcon_broker.wire.messages.describe_transactions import DescribeTransactionsRequest
from kcon_broker.wire.messages.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from kcon_broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
)
from tests.semantics.batches import batch_of, markers
from tests.semantics.case import case, each, waiting_case
from tests.semantics.cases.offsets import commit, committed
from tests.semantics.kafka import LATEST, Kafka
from tests.semantics.members import ClassicMember
from tests.semantics.producers import TV1_END, TV2_END, TV2_OFFSETS, TV2_PRODUCE, Producer

_COMMITTED = 1


def _producer(kafka: Kafka, transactional_id: str | None = None) -> Producer:
    return Producer(kafka, transactional_id or kafka.fresh("txn")).ready()


def _open(kafka: Kafka, *values: bytes) -> tuple[str, Producer]:
    """Return a topic with an open transaction of the first version."""
    topic, producer = kafka.topic(), _producer(kafka)
    assert not producer.add(topic)
    assert not producer.send(topic, *values).error_code
    return topic, producer


def _open_tv2(kafka: Kafka, *values: bytes) -> tuple[str, Producer]:
    topic, producer = kafka.topic(), _producer(kafka)
    assert not producer.send(topic, *values, version=TV2_PRODUCE).error_code
    return topic, producer


def _active(kafka: Kafka, topic: str) -> list[ProducerState]:
    request = DescribeProducersRequest(topics=[TopicRequest(name=topic, partition_indexes=[0])])
    found: list[ProducerState] = kafka.ask(request, 0).topics[0].partitions[0].active_producers
    return found


def _committed_values(kafka: Kafka, topic: str, end: int) -> list[bytes | None]:
    """Return what a reader of committed records gets, once the last stable offset is at `end`."""
    kafka.until(lambda: kafka.offset(topic, LATEST, isolation=_COMMITTED).offset, lambda offset: offset >= end)
    return kafka.values(topic, isolation=_COMMITTED)


# What readers see


@case
def open_records_are_seen_by_read_uncommitted_only(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    assert kafka.values(topic) == [b"a"]
    assert kafka.values(topic, isolation=_COMMITTED) == []
    producer.abort()


@case
def committed_records_are_seen_by_all(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    producer.commit()
    assert _committed_values(kafka, topic, 2) == [b"a"]


@case
def aborted_records_never_reach_read_committed(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    producer.abort()
    assert _committed_values(kafka, topic, 2) == []
    assert kafka.values(topic) == [b"a"]


@case
def a_fetch_lists_the_aborted_transaction_with_its_first_offset(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a", b"b")
    producer.abort()
    kafka.until(lambda: kafka.offset(topic, LATEST, isolation=_COMMITTED).offset, lambda offset: offset == 3)
    listed = kafka.fetch(topic, isolation=_COMMITTED).aborted_transactions
    assert [(one.producer_id, one.first_offset) for one in listed or ()] == [(producer.producer_id, 0)]


@case
def a_fetch_after_the_abort_does_not_list_it(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    producer.abort()
    kafka.produce(topic, b"b")
    kafka.until(lambda: kafka.offset(topic, LATEST, isolation=_COMMITTED).offset, lambda offset: offset == 3)
    assert kafka.fetch(topic, 2, isolation=_COMMITTED).aborted_transactions == []


@case
def a_committed_transaction_is_not_listed(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    producer.commit()
    kafka.until(lambda: kafka.offset(topic, LATEST, isolation=_COMMITTED).offset, lambda offset: offset == 2)
    assert kafka.fetch(topic, isolation=_COMMITTED).aborted_transactions == []


@each({"a commit": (True, MARKER_COMMIT), "an abort": (False, MARKER_ABORT)})
def an_end_writes_a_marker_that_takes_an_offset(kafka: Kafka, ending: tuple[bool, int]) -> None:
    commit, marker = ending
    topic, producer = _open(kafka, b"a")
    producer.end(commit=commit)
    kafka.until(lambda: kafka.offset(topic, LATEST).offset, lambda offset: offset == 2)
    assert markers(kafka.fetch(topic)) == [marker]
    assert kafka.produce(topic, b"b").base_offset == 2


@case
def a_plain_record_after_an_open_transaction_waits_for_it(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    kafka.produce(topic, b"b")
    assert kafka.values(topic, isolation=_COMMITTED) == []
    assert kafka.fetch(topic, isolation=_COMMITTED).last_stable_offset == 0
    producer.commit()
    assert _committed_values(kafka, topic, 3) == [b"a", b"b"]


@case
def the_last_stable_offset_is_the_first_open_transactions(kafka: Kafka) -> None:
    topic, first = _open(kafka, b"a")
    second = _producer(kafka)
    second.add(topic)
    second.send(topic, b"b")
    first.commit()
    stable = kafka.until(lambda: kafka.fetch(topic).last_stable_offset, lambda offset: offset == 1)
    assert stable == 1
    second.commit()
    assert _committed_values(kafka, topic, 4) == [b"a", b"b"]


@case
def two_transactions_mixed_in_one_partition_keep_apart(kafka: Kafka) -> None:
    topic, first = _open(kafka, b"a")
    second = _producer(kafka)
    second.add(topic)
    second.send(topic, b"b")
    first.send(topic, b"c")
    second.abort()
    first.commit()
    assert _committed_values(kafka, topic, 5) == [b"a", b"c"]


@case
def a_transaction_over_two_partitions_ends_in_both(kafka: Kafka) -> None:
    topic, producer = kafka.topic(partitions=2), _producer(kafka)
    producer.add(topic, 0, 1)
    for partition in (0, 1):
        producer.send(topic, b"a", partition=partition)
    producer.commit()
    for partition in (0, 1):
        kafka.until(lambda one=partition: kafka.offset(topic, LATEST, partition=one).offset, lambda end: end == 2)  # type: ignore[misc]
        assert markers(kafka.fetch(topic, partition=partition)) == [MARKER_COMMIT]


@case
def one_producer_commits_after_an_abort(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    producer.abort()
    assert not producer.add(topic)
    producer.send(topic, b"b")
    producer.commit()
    assert _committed_values(kafka, topic, 4) == [b"b"]


@case
def an_added_partition_without_records_gets_a_marker_all_the_same(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    producer.add(topic)
    producer.commit()
    end = kafka.until(lambda: kafka.offset(topic, LATEST).offset, lambda offset: offset == 1)
    assert end == 1


# The first version of the protocol


@case
def the_first_version_refuses_a_partition_that_was_not_added(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    assert ErrorCode(producer.send(topic, b"a", version=11).error_code) == ErrorCode.TRANSACTION_ABORTABLE
    assert ErrorCode(producer.send(topic, b"a", version=10).error_code) == ErrorCode.INVALID_TXN_STATE
    assert kafka.offset(topic, LATEST).offset == 0


@case
def the_first_version_keeps_its_epoch_over_transactions(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    producer.commit()
    assert producer.described().producer_epoch == producer.epoch


@case
def records_after_the_end_are_refused(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    producer.commit()
    kafka.until(lambda: kafka.offset(topic, LATEST).offset, lambda offset: offset == 2)
    assert producer.send(topic, b"b").error_code == ErrorCode.TRANSACTION_ABORTABLE


@case
def committing_twice_is_answered_alike(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    producer.commit()
    assert producer.end(commit=True).error_code == ErrorCode.NONE


@case
def aborting_what_is_committed_is_an_invalid_state(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    producer.commit()
    assert producer.end(commit=False).error_code == ErrorCode.INVALID_TXN_STATE


@case
def ending_without_a_transaction_is_an_invalid_state(kafka: Kafka) -> None:
    assert _producer(kafka).end(commit=True).error_code == ErrorCode.INVALID_TXN_STATE


@case
def ending_an_unknown_transactional_id_is_an_invalid_mapping(kafka: Kafka) -> None:
    producer = Producer(kafka, kafka.fresh("txn"))
    producer.producer_id, producer.epoch = 5, 0
    assert producer.end(commit=True).error_code == ErrorCode.INVALID_PRODUCER_ID_MAPPING


@case
def ending_with_another_producer_id_is_an_invalid_mapping(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    right = producer.producer_id
    producer.producer_id += 1_000
    assert producer.end(commit=True).error_code == ErrorCode.INVALID_PRODUCER_ID_MAPPING
    producer.producer_id = right
    producer.abort()


@case
def adding_partitions_with_an_old_epoch_is_fenced(kafka: Kafka) -> None:
    producer = _producer(kafka)
    old = producer.epoch
    producer.ready()
    assert producer.add(kafka.topic(), v3_and_below_producer_epoch=old) == ErrorCode.PRODUCER_FENCED


@case
def adding_an_unknown_partition_adds_none(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    assert producer.add(topic, 7) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert producer.described().transaction_state == "Empty"


def _adding_twice(producer: Producer, topic: str, *others: int) -> AddPartitionsToTxnRequest:
    """Return a request that names a topic once for each of the other partitions, and once without any."""
    return AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=producer.transactional_id or "",
        v3_and_below_producer_id=producer.producer_id,
        v3_and_below_producer_epoch=producer.epoch,
        v3_and_below_topics=[
            *(AddPartitionsToTxnTopic(name=topic, partitions=[0, index]) for index in others),
            AddPartitionsToTxnTopic(name=topic, partitions=[]),
        ],
    )


@case
def topics_are_told_as_they_were_named_when_all_partitions_are_added(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    told = kafka.ask(_adding_twice(producer, topic, 0, 0), 3).results_by_topic_v3_and_below
    found = [[(part.partition_index, part.partition_error_code) for part in one.results_by_partition] for one in told]
    assert sorted(found) == [[], [(0, 0), (0, 0)], [(0, 0), (0, 0)]]
    assert {one.name for one in told} == {topic}


@case
def a_topic_named_twice_in_one_request_is_told_once_when_a_partition_is_unknown(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    (told,) = kafka.ask(_adding_twice(producer, topic, 0, 9), 3).results_by_topic_v3_and_below
    codes = {one.partition_index: one.partition_error_code for one in told.results_by_partition}
    assert codes == {0: ErrorCode.OPERATION_NOT_ATTEMPTED, 9: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}


@case
def adding_the_same_partition_again_is_no_error(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    assert producer.add(topic) == ErrorCode.NONE
    producer.abort()


@case
def adding_to_an_unknown_transactional_id_is_an_invalid_mapping(kafka: Kafka) -> None:
    producer = Producer(kafka, kafka.fresh("txn"))
    producer.producer_id, producer.epoch = 5, 0
    assert producer.add(kafka.topic()) == ErrorCode.INVALID_PRODUCER_ID_MAPPING


# Init and fencing


@case
def init_raises_the_epoch_and_keeps_the_id(kafka: Kafka) -> None:
    producer = _producer(kafka)
    before = (producer.producer_id, producer.epoch)
    producer.ready()
    assert (producer.producer_id, producer.epoch) == (before[0], before[1] + 1)


@case
def init_aborts_an_open_transaction(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    first = producer.init()
    assert first.error_code in (ErrorCode.NONE, ErrorCode.CONCURRENT_TRANSACTIONS)
    producer.ready()
    assert _committed_values(kafka, topic, 2) == []
    assert markers(kafka.fetch(topic)) == [MARKER_ABORT]


@case
def init_of_an_open_transaction_is_told_to_wait(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    assert producer.init().error_code == ErrorCode.CONCURRENT_TRANSACTIONS
    producer.ready()


@case
def a_fenced_producer_cannot_write(kafka: Kafka) -> None:
    topic, old = _open(kafka, b"a")
    Producer(kafka, old.transactional_id).ready()
    kafka.until(lambda: kafka.offset(topic, LATEST).offset, lambda offset: offset == 2)
    assert ErrorCode(old.send(topic, b"b").error_code) == ErrorCode.INVALID_PRODUCER_EPOCH


@case
def a_fenced_producer_cannot_commit(kafka: Kafka) -> None:
    _, old = _open(kafka, b"a")
    Producer(kafka, old.transactional_id).ready()
    assert ErrorCode(old.end(commit=True).error_code) == ErrorCode.PRODUCER_FENCED


@case
def init_with_the_present_id_and_epoch_raises_the_epoch(kafka: Kafka) -> None:
    producer = _producer(kafka)
    before = producer.epoch
    assert not producer.init(producer_id=producer.producer_id, epoch=producer.epoch).error_code
    assert producer.epoch == before + 1


@case
def init_with_an_old_epoch_is_fenced(kafka: Kafka) -> None:
    producer = _producer(kafka)
    old = producer.epoch
    producer.ready()
    producer.ready()
    answer = producer.init(producer_id=producer.producer_id, epoch=old)
    assert ErrorCode(answer.error_code) == ErrorCode.PRODUCER_FENCED


@case
def init_with_another_id_is_fenced(kafka: Kafka) -> None:
    producer = _producer(kafka)
    answer = producer.init(producer_id=producer.producer_id + 1_000, epoch=producer.epoch)
    assert ErrorCode(answer.error_code) == ErrorCode.PRODUCER_FENCED


@case
def init_with_an_id_and_no_epoch_is_an_invalid_request(kafka: Kafka) -> None:
    producer = _producer(kafka)
    assert producer.init(producer_id=producer.producer_id, epoch=-1).error_code == ErrorCode.INVALID_REQUEST


@each({"0": 0, "-1": -1, "above the limit": 900_001})
def a_transaction_timeout_is_invalid(kafka: Kafka, timeout_ms: int) -> None:
    answer = Producer(kafka, kafka.fresh("txn")).init(timeout_ms=timeout_ms)
    assert answer.error_code == ErrorCode.INVALID_TRANSACTION_TIMEOUT


@case
def a_transaction_timeout_at_the_limit_is_taken(kafka: Kafka) -> None:
    assert Producer(kafka, kafka.fresh("txn")).init(timeout_ms=900_000).error_code == ErrorCode.NONE


@waiting_case
def a_transaction_past_its_timeout_is_aborted_and_its_producer_fenced(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), Producer(kafka, kafka.fresh("txn"))
    assert not producer.init(timeout_ms=100).error_code
    producer.add(topic)
    producer.send(topic, b"a")
    kafka.until(lambda: kafka.offset(topic, LATEST).offset, lambda offset: offset == 2)
    assert markers(kafka.fetch(topic)) == [MARKER_ABORT]
    assert ErrorCode(producer.end(commit=True).error_code) == ErrorCode.PRODUCER_FENCED


# Offsets in transactions


@case
def offsets_of_a_transaction_come_with_its_commit(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    assert producer.add_offsets(group) == ErrorCode.NONE
    assert producer.commit_offset(group, topic, 5) == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == -1
    producer.commit()
    found = kafka.until(lambda: committed(kafka, group, topic).committed_offset, lambda offset: offset >= 0)
    assert found == 5


@case
def offsets_of_an_aborted_transaction_never_come(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    producer.add_offsets(group)
    producer.commit_offset(group, topic, 5)
    producer.abort()
    settled = kafka.until(lambda: committed(kafka, group, topic, require_stable=True).error_code, lambda code: not code)
    assert settled == ErrorCode.NONE
    assert committed(kafka, group, topic).committed_offset == -1


@case
def a_stable_fetch_of_an_offset_in_a_transaction_is_unstable(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    producer.add_offsets(group)
    producer.commit_offset(group, topic, 5)
    unstable = committed(kafka, group, topic, require_stable=True)
    assert (unstable.error_code, unstable.committed_offset) == (ErrorCode.UNSTABLE_OFFSET_COMMIT, -1)
    assert committed(kafka, group, topic).error_code == ErrorCode.NONE
    producer.abort()


@case
def the_last_offset_of_a_transaction_wins(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    producer.add_offsets(group)
    for offset in (5, 9, 7):
        producer.commit_offset(group, topic, offset)
    producer.commit()
    found = kafka.until(lambda: committed(kafka, group, topic).committed_offset, lambda offset: offset >= 0)
    assert found == 7


@case
def a_plain_commit_after_the_one_of_the_transaction_stays(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    producer.add_offsets(group)
    producer.commit_offset(group, topic, 5)
    assert commit(kafka, group, topic, 8) == ErrorCode.NONE
    producer.commit()
    settled = kafka.until(
        lambda: committed(kafka, group, topic, require_stable=True), lambda found: not found.error_code
    )
    assert settled.committed_offset == 8


@case
def offsets_with_a_stale_generation_are_refused(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    member = ClassicMember(kafka, group).stable()
    producer.add_offsets(group)
    named: dict[str, Any] = {"member_id": member.member_id, "generation_id": member.generation + 1}
    assert producer.commit_offset(group, topic, 5, **named) == ErrorCode.ILLEGAL_GENERATION
    named["generation_id"] = member.generation
    assert producer.commit_offset(group, topic, 5, **named) == ErrorCode.NONE
    producer.abort()


@case
def offsets_of_an_unknown_member_are_refused(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    ClassicMember(kafka, group).stable()
    producer.add_offsets(group)
    code = producer.commit_offset(group, topic, 5, member_id="stranger", generation_id=1)
    assert code == ErrorCode.UNKNOWN_MEMBER_ID
    producer.abort()


@case
def offsets_of_a_group_that_was_not_added_are_refused_in_the_first_version(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    assert ErrorCode(producer.commit_offset(group, topic, 5, version=4)) == ErrorCode.TRANSACTION_ABORTABLE
    assert ErrorCode(producer.commit_offset(group, topic, 5, version=3)) == ErrorCode.INVALID_TXN_STATE


# The second version of the protocol


@case
def the_second_version_adds_partitions_by_itself(kafka: Kafka) -> None:
    topic, producer = _open_tv2(kafka, b"a")
    described = producer.described()
    assert described.transaction_state == "Ongoing"
    assert [(one.topic, one.partitions) for one in described.topics] == [(topic, [0])]
    producer.end(commit=False, version=TV2_END)


@case
def the_second_version_raises_the_epoch_at_every_end(kafka: Kafka) -> None:
    topic, producer = _open_tv2(kafka, b"a")
    before = (producer.producer_id, producer.epoch)
    assert not producer.end(commit=True, version=TV2_END).error_code
    assert (producer.producer_id, producer.epoch) == (before[0], before[1] + 1)
    assert _committed_values(kafka, topic, 2) == [b"a"]


@case
def the_second_version_goes_on_with_the_epoch_it_was_given(kafka: Kafka) -> None:
    topic, producer = _open_tv2(kafka, b"a")
    producer.end(commit=True, version=TV2_END)
    producer.over()
    answer = kafka.until(lambda: producer.send(topic, b"b", version=TV2_PRODUCE), lambda answer: not answer.error_code)
    assert answer.error_code == ErrorCode.NONE
    producer.end(commit=True, version=TV2_END)
    assert _committed_values(kafka, topic, 4) == [b"a", b"b"]


@case
def the_second_version_fences_the_epoch_before(kafka: Kafka) -> None:
    topic, producer = _open_tv2(kafka, b"a")
    old = producer.epoch
    producer.end(commit=True, version=TV2_END)
    producer.over()
    kafka.until(lambda: kafka.offset(topic, LATEST).offset, lambda offset: offset == 2)
    late = producer.send(topic, b"late", epoch=old, sequence=1, version=TV2_PRODUCE)
    assert ErrorCode(late.error_code) == ErrorCode.INVALID_PRODUCER_EPOCH


@case
def the_second_version_may_end_what_is_empty_by_an_abort(kafka: Kafka) -> None:
    producer = _producer(kafka)
    before = producer.epoch
    assert producer.end(commit=False, version=TV2_END).error_code == ErrorCode.NONE
    assert producer.epoch == before + 1


@case
def the_second_version_may_not_commit_what_is_empty(kafka: Kafka) -> None:
    assert _producer(kafka).end(commit=True, version=TV2_END).error_code == ErrorCode.INVALID_TXN_STATE


@case
def the_second_version_answers_a_repeated_end_alike(kafka: Kafka) -> None:
    _, producer = _open_tv2(kafka, b"a")
    old = producer.epoch
    producer.end(commit=True, version=TV2_END)
    producer.over()
    new = producer.epoch
    again = producer.end(commit=True, version=TV2_END, epoch=old)
    assert (again.error_code, again.producer_epoch) == (ErrorCode.NONE, new)


@case
def the_second_version_adds_groups_by_itself(kafka: Kafka) -> None:
    topic, group, producer = kafka.topic(), kafka.fresh(), _producer(kafka)
    assert producer.commit_offset(group, topic, 5, version=TV2_OFFSETS) == ErrorCode.NONE
    assert producer.described().transaction_state == "Ongoing"
    producer.end(commit=True, version=TV2_END)
    found = kafka.until(lambda: committed(kafka, group, topic).committed_offset, lambda offset: offset >= 0)
    assert found == 5


@case
def a_transaction_of_the_second_version_must_begin_at_sequence_0(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), _producer(kafka)
    answer = producer.send(topic, b"a", sequence=5, version=TV2_PRODUCE)
    assert ErrorCode(answer.error_code) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


# Produce


@case
def a_transactional_batch_in_a_request_without_a_transactional_id_is_refused(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    batch = batch_of(b"b", producer_id=producer.producer_id, epoch=producer.epoch, sequence=1, transactional=True)
    answer = kafka.produce(topic, batch=batch)
    assert ErrorCode(answer.error_code) == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    producer.abort()


@case
def a_plain_batch_of_a_producer_in_a_transaction_is_an_invalid_state(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    answer = producer.send(topic, b"b", transactional=False)
    assert ErrorCode(answer.error_code) == ErrorCode.INVALID_TXN_STATE
    producer.abort()


@case
def a_transactional_batch_without_a_producer_id_is_refused(kafka: Kafka) -> None:
    batch = batch_of(b"a", transactional=True)
    answer = kafka.produce(kafka.topic(), batch=batch)
    assert ErrorCode(answer.error_code) == ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


@case
def a_duplicate_in_a_transaction_gets_the_first_offset(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    assert producer.send(topic, b"a", sequence=0).base_offset == 0
    producer.commit()
    assert _committed_values(kafka, topic, 2) == [b"a"]


@case
def a_sequence_that_an_abort_used_up_is_a_duplicate_in_the_first_versions_next_transaction(kafka: Kafka) -> None:
    # What librdkafka sends after an abort purged records whose connection was lost (`tests/crash`): they are lost.
    topic, producer = _open(kafka, b"a", b"b")
    producer.abort()
    assert not producer.add(topic)
    answer = producer.send(topic, b"c", b"d", sequence=0)
    assert (answer.error_code, answer.base_offset) == (0, 0)
    producer.commit()
    assert _committed_values(kafka, topic, 3) == []


# What is told of transactions


@case
def describe_tells_the_state_of_a_transaction(kafka: Kafka) -> None:
    topic, producer = _open(kafka, b"a")
    state = producer.described()
    assert (state.transaction_state, state.producer_id) == ("Ongoing", producer.producer_id)
    assert (state.producer_epoch, state.transaction_timeout_ms) == (producer.epoch, 60_000)
    assert [(one.topic, one.partitions) for one in state.topics] == [(topic, [0])]
    producer.abort()


@each({"commit": (True, "CompleteCommit"), "abort": (False, "CompleteAbort")})
def describe_tells_how_a_transaction_ended(kafka: Kafka, ending: tuple[bool, str]) -> None:
    commit, wanted = ending
    _, producer = _open(kafka, b"a")
    producer.end(commit=commit, version=TV1_END)
    producer.over()
    assert producer.described().transaction_state == wanted


@case
def describe_of_a_new_id_is_empty(kafka: Kafka) -> None:
    assert _producer(kafka).described().transaction_state == "Empty"


@case
def describe_of_an_unknown_id_is_not_found(kafka: Kafka) -> None:
    request = DescribeTransactionsRequest(transactional_ids=[kafka.fresh("no")])
    assert kafka.ask(request, 0).transaction_states[0].error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND


def _listed(kafka: Kafka, **fields: object) -> ListTransactionsResponse:
    request = ListTransactionsRequest(duration_filter=-1)
    for name, value in fields.items():
        setattr(request, name, value)
    found: ListTransactionsResponse = kafka.ask(request, 2)
    return found


@case
def list_finds_by_producer_id(kafka: Kafka) -> None:
    producer = _producer(kafka)
    listed = _listed(kafka, producer_id_filters=[producer.producer_id]).transaction_states
    assert [(one.transactional_id, one.transaction_state) for one in listed] == [(producer.transactional_id, "Empty")]


@case
def list_finds_by_state(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    listed = {one.transactional_id for one in _listed(kafka, state_filters=["Ongoing"]).transaction_states}
    assert producer.transactional_id in listed
    empty = {one.transactional_id for one in _listed(kafka, state_filters=["Empty"]).transaction_states}
    assert producer.transactional_id not in empty
    producer.abort()


@case
def list_tells_unknown_states(kafka: Kafka) -> None:
    assert _listed(kafka, state_filters=["Sleeping"]).unknown_state_filters == ["Sleeping"]


@case
def list_finds_by_a_pattern_of_the_id(kafka: Kafka) -> None:
    producer = _producer(kafka)
    listed = _listed(kafka, transactional_id_pattern=f"{producer.transactional_id}.*").transaction_states
    assert [one.transactional_id for one in listed] == [producer.transactional_id]


@case
def list_refuses_a_pattern_that_is_none(kafka: Kafka) -> None:
    assert _listed(kafka, transactional_id_pattern="(").error_code == ErrorCode.INVALID_REGULAR_EXPRESSION


@case
def list_by_a_long_duration_leaves_out_the_young(kafka: Kafka) -> None:
    _, producer = _open(kafka, b"a")
    listed = {one.transactional_id for one in _listed(kafka, duration_filter=3_600_000).transaction_states}
    assert producer.transactional_id not in listed
    producer.abort()


@case
def describe_producers_tells_where_a_transaction_began(kafka: Kafka) -> None:
    topic = kafka.topic()
    kafka.produce(topic, b"before")
    producer = _producer(kafka)
    producer.add(topic)
    producer.send(topic, b"a")
    (state,) = _active(kafka, topic)
    assert (state.producer_id, state.current_txn_start_offset) == (producer.producer_id, 1)
    producer.abort()
    kafka.until(lambda: _active(kafka, topic)[0].current_txn_start_offset, lambda offset: offset == -1)
    assert _active(kafka, topic)[0].current_txn_start_offset == -1


@each({"an abort": (False, MARKER_ABORT), "a commit": (True, MARKER_COMMIT)})
def an_operator_can_end_a_hanging_transaction_by(kafka: Kafka, ending: tuple[bool, int]) -> None:
    commit, marker = ending
    topic, producer = _open(kafka, b"a")
    written = WritableTxnMarker(
        producer_id=producer.producer_id,
        producer_epoch=producer.epoch,
        transaction_result=commit,
        coordinator_epoch=0,
        topics=[WritableTxnMarkerTopic(name=topic, partition_indexes=[0])],
    )
    answer = kafka.ask(WriteTxnMarkersRequest(markers=[written]), 1)
    assert answer.markers[0].topics[0].partitions[0].error_code == ErrorCode.NONE
    assert markers(kafka.fetch(topic)) == [marker]
    assert kafka.fetch(topic).last_stable_offset == 2
    producer.abort()
