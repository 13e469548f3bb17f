"""Connections: what is answered, what closes them, in which order answers come."""

import struct

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.metadata import MetadataRequest
from tests.semantics.case import case, each
from tests.semantics.kafka import Kafka, fetch_request, latest_version, produce_request

_CONTROLLER_ONLY = {"vote": 52, "begin quorum epoch": 53, "broker registration": 62, "broker heartbeat": 63}


@each(
    {
        "produce 2": (ApiKey.PRODUCE, 2),
        "produce 14": (ApiKey.PRODUCE, 14),
        "fetch 3": (ApiKey.FETCH, 3),
        "fetch 19": (ApiKey.FETCH, 19),
        "list offsets 0": (ApiKey.LIST_OFFSETS, 0),
        "metadata 14": (ApiKey.METADATA, 14),
        "offset commit 1": (ApiKey.OFFSET_COMMIT, 1),
        "offset fetch 0": (ApiKey.OFFSET_FETCH, 0),
        "join group 10": (ApiKey.JOIN_GROUP, 10),
        "create topics 1": (ApiKey.CREATE_TOPICS, 1),
        "delete topics 0": (ApiKey.DELETE_TOPICS, 0),
        "describe configs 0": (ApiKey.DESCRIBE_CONFIGS, 0),
        "offset for leader epoch 1": (ApiKey.OFFSET_FOR_LEADER_EPOCH, 1),
        "consumer group heartbeat 2": (ApiKey.CONSUMER_GROUP_HEARTBEAT, 2),
        "a negative version": (ApiKey.METADATA, -1),
    }
)
def a_version_that_is_not_served_closes_the_connection(kafka: Kafka, asked: tuple[ApiKey, int]) -> None:
    key, version = asked
    assert kafka.attempt(b"\0" * 32, version, key=key).reaction == "closed"


@each(_CONTROLLER_ONLY)
def an_api_of_controllers_closes_the_connection(kafka: Kafka, key: int) -> None:
    frame = struct.pack(">ihhihB", 11, key, 0, 1, 0, 0)
    _send_raw(kafka, frame)
    assert _is_closed(kafka)


@case
def an_unknown_api_key_closes_the_connection(kafka: Kafka) -> None:
    _send_raw(kafka, struct.pack(">ihhih", 10, 999, 0, 1, 0))
    assert _is_closed(kafka)


@case
def a_negative_api_key_closes_the_connection(kafka: Kafka) -> None:
    _send_raw(kafka, struct.pack(">ihhih", 10, -1, 0, 1, 0))
    assert _is_closed(kafka)


@case
def a_negative_frame_size_closes_the_connection(kafka: Kafka) -> None:
    _send_raw(kafka, struct.pack(">i", -1))
    assert _is_closed(kafka)


@case
def a_frame_larger_than_the_limit_closes_the_connection(kafka: Kafka) -> None:
    _send_raw(kafka, struct.pack(">i", (100 << 20) + 1))
    assert _is_closed(kafka)


@case
def an_empty_frame_closes_the_connection(kafka: Kafka) -> None:
    _send_raw(kafka, struct.pack(">i", 0))
    assert _is_closed(kafka)


@case
def a_body_that_ends_early_closes_the_connection(kafka: Kafka) -> None:
    body = MetadataRequest().encode(9)
    assert kafka.attempt(body[:1], 9, key=ApiKey.METADATA).reaction == "closed"


@case
def an_array_longer_than_the_body_closes_the_connection(kafka: Kafka) -> None:
    assert kafka.attempt(struct.pack(">i", 1 << 30), 1, key=ApiKey.METADATA).reaction == "closed"


@case
def a_negative_string_length_where_null_may_not_stand_closes_the_connection(kafka: Kafka) -> None:
    assert kafka.attempt(struct.pack(">h", -1), 0, key=ApiKey.FIND_COORDINATOR).reaction == "closed"


@case
def bytes_after_a_complete_body_are_ignored(kafka: Kafka) -> None:
    body = MetadataRequest(topics=[]).encode(9) + b"stray"
    assert kafka.attempt(body, 9, key=ApiKey.METADATA).reaction == "answer"


@case
def an_unknown_tagged_field_is_ignored(kafka: Kafka) -> None:
    body = MetadataRequest(topics=[]).encode(9)[:-1] + b"\x01\x63\x02xy"
    assert kafka.attempt(body, 9, key=ApiKey.METADATA).reaction == "answer"


@case
def a_connection_lives_on_after_an_error_code(kafka: Kafka) -> None:
    assert kafka.produce(kafka.fresh("no"), b"v").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert kafka.ask(ApiVersionsRequest(), 0).error_code == ErrorCode.NONE


@case
def answers_come_in_the_order_of_the_requests(kafka: Kafka) -> None:
    topic = kafka.topic()
    slow = fetch_request(topic)
    slow.max_wait_ms, slow.min_bytes = 200, 1
    kafka.send(slow, 12)
    kafka.send(ApiVersionsRequest(), 0)
    first, second = kafka.receive(), kafka.receive()
    assert type(first.response).__name__ == "FetchResponse"
    assert isinstance(second.response, ApiVersionsResponse)


