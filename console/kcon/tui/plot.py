"""How does a series of numbers become a picture of characters? Line charts, at any size.

The only importer of plotext, whose state is one global figure: it is cleared before and after each use.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from kcon.core.units import format_count_short
from kcon.observe.rings import Series

QUADRANTS: Final = "hd"
"""Two by two blocks a cell: most fonts have them in the width of a cell, which does not hold for braille."""
CHART_HEIGHT_MIN: Final = 4
CHART_WIDTH_MIN: Final = 24


class Curve(NamedTuple):
    """One line of a chart."""

    series: Series
    name: str
    marker: str


def chart(
    curves: Sequence[Curve], width: int, height: int, *, now_ms: int, ascii_only: bool = False
) -> list[str] | None:
    """Return a line chart with a value axis and a time axis, or None when there is no room or nothing to draw."""
    drawn = [(curve, *_points(curve.series, now_ms)) for curve in curves]
    drawn = [each for each in drawn if len(each[1]) > 1]
    if width < CHART_WIDTH_MIN or height < CHART_HEIGHT_MIN or not drawn:
        return None
    oldest_s = min(xs[0] for _curve, xs, _ys in drawn)
    highest = max(max(ys) for _curve, _xs, ys in drawn)
    lowest = min(0.0, *(min(ys) for _curve, _xs, ys in drawn))
    top = highest if highest > lowest else lowest + 1
    import plotext

    plot: Any = plotext  # It has no types.
    plot.clear_figure()
    try:
        plot.theme("clear")
        plot.limit_size(False, False)  # Else it asks a terminal, which may be another size or none.
        plot.plotsize(width, height)
        plot.frame(False)
        for curve, xs, ys in drawn:
            plot.plot(xs, ys, marker=curve.marker if not ascii_only else curve.name[:1].lower())
        plot.xlim(oldest_s, 0)
        plot.ylim(lowest, top)
        ticks = [lowest + (top - lowest) * step / 2 for step in range(3)]
        plot.yticks(ticks, [_axis_label(tick) for tick in ticks])
        times = [oldest_s, oldest_s / 2, 0]
        plot.xticks(times, [_time_label(time) for time in times])
        text = str(plot.uncolorize(plot.build()))
    finally:
        plot.clear_figure()
    return [line[:width].ljust(width) for line in text.split("\n")[:height]]


def _axis_label(value: float) -> str:
    return f"{format_count_short(value):>6}" if value >= 10 or value == 0 else f"{value:>6.2g}"


def _points(series: Series, now_ms: int) -> tuple[list[float], list[float]]:
    """Return the known points as seconds before now, and values."""
    pairs = [
        ((time_ms - now_ms) / 1000, value)
        for time_ms, value in zip(series.times_ms, series.values, strict=True)
        if not math.isnan(value)
    ]
    return [x for x, _y in pairs], [y for _x, y in pairs]


def _time_label(seconds: float) -> str:
    if seconds > -1:
        return "now"
    return f"-{-seconds:.0f}s" if seconds > -120 else f"-{-seconds / 60:.0f}m"
