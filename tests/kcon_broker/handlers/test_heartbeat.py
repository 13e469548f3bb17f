"""Does Heartbeat speak every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.heartbeat import handle_heartbeat
from kcon_broker.handlers.join_group import handle_join_group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol


@pytest.mark.parametrize("version", range(5))
def test_every_version_is_answered(caller: Any, version: int) -> None:
    join = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        group_instance_id="i",
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range")],
    )
    caller.answer(handle_join_group, join, 5)
    request = HeartbeatRequest(group_id="g", generation_id=1, member_id="i-1", group_instance_id="i")
    assert caller.answer(handle_heartbeat, request, version).error_code == 0
    request.member_id = "old"
    # Before version 3 the instance id does not travel, so the old member is only unknown.
    expected = ErrorCode.FENCED_INSTANCE_ID if version >= 3 else ErrorCode.UNKNOWN_MEMBER_ID
    assert caller.answer(handle_heartbeat, request, version).error_code == expected
