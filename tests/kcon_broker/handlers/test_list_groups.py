"""Does ListGroups speak every version, and filter as Kafka does?"""

from typing import Any

import pytest

from kcon_broker.handlers.find_coordinator import handle_find_coordinator
from kcon_broker.handlers.list_groups import handle_list_groups
from kcon_broker.state.groups.consumer_group import ConsumerGroup
from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest
from kcon_broker.wire.messages.list_groups import ListGroupsRequest


@pytest.fixture
def with_groups(caller: Any) -> Any:
    caller.answer(handle_find_coordinator, FindCoordinatorRequest(key="g"), 0)
    caller.broker.groups.groups.update(
        simple=Group("simple"), busy=Group("busy", state=GroupState.STABLE, protocol_type="consumer")
    )
    return caller


@pytest.mark.parametrize("version", range(6))
def test_every_version_lists(with_groups: Any, version: int) -> None:
    answer = with_groups.answer(handle_list_groups, ListGroupsRequest(), version)
    assert answer.error_code == 0
    assert [(group.group_id, group.protocol_type) for group in answer.groups] == [("simple", ""), ("busy", "consumer")]
    states = ["Empty", "Stable"] if version >= 4 else ["", ""]
    assert [group.group_state for group in answer.groups] == states
    assert {group.group_type for group in answer.groups} == {"classic" if version >= 5 else ""}


@pytest.mark.parametrize(
    ("states", "types", "expected"),
    [
        (["stable"], [], ["busy"]),
        ([" Empty "], [], ["simple"]),
        (["Dead"], [], []),
        (["NoSuchState"], [], []),
        ([], ["Classic"], ["simple", "busy"]),
        ([], ["consumer"], []),
        (["Stable"], ["classic", "consumer"], ["busy"]),
    ],
)
def test_filters(with_groups: Any, states: list[str], types: list[str], expected: list[str]) -> None:
    request = ListGroupsRequest(states_filter=states, types_filter=types)
    answer = with_groups.answer(handle_list_groups, request, 5)
    assert [group.group_id for group in answer.groups] == expected


def test_a_broker_without_groups(caller: Any) -> None:
    assert caller.answer(handle_list_groups, ListGroupsRequest(), 5).groups == []


def test_groups_of_the_new_protocol_have_their_type(with_groups: Any) -> None:
    with_groups.broker.groups.consumer.by_id["new"] = ConsumerGroup("new")
    answer = with_groups.answer(handle_list_groups, ListGroupsRequest(types_filter=["Consumer"]), 5)
    (listed,) = answer.groups
    assert (listed.group_id, listed.protocol_type, listed.group_state, listed.group_type) == (
        "new",
        "consumer",
        "Empty",
        "consumer",
    )
    assert len(with_groups.answer(handle_list_groups, ListGroupsRequest(), 0).groups) == 3
