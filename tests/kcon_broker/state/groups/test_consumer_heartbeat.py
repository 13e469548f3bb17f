"""Does a group of the new protocol go from one assignment to the next as KIP-848 says?"""

from collections.abc import Callable
from typing import Any

import pytest

from kcon_broker.state.groups.consumer_group import ConsumerGroup, ConsumerGroupState
from kcon_broker.state.groups.consumer_records import (
    CurrentMemberRecord,
    GroupEpochRecord,
    MemberProgress,
    MemberRecord,
    MemberState,
    MemberSubscription,
    TargetEpochRecord,
    TargetMemberRecord,
    decode_consumer_record,
    encode_consumer_record,
)
from kcon_broker.state.groups.heartbeat_request import HeartbeatAnswer
from kcon_broker.wire.error_codes import ErrorCode

SESSION_MS = 45_000


@pytest.fixture
def group_bench(bench_with: Callable[..., Any]) -> Any:
    """Return a bench with a topic of four partitions whose groups are assigned at every change."""
    bench = bench_with(consumer_assignment_interval_ms=0)
    bench.flights = bench.create_topic("flights", 4)
    return bench


def group_of(bench: Any) -> ConsumerGroup:
    found = bench.coordinator.consumer.by_id["g"]
    assert isinstance(found, ConsumerGroup)
    return found


def partitions(answer: HeartbeatAnswer, topic_id: bytes) -> list[int] | None:
    assert answer.error_code is ErrorCode.NONE, answer.error_message
    return None if answer.assignment is None else sorted(answer.assignment.get(topic_id, {}))


def test_the_first_member_gets_everything(group_bench: Any) -> None:
    answer = group_bench.enter("a")
    assert (answer.member_id, answer.member_epoch, answer.heartbeat_interval_ms) == ("a", 2, 5_000)
    assert partitions(answer, group_bench.flights) == [0, 1, 2, 3]
    assert group_of(group_bench).state is ConsumerGroupState.STABLE


def test_joining_writes_one_batch_of_kafkas_records(group_bench: Any) -> None:
    group_bench.enter("a")
    kinds = [type(decode_consumer_record(*record)) for record in group_bench.journal.records]
    assert kinds == [MemberRecord, GroupEpochRecord, TargetMemberRecord, TargetEpochRecord, CurrentMemberRecord]


def test_a_heartbeat_without_news_writes_nothing(group_bench: Any) -> None:
    group_bench.enter("a")
    before = len(group_bench.journal.records)
    answer = group_bench.beat("a", 2)
    assert answer.assignment is None
    assert len(group_bench.journal.records) == before


def test_a_full_heartbeat_is_told_the_assignment_again(group_bench: Any) -> None:
    group_bench.enter("a")
    answer = group_bench.beat(
        "a", 2, topics=("flights",), rebalance_ms=30_000, owned={group_bench.flights: [0, 1, 2, 3]}
    )
    assert partitions(answer, group_bench.flights) == [0, 1, 2, 3]


def test_a_partition_is_given_back_before_it_is_given_out(group_bench: Any) -> None:
    """The one promise of the protocol: never two owners."""
    flights = group_bench.flights
    group_bench.enter("a")
    assert partitions(group_bench.enter("b"), flights) == []
    assert group_of(group_bench).state is ConsumerGroupState.RECONCILING
    # The first member is told to give back, and stays at its epoch until it says that it did.
    answer = group_bench.beat("a", 2)
    assert (answer.member_epoch, partitions(answer, flights)) == (2, [0, 1])
    assert partitions(group_bench.beat("b", 3), flights) is None
    answer = group_bench.beat("a", 2, owned={flights: [0, 1, 2]})
    assert (answer.member_epoch, answer.assignment) == (2, None)
    assert partitions(group_bench.beat("b", 3), flights) is None
    assert group_bench.beat("a", 2, owned={flights: [0, 1]}).member_epoch == 3
    assert partitions(group_bench.beat("b", 3), flights) == [2, 3]
    assert group_of(group_bench).state is ConsumerGroupState.STABLE


def test_a_member_that_leaves_gives_everything_back_at_once(group_bench: Any) -> None:
    flights = group_bench.flights
    group_bench.enter("a")
    group_bench.enter("b")
    answer = group_bench.beat("a", -1)
    assert (answer.error_code, answer.member_id, answer.member_epoch) == (ErrorCode.NONE, "a", -1)
    assert partitions(group_bench.beat("b", 3), flights) == [0, 1, 2, 3]
    assert group_bench.beat("a", 2).error_code is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_silent_member_is_put_out(group_bench: Any) -> None:
    flights = group_bench.flights
    group_bench.enter("a")
    group_bench.enter("b")
    group_bench.pass_time(SESSION_MS - 1)
    group_bench.beat("b", 3)
    assert set(group_of(group_bench).members) == {"a", "b"}
    group_bench.pass_time(1)
    assert set(group_of(group_bench).members) == {"b"}
    assert partitions(group_bench.beat("b", 3), flights) == [0, 1, 2, 3]


