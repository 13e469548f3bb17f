"""Does the coordinator keep its promises whatever happens in whatever order?

The state machine at the end plays clients, timers, failures and restarts: what a restart reads from the log is
what was there, generations only grow, each partition has one owner when a group is stable, and every parked
request is answered once and woken.
"""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.outcome import JoinAnswer, PendingAnswer, SyncAnswer
from kcon_broker.wire.error_codes import ErrorCode

PARTITIONS = tuple(f"p{index}" for index in range(4))


def test_deleting_a_group_ends_it_and_its_offsets(bench: Any) -> None:
    bench.commit({("flights", 0): 5})
    assert bench.coordinator.delete_group("g", bench.at) is ErrorCode.NONE
    assert bench.coordinator.delete_group("g", bench.at) is ErrorCode.GROUP_ID_NOT_FOUND
    for coordinator in (bench.coordinator, bench.restart()):
        assert coordinator.groups == {}
        assert coordinator.offsets.group_ids() == []


def test_a_group_with_members_cannot_be_deleted(bench: Any) -> None:
    (member_id,) = bench.stable()
    assert bench.coordinator.delete_group("g", bench.at) is ErrorCode.NON_EMPTY_GROUP
    bench.leave(member_id)
    assert bench.coordinator.delete_group("g", bench.at) is ErrorCode.NONE


def test_deleting_a_topic_ends_its_offsets_in_all_groups(bench: Any) -> None:
    bench.commit({("flights", 0): 5, ("weather", 0): 7}, group="one")
    bench.commit({("flights", 0): 5}, group="two")
    bench.commit({("flights", 0): 5}, group="namesake", topic_id=b"the-younger-one!")
    bench.coordinator.topic_deleted("flights", b"topic-id-of-16-b", bench.at)
    offsets = bench.restart().offsets
    assert [offsets.get(group, "flights", 0) is None for group in ("one", "two", "namesake")] == [True, True, False]
    assert offsets.get("one", "weather", 0).offset == 7


def test_members_keep_their_place_over_a_restart(bench: Any) -> None:
    """A broker that starts again must not make every consumer rebalance."""
    leader, follower = bench.stable(2, session_ms=10_000)
    bench.coordinator = bench.restart()
    assert bench.heartbeat(leader, 2) is ErrorCode.NONE
    assert bench.sync(follower, 2).assignment == f"a-{follower}".encode()
    bench.pass_time(9_999)
    assert bench.heartbeat(leader, 2) is ErrorCode.NONE
    bench.pass_time(1)
    assert bench.heartbeat(follower, 2) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_log_in_which_the_protocol_changes_is_loaded(bench: Any) -> None:
    """Each record keeps only the subscription under its own protocol."""
    both = (("range", b"r"), ("sticky", b"s"))
    (member_id,) = bench.stable(protocols=both)
    bench.joined(member_id, protocols=both[::-1])
    bench.sync(member_id, 2, protocol="sticky")
    group = bench.restart().groups["g"]
    assert (group.protocol, group.members[member_id].protocols) == ("sticky", both[1:])


def test_a_lowered_size_limit_makes_a_loaded_group_rebalance(bench_with: Any, bench: Any) -> None:
    bench.stable(3)
    small = bench_with(max_members=2)
    small.journal = bench.journal
    small.coordinator = small.restart()
    ids = list(small.coordinator.groups["g"].members)
    assert small.coordinator.groups["g"].state is GroupState.PREPARING_REBALANCE
    small.parked(ids[0])
    small.parked(ids[1])
    assert small.joined(ids[2]).error_code is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_records_of_other_groups_are_counted_and_passed_over(bench: Any) -> None:
    bench.coordinator.replay(bytes.fromhex("0003000567726f7570"), b"\0\0")
    bench.coordinator.replay(b"\0", None)
    bench.coordinator.replay(None, b"")
    assert bench.coordinator.skipped_record_count == 3
    assert bench.coordinator.groups == {}


