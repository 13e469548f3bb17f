"""Do groups of the new protocol hold their promises, in whatever order clients act and the broker restarts?"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kcon_broker.state.groups.consumer_group import ConsumerGroup
from kcon_broker.state.groups.consumer_records import MemberState
from kcon_broker.state.groups.leave import Leaver
from kcon_broker.wire.error_codes import ErrorCode

SESSION_MS = 45_000
NONE = ErrorCode.NONE


@pytest.fixture
def group_bench(bench_with: Callable[..., Any]) -> Any:
    bench = bench_with(consumer_assignment_interval_ms=0)
    bench.flights = bench.create_topic("flights", 4)
    return bench


# Offsets


def commit(bench: Any, member_id: str, epoch: int, *indexes: int, version: int = 9) -> tuple[ErrorCode, ...]:
    offsets = {("flights", index): 5 for index in indexes}
    answer: tuple[ErrorCode, ...] = bench.commit(
        offsets, member_id=member_id, generation=epoch, version=version, topic_id=bench.flights
    )
    return answer


def test_members_commit_with_their_epoch(group_bench: Any) -> None:
    group_bench.enter("a")
    assert commit(group_bench, "a", 2, 0, 1) == (NONE, NONE)
    assert group_bench.coordinator.offsets.get("g", "flights", 1).offset == 5
    assert commit(group_bench, "a", 3, 0) == (ErrorCode.STALE_MEMBER_EPOCH,)
    assert commit(group_bench, "a", 1, 0) == (ErrorCode.STALE_MEMBER_EPOCH,)
    assert commit(group_bench, "b", 2, 0) == (ErrorCode.UNKNOWN_MEMBER_ID,)
    assert commit(group_bench, "", -1, 0) == (ErrorCode.UNKNOWN_MEMBER_ID,)
    assert commit(group_bench, "a", 2, 0, version=8) == (ErrorCode.UNSUPPORTED_VERSION,)


def test_a_member_that_is_behind_commits_what_it_has_had_since(group_bench: Any) -> None:
    """It may not have heard of its newer epoch (KIP-1251); what it gave back is another's."""
    group_bench.enter("a")
    group_bench.enter("b")
    group_bench.beat("a", 2)
    group_bench.beat("a", 2, owned={group_bench.flights: [0, 1]})
    assert commit(group_bench, "a", 2, 0, 1) == (NONE, NONE)
    assert commit(group_bench, "a", 2, 0, 3) == (ErrorCode.STALE_MEMBER_EPOCH,) * 2
    assert commit(group_bench, "a", 1, 0) == (ErrorCode.STALE_MEMBER_EPOCH,)


