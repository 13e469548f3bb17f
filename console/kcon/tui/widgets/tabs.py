"""Which part of a view is shown? A line of numbered tabs with their counts."""

from collections.abc import Sequence
from typing import NamedTuple

from textual import events
from textual.message import Message
from textual.strip import Strip

from kcon.tui.text import Line, Part
from kcon.tui.widgets.painted import Painted


class Tab(NamedTuple):
    """One tab; `total` is what stands behind its name."""

    name: str
    total: str = ""


class TabLine(Painted):
    """One line; the current tab is marked by brackets and weight, not by colour alone."""

    DEFAULT_CSS = "TabLine { height: 1; }"

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self) -> None:
        super().__init__()
        self._tabs: Sequence[Tab] = ()
        self._current = 0
        self._note = ""

    def show(self, tabs: Sequence[Tab], current: int, note: str = "") -> None:
        """Show the tabs, which one is in front, and a note behind them."""
        if (tabs, current, note) != (self._tabs, self._current, self._note):
            self._tabs, self._current, self._note = tabs, current, note
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        return self.strip(self._parts())

    def _parts(self) -> Line:
        parts = [Part("  ")]
        for index, tab in enumerate(self._tabs):
            text = f"{index + 1} {tab.name}{' ' if tab.total else ''}{tab.total}"
            parts.append(
                Part(
                    f"[{text}]" if index == self._current else f" {text} ", "title" if index == self._current else "dim"
                )
            )
            parts.append(Part(" "))
        if self._note:
            parts.append(Part(f"  {self._note}", "dim"))
        return parts

    def on_click(self, event: events.Click) -> None:
        """Pick the tab under the mouse."""
        left = 2
        for index, tab in enumerate(self._tabs):
            width = len(f"[{index + 1} {tab.name}{' ' if tab.total else ''}{tab.total}]") + 1
            if left <= event.x < left + width:
                self.post_message(self.Picked(index))
                return
            left += width
