"""Sparklines and charts at any size."""

import math

import pytest

from kcon.core.sparkline import spark
from kcon.observe.rings import Series
from kcon.tui.plot import QUADRANTS, Curve, chart


def test_the_newest_value_stands_at_the_right() -> None:
    assert spark([0, 1, 2, 4, 8], 8) == "   ▁▂▃▅█"


def test_a_peak_survives_when_values_are_gathered() -> None:
    values = [1.0] * 100
    values[50] = 99.0
    assert "█" in spark(values, 7)
    assert len(spark(values, 7)) == 7


def test_what_is_unknown_is_blank_and_nothing_known_is_all_blank() -> None:
    assert spark([1, math.nan, 1], 3) == "█ █"
    assert spark([math.nan, math.nan], 4) == "    "
    assert spark([], 3) == "   "
    assert spark([1], 0) == ""


def test_ascii_only_has_no_block_characters() -> None:
    assert spark([0, 5, 10], 3, ascii_only=True).isascii()


def test_a_small_value_is_not_drawn_as_none() -> None:
    assert spark([0, 1, 1_000_000], 3)[1] == "▂"


@pytest.mark.parametrize(("width", "height"), [(80, 10), (24, 4), (200, 30), (41, 7)])
def test_a_chart_fills_its_room_and_no_more(width: int, height: int) -> None:
    series = Series(tuple(range(0, 60_000, 1_000)), tuple(float(value % 7) for value in range(60)))
    lines = chart([Curve(series, "in", QUADRANTS)], width, height, now_ms=60_000)
    assert lines is not None
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    assert "now" in lines[-1]
    assert "\x1b" not in "".join(lines)


def test_there_is_no_chart_without_room_or_values() -> None:
    series = Series((0, 1_000), (1.0, 2.0))
    assert chart([Curve(series, "in", QUADRANTS)], 10, 10, now_ms=1_000) is None
    assert chart([Curve(series, "in", QUADRANTS)], 80, 3, now_ms=1_000) is None
    assert chart([Curve(Series((0,), (1.0,)), "in", QUADRANTS)], 80, 10, now_ms=1_000) is None


def test_a_flat_line_of_zero_is_drawn() -> None:
    assert chart([Curve(Series((0, 1_000), (0.0, 0.0)), "in", QUADRANTS)], 60, 8, now_ms=1_000) is not None
