"""Does each member get its assignment, and is a stale one turned away?"""

from typing import Any

import pytest

from kcon_broker.state.groups.group import GroupState
from kcon_broker.state.groups.outcome import SyncAnswer
from kcon_broker.wire.error_codes import ErrorCode


def _completing(bench: Any, count: int) -> list[str]:
    """Bring a group to CompletingRebalance of the generation after `stable`; the leader is first."""
    ids = bench.stable(count)
    for member_id in ids:
        bench.join(member_id)
    assert bench.coordinator.groups["g"].state is GroupState.COMPLETING_REBALANCE
    return list(ids)


def test_followers_wait_for_the_leader(bench: Any) -> None:
    leader, follower = _completing(bench, 2)
    pending = bench.sync(follower, 3)
    assert not isinstance(pending, SyncAnswer)
    answer = bench.sync(leader, 3, {leader: b"L", follower: b"F"})
    assert (answer.assignment, pending.answer.assignment) == (b"L", b"F")
    assert (answer.protocol_type, answer.protocol) == ("consumer", "range")
    assert pending.key in bench.journal.woken


def test_a_follower_after_the_leader_is_answered_at_once(bench: Any) -> None:
    leader, follower = _completing(bench, 2)
    bench.sync(leader, 3, {follower: b"F"})
    assert bench.sync(follower, 3).assignment == b"F"


def test_who_is_not_assigned_anything_gets_nothing(bench: Any) -> None:
    leader, follower = _completing(bench, 2)
    bench.sync(leader, 3, {leader: b"L", "stranger": b"S"})
    assert bench.sync(follower, 3).assignment == b""


def test_the_assignment_is_recorded_before_it_is_told(bench: Any) -> None:
    leader, follower = _completing(bench, 2)
    bench.sync(leader, 3, {leader: b"L", follower: b"F"})
    group = bench.restart().groups["g"]
    assert group.state is GroupState.STABLE
    assert {member.member_id: member.assignment for member in group.members.values()} == {leader: b"L", follower: b"F"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"generation": 2}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation": 4}, ErrorCode.ILLEGAL_GENERATION),
        ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"instance": "i"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_a_sync_that_does_not_fit_is_refused(bench: Any, options: dict[str, Any], expected: ErrorCode) -> None:
    leader, _ = _completing(bench, 2)
    assert bench.sync(**{"member_id": leader, "generation": 3, **options}).error_code is expected


def test_a_sync_during_the_join_phase_is_told_to_join(bench: Any) -> None:
    leader, follower = bench.stable(2)
    bench.parked(leader)
    assert bench.sync(follower, 2).error_code is ErrorCode.REBALANCE_IN_PROGRESS


def test_waiting_followers_are_told_of_the_next_rebalance(bench: Any) -> None:
    leader, follower = _completing(bench, 2)
    pending = bench.sync(follower, 3)
    bench.leave(leader)
    assert pending.answer.error_code is ErrorCode.REBALANCE_IN_PROGRESS


def test_a_second_sync_of_one_member_takes_the_place_of_the_first(bench: Any) -> None:
    leader, follower = _completing(bench, 2)
    first, second = bench.sync(follower, 3), bench.sync(follower, 3)
    bench.sync(leader, 3, {follower: b"F"})
    assert first.answer.error_code is ErrorCode.REBALANCE_IN_PROGRESS
    assert second.answer.assignment == b"F"


@pytest.mark.parametrize(
    ("member_id", "generation", "expected"),
    [
        (None, 1, ErrorCode.NONE),
        (None, 0, ErrorCode.ILLEGAL_GENERATION),
        ("stranger", 1, ErrorCode.UNKNOWN_MEMBER_ID),
        ("", -1, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_heartbeats_are_checked(bench: Any, member_id: str | None, generation: int, expected: ErrorCode) -> None:
    (known,) = bench.stable()
    assert bench.heartbeat(known if member_id is None else member_id, generation) is expected


def test_heartbeats_need_a_group(bench: Any) -> None:
    assert bench.heartbeat("m", 1, group="") is ErrorCode.INVALID_GROUP_ID
    assert bench.heartbeat("m", 1, group="none") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_heartbeat_while_the_leader_assigns_is_answered_normally(bench: Any) -> None:
    _, follower = _completing(bench, 2)
    assert bench.heartbeat(follower, 3) is ErrorCode.NONE
