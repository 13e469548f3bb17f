"""When does a rebalance end, and who is left out?"""

from collections.abc import Callable
from typing import Any

from kcon_broker.state.groups.group import GroupState
from kcon_broker.wire.error_codes import ErrorCode


def test_a_rebalance_waits_for_all_members(bench: Any) -> None:
    leader, follower = bench.stable(2)
    newcomer = bench.new_id()
    pendings = [bench.parked(newcomer), bench.parked(leader)]
    assert [pending.answer for pending in pendings] == [None, None]
    last = bench.joined(follower)
    assert {last.generation, *(pending.answer.generation for pending in pendings)} == {3}


def test_a_rebalance_waits_for_an_id_that_was_given_out(bench: Any) -> None:
    leader = bench.stable()[0]
    newcomer = bench.new_id()
    pending = bench.parked(leader)
    assert not pending.answer
    bench.joined(newcomer)
    assert len(pending.answer.members) == 2


def test_who_stays_away_for_the_rebalance_timeout_is_dropped(bench: Any) -> None:
    leader, follower = bench.stable(2, session_ms=60_000, rebalance_ms=30_000)
    pending = bench.parked(leader, session_ms=60_000)
    bench.pass_time(29_999)
    assert not pending.answer
    bench.pass_time(1)
    assert [member.member_id for member in pending.answer.members] == [leader]
    assert bench.heartbeat(follower, 3) is ErrorCode.UNKNOWN_MEMBER_ID


def test_who_does_not_sync_in_time_is_dropped(bench: Any) -> None:
    leader, follower = bench.stable(2, session_ms=60_000)
    bench.join(leader, session_ms=60_000)
    bench.join(follower, session_ms=60_000)
    waiting = bench.sync(follower, 3)
    bench.pass_time(30_000)
    assert waiting.answer.error_code is ErrorCode.REBALANCE_IN_PROGRESS
    assert list(bench.coordinator.groups["g"].members) == [follower]
    assert bench.coordinator.groups["g"].state is GroupState.PREPARING_REBALANCE


def test_a_leader_that_leaves_is_replaced(bench: Any) -> None:
    leader, follower = bench.stable(2)
    bench.leave(leader)
    joined = bench.joined(follower)
    assert (joined.leader, joined.generation) == (follower, 3)


def test_silent_members_are_dropped_at_their_session_timeout(bench: Any) -> None:
    leader, follower = bench.stable(2, session_ms=10_000)
    bench.pass_time(9_999)
    assert bench.heartbeat(leader, 2) is ErrorCode.NONE
    bench.pass_time(1)
    assert bench.heartbeat(leader, 2) is ErrorCode.REBALANCE_IN_PROGRESS
    assert bench.heartbeat(follower, 2) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_that_waits_for_a_rebalance_does_not_time_out(bench: Any) -> None:
    """Its client cannot send heartbeats: the connection is busy."""
    leader, follower = bench.stable(2, session_ms=10_000, rebalance_ms=60_000)
    pending = bench.parked(leader, session_ms=10_000, rebalance_ms=60_000)
    for _ in range(5):
        bench.pass_time(9_000)
        assert bench.heartbeat(follower, 2) is ErrorCode.REBALANCE_IN_PROGRESS
    assert not pending.answer
    bench.join(follower)
    assert len(pending.answer.members) == 2


def test_a_new_member_waits_five_minutes_at_most(bench: Any) -> None:
    """Nothing shows whether its client is still there."""
    leader = bench.stable(rebalance_ms=400_000)[0]
    newcomer = bench.new_id()
    pending = bench.parked(newcomer, rebalance_ms=400_000)
    for _ in range(60):
        assert not pending.answer
        bench.heartbeat(leader, 1)
        bench.pass_time(5_000)
    assert pending.answer.error_code is ErrorCode.UNKNOWN_MEMBER_ID


def test_the_last_member_leaves_an_empty_group_behind(bench: Any) -> None:
    (member_id,) = bench.stable()
    assert bench.leave(member_id) == (ErrorCode.NONE,)
    for group in (bench.coordinator.groups["g"], bench.restart().groups["g"]):
        assert (group.state, group.generation, group.protocol, group.leader) == (GroupState.EMPTY, 2, None, None)
        assert group.protocol_type == "consumer"
    assert bench.joined(bench.new_id()).generation == 3


def test_the_first_rebalance_waits_for_more_members(bench_with: Callable[..., Any]) -> None:
    """KIP-134: each newcomer extends the delay, up to the rebalance timeout."""
    bench = bench_with(initial_rebalance_delay_ms=3_000)
    pendings = [bench.parked(bench.new_id())]
    bench.pass_time(2_000)
    pendings.append(bench.parked(bench.new_id()))
    bench.pass_time(1_000)
    assert [pending.answer for pending in pendings] == [None, None]
    bench.pass_time(3_000)
    assert {pending.answer.generation for pending in pendings} == {1}
    assert max(len(pending.answer.members) for pending in pendings) == 2


def test_the_first_rebalance_does_not_wait_longer_than_the_rebalance_timeout(
    bench_with: Callable[..., Any],
) -> None:
    bench = bench_with(initial_rebalance_delay_ms=3_000)
    pendings = []
    for _ in range(10):
        pendings.append(bench.parked(bench.new_id(), rebalance_ms=7_000))
        bench.pass_time(1_000)
    assert pendings[0].answer is not None
    assert len(pendings[0].answer.members) == 7


def test_a_first_member_that_leaves_before_the_delay_is_over_leaves_an_empty_group(
    bench_with: Callable[..., Any],
) -> None:
    bench = bench_with(initial_rebalance_delay_ms=3_000)
    member_id = bench.new_id()
    pending = bench.parked(member_id)
    assert bench.leave(member_id) == (ErrorCode.NONE,)
    assert pending.answer.error_code is ErrorCode.UNKNOWN_MEMBER_ID
    bench.pass_time(3_000)
    assert bench.coordinator.groups["g"].state is GroupState.EMPTY
