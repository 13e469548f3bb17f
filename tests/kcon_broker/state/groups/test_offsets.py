"""Who may commit, what is remembered, and when is it forgotten?"""

from collections.abc import Callable
from typing import Any

import pytest

from kcon_broker.state.groups.records import CommittedOffset
from kcon_broker.wire.error_codes import ErrorCode

FLIGHTS = (("range", bytes.fromhex("0000 00000001 0007 666c6967687473 ffffffff")),)
DAY_MS = 86_400_000


def _offsets(coordinator: Any, group: str = "g") -> dict[tuple[str, int], int]:
    return {
        (topic, partition): value.offset
        for topic, partitions in coordinator.offsets.of_group(group).items()
        for partition, value in partitions.items()
    }


def test_a_simple_consumer_commits_without_members(bench: Any) -> None:
    assert bench.commit({("flights", 0): 5, ("flights", 1): 7}, metadata="note") == (ErrorCode.NONE,) * 2
    for coordinator in (bench.coordinator, bench.restart()):
        assert coordinator.offsets.get("g", "flights", 0) == CommittedOffset(
            offset=5,
            leader_epoch=3,
            metadata="note",
            commit_timestamp_ms=bench.wall_ms,
            topic_id=b"topic-id-of-16-b",
        )
        assert coordinator.groups["g"].protocol_type is None


def test_a_later_commit_wins(bench: Any) -> None:
    bench.commit({("flights", 0): 5})
    bench.commit({("flights", 0): 3})
    assert _offsets(bench.restart()) == {("flights", 0): 3}


def test_members_commit_with_their_generation(bench: Any) -> None:
    (member_id,) = bench.stable()
    assert bench.commit({("flights", 0): 5}, member_id=member_id, generation=1) == (ErrorCode.NONE,)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"generation": 0}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation": 2}, ErrorCode.ILLEGAL_GENERATION),
        ({"member_id": "stranger", "generation": 1}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"instance": "i", "generation": 1}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": "", "generation": -1}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"generation": -1}, ErrorCode.ILLEGAL_GENERATION),
    ],
)
def test_a_commit_that_does_not_fit_a_group_with_members_is_refused(
    bench: Any, options: dict[str, Any], expected: ErrorCode
) -> None:
    (member_id,) = bench.stable()
    assert bench.commit({("flights", 0): 5}, **{"member_id": member_id, **options}) == (expected,)
    assert _offsets(bench.coordinator) == {}


@pytest.mark.parametrize(
    ("version", "expected"), [(8, ErrorCode.ILLEGAL_GENERATION), (9, ErrorCode.GROUP_ID_NOT_FOUND)]
)
def test_a_generation_of_a_group_that_is_not_there(bench: Any, version: int, expected: ErrorCode) -> None:
    assert bench.commit({("flights", 0): 5}, generation=1, member_id="m", version=version) == (expected,)
    assert bench.coordinator.groups == {}


def test_commits_during_a_rebalance(bench: Any) -> None:
    """The last generation may commit until all have joined; the new one only once it is assigned."""
    leader, follower = bench.stable(2)
    bench.parked(leader)
    assert bench.commit({("flights", 0): 5}, member_id=follower, generation=2) == (ErrorCode.NONE,)
    bench.join(follower)
    assert bench.commit({("flights", 0): 6}, member_id=follower, generation=3) == (ErrorCode.REBALANCE_IN_PROGRESS,)
    assert bench.commit({("flights", 0): 6}, member_id=follower, generation=2) == (ErrorCode.ILLEGAL_GENERATION,)
    assert _offsets(bench.coordinator) == {("flights", 0): 5}


def test_a_commit_keeps_the_session(bench: Any) -> None:
    (member_id,) = bench.stable(session_ms=10_000)
    bench.pass_time(9_000)
    bench.commit({("flights", 0): 5}, member_id=member_id, generation=1)
    bench.pass_time(9_000)
    assert bench.heartbeat(member_id, 1) is ErrorCode.NONE


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("x" * 4_096, ErrorCode.NONE),
        ("x" * 4_097, ErrorCode.OFFSET_METADATA_TOO_LARGE),
        ("é" * 4_096, ErrorCode.NONE),
        ("\U0001f600" * 2_048, ErrorCode.NONE),
        ("\U0001f600" * 2_049, ErrorCode.OFFSET_METADATA_TOO_LARGE),
        (None, ErrorCode.NONE),
    ],
)
def test_metadata_is_limited_as_java_counts(bench: Any, metadata: str | None, expected: ErrorCode) -> None:
    assert bench.commit({("flights", 0): 5}, metadata=metadata) == (expected,)


def test_a_group_id_that_no_record_can_hold_is_refused(bench: Any) -> None:
    assert bench.commit({("flights", 0): 5}, group="g" * 32_768) == (ErrorCode.INVALID_GROUP_ID,)
    assert bench.commit({("flights", 0): 5}, group="g" * 32_767) == (ErrorCode.NONE,)


def test_a_refused_partition_does_not_stop_the_others(bench: Any) -> None:
    bench.commit({("flights", 0): 1})
    bench.commit({("flights", 0): 2}, metadata="x" * 5_000)
    assert _offsets(bench.coordinator) == {("flights", 0): 1}


