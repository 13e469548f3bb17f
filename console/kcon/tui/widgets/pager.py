"""How is a long text read? Lines that scroll, wrapped at the width."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from kcon.tui.text import Line, Part, cells, safe
from kcon.tui.widgets.painted import Painted

WRAPPED_LINES_MAX = 20_000
"""Lines of one text that are drawn; the rest is cut, and a last line says so."""


class Pager(Painted, can_focus=True):
    """Shows lines. Long ones are wrapped, none is lost."""

    DEFAULT_CSS = "Pager { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", show=False),
        Binding("down,j", "scroll_by(1)", show=False),
        Binding("pageup", "scroll_by(-20)", show=False),
        Binding("pagedown", "scroll_by(20)", show=False),
        Binding("home", "scroll_by(-1000000)", show=False),
        Binding("end", "scroll_by(1000000)", show=False),
    ]

    def __init__(self, *, widget_id: str | None = None) -> None:
        super().__init__(widget_id=widget_id)
        self._source: Sequence[Line] = ()
        self._wrapped: tuple[int, list[Line]] | None = None
        self._first = 0

    def show(self, lines: Sequence[Line], *, keep_place: bool = False) -> None:
        """Show another text, from its start."""
        self._source, self._wrapped = lines, None
        self._first = self._first if keep_place else 0
        self.refresh()

    def action_scroll_by(self, lines: int) -> None:
        """Move the text."""
        last = max(0, len(self._lines_at(self.size.width)) - self.size.height)
        self._first = min(max(0, self._first + lines), last)
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move with the wheel."""
        event.stop()
        self.action_scroll_by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move with the wheel."""
        event.stop()
        self.action_scroll_by(-3)

    def render_line(self, y: int) -> Strip:
        """Draw one line of what is visible."""
        lines = self._lines_at(self.size.width)
        place = self._first + y
        return self.strip(lines[place] if place < len(lines) else [])

    def _lines_at(self, width: int) -> list[Line]:
        if self._wrapped is None or self._wrapped[0] != width:
            wrapped: list[Line] = []
            for line in self._source:
                if len(wrapped) >= WRAPPED_LINES_MAX:
                    wrapped.append([Part(f"... cut after {WRAPPED_LINES_MAX:,} lines; copy it with y v", "warn")])
                    break
                wrapped += wrap(line, max(1, width))
            self._wrapped = (width, wrapped)
        return self._wrapped[1]


def wrap(line: Line, width: int) -> list[Line]:
    """Break a line at the width, by cells."""
    rows: list[Line] = []
    row: list[Part] = []
    left = width
    for text, role in line:
        shown = safe(text)
        while shown:
            taken = shown[:left] if shown.isascii() else _prefix(shown, left)
            if not taken and row:
                rows.append(row)
                row, left = [], width
                continue
            taken = taken or shown[:1]  # One character wider than the widget.
            row.append(Part(taken, role))
            shown = shown[len(taken) :]
            left -= cells(taken)
            if left <= 0:
                rows.append(row)
                row, left = [], width
    if row or not rows:
        rows.append(row)
    return rows


def wrap_words(part: Part, width: int) -> list[Line]:
    """Break a sentence between its words; a word that is wider than a line is broken itself."""
    text, rows = safe(part.text), [""]
    indent = text[: len(text) - len(text.lstrip())]
    for word in text.split():
        if rows[-1].strip() and cells(rows[-1]) + 1 + cells(word) > width:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}" if rows[-1].strip() else f"{indent}{word}"
    return [line for row in rows for line in wrap([Part(row, part.role)], width)]


def _prefix(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += cells(char)
        if taken > width:
            return text[:index]
    return text
