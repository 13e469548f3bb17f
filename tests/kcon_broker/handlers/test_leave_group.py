"""Does LeaveGroup speak every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.join_group import handle_join_group
from kcon_broker.handlers.leave_group import handle_leave_group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kcon_broker.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity


def _join(caller: Any, instance_id: str | None = None) -> None:
    join = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        group_instance_id=instance_id,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range")],
    )
    caller.result(handle_join_group, join, 5 if instance_id else 3)


@pytest.mark.parametrize("version", range(3))
@pytest.mark.parametrize(("member_id", "expected"), [("client-1", 0), ("stranger", ErrorCode.UNKNOWN_MEMBER_ID)])
def test_old_versions_have_one_member_and_one_error(caller: Any, version: int, member_id: str, expected: int) -> None:
    _join(caller)
    request = LeaveGroupRequest(group_id="g", member_id=member_id)
    result = caller.result(handle_leave_group, request, version)
    assert caller.read(result.response, version).error_code == expected
    assert caller.refused(result, version).error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


@pytest.mark.parametrize("version", range(3, 6))
def test_newer_versions_have_an_error_a_member(caller: Any, version: int) -> None:
    _join(caller, "i")
    members = [
        MemberIdentity(member_id="stranger"),
        MemberIdentity(member_id="", group_instance_id="i"),
    ]
    answer = caller.answer(handle_leave_group, LeaveGroupRequest(group_id="g", members=members), version)
    assert answer.error_code == 0
    assert [(member.member_id, member.group_instance_id, member.error_code) for member in answer.members] == [
        ("stranger", None, ErrorCode.UNKNOWN_MEMBER_ID),
        ("", "i", 0),
    ]


@pytest.mark.parametrize("version", range(6))
def test_the_empty_group_id_is_an_error_of_the_request(caller: Any, version: int) -> None:
    request = LeaveGroupRequest(group_id="", members=[MemberIdentity(member_id="m")] if version >= 3 else [])
    answer = caller.answer(handle_leave_group, request, version)
    assert (answer.error_code, answer.members) == (ErrorCode.INVALID_GROUP_ID, [])
