"""The status of a partition of a group: Burrow's rules in their order, and its known false alarms as cases."""

import pytest

from kcon.core.commit_window import CommitWindow
from kcon.core.group_status import (
    WEIGHT,
    GroupMoment,
    GroupStatus,
    StatusRules,
    group_status,
    partition_status,
)
from kcon.core.lag import offset_lag
from kcon.core.time_lag import LagQuality, TimeLag

TICK_MS = 30_000
OLD = TimeLag(value_ms=600_000, quality=LagQuality.EXACT)
HEALTHY = GroupMoment(members=2, is_stable=True)


def looked(*looks: tuple[int, int]) -> tuple[CommitWindow, int]:
    """Return a window of (committed, end) looks, one a tick, and the time of the last."""
    window = CommitWindow()
    now_ms = 0
    for tick, (committed, end) in enumerate(looks):
        now_ms = tick * TICK_MS
        window.add(now_ms, committed, end)
    return window, now_ms


def judge(
    *looks: tuple[int, int], group: GroupMoment = HEALTHY, lag: TimeLag = OLD, rules: StatusRules | None = None
) -> GroupStatus:
    window, now_ms = looked(*looks)
    return partition_status(window, lag, group, now_ms=now_ms, rules=rules)


def growing(end_step: int, step: int, *, ticks: int = 12, behind: int = 100) -> list[tuple[int, int]]:
    return [(1_000 + tick * step, 1_000 + behind + tick * end_step) for tick in range(ticks)]


def moved(tick: int) -> GroupMoment:
    return GroupMoment(members=2, is_stable=True, moved_ms=tick * TICK_MS)


def test_at_the_end_it_is_ok_whatever_came_before() -> None:
    assert judge(*growing(100, 0)[:-1], (5_000, 5_000)) is GroupStatus.OK


def test_reading_as_fast_as_is_written_is_ok() -> None:
    assert judge(*growing(100, 100)) is GroupStatus.OK


def test_a_lag_that_never_shrinks_while_records_are_read_is_a_warning() -> None:
    assert judge(*growing(100, 60)) is GroupStatus.WARN


def test_a_lag_that_shrinks_once_is_ok() -> None:
    looks = growing(100, 60)
    looks[6] = (looks[6][0] + 45, looks[6][1])
    assert judge(*looks) is GroupStatus.OK


def test_a_partition_that_stands_while_others_of_its_group_move_is_stalled() -> None:
    assert judge(*growing(100, 0), group=moved(11)) is GroupStatus.STALL


def test_a_group_in_which_nothing_moves_has_stopped() -> None:
    assert judge(*growing(100, 0)) is GroupStatus.STOP
    assert judge(*growing(0, 0)) is GroupStatus.STOP


EMPTY = GroupMoment(members=0, is_stable=False)


@pytest.mark.parametrize(
    ("looks", "status"), [(2, GroupStatus.OK), (3, GroupStatus.OK), (4, GroupStatus.DEAD)], ids=["below", "at", "above"]
)
def test_a_group_without_members_and_with_records_waiting_is_dead_after_a_minute(
    looks: int, status: GroupStatus
) -> None:
    """Below, at and above `still_ms`, two looks of half a minute."""
    assert judge(*[(10, 20 + look) for look in range(looks)], group=EMPTY) is status


