"""Failures on purpose: the right requests meet them, in order, counted, and nothing is written unless it says so."""

import pytest

from kcon_broker.server.clock import ManualClock
from kcon_broker.server.faults import DELAY_MS_MAX, PENDING_MAX, TIMES_MAX, Fault, FaultError, Injected
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from kcon_broker.wire.messages.produce import ProduceResponse
from tests.kcon_broker.raw_client import RawClient, batch, frame, produce, produce_request

_TURNS_MAX = 100_000


def until_met(broker: InProcessBroker, injected: Injected) -> None:
    """Wait until a request has met a fault."""
    for _ in range(_TURNS_MAX):
        if injected.used:
            return
        broker.call(lambda _: None)
    pytest.fail("no request met the fault")


def test_the_next_requests_fail_in_order_and_then_no_more(broker: InProcessBroker, client: RawClient) -> None:
    first = broker.inject(ApiKey.PRODUCE, error=ErrorCode.NOT_LEADER_OR_FOLLOWER, times=2)
    second = broker.inject(ApiKey.PRODUCE, error=ErrorCode.NOT_ENOUGH_REPLICAS)
    answers = [produce(client, "t", batch(b"x")) for _ in range(4)]
    assert [answer.error_code for answer in answers] == [6, 6, 19, 0]
    assert answers[3].base_offset == 0, "none of the refused ones was written"
    assert (first.used, first.remaining, second.used) == (2, 0, 1)


def test_other_apis_do_not_meet_it(broker: InProcessBroker, client: RawClient) -> None:
    injected = broker.inject(ApiKey.HEARTBEAT, error=ErrorCode.NOT_COORDINATOR)
    assert produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE
    assert injected.used == 0
    assert client.ask(HeartbeatRequest(group_id="g"), HeartbeatResponse, 4).error_code == ErrorCode.NOT_COORDINATOR


def test_an_applied_error_is_written_all_the_same(broker: InProcessBroker, client: RawClient) -> None:
    broker.inject(ApiKey.PRODUCE, error=ErrorCode.REQUEST_TIMED_OUT, applied=True)
    assert produce(client, "t", batch(b"x")).error_code == ErrorCode.REQUEST_TIMED_OUT
    assert produce(client, "t", batch(b"y")).base_offset == 1


@pytest.mark.parametrize(("applied", "next_offset"), [(False, 0), (True, 1)])
def test_a_dropped_connection_has_no_answer(broker: InProcessBroker, applied: bool, next_offset: int) -> None:
    broker.inject(ApiKey.PRODUCE, drop_connection=True, applied=applied)
    with RawClient(broker.bootstrap) as client:
        client.send(produce_request("t", batch(b"x")), 9)
        assert client.is_closed_by_broker()
    with RawClient(broker.bootstrap) as client:
        assert produce(client, "t", batch(b"y")).base_offset == next_offset


def test_an_error_of_a_produce_that_gets_no_answer_closes_as_kafka_does(broker: InProcessBroker) -> None:
    broker.inject(ApiKey.PRODUCE, error=ErrorCode.NOT_LEADER_OR_FOLLOWER)
    with RawClient(broker.bootstrap) as client:
        client.send(produce_request("t", batch(b"x"), acks=0), 9)
        assert client.is_closed_by_broker()


def test_a_delay_holds_what_follows_on_the_connection_and_nothing_else() -> None:
    with InProcessBroker(clock=ManualClock(is_frozen=True)) as broker, RawClient(broker.bootstrap) as client:
        injected = broker.inject(ApiKey.HEARTBEAT, delay_ms=1_000)
        client.send(HeartbeatRequest(group_id="g"), 4)
        client.send(MetadataRequest(topics=[]), 4)
        until_met(broker, injected)
        with RawClient(broker.bootstrap) as other:
            other.ask(HeartbeatRequest(group_id="g"), HeartbeatResponse, 4)
        broker.advance(999)
        assert broker.call(lambda server: server.dispatcher.parked.count) == 1
        broker.advance(1)
        assert client.receive(HeartbeatResponse, 4)[1].error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert client.receive(MetadataResponse, 4)[1].brokers


def test_produce_requests_keep_their_order_behind_a_delayed_one() -> None:
    with InProcessBroker(clock=ManualClock(is_frozen=True)) as broker, RawClient(broker.bootstrap) as client:
        client.ask(MetadataRequest(topics=[MetadataRequestTopic(name="t")]), MetadataResponse, 4)
        injected = broker.inject(ApiKey.PRODUCE, delay_ms=10)
        client.send_bytes(
            frame(produce_request("t", batch(b"a")), 9, 1) + frame(produce_request("t", batch(b"b")), 9, 2)
        )
        until_met(broker, injected)
        broker.advance(10)
        answers = [client.receive(ProduceResponse, 9) for _ in range(2)]
        assert [(sent, answer.responses[0].partition_responses[0].base_offset) for sent, answer in answers] == [
            (1, 0),
            (2, 1),
        ]


def test_a_request_without_a_place_for_the_error_is_answered_and_not_counted(
    broker: InProcessBroker, client: RawClient
) -> None:
    injected = broker.inject(ApiKey.METADATA, error=ErrorCode.LEADER_NOT_AVAILABLE)
    assert client.ask(MetadataRequest(topics=None), MetadataResponse, 9).brokers
    assert injected.used == 0
    assert client.ask(MetadataRequest(topics=None), MetadataResponse, 13).error_code == ErrorCode.LEADER_NOT_AVAILABLE


def test_cleared_faults_are_met_by_nobody(broker: InProcessBroker, client: RawClient) -> None:
    broker.inject(ApiKey.PRODUCE, error=ErrorCode.NOT_LEADER_OR_FOLLOWER)
    assert (broker.clear_faults(), broker.clear_faults()) == (1, 0)
    assert produce(client, "t", batch(b"x")).error_code == ErrorCode.NONE


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "needs an error"),
        ({"error": ErrorCode.NONE}, "NONE is no error"),
        ({"error": ErrorCode.UNKNOWN_SERVER_ERROR, "drop_connection": True}, "one of the two"),
        ({"drop_connection": True, "times": 0}, "times is 1 to"),
        ({"drop_connection": True, "times": TIMES_MAX + 1}, "times is 1 to"),
        ({"delay_ms": -1}, "delay_ms is 0 to"),
        ({"delay_ms": DELAY_MS_MAX + 1}, "delay_ms is 0 to"),
    ],
)
def test_what_cannot_be_meant_is_refused(broker: InProcessBroker, more: dict[str, int], said: str) -> None:
    with pytest.raises(FaultError, match=said):
        broker.inject(ApiKey.PRODUCE, **more)  # type: ignore[arg-type]  # Of several types, by name.


def test_limits_are_reached_and_not_passed(broker: InProcessBroker) -> None:
    Fault(api_key=ApiKey.PRODUCE, delay_ms=DELAY_MS_MAX, times=TIMES_MAX)
    for _ in range(PENDING_MAX):
        broker.inject(ApiKey.PRODUCE, drop_connection=True)
    with pytest.raises(FaultError, match="clear them first"):
        broker.inject(ApiKey.PRODUCE, drop_connection=True)
