"""Does DeleteGroups speak every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.delete_groups import handle_delete_groups
from kcon_broker.handlers.join_group import handle_join_group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol


def _join(caller: Any, group: str, version: int) -> None:
    join = JoinGroupRequest(
        group_id=group,
        session_timeout_ms=10_000,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range")],
    )
    caller.answer(handle_join_group, join, version)


@pytest.mark.parametrize("version", range(3))
def test_every_version_deletes(caller: Any, version: int) -> None:
    # A dynamic member that was only given an id leaves the group empty.
    _join(caller, "empty", 4)
    _join(caller, "busy", 3)
    request = DeleteGroupsRequest(groups_names=["empty", "busy", "none", "empty"])
    result = caller.result(handle_delete_groups, request, version)
    answer = caller.read(result.response, version)
    assert {deleted.group_id: deleted.error_code for deleted in answer.results} == {
        "empty": 0,
        "busy": ErrorCode.NON_EMPTY_GROUP,
        "none": ErrorCode.GROUP_ID_NOT_FOUND,
    }
    assert len(answer.results) == 3
    assert list(caller.broker.groups.groups) == ["busy"]
    refusals = [deleted.error_code for deleted in caller.refused(result, version).results]
    assert refusals == [ErrorCode.COORDINATOR_NOT_AVAILABLE] * 3