@case
def requests_sent_at_once_are_all_answered(kafka: Kafka) -> None:
    topic = kafka.topic()
    for index in range(20):
        kafka.send(produce_request(topic, b"%d" % index), 11)
    answers = [kafka.receive().response for _ in range(20)]
    offsets = [answer.responses[0].partition_responses[0].base_offset for answer in answers]  # type: ignore[union-attr]  # A Produce answer.
    assert offsets == list(range(20))


@case
def two_connections_do_not_wait_for_each_other(kafka: Kafka) -> None:
    slow = fetch_request(kafka.topic())
    slow.max_wait_ms, slow.min_bytes = 400, 1
    kafka.send(slow, 12, on="slow")
    assert kafka.ask(ApiVersionsRequest(), 0, on="quick").error_code == ErrorCode.NONE
    assert kafka.receive("slow").reaction == "answer"


@each({"5": 5, "100": 100, "-1": -1})
def api_versions_of_an_unserved_version_is_answered_in_version_0(kafka: Kafka, version: int) -> None:
    answer = kafka.attempt(b"", version, key=ApiKey.API_VERSIONS).response
    assert isinstance(answer, ApiVersionsResponse)
    assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert [(one.api_key, one.min_version, one.max_version) for one in answer.api_keys] == [(18, 0, 4)]


@each({"an empty name": ("", "1"), "an empty version": ("a", ""), "a space": ("a b", "1"), "a dash first": ("-a", "1")})
def api_versions_refuses_a_client_software_name(kafka: Kafka, named: tuple[str, str]) -> None:
    name, version = named
    request = ApiVersionsRequest(client_software_name=name, client_software_version=version)
    assert kafka.ask(request, 3).error_code == ErrorCode.INVALID_REQUEST


@each({"plain": ("kcon", "1.0"), "dots and dashes": ("a.b-c.d", "1-2.3")})
def api_versions_takes_a_client_software_name(kafka: Kafka, named: tuple[str, str]) -> None:
    name, version = named
    request = ApiVersionsRequest(client_software_name=name, client_software_version=version)
    assert kafka.ask(request, 3).error_code == ErrorCode.NONE


@case
def api_versions_tells_the_range_of_every_api_once(kafka: Kafka) -> None:
    told = kafka.ask(ApiVersionsRequest(client_software_name="a", client_software_version="1"), 4).api_keys
    assert len({one.api_key for one in told}) == len(told)
    ranges = {one.api_key: (one.min_version, one.max_version) for one in told}
    assert ranges[ApiKey.PRODUCE] == (0, 13)
    assert ranges[ApiKey.FETCH] == (4, 18)
    assert ranges[ApiKey.INIT_PRODUCER_ID] == (0, 5)


@case
def api_versions_3_leaves_out_features_whose_minimum_is_0_and_4_does_not(kafka: Kafka) -> None:
    request = ApiVersionsRequest(client_software_name="a", client_software_version="1")
    before = {one.name: one.min_version for one in kafka.ask(request, 3).supported_features}
    after = {one.name: one.min_version for one in kafka.ask(request, 4).supported_features}
    assert all(before.values())
    assert after["transaction.version"] == 0
    assert "transaction.version" not in before


@case
def api_versions_finalizes_transactions_v2(kafka: Kafka) -> None:
    request = ApiVersionsRequest(client_software_name="a", client_software_version="1")
    levels = {one.name: one.max_version_level for one in kafka.ask(request, 3).finalized_features}
    assert levels["transaction.version"] == 2
    assert levels["group.version"] == 1


@case
def every_version_of_api_versions_is_answered(kafka: Kafka) -> None:
    for version in range(latest_version(ApiKey.API_VERSIONS) + 1):
        request = ApiVersionsRequest(client_software_name="a", client_software_version="1")
        assert kafka.ask(request, version).error_code == ErrorCode.NONE


@case
def a_header_without_a_client_id_is_taken(kafka: Kafka) -> None:
    _send_raw(kafka, struct.pack(">ihhih", 10, 18, 0, 77, -1))
    assert struct.unpack(">ih", _receive_raw(kafka, 10)[4:])[0] == 77


@case
def the_correlation_id_comes_back_whatever_it_is(kafka: Kafka) -> None:
    for correlation_id in (0, -1, (1 << 31) - 1):
        _send_raw(kafka, struct.pack(">ihhih", 10, 18, 0, correlation_id, 0))
        (size,) = struct.unpack(">i", _receive_raw(kafka, 4))
        assert struct.unpack_from(">i", _receive_raw(kafka, size))[0] == correlation_id


def _send_raw(kafka: Kafka, data: bytes) -> None:
    kafka.connection().send_bytes(data)


def _receive_raw(kafka: Kafka, size: int) -> bytes:
    return kafka.connection().receive_bytes(size)


def _is_closed(kafka: Kafka) -> bool:
    try:
        kafka.connection().receive_bytes(1)
    except (EOFError, ConnectionError):
        return True
    return False
