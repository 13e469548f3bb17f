"""How did this go? A titled line chart that draws itself at whatever size it has."""

import math
from collections.abc import Sequence

from textual.strip import Strip

from kcon.core.sparkline import BLOCKS, spark
from kcon.core.units import format_duration
from kcon.core.wire_text import WireText
from kcon.observe.history_keys import MARK_LETTERS, Mark
from kcon.observe.rings import Series
from kcon.tui.plot import QUADRANTS, Curve, chart
from kcon.tui.text import Part
from kcon.tui.widgets.painted import Painted

SPANS_MS = (None, 60_000, 300_000, 900_000, 3_600_000)
"""What a chart can show: everything, or the last minutes."""
LABEL_WIDTH = 6
"""Cells of the value axis."""
MARKED_HEIGHT_MIN = 6
"""A lower chart has no room for a line of marks."""


class Chart(Painted):
    """One series with a title line. Too small for axes: a sparkline."""

    DEFAULT_CSS = "Chart { height: 1fr; width: 1fr; }"

    def __init__(self, title: str, role: str, *, widget_id: str | None = None) -> None:
        super().__init__(widget_id=widget_id)
        self._role = role
        self._title: str | WireText = title
        self._series = Series()
        self._now_ms = 0
        self._span_place = 0
        self._marks: Sequence[Mark] = ()
        self._drawn: tuple[tuple[int, int, bool], Sequence[str]] | None = None

    def set_series(self, series: Series, title: "str | WireText", now_ms: int, marks: Sequence[Mark] = ()) -> None:
        """Show other values. marks: what happened meanwhile; those within the time that is drawn stand below it."""
        self._series, self._title, self._now_ms, self._drawn = series, title, now_ms, None
        self._marks = marks
        self.refresh()

    def zoom(self, step: int) -> None:
        """Show a longer (1) or a shorter (-1) time."""
        # The order of times, from short to long: 1, 2, ... and everything, which is 0, as the longest.
        order = [*range(1, len(SPANS_MS)), 0]
        place = order[min(max(0, order.index(self._span_place) + step), len(order) - 1)]
        self._span_place, self._drawn = place, None
        self.refresh()

    def _shown(self) -> Series:
        span_ms = SPANS_MS[self._span_place]
        if span_ms is None:
            return self._series
        since = self._now_ms - span_ms
        pairs = [pair for pair in zip(self._series.times_ms, self._series.values, strict=True) if pair[0] >= since]
        return Series(tuple(time for time, _value in pairs), tuple(value for _time, value in pairs))

    def render_line(self, y: int) -> Strip:
        """Draw the title, or a line of the plot."""
        if y == 0:
            span_ms = SPANS_MS[self._span_place]
            zoomed = "" if span_ms is None else f"   last {format_duration(span_ms)}"
            return self.strip([Part(f" {self._title}", self._role), Part(zoomed, "dim")])
        lines = self._plot()
        return self.strip([Part(lines[y - 1], self._role)] if y <= len(lines) else [])

    def _plot(self) -> Sequence[str]:
        width, height = self.size.width, self.size.height - 1
        ascii_only = is_ascii_only(self)
        key = (width, height, ascii_only)
        if self._drawn is None or self._drawn[0] != key:
            series = self._shown()
            curve = Curve(series, "*", QUADRANTS)
            marks = self._mark_line(series, width) if height >= MARKED_HEIGHT_MIN else ""
            lines = chart([curve], width, height - bool(marks), now_ms=self._now_ms, ascii_only=ascii_only)
            if lines is not None and marks:
                lines.insert(len(lines) - 1, marks)
            if lines is None:
                waits = len(series) < 2
                text = " waiting for a second look" if waits else spark(series.values, width, ascii_only=ascii_only)
                lines = [text][:height]
            self._drawn = (key, lines)
        return self._drawn[1]

    def _mark_line(self, series: Series, width: int) -> str:
        """Return the letters of the marks at their places; "" without any."""
        known = [
            time_ms for time_ms, value in zip(series.times_ms, series.values, strict=True) if not math.isnan(value)
        ]
        first_ms = known[0] if known else self._now_ms
        cells = [" "] * width
        for mark in self._marks:
            if first_ms <= mark.at_ms <= self._now_ms and self._now_ms > first_ms:
                share = (mark.at_ms - first_ms) / (self._now_ms - first_ms)
                cells[LABEL_WIDTH + round(share * (width - LABEL_WIDTH - 2))] = MARK_LETTERS.get(mark.kind, "?")
        return "".join(cells) if set(cells) != {" "} else ""


def is_ascii_only(widget: Painted) -> bool:
    """Return whether the terminal's encoding lacks the block characters."""
    encoding = getattr(widget.app, "terminal_encoding", "utf-8")
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return False
