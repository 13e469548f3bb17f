"""Fetch sessions (KIP-227): what an incremental answer leaves out, and how a session is refused or ended."""

from typing import Any

from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.fetch import FetchPartition, FetchResponse, FetchTopic, ForgottenTopic
from tests.semantics.case import case
from tests.semantics.cases.topics import delete
from tests.semantics.kafka import Kafka, creatable, fetch_request

_VERSION = 12


def _ask(kafka: Kafka, session: int, epoch: int, *topics: FetchTopic, **fields: Any) -> FetchResponse:
    request = fetch_request("")
    request.topics, request.session_id, request.session_epoch = list(topics), session, epoch
    for name, value in fields.items():
        setattr(request, name, value)
    found: FetchResponse = kafka.ask(request, _VERSION)
    return found


def _wanted(topic: str, offset: int = 0, partition: int = 0) -> FetchTopic:
    wanted = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=1 << 20)
    return FetchTopic(topic=topic, partitions=[wanted])


def _opened(kafka: Kafka, topic: str, offset: int = 0) -> int:
    answer = _ask(kafka, 0, 0, _wanted(topic, offset))
    assert not answer.error_code
    assert answer.session_id
    return answer.session_id


@case
def epoch_0_opens_a_session(kafka: Kafka) -> None:
    assert _opened(kafka, kafka.topic()) > 0


@case
def epoch_minus_1_opens_none(kafka: Kafka) -> None:
    assert _ask(kafka, 0, -1, _wanted(kafka.topic())).session_id == 0


@case
def a_full_answer_has_every_partition(kafka: Kafka) -> None:
    assert len(_ask(kafka, 0, 0, _wanted(kafka.topic())).responses) == 1


@case
def an_incremental_answer_leaves_out_what_has_nothing_new(kafka: Kafka) -> None:
    session = _opened(kafka, kafka.topic())
    answer = _ask(kafka, session, 1)
    assert (answer.error_code, answer.session_id, answer.responses) == (ErrorCode.NONE, session, [])


@case
def an_incremental_answer_has_what_got_records(kafka: Kafka) -> None:
    topic = kafka.topic()
    session = _opened(kafka, topic)
    kafka.produce(topic, b"a")
    assert [one.topic for one in _ask(kafka, session, 1).responses] == [topic]


@case
def a_session_remembers_the_offset_that_was_asked_for(kafka: Kafka) -> None:
    topic = kafka.topic()
    session = _opened(kafka, topic)
    kafka.produce(topic, b"a")
    _ask(kafka, session, 1)
    again = _ask(kafka, session, 2).responses
    assert len(again) == 1
    assert _ask(kafka, session, 3, _wanted(topic, 1)).responses == []


@case
def a_partition_can_be_added(kafka: Kafka) -> None:
    first, second = kafka.topic(), kafka.topic()
    session = _opened(kafka, first)
    assert [one.topic for one in _ask(kafka, session, 1, _wanted(second)).responses] == [second]


@case
def a_partition_can_be_forgotten(kafka: Kafka) -> None:
    topic = kafka.topic()
    session = _opened(kafka, topic)
    _ask(kafka, session, 1, forgotten_topics_data=[ForgottenTopic(topic=topic, partitions=[0])])
    kafka.produce(topic, b"a")
    assert _ask(kafka, session, 2).responses == []


@case
def an_unknown_session_is_not_found(kafka: Kafka) -> None:
    assert _ask(kafka, 123_456_789, 1).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@case
def a_skipped_epoch_is_invalid(kafka: Kafka) -> None:
    session = _opened(kafka, kafka.topic())
    assert _ask(kafka, session, 2).error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH


@case
def a_repeated_epoch_is_invalid(kafka: Kafka) -> None:
    session = _opened(kafka, kafka.topic())
    assert not _ask(kafka, session, 1).error_code
    assert _ask(kafka, session, 1).error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH


@case
def an_error_of_the_session_ends_nothing(kafka: Kafka) -> None:
    session = _opened(kafka, kafka.topic())
    assert _ask(kafka, session, 5).error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
    assert not _ask(kafka, session, 1).error_code


@case
def epoch_minus_1_with_a_session_ends_it(kafka: Kafka) -> None:
    topic = kafka.topic()
    session = _opened(kafka, topic)
    assert _ask(kafka, session, -1, _wanted(topic)).session_id == 0
    assert _ask(kafka, session, 1).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@case
def epoch_0_with_a_session_ends_it_and_opens_another(kafka: Kafka) -> None:
    topic = kafka.topic()
    session = _opened(kafka, topic)
    other = _ask(kafka, session, 0, _wanted(topic)).session_id
    assert other not in (0, session)
    assert _ask(kafka, session, 1).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


@case
def a_session_outlives_its_connection(kafka: Kafka) -> None:
    session = _opened(kafka, kafka.topic())
    request = fetch_request("")
    request.topics, request.session_id, request.session_epoch = [], session, 1
    assert kafka.ask(request, _VERSION, on="other").error_code == ErrorCode.NONE


@case
def a_partition_with_an_error_comes_in_every_incremental_answer(kafka: Kafka) -> None:
    topic = kafka.topic()
    session = _opened(kafka, topic, 5)
    for epoch in (1, 2):
        (answered,) = _ask(kafka, session, epoch).responses
        assert answered.partitions[0].error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@case
def a_session_by_topic_ids_refuses_names(kafka: Kafka) -> None:
    topic = kafka.topic()
    request = fetch_request("")
    request.topics = [FetchTopic(topic_id=kafka.topic_id(topic), partitions=[FetchPartition()])]
    request.session_epoch = 0
    session = kafka.ask(request, 13).session_id
    assert _ask(kafka, session, 1).error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


@case
def a_session_by_names_refuses_topic_ids(kafka: Kafka) -> None:
    session = _opened(kafka, kafka.topic())
    request = fetch_request("")
    request.topics, request.session_id, request.session_epoch = [], session, 1
    assert kafka.ask(request, 13).error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR


@case
def an_unknown_topic_comes_into_being_in_a_session(kafka: Kafka) -> None:
    name = kafka.fresh("later")
    session = _opened(kafka, name)
    kafka.create(creatable(name))
    codes = kafka.until(lambda: kafka.fetch(name).error_code, lambda code: not code)
    assert codes == ErrorCode.NONE
    (answered,) = _ask(kafka, session, 1).responses
    assert answered.partitions[0].error_code == ErrorCode.NONE


@case
def a_session_by_topic_ids_tells_when_its_topic_is_deleted_and_made_anew(kafka: Kafka) -> None:
    topic = kafka.topic()
    request = fetch_request("")
    request.topics = [FetchTopic(topic_id=kafka.topic_id(topic), partitions=[FetchPartition()])]
    request.session_epoch = 0
    request.session_id = kafka.ask(request, 13).session_id
    request.topics = []

    def told() -> int:
        request.session_epoch += 1
        answer = kafka.ask(request, 13)
        return answer.responses[0].partitions[0].error_code if answer.responses else ErrorCode.NONE

    delete(kafka, topic)
    assert kafka.until(told, bool) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    kafka.create(creatable(topic))
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert kafka.until(told, lambda code: code != unknown) == ErrorCode.INCONSISTENT_TOPIC_ID
