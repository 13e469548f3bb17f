"""Does SyncGroup speak every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.join_group import handle_join_group
from kcon_broker.handlers.registry import Answer, Park
from kcon_broker.handlers.sync_group import handle_sync_group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment

VERSIONS = range(6)


def _join(caller: Any, member_id: str = "") -> Any:
    request = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=30_000,
        member_id=member_id,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
    )
    return caller.result(handle_join_group, request, 3)


def _request(member_id: str, generation: int, **assignments: bytes) -> SyncGroupRequest:
    return SyncGroupRequest(
        group_id="g",
        generation_id=generation,
        member_id=member_id,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[
            SyncGroupRequestAssignment(member_id=name.replace("_", "-"), assignment=assignment)
            for name, assignment in assignments.items()
        ],
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_syncs(caller: Any, version: int) -> None:
    _join(caller)
    result = caller.result(handle_sync_group, _request("client-1", 1, client_1=b"mine"), version)
    assert isinstance(result, Answer)
    assert result.after == (caller.broker.coordinator_position("g"),)
    answer = caller.read(result.response, version)
    assert (answer.error_code, bytes(answer.assignment)) == (0, b"mine")
    expected = ("consumer", "range") if version >= 5 else (None, None)
    assert (answer.protocol_type, answer.protocol_name) == expected
    assert caller.refused(result, version).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


@pytest.mark.parametrize("version", VERSIONS)
def test_a_follower_waits_for_the_leader_and_then_for_the_disk(caller: Any, version: int) -> None:
    _join(caller)
    _join(caller)
    _join(caller, "client-1")
    park = caller.result(handle_sync_group, _request("client-2", 2), version)
    assert isinstance(park, Park)
    caller.result(handle_sync_group, _request("client-1", 2, client_2=b"yours"), version)
    assert set(park.wake_on) <= set(caller.broker.woken)
    result = caller.retry(park, version)
    assert result.after == (caller.broker.coordinator_position("g"),)
    assert bytes(caller.read(result.response, version).assignment) == b"yours"


@pytest.mark.parametrize("missing", ["protocol_type", "protocol_name"])
def test_version_5_must_name_type_and_protocol(caller: Any, missing: str) -> None:
    """KIP-559: the fields may be null on the wire, and are then refused."""
    _join(caller)
    request = _request("client-1", 1)
    setattr(request, missing, None)
    assert caller.answer(handle_sync_group, request, 5).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert caller.answer(handle_sync_group, request, 4).error_code == 0
