"""Who gets into a group, under which id, and who is turned away?"""

from collections.abc import Callable
from typing import Any

import pytest

from kcon_broker.state.groups.group import GroupState
from kcon_broker.state.groups.join import TEXT_BYTES_MAX
from kcon_broker.state.groups.outcome import JoinAnswer
from kcon_broker.wire.error_codes import ErrorCode


def test_a_dynamic_member_is_given_an_id_and_comes_again(bench: Any) -> None:
    answer = bench.joined(client="web")
    assert (answer.error_code, answer.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "web-1")
    joined = bench.joined("web-1")
    assert joined.error_code is ErrorCode.NONE
    assert (joined.member_id, joined.leader, joined.generation) == ("web-1", "web-1", 1)
    assert [(member.member_id, member.metadata) for member in joined.members] == [("web-1", b"sub")]
    assert (joined.protocol_type, joined.protocol) == ("consumer", "range")


def test_an_old_client_joins_in_one_step(bench: Any) -> None:
    assert bench.joined(version=3).error_code is ErrorCode.NONE


def test_a_new_group_is_recorded_before_its_first_member(bench: Any) -> None:
    """ListGroups of another client must find it, after a restart too."""
    bench.new_id()
    assert list(bench.restart().groups) == ["g"]


@pytest.mark.parametrize(
    ("session_ms", "accepted"), [(5_999, False), (6_000, True), (1_800_000, True), (1_800_001, False)]
)
def test_session_timeouts_have_bounds(bench: Any, session_ms: int, accepted: bool) -> None:
    answer = bench.joined(session_ms=session_ms)
    assert (answer.error_code is ErrorCode.MEMBER_ID_REQUIRED) is accepted
    assert accepted or answer.error_code is ErrorCode.INVALID_SESSION_TIMEOUT


def test_the_empty_group_id_is_invalid(bench: Any) -> None:
    assert bench.joined(group="").error_code is ErrorCode.INVALID_GROUP_ID


def test_an_id_in_a_group_that_is_not_there_is_unknown(bench: Any) -> None:
    assert bench.joined("web-1").error_code is ErrorCode.UNKNOWN_MEMBER_ID
    assert bench.coordinator.groups == {}


def test_an_id_that_was_never_given_is_unknown(bench: Any) -> None:
    bench.stable()
    assert bench.joined("somebody").error_code is ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize(
    "options",
    [{"protocol_type": "connect"}, {"protocols": (("sticky", b""),)}, {"protocols": ()}],
    ids=["type", "protocol", "no protocol"],
)
def test_a_member_without_a_common_protocol_is_refused(bench: Any, options: dict[str, object]) -> None:
    bench.stable()
    assert bench.joined(**options).error_code is ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_the_protocol_with_the_most_first_votes_wins(bench_with: Callable[..., Any]) -> None:
    bench = bench_with(initial_rebalance_delay_ms=3_000)
    for first, second in [("a", "b"), ("b", "a"), ("b", "a")]:
        bench.join(version=3, protocols=((first, b"1"), (second, b"2")))
    bench.pass_time(6_000)
    assert bench.coordinator.groups["g"].protocol == "b"


def test_group_size_is_limited_below_at_and_above(bench_with: Callable[..., Any]) -> None:
    bench = bench_with(max_members=2)
    bench.stable(2)
    assert bench.joined().error_code is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_ids_given_out_are_limited_too(bench_with: Callable[..., Any]) -> None:
    """A client that asks for ids and never uses them must not fill the memory."""
    bench = bench_with(max_members=2)
    assert bench.new_id() != bench.new_id()
    assert bench.joined().error_code is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_groups_are_limited(bench_with: Callable[..., Any]) -> None:
    bench = bench_with(max_groups=1)
    bench.new_id(group="one")
    bench.new_id(group="one")
    assert bench.joined(group="two").error_code is ErrorCode.POLICY_VIOLATION
    assert bench.commit({("t", 0): 1}, group="two") == (ErrorCode.POLICY_VIOLATION,)


def test_an_id_given_out_is_forgotten_after_its_session_timeout(bench: Any) -> None:
    member_id = bench.new_id(session_ms=10_000)
    bench.pass_time(10_000)
    assert bench.joined(member_id).error_code is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_follower_that_joins_a_stable_group_unchanged_is_told_the_generation(bench: Any) -> None:
    leader, follower = bench.stable(2)
    answer = bench.joined(follower)
    assert (answer.generation, answer.leader, answer.members) == (2, leader, ())
    assert bench.coordinator.groups["g"].state is GroupState.STABLE


def test_a_leader_that_joins_a_stable_group_starts_a_rebalance(bench: Any) -> None:
    """That is how a consumer says that topics have more partitions."""
    leader, follower = bench.stable(2)
    pending = bench.parked(leader)
    assert bench.heartbeat(follower, 2) is ErrorCode.REBALANCE_IN_PROGRESS
    bench.join(follower)
    assert pending.answer.generation == 3
    assert pending.key in bench.journal.woken


def test_a_follower_with_new_metadata_starts_a_rebalance(bench: Any) -> None:
    _, follower = bench.stable(2)
    bench.parked(follower, protocols=(("range", b"other"),))
    assert bench.coordinator.groups["g"].state is GroupState.PREPARING_REBALANCE