def test_a_member_that_does_not_give_back_is_put_out(group_bench: Any) -> None:
    """Its heartbeats keep the session, but not longer than the rebalance timeout that it named."""
    group_bench.enter("a", rebalance_ms=20_000)
    group_bench.enter("b")
    group_bench.beat("a", 2)
    for _ in range(2):
        group_bench.pass_time(9_999)
        assert group_bench.beat("a", 2).error_code is ErrorCode.NONE
    group_bench.pass_time(2)
    assert group_bench.beat("a", 2).error_code is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_that_gave_back_in_time_stays(group_bench: Any) -> None:
    group_bench.enter("a", rebalance_ms=20_000)
    group_bench.enter("b")
    group_bench.beat("a", 2)
    group_bench.beat("a", 2, owned={group_bench.flights: [0, 1]})
    group_bench.pass_time(20_001)
    assert set(group_of(group_bench).members) == {"a", "b"}


def test_the_previous_epoch_is_accepted_once_more(group_bench: Any) -> None:
    """The answer with the newer epoch may have been lost on the way."""
    flights = group_bench.flights
    group_bench.enter("a")
    group_bench.enter("b")
    group_bench.beat("a", 2)
    assert group_bench.beat("a", 2, owned={flights: [0, 1]}).member_epoch == 3
    assert group_bench.beat("a", 2, owned={flights: [0, 1]}).member_epoch == 3
    for epoch, owned in ((2, {flights: [0, 1, 2]}), (2, None), (1, {}), (4, {})):
        answer = group_bench.beat("a", epoch, owned=owned)
        assert answer.error_code is ErrorCode.FENCED_MEMBER_EPOCH
        assert (answer.member_id, answer.member_epoch) == (None, 0)


def test_a_fenced_member_joins_anew_with_its_id(group_bench: Any) -> None:
    group_bench.enter("a")
    answer = group_bench.enter("a")
    assert (answer.member_epoch, partitions(answer, group_bench.flights)) == (2, [0, 1, 2, 3])


def test_targets_are_computed_at_most_once_per_interval(bench_with: Callable[..., Any]) -> None:
    """Who joins in between is a member without partitions (KIP-1263)."""
    bench = bench_with(consumer_assignment_interval_ms=1_000)
    flights = bench.create_topic("flights", 4)
    bench.enter("a")
    bench.pass_time(999)
    answer = bench.enter("b")
    assert (answer.member_epoch, partitions(answer, flights)) == (2, [])
    assert group_of(bench).state is ConsumerGroupState.ASSIGNING
    bench.pass_time(1)
    assert bench.beat("b", 2).member_epoch == 3
    assert group_of(bench).target["b"] == {flights: {2, 3}}