class TestDeletingOffsets:
    """KIP-496."""

    def _delete(self, bench: Any, *partitions: tuple[str, int], group: str = "g") -> Any:
        return bench.coordinator.delete_offsets(group, partitions, bench.at)

    def test_offsets_of_a_group_without_members(self, bench: Any) -> None:
        bench.commit({("flights", 0): 5, ("flights", 1): 7})
        assert self._delete(bench, ("flights", 0), ("weather", 0)) == (ErrorCode.NONE, (ErrorCode.NONE,) * 2)
        assert _offsets(bench.coordinator) == _offsets(bench.restart()) == {("flights", 1): 7}

    def test_topics_that_members_subscribe_to_are_kept(self, bench: Any) -> None:
        bench.commit({("flights", 0): 5, ("weather", 0): 7})
        bench.stable(protocols=FLIGHTS)
        answer = self._delete(bench, ("flights", 0), ("weather", 0))
        assert answer == (ErrorCode.NONE, (ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE))
        assert _offsets(bench.coordinator) == {("flights", 0): 5}

    def test_a_group_whose_subscriptions_cannot_be_read_keeps_all(self, bench: Any) -> None:
        bench.commit({("flights", 0): 5})
        bench.stable(protocols=(("range", b"?"),))
        assert self._delete(bench, ("flights", 0)) == (ErrorCode.NONE, (ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,))

    def test_a_connect_group_with_members_keeps_all(self, bench: Any) -> None:
        bench.stable(protocol_type="connect")
        assert self._delete(bench, ("flights", 0)) == (ErrorCode.NON_EMPTY_GROUP, ())

    def test_groups_that_are_not_there(self, bench: Any) -> None:
        assert self._delete(bench, ("flights", 0)) == (ErrorCode.GROUP_ID_NOT_FOUND, ())
        assert self._delete(bench, group="") == (ErrorCode.INVALID_GROUP_ID, ())


class TestRetention:
    """KIP-211: offsets outlive their group by a week."""

    def test_a_simple_consumers_offset_expires_a_week_after_its_commit(self, bench: Any) -> None:
        bench.commit({("flights", 0): 5})
        bench.pass_time(7 * DAY_MS - 1_200_000)
        bench.commit({("flights", 1): 7})
        bench.pass_time(1_800_000)
        assert _offsets(bench.coordinator) == {("flights", 1): 7}
        bench.pass_time(7 * DAY_MS)
        assert bench.coordinator.groups == bench.restart().groups == {}

    def test_a_left_groups_offsets_expire_a_week_after_its_last_member_left(self, bench: Any) -> None:
        (member_id,) = bench.stable()
        bench.commit({("flights", 0): 5}, member_id=member_id, generation=1)
        for _ in range(8 * 24):
            bench.heartbeat(member_id, 1)
            bench.now_ms += 3_600_000
            bench.wall_ms += 3_600_000
        bench.leave(member_id)
        bench.pass_time(7 * DAY_MS - 1)
        assert _offsets(bench.coordinator) == {("flights", 0): 5}
        bench.pass_time(600_001)
        assert (_offsets(bench.coordinator), bench.coordinator.groups) == ({}, {})

    def test_a_stable_group_forgets_topics_that_it_no_longer_reads(self, bench_with: Callable[..., Any]) -> None:
        bench = bench_with(offsets_retention_ms=1_000, offsets_retention_check_interval_ms=1_000)
        bench.commit({("flights", 0): 5, ("weather", 0): 7})
        bench.stable(protocols=FLIGHTS, session_ms=60_000)
        bench.pass_time(2_000)
        assert _offsets(bench.coordinator) == {("flights", 0): 5}

    def test_a_connect_group_with_members_keeps_its_offsets(self, bench_with: Callable[..., Any]) -> None:
        bench = bench_with(offsets_retention_ms=1_000, offsets_retention_check_interval_ms=1_000)
        bench.commit({("flights", 0): 5})
        bench.stable(protocol_type="connect", session_ms=60_000)
        bench.pass_time(5_000)
        assert _offsets(bench.coordinator) == {("flights", 0): 5}

    def test_a_commit_may_bring_its_own_retention(self, bench_with: Callable[..., Any]) -> None:
        bench = bench_with(offsets_retention_check_interval_ms=1_000)
        bench.commit({("flights", 0): 5}, retention_ms=3_000)
        bench.pass_time(2_999)
        assert _offsets(bench.coordinator) == {("flights", 0): 5}
        bench.pass_time(1_001)
        assert _offsets(bench.coordinator) == {}

    def test_a_wall_clock_that_jumps_ahead_expires_nothing(self, bench: Any) -> None:
        bench.commit({("flights", 0): 5})
        bench.wall_ms += 30 * DAY_MS
        bench.pass_time(1_200_000)
        assert _offsets(bench.coordinator) == {("flights", 0): 5}

    def test_a_wall_clock_that_jumps_back_expires_nothing(self, bench: Any) -> None:
        bench.commit({("flights", 0): 5})
        bench.wall_ms -= 30 * DAY_MS
        bench.pass_time(1_200_000)
        assert _offsets(bench.coordinator) == {("flights", 0): 5}

    def test_an_empty_group_without_offsets_goes_but_not_one_that_somebody_joins(self, bench: Any) -> None:
        bench.pass_time(599_000)
        bench.new_id(session_ms=10_000)
        bench.pass_time(1_000)
        assert list(bench.coordinator.groups) == ["g"]
        bench.pass_time(600_000)
        assert bench.coordinator.groups == {}
