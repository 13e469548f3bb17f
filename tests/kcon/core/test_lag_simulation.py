"""A day of a bursty topic and its reader, second by second, against what a look every 30 s says of the time lag.

Inside the table of ends the error stays within one look at the 99th percentile; outside it a probe answers; nothing
is ever extrapolated.
"""

import pytest

from kcon.core.head_history import HeadHistory
from kcon.core.time_lag import LagQuality, time_lag
from tests.kcon.core.lag_simulation import DAY_S, POLL_S, make_day


def test_a_warm_watch_is_right_within_one_look() -> None:
    day = make_day(1, lambda _second: 150).watch()
    assert len(day.errors_ms) > 2_000
    assert day.percentile_ms(0.99) <= POLL_S * 1_000
    assert (day.wrong_bounds, day.extrapolated) == (0, 0)


def test_hours_of_lag_stay_inside_the_table() -> None:
    """Where a short window of the end's history would have to extrapolate, the thinned day still knows."""
    day = make_day(2, lambda second: 20 if second < 40_000 else 220).watch()
    worst_s = max(second - day.written_ms(day.commits[second]) // 1_000 for second in range(DAY_S))
    assert worst_s > 7_200
    assert day.percentile_ms(0.99) <= POLL_S * 1_000
    assert (day.wrong_bounds, day.extrapolated) == (0, 0)


def test_a_cold_start_hours_behind_is_answered_by_probes() -> None:
    day = make_day(3, lambda _second: 130, behind_s=10_800).watch(since_s=10_800)
    assert day.probed > 0
    assert day.unknown == 0
    assert day.percentile_ms(0.99) <= POLL_S * 1_000
    assert (day.wrong_bounds, day.extrapolated) == (0, 0)


def test_a_stopped_reader_and_a_silent_producer_are_exact() -> None:
    day = make_day(4, lambda second: 300 if second < 30_000 else 0, silence=range(40_000, 43_600)).watch(since_s=40_000)
    assert day.percentile_ms(1.0) <= 1_000
    assert (day.wrong_bounds, day.extrapolated) == (0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_without_a_probe_nothing_is_made_up(seed: int) -> None:
    """Every answer is unknown, exact, or lies between two looks of the table."""
    day = make_day(seed, lambda _second: 90, behind_s=7_200)
    history = HeadHistory()
    for second in range(7_200, DAY_S, POLL_S):
        history.observe(day.ends[second], second * 1_000)
        committed = day.commits[second]
        lag = time_lag(committed=committed, start=0, end=day.ends[second], history=history, now_ms=second * 1_000)
        oldest = history.oldest_offset
        assert oldest is not None
        is_inside = oldest <= committed < day.ends[second]
        assert (lag.quality is LagQuality.INTERPOLATED) == is_inside
        assert (lag.quality is LagQuality.UNKNOWN) == (committed < oldest)
