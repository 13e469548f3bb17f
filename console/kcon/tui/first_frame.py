"""What stands on the terminal before the console is loaded? Its top line, by a few bytes and no library.

Loading Textual takes a quarter of a second and more. Until its own first picture covers it, this one says where the
user is going. It asks the terminal nothing, and is taken away again if the console does not come to start.
"""

import contextlib
import os
from collections.abc import Mapping

from kcon.contexts.context import Context
from kcon.core.wire_text import display_safe

_VIEWS = frozenset(
    {
        *("overview", "topics", "topic", "groups", "group", "brokers", "broker", "acls", "quotas", "users"),
        *("transactions", "reassignments", "quorum"),
    }
)
_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"
_BODY, _TOP = "\x1b[38;2;208;208;208;48;2;16;20;24m", "\x1b[1;48;2;31;38;48m"
"""The colours of the dark theme, which the console starts with."""
_TOP_PLAIN = "\x1b[1m"


class FirstFrame:
    """The first picture on a terminal."""

    def __init__(self, terminal: int, variables: Mapping[str, str], columns: int) -> None:
        self._terminal = terminal
        """A file descriptor."""
        self._columns = columns
        has_colors = variables.get("COLORTERM", "") in {"truecolor", "24bit"} and not variables.get("NO_COLOR")
        self._body, self._top = (_BODY, _TOP) if has_colors else ("", _TOP_PLAIN)
        self._is_shown = False

    def show(self, context: Context | None, address: str | None) -> None:
        """Draw it. context: None where one is chosen first; address: as it was typed."""
        line = top_line(context, address)[: self._columns]
        self._write(f"{_ENTER}{self._body}\x1b[2J\x1b[H{self._top}{line.ljust(self._columns)}\x1b[0m")
        self._is_shown = True

    def hand_over(self) -> None:
        """Leave it standing: the console draws over it, and restores the terminal."""
        self._is_shown = False

    def remove(self) -> None:
        """Restore the terminal, unless the console has taken it over."""
        if self._is_shown:
            self._is_shown = False
            self._write(_LEAVE)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # A picture less; what comes next will say what is wrong.
            os.write(self._terminal, text.encode("utf-8", "replace"))


def top_line(context: Context | None, address: str | None) -> str:
    """Return what the top line says until more is known."""
    if context is None:
        return " KCON"
    where = context.name if context.name != "(none)" else context.bootstrap[0]
    return f" {_title(address)}  {display_safe(where)} | {context.mode.value} | connecting"


def _title(address: str | None) -> str:
    """Return the name of the view that an address leads to."""
    words = (address or "overview").split("/")
    if words[0] in _VIEWS and len(words) < 3:
        return words[0].upper()
    return "RECORDS"