class TestUnavailablePartition:
    """A partition that cannot be written answers everything with an error and changes nothing."""

    def test_nothing_is_changed(self, bench: Any) -> None:
        (member_id,) = bench.stable()
        before = repr(bench.coordinator.groups)
        bench.journal.closed.update(range(50))
        refusal = ErrorCode.COORDINATOR_NOT_AVAILABLE
        assert bench.joined().error_code is refusal
        assert bench.joined(member_id).error_code is refusal
        assert bench.sync(member_id, 1).error_code is refusal
        assert bench.heartbeat(member_id, 1) is refusal
        assert bench.coordinator.leave("g", (), bench.at).error_code is refusal
        assert bench.commit({("flights", 0): 5}) == (refusal,)
        assert bench.coordinator.delete_offsets("g", (), bench.at) == (refusal, ())
        assert bench.coordinator.delete_group("g", bench.at) is refusal
        bench.coordinator.topic_deleted("flights", bytes(16), bench.at)
        assert repr(bench.coordinator.groups) == before

    def test_sessions_wait_until_it_is_back(self, bench: Any) -> None:
        (member_id,) = bench.stable(session_ms=10_000)
        bench.journal.closed.update(range(50))
        bench.pass_time(60_000)
        assert list(bench.coordinator.groups["g"].members) == [member_id]
        bench.journal.closed.clear()
        bench.pass_time(1_000)
        assert bench.coordinator.groups["g"].state is GroupState.EMPTY

    def test_unloading_answers_who_waits_and_loading_brings_back_what_was_durable(self, bench: Any) -> None:
        leader, follower = bench.stable(2)
        bench.commit({("flights", 0): 5}, member_id=leader, generation=2)
        bench.stable(group="other")
        pending = bench.parked(leader)
        partition = bench.journal.partition_of("g")
        bench.coordinator.unload(partition)
        assert pending.answer.error_code is ErrorCode.NOT_COORDINATOR
        assert pending.key in bench.journal.woken
        assert list(bench.coordinator.groups) == ["other"]
        assert bench.coordinator.offsets.get("g", "flights", 0) is None
        for key, value in bench.journal.logs[partition]:
            bench.coordinator.replay(key, value)
        bench.coordinator.loaded(bench.at, partition)
        assert bench.heartbeat(follower, 2) is ErrorCode.NONE
        assert bench.coordinator.offsets.get("g", "flights", 0).offset == 5


