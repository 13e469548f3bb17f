"""Does FindCoordinator speak every version, and bring `__consumer_offsets` into being?"""

from typing import Any

import pytest

from kcon_broker.handlers.find_coordinator import handle_find_coordinator
from kcon_broker.state.topic import OFFSETS_TOPIC
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest

VERSIONS = range(7)


def _request(version: int, key_type: int = 0) -> FindCoordinatorRequest:
    if version < 4:
        return FindCoordinatorRequest(key="g", key_type=key_type)
    return FindCoordinatorRequest(coordinator_keys=["g", "h"], key_type=key_type)


def _found(version: int, answer: Any) -> list[tuple[int, int, str, int]]:
    found = [answer] if version < 4 else answer.coordinators
    return [(each.error_code, each.node_id, each.host, each.port) for each in found]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_finds_this_broker(caller: Any, version: int) -> None:
    result = caller.result(handle_find_coordinator, _request(version), version)
    # The answer waits until the topic that it brought into being is durable.
    assert result.after == (caller.broker.topics_position(),)
    answer = caller.read(result.response, version)
    assert _found(version, answer) == [(0, 7, "broker.example", 9092)] * (1 if version < 4 else 2)
    if version >= 4:
        assert [each.key for each in answer.coordinators] == ["g", "h"]
    topic = caller.broker.topics.by_name[OFFSETS_TOPIC]
    assert (topic.partition_count, topic.configs["cleanup.policy"]) == (50, "compact")
    refusals = _found(version, caller.refused(result, version))
    assert {refusal[0] for refusal in refusals} == {ErrorCode.COORDINATOR_NOT_AVAILABLE}


def test_the_topic_is_made_once(caller: Any) -> None:
    caller.answer(handle_find_coordinator, _request(0), 0)
    version = caller.broker.topics.version
    result = caller.result(handle_find_coordinator, _request(0), 0)
    assert caller.broker.topics.version == version
    assert result.after == (caller.broker.topics_position(),)


def test_a_broker_without_room_for_the_topic_has_no_coordinator(caller: Any) -> None:
    caller.broker.has_room = False
    answer = caller.answer(handle_find_coordinator, _request(3), 3)
    assert _found(3, answer) == [(ErrorCode.COORDINATOR_NOT_AVAILABLE, -1, "", -1)]
    assert answer.error_message


@pytest.mark.parametrize(
    ("version", "key_type", "expected"),
    [
        (1, 1, ErrorCode.NONE),
        (6, 1, ErrorCode.NONE),
        (5, 2, ErrorCode.INVALID_REQUEST),
        (6, 2, ErrorCode.INVALID_REQUEST),
        (3, 9, ErrorCode.INVALID_REQUEST),
    ],
)
def test_other_types_of_keys(caller: Any, version: int, key_type: int, expected: ErrorCode) -> None:
    answer = caller.answer(handle_find_coordinator, _request(version, key_type), version)
    assert {found[0] for found in _found(version, answer)} == {expected}
    assert OFFSETS_TOPIC not in caller.broker.topics.by_name