def test_a_member_that_lost_its_answer_is_told_again(bench: Any) -> None:
    member_id = bench.new_id()
    first = bench.joined(member_id)
    assert bench.joined(member_id) == first


def test_a_second_join_of_one_member_takes_the_place_of_the_first(bench: Any) -> None:
    """The first one's connection is gone, or soon will be: it must not wait for ever."""
    leader, _ = bench.stable(2)
    first = bench.parked(leader)
    second = bench.parked(leader)
    assert first.answer.error_code is ErrorCode.REBALANCE_IN_PROGRESS
    assert not second.answer


@pytest.mark.parametrize("field", ["group", "client", "instance", "protocol_type"])
def test_texts_that_no_record_can_hold_are_refused(bench: Any, field: str) -> None:
    """Compact strings may be longer than the 16-bit lengths of records and old answers."""
    longest = "é" * (TEXT_BYTES_MAX // 2)
    assert bench.joined(**{field: longest, "version": 3}).error_code is ErrorCode.NONE
    assert bench.joined(**{field: longest + "é"}).error_code is ErrorCode.INVALID_REQUEST
    assert bench.restart().skipped_record_count == 0


class TestStaticMembers:
    """KIP-345."""

    def _stable(self, bench: Any, **options: object) -> str:
        joined = bench.joined(instance="i", **options)
        bench.sync(joined.member_id, joined.generation, {joined.member_id: b"mine"}, instance="i")
        return str(joined.member_id)

    def test_a_static_member_joins_in_one_step(self, bench: Any) -> None:
        assert bench.joined(instance="i").member_id == "i-1"

    def test_a_new_process_takes_over_without_a_rebalance(self, bench: Any) -> None:
        old_id = self._stable(bench)
        answer = bench.joined(instance="i")
        assert (answer.error_code, answer.generation, answer.member_id) == (ErrorCode.NONE, 1, "i-2")
        assert answer.skip_assignment
        synced = bench.sync("i-2", 1, instance="i")
        assert synced.assignment == b"mine"
        assert bench.heartbeat(old_id, 1, instance="i") is ErrorCode.FENCED_INSTANCE_ID
        assert bench.heartbeat("i-2", 1, instance="i") is ErrorCode.NONE

    def test_the_new_id_survives_a_restart(self, bench: Any) -> None:
        self._stable(bench)
        bench.joined(instance="i")
        group = bench.restart().groups["g"]
        assert (list(group.members), group.leader, group.static_members) == (["i-2"], "i-2", {"i": "i-2"})

    def test_an_old_client_that_takes_over_the_leader_is_not_told_that_it_leads(self, bench: Any) -> None:
        """It would compute an assignment that nobody takes."""
        old_id = self._stable(bench)
        answer = bench.joined(instance="i", version=8)
        assert (answer.leader, answer.members, answer.skip_assignment) == (old_id, (), False)

    def test_a_new_process_with_another_protocol_starts_a_rebalance(self, bench: Any) -> None:
        both = (("range", b"r"), ("sticky", b"s"))
        self._stable(bench, protocols=both)
        answer = bench.joined(instance="i", protocols=both[::-1])
        assert (answer.generation, answer.protocol) == (2, "sticky")

    def test_a_parked_request_of_the_old_process_is_fenced(self, bench: Any) -> None:
        leader = bench.stable()[0]
        old = bench.parked(instance="i")
        new = bench.parked(instance="i")
        assert old.answer == JoinAnswer(error_code=ErrorCode.FENCED_INSTANCE_ID, member_id="i-2")
        bench.join(leader)
        assert (new.answer.member_id, new.answer.generation) == ("i-3", 2)

    def test_a_take_over_while_the_leader_assigns_starts_a_rebalance(self, bench: Any) -> None:
        joined = bench.joined(instance="i")
        answer = bench.joined(instance="i")
        assert answer.generation == 2
        assert bench.sync(joined.member_id, 1, instance="i").error_code is ErrorCode.FENCED_INSTANCE_ID

    def test_the_old_id_cannot_join_again(self, bench: Any) -> None:
        old_id = self._stable(bench)
        bench.joined(instance="i")
        assert bench.joined(old_id, instance="i").error_code is ErrorCode.FENCED_INSTANCE_ID

    def test_a_static_member_that_is_silent_for_its_session_goes(self, bench: Any) -> None:
        self._stable(bench, session_ms=10_000)
        bench.pass_time(9_999)
        assert "i-1" in bench.coordinator.groups["g"].members
        bench.pass_time(1)
        assert bench.coordinator.groups["g"].state is GroupState.EMPTY

    def test_a_static_member_that_misses_a_rebalance_stays(self, bench: Any) -> None:
        """That is the point of it: a restart must not move partitions."""
        self._stable(bench, session_ms=60_000)
        dynamic = bench.new_id(session_ms=60_000)
        pending = bench.parked(dynamic, session_ms=60_000)
        bench.pass_time(30_000)
        assert pending.answer.leader == dynamic
        assert {member.instance_id for member in pending.answer.members} == {"i", None}

    def test_an_id_given_to_a_dynamic_member_is_not_a_static_one(self, bench: Any) -> None:
        member_id = bench.new_id()
        assert bench.joined(member_id, instance="i").error_code is ErrorCode.UNKNOWN_MEMBER_ID
