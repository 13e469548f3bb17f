"""Who may leave, by which name, and what is left behind?"""

from typing import Any

from kcon_broker.state.groups.group import GroupState
from kcon_broker.state.groups.leave import LeaveAnswer, Leaver
from kcon_broker.wire.error_codes import ErrorCode


def test_several_members_leave_with_one_rebalance(bench: Any) -> None:
    first, second, third = bench.stable(3)
    assert bench.leave(second, "stranger", third) == (
        ErrorCode.NONE,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.NONE,
    )
    assert bench.joined(first).generation == 3


def test_a_static_member_is_removed_by_its_instance_id(bench: Any) -> None:
    joined = bench.joined(instance="i")
    bench.sync(joined.member_id, 1, instance="i")
    leavers = (Leaver(member_id="", instance_id="other"), Leaver(member_id="", instance_id="i"))
    answer = bench.coordinator.leave("g", leavers, bench.at)
    assert answer.member_errors == (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NONE)
    assert bench.coordinator.groups["g"].state is GroupState.EMPTY


def test_an_instance_id_with_another_members_id_is_fenced(bench: Any) -> None:
    bench.joined(instance="i")
    answer = bench.coordinator.leave("g", (Leaver(member_id="old", instance_id="i"),), bench.at)
    assert answer.member_errors == (ErrorCode.FENCED_INSTANCE_ID,)


def test_neither_id_is_nobody(bench: Any) -> None:
    bench.stable()
    answer = bench.coordinator.leave("g", (Leaver(member_id="", instance_id=None),), bench.at)
    assert answer.member_errors == (ErrorCode.UNKNOWN_MEMBER_ID,)


def test_an_id_that_was_only_given_out_is_taken_back(bench: Any) -> None:
    leader = bench.stable()[0]
    given = bench.new_id()
    pending = bench.parked(leader)
    assert bench.leave(given) == (ErrorCode.NONE,)
    assert pending.answer.generation == 2


def test_leaving_a_group_that_is_not_there(bench: Any) -> None:
    assert bench.leave("a", "b", group="none") == (ErrorCode.UNKNOWN_MEMBER_ID,) * 2
    assert bench.coordinator.leave("", (), bench.at) == LeaveAnswer(error_code=ErrorCode.INVALID_GROUP_ID)
    assert bench.journal.records == []
