"""Does DescribeGroups speak every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.describe_groups import GROUP_OPERATIONS, handle_describe_groups
from kcon_broker.handlers.join_group import handle_join_group
from kcon_broker.handlers.sync_group import handle_sync_group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_groups import DescribeGroupsRequest
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment

VERSIONS = range(7)


def _describe(caller: Any, version: int) -> Any:
    request = DescribeGroupsRequest(groups=["g", "none"], include_authorized_operations=version >= 3)
    return caller.result(handle_describe_groups, request, version)


@pytest.fixture
def joined(caller: Any) -> Any:
    join = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        group_instance_id="i",
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=b"sub")],
    )
    caller.answer(handle_join_group, join, 5)
    return caller


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_describes_a_stable_group(joined: Any, version: int) -> None:
    given = [SyncGroupRequestAssignment(member_id="i-1", assignment=b"mine")]
    sync = SyncGroupRequest(group_id="g", generation_id=1, member_id="i-1", assignments=given)
    joined.answer(handle_sync_group, sync, 4)
    group = joined.read(_describe(joined, version).response, version).groups[0]
    assert (group.error_code, group.group_state, group.protocol_type, group.protocol_data) == (
        0,
        "Stable",
        "consumer",
        "range",
    )
    (member,) = group.members
    assert (member.member_id, member.client_id, member.client_host) == ("i-1", "client", "/127.0.0.1")
    assert (bytes(member.member_metadata), bytes(member.member_assignment)) == (b"sub", b"mine")
    assert member.group_instance_id == ("i" if version >= 4 else None)
    assert group.authorized_operations == (GROUP_OPERATIONS if version >= 3 else -(2**31))


def test_protocol_and_subscriptions_are_told_only_when_stable(joined: Any) -> None:
    group = joined.read(_describe(joined, 6).response, 6).groups[0]
    assert (group.group_state, group.protocol_data) == ("CompletingRebalance", "")
    assert [bytes(member.member_metadata) for member in group.members] == [b""]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_group_that_is_not_there_is_dead(joined: Any, version: int) -> None:
    group = joined.read(_describe(joined, version).response, version).groups[1]
    assert (group.group_id, group.group_state, group.members) == ("none", "Dead", [])
    assert group.error_code == (ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else 0)
    assert group.error_message == ("Group none not found." if version >= 6 else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_that_never_became_durable_is_an_error(joined: Any, version: int) -> None:
    answer = joined.refused(_describe(joined, version), version)
    assert [group.error_code for group in answer.groups] == [ErrorCode.COORDINATOR_NOT_AVAILABLE] * 2
