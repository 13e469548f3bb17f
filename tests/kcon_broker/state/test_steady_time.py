"""A wall clock that jumps erases nothing at once, and is believed in the end."""

import pytest

from kcon_broker.state.steady_time import HOLD_MS, JUMP_MS, SteadyTime

_HOUR_MS = 3_600_000
_WALL_MS = 1_700_000_000_000
_TEN_YEARS_MS = 10 * 365 * 24 * _HOUR_MS


def started() -> tuple[SteadyTime, list[str]]:
    reports: list[str] = []
    steady = SteadyTime(reports.append)
    assert steady.at(1_000, _WALL_MS) == _WALL_MS
    return steady, reports


@pytest.mark.parametrize("jump_ms", [0, _HOUR_MS, -_HOUR_MS, JUMP_MS, -JUMP_MS])
def test_small_jumps_are_followed_at_once(jump_ms: int) -> None:
    """An hour either way, as after a suspended night or summer time: far below any retention."""
    steady, reports = started()
    assert steady.at(2_000, _WALL_MS + 1_000 + jump_ms) == _WALL_MS + 1_000 + jump_ms
    assert reports == []


@pytest.mark.parametrize("jump_ms", [JUMP_MS + 1, -JUMP_MS - 1, _TEN_YEARS_MS, -_WALL_MS])
def test_large_jumps_are_held_back_for_an_hour_and_told_once(jump_ms: int) -> None:
    """One above the limit, ten years ahead, and 1970."""
    steady, reports = started()
    for now_ms in (2_000, 3_000, 1_999 + HOLD_MS):
        assert steady.at(now_ms, _WALL_MS + now_ms - 1_000 + jump_ms) == _WALL_MS + now_ms - 1_000
    assert len(reports) == 1
    assert "the clock jumped by" in reports[0]
    now_ms = 2_000 + HOLD_MS
    assert steady.at(now_ms, _WALL_MS + now_ms - 1_000 + jump_ms) == _WALL_MS + now_ms - 1_000 + jump_ms
    assert steady.at(now_ms + 5, _WALL_MS + now_ms - 995 + jump_ms) == _WALL_MS + now_ms - 995 + jump_ms
    assert len(reports) == 1


def test_a_jump_that_is_set_right_in_time_never_was() -> None:
    steady, reports = started()
    assert steady.at(2_000, _WALL_MS + _TEN_YEARS_MS) == _WALL_MS + 1_000
    assert steady.at(9_000, _WALL_MS + 8_000) == _WALL_MS + 8_000
    # The next one has an hour of its own.
    assert steady.at(HOLD_MS, _WALL_MS + _TEN_YEARS_MS) == _WALL_MS + HOLD_MS - 1_000
    assert steady.at(HOLD_MS + 2_000, _WALL_MS + _TEN_YEARS_MS) == _WALL_MS + HOLD_MS + 1_000
    assert len(reports) == 2


def test_slow_drift_is_followed() -> None:
    """NTP slews: minute by minute the clocks part, and no step is a jump."""
    steady, reports = started()
    wall_ms = _WALL_MS
    for minute in range(1, 5_000):
        wall_ms += 60_000 + 30_000
        assert steady.at(1_000 + minute * 60_000, wall_ms) == wall_ms
    assert reports == []
