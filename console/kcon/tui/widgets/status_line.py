"""What am I looking at, and how fresh is it? The top line; at narrow widths its least needed facts go first."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from kcon.core.wire_text import WireText
from kcon.tui.text import ELLIPSIS, Part, cells, cut, line_strip, safe
from kcon.tui.widgets.painted import Painted

SEPARATOR = " | "


class Fact(NamedTuple):
    """A piece of the line. The higher `drop`, the earlier it goes; 0 stays."""

    text: "str | WireText"
    drop: int = 0
    role: str = "text"


class StatusLine(Painted):
    """One line in the colour of the context."""

    DEFAULT_CSS = "StatusLine { height: 1; dock: top; }"

    def __init__(self) -> None:
        super().__init__()
        self.background: str | None = None
        """The context's colour, or None for the theme's."""
        self._title = ""
        self._facts: Sequence[Fact] = ()
        self._drawn: Sequence[Fact] = ()
        """Those that found room."""

    def show(self, title: str, facts: Sequence[Fact]) -> None:
        """Show a view's name and facts."""
        if (title, facts) != (self._title, self._facts):
            self._title, self._facts = title, facts
            self.refresh()

    class Picked(Message):
        """The name of the view was clicked (-1), or a fact by its place."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def on_click(self, event: events.Click) -> None:
        """Tell what stands under the mouse."""
        left = len(self._title) + 3
        if event.x < left:
            self.post_message(self.Picked(-1))
            return
        for place, fact in enumerate(self._drawn):
            left += cells(safe(fact.text)) + len(SEPARATOR)
            if event.x < left:
                self.post_message(self.Picked(place))
                return

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        facts = list(self._facts)
        while _length(self._title, facts) > width:
            droppable = [fact for fact in facts if fact.drop]
            if not droppable:
                break
            facts.remove(max(droppable, key=lambda fact: fact.drop))
        too_long = _length(self._title, facts) - width
        if too_long > 0 and facts:
            # The path is cut at its start: where one is says more than where one came from.
            path = safe(facts[0].text)
            kept = max(1, len(path) - too_long - 1)
            facts[0] = facts[0]._replace(text=f"{ELLIPSIS}{path[-kept:]}")
        self._drawn = facts
        line = [Part(f" {self._title}  ", "strong")]
        for place, fact in enumerate(facts):
            if place:
                line.append(Part(SEPARATOR, "dim"))
            line.append(Part(cut(safe(fact.text), width), fact.role))
        base = self.base_style_of("frame")
        if self.background:
            base += Style.parse(f"#ffffff on {self.background}")
        return line_strip(line, width, base, self.style_of)


def _length(title: str, facts: Sequence[Fact]) -> int:
    return len(title) + 3 + sum(cells(safe(fact.text)) for fact in facts) + len(SEPARATOR) * max(0, len(facts) - 1)