def test_a_job_that_runs_now_and_then_is_not_dead_between_two_runs() -> None:
    """It moved at each fourth look, two minutes apart: three of these pauses are its patience."""
    runs = [(tick // 4 * 10, 100 + tick * 5) for tick in range(12)]
    waiting = [(runs[-1][0], 200 + tick) for tick in range(20)]
    pauses = 3 * 4
    assert judge(*runs, *waiting[: pauses - 4], group=EMPTY) is GroupStatus.OK
    assert judge(*runs, *waiting, group=EMPTY) is GroupStatus.DEAD


def test_a_group_without_members_and_nothing_waiting_is_ok() -> None:
    """An idle group never pages."""
    assert judge((20, 20), (20, 20), group=GroupMoment(members=0, is_stable=False)) is GroupStatus.OK


def test_one_look_at_a_restart_is_not_death() -> None:
    assert judge((20, 20), (20, 30), group=GroupMoment(members=0, is_stable=False)) is GroupStatus.OK


@pytest.mark.parametrize(("since_ms", "status"), [(270_000, GroupStatus.OK), (269_999, GroupStatus.REBALANCING)])
def test_a_rebalance_may_take_its_time(since_ms: int, status: GroupStatus) -> None:
    now_ms = 11 * TICK_MS
    group = GroupMoment(members=2, is_stable=False, unstable_since_ms=since_ms)
    assert now_ms - 270_000 == StatusRules().rebalancing_ms
    assert judge(*growing(100, 0), group=group) is status


def test_a_commit_that_went_back_and_stayed_back_is_a_rewind() -> None:
    looks = growing(100, 100)
    looks[9:] = [(500 + tick, end) for tick, (_, end) in enumerate(looks[9:])]
    assert judge(*looks) is GroupStatus.REWIND


def test_a_commit_that_came_up_again_is_no_rewind() -> None:
    looks = growing(100, 100)
    looks[7] = (500, looks[7][1])
    assert judge(*looks) is GroupStatus.OK


@pytest.mark.parametrize(("end", "status"), [(0, GroupStatus.OK), (None, GroupStatus.OK), (5, GroupStatus.NOCOMMIT)])
def test_without_a_commit_it_matters_whether_records_wait(end: int | None, status: GroupStatus) -> None:
    assert partition_status(None, OLD, HEALTHY, now_ms=0, end=end) is status


@pytest.mark.parametrize(("ticks", "status"), [(9, GroupStatus.OK), (10, GroupStatus.STOP)])
def test_nothing_is_said_before_there_were_enough_looks(ticks: int, status: GroupStatus) -> None:
    assert judge(*growing(100, 0, ticks=ticks)) is status


@pytest.mark.parametrize(("allowed_ms", "status"), [(600_000, GroupStatus.OK), (599_999, GroupStatus.STOP)])
def test_a_time_lag_within_what_is_allowed_is_ok(allowed_ms: int, status: GroupStatus) -> None:
    """The threshold is seconds, not records: 25 records may be nothing or an hour."""
    assert judge(*growing(100, 0), rules=StatusRules(allowed_lag_ms=allowed_ms)) is status


def test_who_commits_rarely_is_waited_for() -> None:
    """A batch job that commits every eight ticks stands still between two commits, and is well."""
    looks = [(1_000 + tick // 8 * 800, 1_900 + tick * 100) for tick in range(40)]
    for ticks in range(17, 41):
        assert judge(*looks[:ticks]) is GroupStatus.OK


class TestFalseAlarmsOfBurrow:
    """Cases from the tracker of linkedin/Burrow, by number."""

    def test_38_a_topic_written_once_an_hour_does_not_stop_its_reader(self) -> None:
        """The commit is old because nothing was written; the record that just came has waited for one look."""
        assert judge(*[(100, 100)] * 119, (100, 101)) is GroupStatus.OK

    def test_123_a_slow_topic_that_gets_a_burst_is_not_stopped(self) -> None:
        assert judge(*[(100, 100)] * 11, (100, 5_000), (100, 5_000)) is GroupStatus.OK

    def test_128_a_reader_that_caught_up_and_sleeps_is_not_stopped(self) -> None:
        assert judge(*growing(0, 20, ticks=6), *[(1_100, 1_100)] * 8, (1_100, 1_110)) is GroupStatus.OK

    def test_126_a_reader_that_stops_while_records_come_is_found_by_the_end_of_now(self) -> None:
        """The last commit was at the end; its lag at that moment says nothing about the records since."""
        assert judge((1_000, 1_000), *[(1_000, 1_000 + 50 * tick) for tick in range(1, 14)]) is GroupStatus.STOP

    def test_223_25_records_that_have_just_come_alert_nobody(self) -> None:
        """Records are no measure: what counts is for how long they have waited."""
        young = TimeLag(value_ms=2_000, quality=LagQuality.EXACT)
        few = StatusRules(allowed_lag_ms=30_000)
        assert judge(*growing(25, 0), lag=young, rules=few) is GroupStatus.OK
        assert judge(*growing(25, 0), lag=OLD, rules=few) is GroupStatus.STOP

    def test_287_a_commit_beyond_the_end_that_was_asked_before_is_no_lag(self) -> None:
        """The reader went on between the two questions: never less than nothing, and nothing is wrong."""
        assert judge(*[(1_000 + tick * 100, 990 + tick * 100) for tick in range(12)]) is GroupStatus.OK
        assert offset_lag(1_100, 0, 1_090) == 0

    def test_303_a_stop_on_a_slow_topic_is_found_in_the_end(self) -> None:
        """The check against false alarms must not silence a true one."""
        assert judge((100, 100), *[(100, 101 + tick) for tick in range(12)]) is GroupStatus.STOP

    def test_446_lag_goes_on_when_commits_stop(self) -> None:
        """Each look takes the end of now, not the end at the last commit."""
        window, _now_ms = looked(*growing(100, 0))
        assert window.ends[-1] - window.committed[-1] == 1_200


def test_the_group_is_as_bad_as_its_worst_partition() -> None:
    assert group_status([GroupStatus.OK, GroupStatus.STALL, GroupStatus.WARN]) is GroupStatus.STALL
    assert group_status([]) is GroupStatus.NOTFOUND


def test_every_status_has_a_weight_of_its_own() -> None:
    assert sorted(WEIGHT.values()) == list(range(len(GroupStatus)))


def test_the_numbers_are_burrows_continued() -> None:
    assert [status.name for status in sorted(GroupStatus)] == (
        ["NOTFOUND", "OK", "WARN", "ERR", "STOP", "STALL", "REWIND", "NOCOMMIT", "REBALANCING", "DEAD"]
    )


def test_looks_closer_than_a_second_count_once() -> None:
    window = CommitWindow()
    for time_ms in (0, 1_000, 1_500, 1_999, 2_000):
        window.add(time_ms, 1, 2)
    assert list(window.times_ms) == [0, 1_000, 2_000]


def test_the_ring_keeps_the_last_looks() -> None:
    window, _ = looked(*growing(1, 1, ticks=25))
    assert len(window) == 10
    assert window.committed[-1] == 1_024
    assert window.watched_since_ms == 0
