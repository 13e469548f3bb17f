"""Does ConsumerGroupHeartbeat speak every version, and wait for what it tells?"""

from typing import Any

import pytest

from kcon_broker.handlers.consumer_group_heartbeat import handle_consumer_group_heartbeat
from kcon_broker.handlers.registry import Answer
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest

FLIGHTS_ID = b"flights-topic-id"


def joining(**fields: Any) -> ConsumerGroupHeartbeatRequest:
    defaults: dict[str, Any] = {
        "group_id": "g",
        "member_id": "m",
        "rebalance_timeout_ms": 30_000,
        "subscribed_topic_names": ["flights"],
        "topic_partitions": [],
    }
    return ConsumerGroupHeartbeatRequest(**{**defaults, **fields})


@pytest.mark.parametrize("version", [0, 1])
def test_every_version_joins(caller: Any, version: int) -> None:
    answer = caller.answer(handle_consumer_group_heartbeat, joining(), version)
    assert (answer.error_code, answer.member_id, answer.member_epoch) == (0, "m", 2)
    assert answer.heartbeat_interval_ms == 5_000
    (topic,) = answer.assignment.topic_partitions
    assert (topic.topic_id, topic.partitions) == (FLIGHTS_ID, [0, 1, 2])


def test_no_news_is_no_assignment(caller: Any) -> None:
    caller.answer(handle_consumer_group_heartbeat, joining(), 1)
    request = ConsumerGroupHeartbeatRequest(group_id="g", member_id="m", member_epoch=2)
    answer = caller.answer(handle_consumer_group_heartbeat, request, 1)
    assert (answer.member_epoch, answer.assignment) == (2, None)


def test_a_refusal_has_a_message_and_nothing_else(caller: Any) -> None:
    answer = caller.answer(handle_consumer_group_heartbeat, joining(member_id=""), 1)
    assert answer.error_code == ErrorCode.INVALID_REQUEST
    assert answer.error_message == "MemberId can't be empty."
    assert (answer.member_id, answer.member_epoch, answer.assignment) == (None, 0, None)


def test_the_client_is_remembered(caller: Any) -> None:
    caller.answer(handle_consumer_group_heartbeat, joining(rack_id="r", server_assignor="range"), 1)
    member = caller.broker.groups.consumer.by_id["g"].members["m"].subscription
    assert (member.client_id, member.client_host, member.rack_id) == ("client", "/127.0.0.1", "r")
    assert member.server_assignor == "range"


def test_the_answer_waits_until_the_membership_is_durable(caller: Any) -> None:
    """A member must not use partitions that a power cut would give to another."""
    result = caller.result(handle_consumer_group_heartbeat, joining(), 1)
    assert isinstance(result, Answer)
    gate: Any
    ((gate, offset),) = result.after
    assert offset == len(gate.records) == 5
    assert caller.refused(result, 1).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
