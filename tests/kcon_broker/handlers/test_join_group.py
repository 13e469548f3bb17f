"""Does JoinGroup speak every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.group_answers import PARKED_MAX_MS
from kcon_broker.handlers.join_group import handle_join_group
from kcon_broker.handlers.registry import Answer, Park
from kcon_broker.handlers.sync_group import handle_sync_group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kcon_broker.wire.messages.sync_group import SyncGroupRequest

VERSIONS = range(10)


def _request(member_id: str = "", **options: Any) -> JoinGroupRequest:
    return JoinGroupRequest(
        **{
            "group_id": "g",
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 30_000,
            "member_id": member_id,
            "protocol_type": "consumer",
            "protocols": [JoinGroupRequestProtocol(name="range", metadata=b"sub")],
            **options,
        }
    )


def _member_id(caller: Any, version: int) -> str:
    answer = caller.answer(handle_join_group, _request(), version)
    return str(answer.member_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_joins(caller: Any, version: int) -> None:
    answer = caller.answer(handle_join_group, _request(), version)
    if version >= 4:
        assert (answer.error_code, answer.generation_id) == (ErrorCode.MEMBER_ID_REQUIRED, -1)
        assert answer.protocol_name == ("" if version < 7 else None)
        answer = caller.answer(handle_join_group, _request(answer.member_id), version)
    assert (answer.error_code, answer.generation_id, answer.protocol_name) == (0, 1, "range")
    assert answer.protocol_type == ("consumer" if version >= 7 else None)
    assert answer.leader == answer.member_id == "client-1"
    assert [(member.member_id, bytes(member.metadata)) for member in answer.members] == [("client-1", b"sub")]


@pytest.mark.parametrize(("version", "expected_ms"), [(0, 10_000), (1, 30_000)])
def test_version_0_has_one_timeout(caller: Any, version: int, expected_ms: int) -> None:
    caller.answer(handle_join_group, _request(), version)
    (member,) = caller.broker.groups.groups["g"].members.values()
    assert (member.rebalance_timeout_ms, member.session_timeout_ms) == (expected_ms, 10_000)
    assert (member.client_id, member.client_host) == ("client", "/127.0.0.1")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_join_waits_for_the_others_and_then_for_the_disk(caller: Any, version: int) -> None:
    first, second = "", ""
    first = caller.answer(handle_join_group, _request(), 3).member_id
    park = caller.result(handle_join_group, _request(), version)
    if version >= 4:
        second = caller.read(park.response, version).member_id
        park = caller.result(handle_join_group, _request(second), version)
    assert isinstance(park, Park)
    assert isinstance(caller.retry(park, version), Park)
    caller.result(handle_join_group, _request(first), 3)
    assert set(park.wake_on) <= set(caller.broker.woken)
    result = caller.retry(park, version)
    assert isinstance(result, Answer)
    assert result.after == (caller.broker.coordinator_position("g"),)
    assert caller.read(result.response, version).generation_id == 2


def test_a_join_whose_records_are_lost_is_refused(caller: Any) -> None:
    result = caller.result(handle_join_group, _request(), 9)
    assert caller.refused(result, 9).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


def test_a_join_that_nobody_answers_is_given_up(caller: Any) -> None:
    caller.answer(handle_join_group, _request(), 3)
    park = caller.result(handle_join_group, _request(), 3)
    caller.now_ms += PARKED_MAX_MS
    result = caller.retry(park, 3)
    assert caller.read(result.response, 3).error_code == ErrorCode.REBALANCE_IN_PROGRESS


def test_an_error_names_the_member_that_asked(caller: Any) -> None:
    answer = caller.answer(handle_join_group, _request("stranger"), 9)
    assert (answer.error_code, answer.member_id) == (ErrorCode.UNKNOWN_MEMBER_ID, "stranger")
    assert answer.members == []


@pytest.mark.parametrize(("version", "skips"), [(8, False), (9, True)])
def test_a_returning_static_leader(caller: Any, version: int, skips: bool) -> None:
    caller.answer(handle_join_group, _request(group_instance_id="i"), version)
    sync = SyncGroupRequest(group_id="g", generation_id=1, member_id="i-1", group_instance_id="i")
    assert caller.answer(handle_sync_group, sync, 4).error_code == 0
    answer = caller.answer(handle_join_group, _request(group_instance_id="i"), version)
    assert (answer.member_id, answer.skip_assignment, len(answer.members)) == ("i-2", skips, int(skips))
