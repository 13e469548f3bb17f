"""The table of end offsets tells when a record was written, with an error it keeps; outside itself it tells nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.head_history import HeadHistory

TICK_MS = 30_000


def table(*looks: tuple[int, int]) -> HeadHistory:
    """Return a table of (end offset, seconds) looks."""
    history = HeadHistory()
    for end, second in looks:
        history.observe(end, second * 1000)
    return history


def test_a_record_lies_between_the_two_looks_that_enclose_it() -> None:
    written = table((100, 0), (200, 30)).written_at(150)
    assert written is not None
    assert (written.time_ms, written.error_ms) == (15_150, 30_000)


@pytest.mark.parametrize("offset", [99, 200, 10_000])
def test_outside_the_table_nothing_is_told(offset: int) -> None:
    assert table((100, 0), (200, 30)).written_at(offset) is None


@pytest.mark.parametrize("offset", [100, 199])
def test_the_ends_of_the_table_belong_to_it(offset: int) -> None:
    assert table((100, 0), (200, 30)).written_at(offset) is not None


def test_an_empty_table_and_one_of_a_single_look_tell_nothing() -> None:
    assert HeadHistory().written_at(0) is None
    assert table((100, 0)).written_at(100) is None


def test_the_silence_of_a_producer_is_not_taken_for_slow_writing() -> None:
    """An hour of silence, then ten records within one tick: all ten were written in that tick."""
    history = table((100, 0), *((100, 30 * tick) for tick in range(1, 121)), (110, 3_630))
    written = history.written_at(100)
    assert written is not None
    assert written.error_ms == 30_000
    assert written.time_ms >= 3_600_000
    assert len(history) == 3


def test_a_topic_made_anew_starts_the_table_afresh() -> None:
    history = table((100, 0), (200, 30), (5, 60), (9, 90))
    assert history.oldest_offset == 5
    assert history.written_at(150) is None
    assert history.written_at(7) is not None


def test_a_clock_that_goes_back_changes_nothing() -> None:
    history = table((100, 60), (200, 90))
    history.observe(300, 30_000)
    assert history.newest_offset == 200


def test_a_probed_time_extends_the_table_into_the_past_only() -> None:
    history = table((100, 60), (200, 90))
    history.insert(50, 10_000)
    history.insert(150, 1)
    history.insert(20, 70_000)
    assert history.points() == ((50, 10_000), (100, 60_000), (200, 90_000))


def test_what_is_kept_comes_back_the_same() -> None:
    history = table((100, 0), (100, 30), (160, 60), (160, 90))
    again = HeadHistory.of(history.points())
    assert again.points() == history.points()
    assert again.written_at(130) == history.written_at(130)


def test_kept_points_out_of_order_are_left_out() -> None:
    assert HeadHistory.of(((100, 10), (90, 20), (120, 5), (130, 40))).points() == ((100, 10), (130, 40))


def test_the_end_at_a_time_is_what_was_last_seen_there() -> None:
    history = table((100, 0), (200, 30))
    assert [history.end_at(at) for at in (-1, 0, 29_999, 30_000, 99_000)] == [None, 100, 100, 200, 200]


@given(
    growth=st.lists(st.integers(0, 500), min_size=2, max_size=600),
    points_max=st.integers(4, 64),
)
def test_the_true_time_is_always_within_the_error(growth: list[int], points_max: int) -> None:
    """Whatever is thinned away, and however the producer paused, the enclosing segment still holds the record."""
    history = HeadHistory()
    end, ends = 0, []
    for tick, more in enumerate(growth):
        end += more
        ends.append(end)
        history.observe(end, tick * TICK_MS, points_max=points_max)
        assert len(history) <= points_max
    for offset in range(ends[0], end, max(1, end // 50)):
        tick = next(index for index, each in enumerate(ends) if each > offset)
        written = history.written_at(offset)
        if written is not None:
            earliest, latest = (tick - 1) * TICK_MS, tick * TICK_MS
            assert written.time_ms - written.error_ms <= latest
            assert written.time_ms + written.error_ms >= earliest


@given(growth=st.lists(st.integers(0, 500), min_size=300, max_size=400))
def test_the_oldest_and_the_newest_look_survive_thinning(growth: list[int]) -> None:
    history = HeadHistory()
    end = 0
    for tick, more in enumerate(growth):
        end += more
        history.observe(end, tick * TICK_MS, points_max=16)
    assert history.oldest_offset == growth[0]
    assert history.newest_offset == end


def test_a_smaller_share_of_the_budget_is_taken_at_once() -> None:
    history = table(*((tick * tick, 30 * tick) for tick in range(200)))
    history.thin_to(20)
    assert len(history) == 20