def test_nobody_is_woken_before_the_record_is_appended(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower that is told its assignment first could act on what a crash takes back."""
    leader, follower = bench.stable(2)
    bench.join(leader)
    bench.join(follower)
    bench.sync(follower, 3)
    appended_count_at_wake: list[int] = []
    monkeypatch.setattr(bench.journal, "wake", lambda _key: appended_count_at_wake.append(len(bench.journal.records)))
    before = len(bench.journal.records)
    bench.sync(leader, 3, {follower: b"F"})
    assert appended_count_at_wake == [before + 1]


class GroupMachine(RuleBasedStateMachine):
    """Clients of one group, each at its own point of the protocol."""

    make_bench: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.bench = type(self).make_bench(max_members=4)
        self.pending_joins: dict[str, PendingAnswer[JoinAnswer]] = {}
        self.pending_syncs: dict[str, PendingAnswer[SyncAnswer]] = {}
        self.generations: dict[str, int] = {}
        self.leaders: dict[str, tuple[str, ...]] = {}
        self.assignments: dict[int, dict[str, tuple[str, ...]]] = {}
        self.last_generation = 0

    @property
    def group(self) -> Group | None:
        found: Group | None = self.bench.coordinator.groups.get("g")
        return found

    @property
    def known(self) -> list[str]:
        group = self.group
        return [] if group is None else sorted((*group.members, *group.pending_members))

    @rule(instance=st.sampled_from([None, None, "i", "j"]), version=st.sampled_from([3, 9]), order=st.booleans())
    def newcomer(self, instance: str | None, version: int, order: bool) -> None:
        protocols = (("range", b"r"), ("sticky", b"s"))
        answer = self.bench.join(instance=instance, version=version, protocols=protocols if order else protocols[::-1])
        self._note_join("", answer)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def joins(self, data: st.DataObject) -> None:
        self.joins_as(data.draw(st.sampled_from(self.known)))

    def joins_as(self, member_id: str) -> None:
        assert self.group is not None
        member = self.group.members.get(member_id)
        answer = self.bench.join(
            member_id,
            instance=None if member is None else member.instance_id,
            protocols=(("range", b"r"), ("sticky", b"s")),
        )
        self._note_join(member_id, answer)

    @precondition(lambda self: self.generations)
    @rule(data=st.data())
    def syncs(self, data: st.DataObject) -> None:
        self.syncs_as(data.draw(st.sampled_from(sorted(self.generations))))

    def syncs_as(self, member_id: str) -> None:
        generation = self.generations[member_id]
        given = {}
        if member_id in self.leaders:
            members = self.leaders[member_id]
            given = {other: ",".join(PARTITIONS[index :: len(members)]).encode() for index, other in enumerate(members)}
        answer = self.bench.sync(member_id, generation, given, protocol=None)
        if isinstance(answer, PendingAnswer):
            self.pending_syncs[member_id] = answer
        else:
            self._note_sync(member_id, generation, answer)

    @rule()
    def everybody_goes_on(self) -> None:
        """Let all clients do what they would do next, until the group is stable."""
        for _ in range(4):
            for member_id in self.known:
                self.joins_as(member_id)
            self.answers_are_woken_and_noted()
            for member_id in sorted(self.known, key=lambda known: known in self.leaders):
                if member_id in self.generations:
                    self.syncs_as(member_id)
            if self.group is None or self.group.state in (GroupState.STABLE, GroupState.EMPTY):
                return

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        member_id = data.draw(st.sampled_from(self.known))
        assert self.bench.leave(member_id) == (ErrorCode.NONE,)

    @precondition(lambda self: self.generations)
    @rule(data=st.data(), offset=st.integers(0, 9))
    def commits_and_lives(self, data: st.DataObject, offset: int) -> None:
        member_id = data.draw(st.sampled_from(sorted(self.generations)))
        generation = self.generations[member_id]
        self.bench.heartbeat(member_id, generation)
        self.bench.commit({("flights", 0): offset}, member_id=member_id, generation=generation)

    @rule(ms=st.sampled_from([1, 4_000, 11_000, 31_000, 301_000]))
    def time_passes(self, ms: int) -> None:
        self.bench.pass_time(ms)

    @rule()
    def broker_restarts(self) -> None:
        self.bench.coordinator = self.bench.restart()
        self.pending_joins.clear()
        self.pending_syncs.clear()
        self.leaders.clear()
        # What was not recorded is gone, so the count goes back to the last record.
        self.last_generation = 0 if self.group is None else self.group.generation
        self.assignments = {
            generation: owners for generation, owners in self.assignments.items() if generation <= self.last_generation
        }

    @rule()
    def partition_fails_and_is_loaded_again(self) -> None:
        partition = self.bench.journal.partition_of("g")
        self.bench.coordinator.unload(partition)
        assert all(join.answer is not None for join in self.pending_joins.values())
        assert all(sync.answer is not None for sync in self.pending_syncs.values())
        for key, value in self.bench.journal.records:
            self.bench.coordinator.replay(key, value)
        self.bench.coordinator.loaded(self.bench.at, partition)
        self.broker_restarts()

    @invariant()
    def answers_are_woken_and_noted(self) -> None:
        for member_id, join in list(self.pending_joins.items()):
            if join.answer is not None:
                assert join.key in self.bench.journal.woken
                del self.pending_joins[member_id]
                self._note_join(member_id, join.answer)
        for member_id, sync in list(self.pending_syncs.items()):
            if sync.answer is not None:
                assert sync.key in self.bench.journal.woken
                del self.pending_syncs[member_id]
                self._note_sync(member_id, self.generations.get(member_id, -1), sync.answer)

    @invariant()
    def the_log_brings_back_what_is_durable(self) -> None:
        group, loaded = self.group, self.bench.restart()
        assert set(loaded.groups) == set(self.bench.coordinator.groups)
        assert loaded.offsets.of_group("g") == self.bench.coordinator.offsets.of_group("g")
        if group is not None and group.state in (GroupState.STABLE, GroupState.EMPTY):
            twin = loaded.groups["g"]
            assert (twin.state, twin.durable_metadata()) == (group.state, group.durable_metadata())

    @invariant()
    def generations_only_grow(self) -> None:
        generation = 0 if self.group is None else self.group.generation
        assert generation >= self.last_generation or self.group is None
        self.last_generation = generation

    @invariant()
    def the_group_agrees_with_itself(self) -> None:
        group = self.group
        if group is None:
            return
        waiting = {member_id for member_id, member in group.members.items() if member.join is not None}
        assert group.joining_count == len(waiting)
        assert all(member_id == member.member_id for member_id, member in group.members.items())
        assert not group.pending_members & set(group.members)
        assert group.static_members == {
            member.instance_id: member.member_id for member in group.members.values() if member.instance_id is not None
        }
        assert (group.leader in group.members) if group.members else (group.leader is None)
        # While members are awaited only those who came count: old and new ones together may be twice as many.
        assert group.joining_count <= 4
        assert len(group.members) <= 8
        match group.state:
            case GroupState.STABLE | GroupState.COMPLETING_REBALANCE:
                assert group.members
                assert not waiting
            case GroupState.EMPTY:
                assert not group.members

    def _note_join(self, member_id: str, answer: JoinAnswer | PendingAnswer[JoinAnswer]) -> None:
        if isinstance(answer, PendingAnswer):
            assert self.group is not None
            owner = next((known for known, member in self.group.members.items() if member.join is answer), member_id)
            self.pending_joins[owner] = answer
        elif answer.error_code is ErrorCode.NONE:
            self.generations[answer.member_id] = answer.generation
            self.leaders.pop(answer.member_id, None)
            if answer.members:
                self.leaders[answer.member_id] = tuple(member.member_id for member in answer.members)

    def _note_sync(self, member_id: str, generation: int, answer: SyncAnswer) -> None:
        if answer.error_code is not ErrorCode.NONE:
            return
        owners = self.assignments.setdefault(generation, {})
        mine = tuple(part for part in answer.assignment.decode().split(",") if part)
        owners[member_id] = mine
        group = self.group
        assert group is not None
        if group.state is GroupState.STABLE and group.generation == generation:
            owned = [part for known in group.members.values() for part in known.assignment.decode().split(",") if part]
            assert len(owned) == len(set(owned)), "a partition has two owners"
            assert mine == tuple(part for part in group.members[member_id].assignment.decode().split(",") if part)


def test_a_group_keeps_its_promises(bench_with: Any) -> None:
    machine = type("BoundGroupMachine", (GroupMachine,), {"make_bench": staticmethod(bench_with)})
    run_state_machine_as_test(machine, settings=settings(max_examples=200, stateful_step_count=50, deadline=None))
