"""Short histories: unknown stays unknown, and what was handed out never changes."""

import math

import pytest

from kcon.observe.rings import Rings, Series, eta_ms, lag_eta_ms, rate_per_s


def test_only_the_newest_values_are_kept() -> None:
    rings: Rings[str] = Rings(3)
    for tick in range(5):
        rings.push(tick * 1_000, {"a": tick})
    assert rings.series("a") == Series((2_000, 3_000, 4_000), (2.0, 3.0, 4.0))


def test_a_key_that_came_later_is_aligned_to_the_newest_moments() -> None:
    rings: Rings[str] = Rings(10)
    rings.push(0, {"a": 1})
    rings.push(1_000, {"a": 2, "b": 7})
    assert rings.series("b") == Series((1_000,), (7.0,))


def test_a_key_that_is_gone_is_forgotten() -> None:
    rings: Rings[str] = Rings(10)
    rings.push(0, {"a": 1, "b": 1})
    rings.push(1_000, {"b": 2})
    assert rings.values("a") == ()
    assert len(rings) == 1


def test_a_handed_out_series_does_not_grow() -> None:
    rings: Rings[str] = Rings(10)
    rings.push(0, {"a": 1})
    series = rings.series("a")
    rings.push(1_000, {"a": 2})
    assert len(series) == 1


def test_an_unknown_value_is_nan_and_takes_no_part_in_a_change() -> None:
    rings: Rings[str] = Rings(10)
    rings.push(0, {"a": 10})
    rings.push(1_000, {"a": None})
    rings.push(2_000, {"a": 30})
    assert math.isnan(rings.values("a")[1])
    assert rings.series("a").change_per_s(10_000) == 10.0
    rings.push(3_000, {"a": None})
    assert rings.series("a").last is None


def test_a_change_looks_back_no_further_than_asked() -> None:
    series = Series((0, 1_000, 2_000, 3_000), (0.0, 100.0, 100.0, 100.0))
    assert series.change_per_s(2_000) == 0.0
    assert series.change_per_s(3_000) == pytest.approx(33.333, abs=0.001)
    assert series.change_per_s(3_000, span_min_ms=3_001) is None


def test_one_value_has_no_change() -> None:
    assert Series((0,), (1.0,)).change_per_s(1_000) is None
    assert Series().change_per_s(1_000) is None


@pytest.mark.parametrize(
    ("before", "now", "elapsed_ms", "rate"),
    [(0, 10, 1_000, 10.0), (10, 0, 1_000, 0.0), (None, 10, 1_000, None), (0, None, 1_000, None), (0, 10, 0, None)],
)
def test_a_rate_of_a_counter(before: int | None, now: int | None, elapsed_ms: int, rate: float | None) -> None:
    assert rate_per_s(before, now, elapsed_ms) == rate


@pytest.mark.parametrize(
    ("lag", "change", "eta"),
    [
        (100, -10.0, 10_000.0),
        (100, 0.0, math.inf),
        (100, 5.0, math.inf),
        (0, 5.0, 0.0),
        (None, -1.0, None),
        (5, None, None),
    ],
)
def test_when_a_lag_is_gone(lag: int | None, change: float | None, eta: float | None) -> None:
    assert eta_ms(lag, change) == eta


def test_a_tendency_is_told_only_after_some_seconds() -> None:
    assert lag_eta_ms(Series((0, 2_000), (100.0, 50.0))) is None
    assert lag_eta_ms(Series((0, 10_000), (100.0, 50.0))) == 10_000.0
    assert lag_eta_ms(Series((0, 10_000), (100.0, 0.0))) == 0.0
