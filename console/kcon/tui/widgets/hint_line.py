"""Which keys can be pressed here? Lines that show keys; a click on a key, or on its word, presses it.

Only the console's own text belongs here: whatever has the role "key" is pressed as it stands.
"""

from textual import events
from textual.keys import _character_to_key
from textual.message import Message

from kcon.tui.text import Line, cells, safe
from kcon.tui.widgets.painted import Lines

_SHOWN_AS = {"esc": "escape"}


class HintLine(Lines):
    """Lines of keys and words."""

    class Picked(Message):
        """A key was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key
            """As it is shown."""

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        key = key_at(self.lines[event.y], event.x) if event.y < len(self.lines) else None
        if key is not None:
            event.stop()
            self.post_message(self.Picked(key))


def key_at(line: Line, x: int) -> str | None:
    """Return the key that stands in a cell, or before the words in it; None where none is meant."""
    key, left = None, 0
    for part in line:
        if part.role == "key":
            key = safe(part.text).strip()
        elif part.role not in {"dim", "strong"} or safe(part.text).lstrip().startswith("("):
            key = None
        left += cells(safe(part.text))
        if x < left:
            return key
    return None


def press_of(key: str) -> events.Key:
    """Return the press of a key as hints show it."""
    if len(key) == 1:
        return events.Key(_character_to_key(key), key)
    return events.Key(_SHOWN_AS.get(key, key), {"space": " ", "enter": "\r", "tab": "\t"}.get(key))
