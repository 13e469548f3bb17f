"""Does a group move between the two protocols without losing a member, a commit or a partition, and survive a start?

What a client sees is stated in tests/semantics, on Apache Kafka too; here is what only we can see.
"""

from collections.abc import Callable
from typing import Any

import pytest

from kcon_broker.settings import MigrationPolicy
from kcon_broker.state.groups.consumer_protocol import encode_assignment, read_assignment, read_subscription
from kcon_broker.state.groups.outcome import JoinAnswer
from kcon_broker.wire.error_codes import ErrorCode

_ALL = (0, 1, 2, 3)
_SUBSCRIPTION = b"\0\1" + b"\0\0\0\1" + b"\0\7flights" + b"\xff\xff\xff\xff" + b"\0\0\0\0"
SESSION_MS = 10_000


@pytest.fixture
def group_bench(bench_with: Callable[..., Any]) -> Any:
    return _bench(bench_with)


def _bench(bench_with: Callable[..., Any], **settings: Any) -> Any:
    bench = bench_with(consumer_assignment_interval_ms=0, **settings)
    bench.topic_id = bench.create_topic("flights", len(_ALL))
    return bench


def _classic(bench: Any) -> str:
    """Bring a classic group with one member, which has everything; return its id."""
    member_id: str = bench.new_id(protocols=(("range", _SUBSCRIPTION),))
    assert bench.joined(member_id, protocols=(("range", _SUBSCRIPTION),)).error_code is ErrorCode.NONE
    given = encode_assignment({"flights": _ALL}, _SUBSCRIPTION)
    assert bench.sync(member_id, 1, {member_id: given}).error_code is ErrorCode.NONE
    return member_id


def _owners(bench: Any) -> dict[int, str]:
    group = bench.coordinator.consumer.by_id["g"]
    return {partition: owner for (_, partition), owner in sorted(group.owners.items())}


def test_a_group_that_moved_is_the_same_after_a_start(group_bench: Any) -> None:
    classic = _classic(group_bench)
    group_bench.enter("new", assignor=None)
    for coordinator in (group_bench.coordinator, group_bench.restart()):
        assert coordinator.groups == {}
        members = coordinator.consumer.by_id["g"].members
        assert {name: member.subscription.classic is not None for name, member in members.items()} == {
            classic: True,
            "new": False,
        }
    assert _owners(group_bench) == dict.fromkeys(_ALL, classic)


def test_a_group_that_moved_back_is_the_same_after_a_start(group_bench: Any) -> None:
    classic = _classic(group_bench)
    group_bench.enter("new", assignor=None)
    group_bench.beat("new", -1)
    for coordinator in (group_bench.coordinator, group_bench.restart()):
        assert coordinator.consumer.by_id == {}
        (member,) = coordinator.groups["g"].members.values()
        assert member.member_id == classic
        assert member.protocols == (("range", _SUBSCRIPTION),)


def test_a_classic_member_that_does_not_join_again_is_put_out(group_bench: Any) -> None:
    classic = _classic(group_bench)
    group_bench.enter("new", assignor=None)
    assert group_bench.heartbeat(classic, 1) is ErrorCode.REBALANCE_IN_PROGRESS
    for _ in range(4):
        # It is alive, but it does not give anything back.
        group_bench.pass_time(SESSION_MS - 1)
        group_bench.heartbeat(classic, 1)
    assert group_bench.heartbeat(classic, 1) is ErrorCode.UNKNOWN_MEMBER_ID
    assert set(group_bench.coordinator.consumer.by_id["g"].members) == {"new"}


def test_a_silent_classic_member_is_put_out_by_the_session_timeout_that_it_named(group_bench: Any) -> None:
    _classic(group_bench)
    group_bench.enter("new", assignor=None)
    group_bench.pass_time(SESSION_MS - 1)
    assert len(group_bench.coordinator.consumer.by_id["g"].members) == 2
    group_bench.pass_time(1)
    assert set(group_bench.coordinator.consumer.by_id["g"].members) == {"new"}


def test_a_group_moves_back_when_the_session_of_the_last_new_member_ends(group_bench: Any) -> None:
    classic = _classic(group_bench)
    group_bench.enter("new", assignor=None)
    group_bench.heartbeat(classic, 1)
    told = group_bench.joined(classic, protocols=(("range", _SUBSCRIPTION),))
    assert told.error_code is ErrorCode.NONE
    group_bench.sync(classic, told.generation)
    for _ in range(5):
        group_bench.pass_time(SESSION_MS - 1)
        if "g" in group_bench.coordinator.groups:
            break
        code = group_bench.heartbeat(classic, told.generation)
        if code is ErrorCode.REBALANCE_IN_PROGRESS:
            told = group_bench.joined(classic, protocols=(("range", _SUBSCRIPTION),))
            group_bench.sync(classic, told.generation)
    assert set(group_bench.coordinator.groups["g"].members) == {classic}
    assert isinstance(group_bench.join(classic, protocols=(("range", _SUBSCRIPTION),)), JoinAnswer)


@pytest.mark.parametrize("policy", [MigrationPolicy.DISABLED, MigrationPolicy.DOWNGRADE])
def test_a_policy_that_does_not_allow_it_keeps_a_classic_group(
    bench_with: Callable[..., Any], policy: MigrationPolicy
) -> None:
    bench = _bench(bench_with, consumer_migration_policy=policy)
    classic = _classic(bench)
    answer = bench.enter("new", assignor=None)
    assert answer.error_code is ErrorCode.GROUP_ID_NOT_FOUND
    assert "online upgrade is disabled" in answer.error_message
    assert bench.heartbeat(classic, 1) is ErrorCode.NONE


@pytest.mark.parametrize("policy", [MigrationPolicy.DISABLED, MigrationPolicy.UPGRADE])
def test_a_policy_that_does_not_allow_it_keeps_a_group_of_the_new_protocol(
    bench_with: Callable[..., Any], policy: MigrationPolicy
) -> None:
    bench = _bench(bench_with, consumer_migration_policy=policy)
    bench.enter("new", assignor=None)
    member_id = bench.new_id(protocols=(("range", _SUBSCRIPTION),))
    bench.joined(member_id, protocols=(("range", _SUBSCRIPTION),))
    bench.beat("new", -1)
    assert set(bench.coordinator.consumer.by_id["g"].members) == {member_id}


def test_an_assignment_is_read_as_it_was_written() -> None:
    written = encode_assignment({"flights": (2, 0), "weather": ()}, _SUBSCRIPTION)
    assert written[:2] == b"\0\1"
    assert read_assignment(written) == (("flights", (0, 2)), ("weather", ()))


def test_a_subscription_of_every_version_is_read() -> None:
    topics = b"\0\0\0\1" + b"\0\1t" + b"\0\0\0\2ud"
    owned = b"\0\0\0\1" + b"\0\1t" + b"\0\0\0\1" + b"\0\0\0\3"
    assert read_subscription(b"\0\0" + topics).owned == ()
    assert read_subscription(b"\0\1" + topics + owned).owned == (("t", (3,)),)
    assert read_subscription(b"\0\3" + topics + owned + b"\0\0\0\5" + b"\0\2r1").rack_id == "r1"
    assert read_subscription(b"\0\7" + topics + owned + b"\0\0\0\5" + b"\xff\xffmore").rack_id is None