def test_a_member_commits_what_it_has_to_give_back(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.enter("b")
    group_bench.beat("a", 2)
    assert commit(group_bench, "a", 2, 3) == (NONE,)


def test_anybody_commits_to_an_empty_group(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.beat("a", -1)
    assert commit(group_bench, "", -1, 0) == (NONE,)


def test_members_fetch_with_their_epoch(group_bench: Any) -> None:
    group_bench.enter("a")
    errors = group_bench.coordinator.consumer.fetch_error
    assert errors("g", "a", 2) is NONE
    assert errors("g", None, -1) is NONE
    assert errors("g", "a", 1) is ErrorCode.STALE_MEMBER_EPOCH
    assert errors("g", "b", 2) is ErrorCode.UNKNOWN_MEMBER_ID
    assert errors("g", None, 2) is ErrorCode.UNKNOWN_MEMBER_ID
    assert errors("other", "a", 1) is NONE


def test_offsets_of_subscribed_topics_are_not_deleted(group_bench: Any) -> None:
    group_bench.enter("a")
    commit(group_bench, "a", 2, 0)
    delete = group_bench.coordinator.delete_offsets
    assert delete("g", (("flights", 0),), group_bench.at) == (NONE, (ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,))
    group_bench.beat("a", -1)
    assert delete("g", (("flights", 0),), group_bench.at) == (NONE, (NONE,))
    assert group_bench.coordinator.offsets.of_group("g") == {}


def test_only_an_empty_group_is_deleted_with_its_offsets(group_bench: Any) -> None:
    group_bench.enter("a")
    commit(group_bench, "a", 2, 0)
    assert group_bench.coordinator.delete_group("g", group_bench.at) is ErrorCode.NON_EMPTY_GROUP
    group_bench.beat("a", -1)
    assert group_bench.coordinator.delete_group("g", group_bench.at) is NONE
    for coordinator in (group_bench.coordinator, group_bench.restart()):
        assert coordinator.consumer.by_id == {}
        assert coordinator.groups == {}
        assert coordinator.offsets.group_ids() == []


def test_offsets_expire_by_their_commit_and_the_group_after_them(bench_with: Callable[..., Any]) -> None:
    bench = bench_with(offsets_retention_ms=1_000_000, offsets_retention_check_interval_ms=100_000)
    bench.flights = bench.create_topic("flights", 1)
    bench.enter("a")
    commit(bench, "a", 2, 0)
    for _ in range(60):
        bench.pass_time(20_000)
        assert bench.beat("a", 2).error_code is NONE
    assert bench.coordinator.offsets.get("g", "flights", 0) is not None
    bench.beat("a", -1)
    bench.pass_time(100_000)
    assert bench.coordinator.offsets.group_ids() == []
    assert bench.coordinator.consumer.by_id == {}


# Administration


def test_an_administrator_removes_members(group_bench: Any) -> None:
    group_bench.enter("a", instance="i")
    group_bench.enter("b")
    leavers = (
        Leaver(member_id="", instance_id="i"),
        Leaver(member_id="b", instance_id=None),
        Leaver(member_id="c", instance_id=None),
        Leaver(member_id="", instance_id="j"),
        Leaver(member_id="b", instance_id="i"),
    )
    answer = group_bench.coordinator.leave("g", leavers, group_bench.at)
    unknown = ErrorCode.UNKNOWN_MEMBER_ID
    assert answer.member_errors == (NONE, NONE, unknown, unknown, ErrorCode.FENCED_INSTANCE_ID)
    assert group_bench.coordinator.consumer.by_id["g"].members == {}


def test_nobody_removed_changes_nothing(group_bench: Any) -> None:
    group_bench.enter("a")
    before = len(group_bench.journal.records)
    group_bench.coordinator.leave("g", (Leaver(member_id="c", instance_id=None),), group_bench.at)
    assert len(group_bench.journal.records) == before


# The two protocols


def test_an_empty_classic_group_goes_over_with_its_offsets(group_bench: Any) -> None:
    group_bench.commit({("flights", 0): 7})
    assert group_bench.enter("a").error_code is NONE
    for coordinator in (group_bench.coordinator, group_bench.restart()):
        assert coordinator.groups == {}
        assert set(coordinator.consumer.by_id) == {"g"}
        assert coordinator.offsets.get("g", "flights", 0).offset == 7


def test_an_empty_group_goes_back_with_its_offsets(group_bench: Any) -> None:
    group_bench.enter("a")
    commit(group_bench, "a", 2, 0)
    group_bench.beat("a", -1)
    answer = group_bench.joined()
    assert answer.error_code is ErrorCode.MEMBER_ID_REQUIRED
    for coordinator in (group_bench.coordinator, group_bench.restart()):
        assert coordinator.consumer.by_id == {}
        assert set(coordinator.groups) == {"g"}
        assert coordinator.offsets.get("g", "flights", 0).offset == 5


def test_a_refused_classic_member_leaves_the_empty_group_alone(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.beat("a", -1)
    assert group_bench.joined(session_ms=1).error_code is ErrorCode.INVALID_SESSION_TIMEOUT
    assert set(group_bench.coordinator.consumer.by_id) == {"g"}


# Start and failure


def test_members_have_their_full_session_after_a_start(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.pass_time(SESSION_MS - 1)
    group_bench.coordinator = group_bench.restart()
    group_bench.pass_time(SESSION_MS - 1)
    assert group_bench.beat("a", 2).error_code is NONE
    group_bench.pass_time(SESSION_MS)
    assert group_bench.beat("a", 2).error_code is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_has_its_full_time_to_give_back_after_a_start(group_bench: Any) -> None:
    group_bench.enter("a", rebalance_ms=10_000)
    group_bench.enter("b")
    group_bench.beat("a", 2)
    group_bench.coordinator = group_bench.restart()
    group_bench.pass_time(9_999)
    assert "a" in group_bench.coordinator.consumer.by_id["g"].members
    group_bench.pass_time(1)
    assert "a" not in group_bench.coordinator.consumer.by_id["g"].members


def test_topics_that_changed_while_the_broker_was_down_are_noticed(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.grow_topic("flights", 5)
    group_bench.coordinator = group_bench.restart()
    assert group_bench.beat("a", 2).assignment == {group_bench.flights: {0: 2, 1: 2, 2: 2, 3: 2, 4: 3}}


def test_an_unloaded_partition_forgets_its_groups(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.enter("a", group="other")
    group_bench.coordinator.unload(group_bench.journal.partition_of("g"))
    assert set(group_bench.coordinator.consumer.by_id) == {"other"}
    for key, value in group_bench.journal.logs[group_bench.journal.partition_of("g")]:
        group_bench.coordinator.replay(key, value)
    group_bench.coordinator.loaded(group_bench.at, group_bench.journal.partition_of("g"))
    assert group_bench.beat("a", 2).error_code is NONE


def test_sessions_wait_for_a_closed_partition(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.journal.closed.add(group_bench.journal.partition_of("g"))
    group_bench.pass_time(SESSION_MS + 10_000)
    assert set(group_bench.coordinator.consumer.by_id["g"].members) == {"a"}
    group_bench.journal.closed.clear()
    group_bench.pass_time(1_000)
    assert group_bench.coordinator.consumer.by_id["g"].members == {}


class _Client:
    """A member as its client sees it; what it owns it gives up only in `goes_on`."""

    def __init__(self, instance: str | None, topics: tuple[str, ...]) -> None:
        self.instance = instance
        self.topics = topics
        self.epoch = 0
        self.lost_an_answer = False
        self.owned: dict[bytes, set[int]] = {}
        self.allowed: dict[bytes, set[int]] = {}


class ConsumerGroupMachine(RuleBasedStateMachine):
    """Clients of one group that join, obey late, vanish and come back, over topics that come and go."""

    make_bench: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.bench = type(self).make_bench(consumer_assignment_interval_ms=1_000)
        self.bench.create_topic("flights", 3)
        self.clients: dict[str, _Client] = {}
        self.last_epochs: dict[str, int] = {}
        self.last_group_epoch = 0
        self.names = iter(f"m{index}" for index in range(1_000))

    @property
    def group(self) -> ConsumerGroup | None:
        found: ConsumerGroup | None = self.bench.coordinator.consumer.by_id.get("g")
        return found

    def call(self, member_id: str, *, is_full: bool = False, **options: Any) -> None:
        """Send a heartbeat and take in its answer; after a lost answer clients tell everything."""
        client = self.clients[member_id]
        owned = {topic: sorted(has) for topic, has in client.owned.items() if has}
        if client.epoch == 0:
            answer = self.bench.enter(member_id, *client.topics, instance=client.instance, **options)
        elif is_full or client.lost_an_answer:
            answer = self.bench.beat(
                member_id,
                client.epoch,
                instance=client.instance,
                rebalance_ms=30_000,
                topics=client.topics,
                owned=owned,
            )
        else:
            answer = self.bench.beat(member_id, client.epoch, instance=client.instance, owned=owned, **options)
        client.lost_an_answer = False
        if answer.error_code is ErrorCode.UNRELEASED_INSTANCE_ID:
            del self.clients[member_id]
        elif answer.error_code is not NONE:
            # It gives everything up and joins anew, as clients do.
            client.epoch, client.owned, client.allowed = 0, {}, {}
        else:
            assert client.epoch == 0 or answer.member_epoch >= client.epoch
            client.epoch = answer.member_epoch
            if answer.assignment is not None:
                client.allowed = {topic: set(has) for topic, has in answer.assignment.items()}
                for topic, has in client.allowed.items():
                    client.owned.setdefault(topic, set()).update(has)

    @rule(
        instance=st.sampled_from([None, None, "i", "j"]),
        topics=st.sampled_from([("flights",), ("flights", "weather")]),
        assignor=st.sampled_from(["uniform", "range"]),
    )
    def joins(self, instance: str | None, topics: tuple[str, ...], assignor: str) -> None:
        member_id = next(self.names)
        self.clients[member_id] = _Client(instance, topics)
        self.call(member_id, assignor=assignor)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), is_full=st.booleans(), is_lost=st.booleans())
    def heartbeats(self, data: st.DataObject, is_full: bool, is_lost: bool) -> None:
        """A client heartbeats without giving anything back; its answer may be lost."""
        member_id = data.draw(st.sampled_from(sorted(self.clients)))
        client = self.clients[member_id]
        before = (client.epoch, {topic: set(has) for topic, has in client.owned.items()}, client.allowed)
        self.call(member_id, is_full=is_full)
        if is_lost and member_id in self.clients and before[0] > 0:
            client.epoch, client.owned, client.allowed = before
            client.lost_an_answer = True

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def gives_back(self, data: st.DataObject) -> None:
        member_id = data.draw(st.sampled_from(sorted(self.clients)))
        client = self.clients[member_id]
        client.owned = {topic: set(has) for topic, has in client.allowed.items()}
        self.call(member_id)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), names=st.sampled_from([(), ("flights",), ("weather",), ("flights", "weather")]))
    def subscribes(self, data: st.DataObject, names: tuple[str, ...]) -> None:
        member_id = data.draw(st.sampled_from(sorted(self.clients)))
        self.clients[member_id].topics = names
        self.call(member_id, is_full=True)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), stays=st.booleans())
    def leaves(self, data: st.DataObject, stays: bool) -> None:
        member_id = data.draw(st.sampled_from(sorted(self.clients)))
        client = self.clients.pop(member_id)
        epoch = -2 if stays and client.instance is not None else -1
        self.bench.beat(member_id, epoch, instance=client.instance)

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def vanishes(self, data: st.DataObject) -> None:
        del self.clients[data.draw(st.sampled_from(sorted(self.clients)))]

    @rule(name=st.sampled_from(["flights", "weather"]), count=st.integers(1, 5))
    def topics_change(self, name: str, count: int) -> None:
        topic = self.bench.topics.by_name.get(name)
        if topic is None:
            self.bench.create_topic(name, count)
        elif topic.partition_count < count:
            self.bench.grow_topic(name, count)
        elif count == 1:
            self.bench.delete_topic(name)

    @rule(ms=st.sampled_from([1, 500, 5_000, 31_000]))
    def time_passes(self, ms: int) -> None:
        self.bench.pass_time(ms)

    @rule()
    def broker_restarts(self) -> None:
        """The log says exactly what the memory said."""
        group = self.group
        before = None if group is None else replace(group)
        self.bench.coordinator = self.bench.restart()
        assert self.group == before

    @rule()
    def everybody_obeys(self) -> None:
        """With clients that do what they are told the group comes to rest, and everything is given out."""
        for _ in range(8):
            self.bench.pass_time(1_000)
            for member_id in sorted(self.clients):
                if member_id in self.clients:
                    client = self.clients[member_id]
                    client.owned = {topic: set(has) for topic, has in client.allowed.items()}
                    self.call(member_id)
        group = self.group
        if group is None or not self.clients or set(group.members) != set(self.clients):
            return
        assert group.epoch == group.target_epoch
        assert all(member.is_reconciled_to(group.epoch) for member in group.members.values())
        wanted = {
            (topic.topic_id, index)
            for name in group.subscribed_topics()
            if (topic := self.bench.topics.by_name.get(name)) is not None
            for index in range(topic.partition_count)
        }
        assert set(group.owners) == wanted

    @invariant()
    def every_partition_has_one_owner(self) -> None:
        group = self.group
        if group is None:
            return
        seen: dict[tuple[bytes, int], str] = {}
        for member_id, member in group.members.items():
            for topic_id, partitions in member.owned().items():
                for index in partitions:
                    assert seen.setdefault((topic_id, index), member_id) == member_id
        assert seen == group.owners

    @invariant()
    def no_two_live_clients_use_a_partition(self) -> None:
        """Who is still a member may use what it was told; it counts until it says that it gave it back."""
        group = self.group
        using: dict[tuple[bytes, int], str] = {}
        for member_id, client in self.clients.items():
            if group is None or member_id not in group.members or client.epoch <= 0:
                continue
            for topic_id, partitions in client.owned.items():
                for index in partitions:
                    assert using.setdefault((topic_id, index), member_id) == member_id

    @invariant()
    def epochs_only_grow(self) -> None:
        group = self.group
        if group is None:
            return
        assert group.epoch >= self.last_group_epoch
        assert group.epoch >= group.target_epoch
        self.last_group_epoch = group.epoch
        for member_id, member in group.members.items():
            progress = member.progress
            assert progress.epoch <= group.target_epoch
            if progress.epoch > 0:
                assert progress.epoch >= self.last_epochs.get(member_id, 0)
                self.last_epochs[member_id] = progress.epoch
            if progress.state is not MemberState.UNREVOKED_PARTITIONS:
                assert not progress.revoking


def test_groups_hold_their_promises_whatever_happens(bench_with: Any) -> None:
    """One owner for each partition, epochs that only grow, and a log that says what the memory says."""
    machine = type("Machine", (ConsumerGroupMachine,), {"make_bench": staticmethod(bench_with)})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))
