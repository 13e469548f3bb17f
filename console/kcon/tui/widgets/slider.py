"""Where in time am I? A line from the past to now with the marks on it, and what was marked last."""

from collections.abc import Sequence

from textual.strip import Strip

from kcon.core.units import format_duration
from kcon.observe.history_keys import MARK_LETTERS, Mark
from kcon.tui.text import Part
from kcon.tui.widgets.painted import Painted

KNOB = "●"
RAIL = "─"
PRIORITY = {kind: place for place, kind in enumerate(reversed(MARK_LETTERS))}


class Slider(Painted):
    """Two lines: the slider, and what stands below it. Not there while the present is shown."""

    DEFAULT_CSS = "Slider { height: 2; display: none; }"

    def __init__(self) -> None:
        super().__init__()
        self._window_ms = (0, 1)
        self._at_ms = 0
        self._marks: Sequence[Mark] = ()
        self._note = ""
        self._ascii_only = False

    def show_moment(
        self, window_ms: tuple[int, int], at_ms: int, marks: Sequence[Mark], note: str, *, ascii_only: bool
    ) -> None:
        """Show another moment."""
        told = (window_ms, at_ms, marks, note, ascii_only)
        if told != (self._window_ms, self._at_ms, self._marks, self._note, self._ascii_only):
            self._window_ms, self._at_ms, self._marks, self._note, self._ascii_only = told
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        if y:
            return self.strip([Part(f" {self._note}", "text")])
        since_ms, until_ms = self._window_ms
        label = f" -{format_duration(until_ms - since_ms)} "
        width = max(4, self.size.width - len(label) - len(" now "))
        rail, knob = ("-", "O") if self._ascii_only else (RAIL, KNOB)
        cells = [rail] * width
        best: dict[int, str] = {}
        for mark in self._marks:
            if since_ms <= mark.at_ms <= until_ms:
                place = self._place(mark.at_ms, width)
                if place not in best or PRIORITY.get(mark.kind, 0) > PRIORITY.get(best[place], 0):
                    best[place] = mark.kind
        for place, kind in best.items():
            cells[place] = MARK_LETTERS.get(kind, "?")
        at = self._place(self._at_ms, width)
        return self.strip(
            [
                Part(label, "dim"),
                Part("".join(cells[:at]), "warn"),
                Part(knob, "bad"),
                Part("".join(cells[at + 1 :]), "dim"),
                Part(" now ", "dim"),
            ]
        )

    def _place(self, time_ms: int, width: int) -> int:
        since_ms, until_ms = self._window_ms
        share = (time_ms - since_ms) / max(1, until_ms - since_ms)
        return min(max(0, round(share * (width - 1))), width - 1)
