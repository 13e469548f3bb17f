"""Does ConsumerGroupDescribe tell all of a group of the new protocol, in every version?"""

from typing import Any

import pytest

from kcon_broker.handlers.consumer_group_describe import handle_consumer_group_describe
from kcon_broker.handlers.consumer_group_heartbeat import handle_consumer_group_heartbeat
from kcon_broker.handlers.describe_groups import handle_describe_groups
from kcon_broker.handlers.offset_fetch import handle_offset_fetch
from kcon_broker.handlers.registry import Answer
from kcon_broker.state.groups.group import Group
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.consumer_group_describe import ConsumerGroupDescribeRequest
from kcon_broker.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from kcon_broker.wire.messages.describe_groups import DescribeGroupsRequest
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
)


@pytest.fixture
def with_group(caller: Any) -> Any:
    request = ConsumerGroupHeartbeatRequest(
        group_id="g",
        member_id="m",
        instance_id="i",
        rack_id="r",
        rebalance_timeout_ms=30_000,
        subscribed_topic_names=["weather", "flights"],
        server_assignor="range",
        topic_partitions=[],
    )
    caller.answer(handle_consumer_group_heartbeat, request, 1)
    return caller


@pytest.mark.parametrize("version", [0, 1])
def test_every_version_describes(with_group: Any, version: int) -> None:
    request = ConsumerGroupDescribeRequest(group_ids=["g"])
    (group,) = with_group.answer(handle_consumer_group_describe, request, version).groups
    assert (group.error_code, group.group_id, group.group_state) == (0, "g", "Stable")
    assert (group.group_epoch, group.assignment_epoch, group.assignor_name) == (2, 2, "range")
    (member,) = group.members
    assert (member.member_id, member.instance_id, member.rack_id, member.member_epoch) == ("m", "i", "r", 2)
    assert (member.client_id, member.client_host) == ("client", "/127.0.0.1")
    assert (member.subscribed_topic_names, member.subscribed_topic_regex) == (["flights", "weather"], "")
    assert member.member_type == (1 if version == 1 else -1)
    for assignment in (member.assignment, member.target_assignment):
        (topic,) = assignment.topic_partitions
        assert (topic.topic_name, topic.partitions) == ("flights", [0, 1, 2])


@pytest.mark.parametrize(("wants", "told"), [(True, 3_400), (False, -2_147_483_648)])
def test_operations_are_told_when_asked_for(with_group: Any, wants: bool, told: int) -> None:
    request = ConsumerGroupDescribeRequest(group_ids=["g"], include_authorized_operations=wants)
    (group,) = with_group.answer(handle_consumer_group_describe, request, 1).groups
    assert group.authorized_operations == told


def test_what_is_not_such_a_group_is_not_found(with_group: Any) -> None:
    with_group.broker.groups.groups["classic"] = Group("classic")
    request = ConsumerGroupDescribeRequest(group_ids=["nobody", "classic"])
    nobody, classic = with_group.answer(handle_consumer_group_describe, request, 1).groups
    assert {nobody.error_code, classic.error_code} == {ErrorCode.GROUP_ID_NOT_FOUND}
    assert nobody.error_message == "Group nobody not found."
    assert classic.error_message == "Group classic is not a consumer group."


def test_an_empty_id_is_invalid(with_group: Any) -> None:
    request = ConsumerGroupDescribeRequest(group_ids=[""])
    (group,) = with_group.answer(handle_consumer_group_describe, request, 1).groups
    assert (group.error_code, group.error_message) == (ErrorCode.INVALID_GROUP_ID, None)


def test_a_deleted_topic_has_no_name_to_tell(with_group: Any) -> None:
    with_group.broker.topics.by_id.clear()
    request = ConsumerGroupDescribeRequest(group_ids=["g"])
    (group,) = with_group.answer(handle_consumer_group_describe, request, 1).groups
    assert group.members[0].assignment.topic_partitions == []


def test_a_description_waits_until_it_is_durable(with_group: Any) -> None:
    request = ConsumerGroupDescribeRequest(group_ids=["g"])
    result = with_group.result(handle_consumer_group_describe, request, 1)
    assert isinstance(result, Answer)
    (group,) = with_group.refused(result, 1).groups
    assert (group.group_id, group.error_code) == ("g", ErrorCode.COORDINATOR_NOT_AVAILABLE)


@pytest.mark.parametrize(("version", "error"), [(5, ErrorCode.NONE), (6, ErrorCode.GROUP_ID_NOT_FOUND)])
def test_describe_groups_sends_clients_here(with_group: Any, version: int, error: ErrorCode) -> None:
    (group,) = with_group.answer(handle_describe_groups, DescribeGroupsRequest(groups=["g"]), version).groups
    assert (group.group_state, group.error_code) == ("Dead", error)
    assert group.error_message == ("Group g is not a classic group." if version == 6 else None)


@pytest.mark.parametrize(
    ("member", "epoch", "error"),
    [
        ("m", 2, ErrorCode.NONE),
        ("m", 1, ErrorCode.STALE_MEMBER_EPOCH),
        ("x", 2, ErrorCode.UNKNOWN_MEMBER_ID),
        (None, -1, ErrorCode.NONE),
    ],
)
def test_members_fetch_offsets_with_their_epoch(
    with_group: Any, member: str | None, epoch: int, error: ErrorCode
) -> None:
    topics = [OffsetFetchRequestTopics(name="flights", partition_indexes=[0])]
    wanted = OffsetFetchRequestGroup(group_id="g", member_id=member, member_epoch=epoch, topics=topics)
    (group,) = with_group.answer(handle_offset_fetch, OffsetFetchRequest(groups=[wanted]), 9).groups
    assert group.error_code == error
    assert len(group.topics) == (error is ErrorCode.NONE)