def test_more_partitions_are_given_out(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.grow_topic("flights", 6)
    answer = group_bench.beat("a", 2)
    assert (answer.member_epoch, partitions(answer, group_bench.flights)) == (3, [0, 1, 2, 3, 4, 5])


def test_a_topic_that_appears_is_given_out(group_bench: Any) -> None:
    group_bench.enter("a", "flights", "weather")
    weather = group_bench.create_topic("weather", 1)
    assert partitions(group_bench.beat("a", 2), weather) == [0]


def test_other_topics_are_no_news(group_bench: Any) -> None:
    group_bench.enter("a")
    group_bench.create_topic("weather", 1)
    answer = group_bench.beat("a", 2)
    assert (answer.member_epoch, answer.assignment) == (2, None)


def test_a_deleted_topic_is_taken_back_and_its_namesake_given_out(group_bench: Any) -> None:
    old = group_bench.flights
    group_bench.enter("a")
    group_bench.delete_topic("flights")
    new = group_bench.create_topic("flights", 1)
    answer = group_bench.beat("a", 2)
    assert answer.assignment == {}
    answer = group_bench.beat("a", 2, owned={})
    assert answer.assignment is not None
    assert old not in answer.assignment
    assert partitions(answer, new) == [0]


def test_a_changed_subscription_takes_back_at_once(bench_with: Callable[..., Any]) -> None:
    """Also while the next target may not be computed yet."""
    bench = bench_with(consumer_assignment_interval_ms=60_000)
    flights, weather = bench.create_topic("flights", 2), bench.create_topic("weather", 1)
    bench.enter("a", "flights", "weather")
    answer = bench.beat("a", 2, topics=("weather",))
    assert (answer.member_epoch, answer.assignment) == (2, {weather: {0: 2}})
    bench.beat("a", 2, topics=("weather",), owned={weather: [0]})
    assert (flights, 0) not in group_of(bench).owners


def test_partitions_that_were_given_back_already_need_no_waiting(group_bench: Any) -> None:
    group_bench.create_topic("weather", 1)
    group_bench.enter("a", "flights", "weather")
    answer = group_bench.beat("a", 2, topics=("flights",), owned={group_bench.flights: [0, 1, 2, 3]})
    assert (answer.member_epoch, set(answer.assignment)) == (3, {group_bench.flights})


@pytest.mark.parametrize(("votes", "chosen"), [(("range", "range"), "range"), (("uniform", "range"), "uniform")])
def test_most_votes_choose_the_assignor(group_bench: Any, votes: tuple[str, str], chosen: str) -> None:
    for member_id, vote in zip("ab", votes, strict=True):
        group_bench.enter(member_id, assignor=vote)
    assert group_of(group_bench).preferred_assignor("none") == chosen


def test_uniform_is_the_default(group_bench: Any) -> None:
    group_bench.enter("a", assignor=None)
    assert partitions(group_bench.enter("b", assignor=None), group_bench.flights) == []
    assert sorted(map(len, group_of(group_bench).target["b"].values())) == [2]


@pytest.mark.parametrize(
    ("epoch", "options", "message"),
    [
        (0, {"member_id": ""}, "MemberId"),
        (0, {"group": ""}, "GroupId"),
        (0, {"instance": ""}, "InstanceId"),
        (0, {"rack": ""}, "RackId"),
        (0, {"rebalance_ms": -1}, "RebalanceTimeoutMs"),
        (0, {"owned": None}, "TopicPartitions"),
        (0, {"owned": {b"x" * 16: [0]}}, "TopicPartitions"),
        (0, {"topics": None}, "SubscribedTopicNames"),
        (0, {"member_id": "m" * 32_768}, "longer"),
        (0, {"regex": "m" * 32_768}, "longer"),
        (-2, {}, "InstanceId"),
        (-3, {}, "MemberEpoch"),
        (5, {"member_id": "", "version": 0}, "MemberId"),
        (-1, {"member_id": "", "version": 0}, "MemberId"),
    ],
)
def test_requests_that_say_too_little_are_refused(
    group_bench: Any, epoch: int, options: dict[str, Any], message: str
) -> None:
    fields = {"member_id": "a", "topics": ("flights",), "rebalance_ms": 1, "owned": {}, **options}
    answer = group_bench.beat(fields.pop("member_id"), epoch, **fields)
    assert answer.error_code is ErrorCode.INVALID_REQUEST
    assert message in answer.error_message
    assert group_bench.journal.records == []


def test_texts_at_the_limit_are_taken(group_bench: Any) -> None:
    assert group_bench.enter("m" * 32_767).error_code is ErrorCode.NONE


def test_an_older_client_is_given_an_id(group_bench: Any) -> None:
    answer = group_bench.enter("", version=0)
    assert answer.member_id
    assert group_bench.beat(answer.member_id, 2, version=0).error_code is ErrorCode.NONE


def test_unknown_assignors_are_refused(group_bench: Any) -> None:
    answer = group_bench.enter("a", assignor="sticky")
    assert answer.error_code is ErrorCode.UNSUPPORTED_ASSIGNOR
    assert "uniform, range" in answer.error_message


def test_strangers_are_refused(group_bench: Any) -> None:
    assert group_bench.beat("a", 1).error_code is ErrorCode.GROUP_ID_NOT_FOUND
    assert group_bench.beat("a", -1).error_code is ErrorCode.GROUP_ID_NOT_FOUND
    group_bench.enter("a")
    assert group_bench.beat("b", 1).error_code is ErrorCode.UNKNOWN_MEMBER_ID
    assert group_bench.beat("b", -1).error_code is ErrorCode.UNKNOWN_MEMBER_ID
    assert group_bench.beat("b", 1, instance="i").error_code is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_full_group_takes_no_more(bench_with: Callable[..., Any]) -> None:
    bench = bench_with(consumer_max_members=2, consumer_assignment_interval_ms=0)
    bench.create_topic("flights", 4)
    bench.enter("a")
    assert bench.enter("b").error_code is ErrorCode.NONE
    assert bench.enter("c").error_code is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert bench.enter("a").error_code is ErrorCode.NONE


def test_a_full_broker_takes_no_more_groups(bench_with: Callable[..., Any]) -> None:
    bench = bench_with(max_groups=1)
    assert bench.enter("a").error_code is ErrorCode.NONE
    assert bench.enter("a", group="other").error_code is ErrorCode.POLICY_VIOLATION


def test_a_closed_partition_answers_nothing(group_bench: Any) -> None:
    group_bench.journal.closed.add(group_bench.journal.partition_of("g"))
    assert group_bench.enter("a").error_code is ErrorCode.COORDINATOR_NOT_AVAILABLE


# Static members


def test_a_static_member_comes_back_to_its_partitions(group_bench: Any) -> None:
    """A restart of its process moves nothing."""
    flights = group_bench.flights
    group_bench.enter("a", instance="i")
    group_bench.enter("b")
    group_bench.beat("a", 2, instance="i", owned={flights: [0, 1]})
    assert group_bench.beat("a", -2, instance="i").member_epoch == -2
    assert partitions(group_bench.beat("b", 3), flights) == [2, 3]
    answer = group_bench.enter("c", instance="i")
    assert (answer.member_epoch, partitions(answer, flights)) == (3, [0, 1])
    assert group_bench.beat("a", 3, instance="i").error_code is ErrorCode.FENCED_INSTANCE_ID
    assert group_of(group_bench).epoch == 3


def test_an_instance_in_use_is_not_released(group_bench: Any) -> None:
    group_bench.enter("a", instance="i")
    answer = group_bench.enter("b", instance="i")
    assert answer.error_code is ErrorCode.UNRELEASED_INSTANCE_ID
    assert set(group_of(group_bench).members) == {"a"}


def test_a_static_member_that_stays_away_is_put_out(group_bench: Any) -> None:
    group_bench.enter("a", instance="i")
    group_bench.beat("a", -2, instance="i")
    group_bench.pass_time(SESSION_MS)
    assert group_of(group_bench).state is ConsumerGroupState.EMPTY
    assert group_of(group_bench).static_members == {}


def test_a_static_member_that_leaves_while_it_gives_back_has_its_session(group_bench: Any) -> None:
    group_bench.enter("a", instance="i", rebalance_ms=10_000)
    group_bench.enter("b")
    group_bench.beat("a", 2, instance="i")
    group_bench.beat("a", -2, instance="i")
    group_bench.pass_time(10_001)
    assert "a" in group_of(group_bench).members


def test_the_successors_session_is_its_own(group_bench: Any) -> None:
    group_bench.enter("a", instance="i")
    group_bench.beat("a", -2, instance="i")
    group_bench.pass_time(SESSION_MS - 1)
    group_bench.enter("b", instance="i")
    group_bench.pass_time(SESSION_MS - 1)
    assert set(group_of(group_bench).members) == {"b"}


# What a log may hold


def test_a_member_in_an_unknown_state_gives_up_everything_first(group_bench: Any) -> None:
    flights = group_bench.flights
    group_bench.enter("a")
    progress = MemberProgress(epoch=2, previous_epoch=1, state=MemberState.UNKNOWN, assigned={flights: {0: 2}})
    record = CurrentMemberRecord(group_id="g", member_id="a", value=progress)
    group_bench.coordinator.replay(*encode_consumer_record(record))
    assert group_bench.beat("a", 2).error_code is ErrorCode.FENCED_MEMBER_EPOCH
    answer = group_bench.enter("a")
    assert partitions(answer, flights) == [0, 1, 2, 3]


def test_leftovers_of_older_brokers_are_removed(group_bench: Any) -> None:
    group_bench.enter("a")
    key = b"\0\4\0\1g"
    group_bench.coordinator.replay(key, b"\0\0\1\0")
    assert group_of(group_bench).has_partition_metadata
    group_bench.beat("a", 2, topics=())
    assert (key, None) in group_bench.journal.records
    assert not group_of(group_bench).has_partition_metadata


def test_a_compacted_log_may_show_two_owners_for_a_moment(group_bench: Any) -> None:
    """The record of the member that lost the partition may come after that of the one that got it."""
    flights = group_bench.flights
    member = encode_consumer_record(MemberRecord(group_id="g", member_id="a", value=MemberSubscription()))
    for member_id, assigned in (("a", {flights: {0: 2}}), ("b", {flights: {0: 3}}), ("a", {})):
        progress = MemberProgress(epoch=3, assigned=assigned)
        record = CurrentMemberRecord(group_id="g", member_id=member_id, value=progress)
        group_bench.coordinator.replay(*encode_consumer_record(record))
    group_bench.coordinator.replay(*member)
    assert group_of(group_bench).owners == {(flights, 0): "b"}
