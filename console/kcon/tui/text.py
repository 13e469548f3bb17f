"""How does text get onto the screen? The only door: everything is made safe here, and nothing is markup.

Textual and rich pass escape sequences through to the terminal and read `[...]` as markup, in which a topic's name
can carry a live action. Widgets of this package draw lines of `Part`s through `line_strip`; the few stock widgets
get `content`. A role is a name of the theme, see `theme.py`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

from kcon.core.cells import isolate
from kcon.core.units import format_duration, format_rate
from kcon.core.wire_text import WireText, display_safe

UNKNOWN: Final = "—"
ELLIPSIS: Final = "…"
NEVER: Final = "never"


def none_of(kind: str, *, as_a_user: bool) -> str:
    """Return what an empty list of a cluster says: Kafka leaves out what a user has no right to, without a word."""
    return f"no {kind} that you may see" if as_a_user else f"no {kind}"


class Part(NamedTuple):
    """A piece of a line in one style."""

    text: "str | WireText"
    role: str = "text"


Line = Sequence[Part]
StyleOf = Callable[[str], Style]


def safe(text: "str | WireText") -> str:
    """Return text that a terminal cannot act on, on one line."""
    return str(text) if isinstance(text, WireText) else display_safe(text)


def content(text: "str | WireText") -> Content:
    """Return text for a stock widget: safe, and not parsed as markup."""
    return Content(safe(text))


def cells(text: str) -> int:
    """Return the width of safe text in cells, as the compositor counts them."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """Shorten safe text to `width` cells; an ellipsis says that something was left out."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def cut_middle(value: object, width: int) -> str:
    """Shorten a name to `width` cells from its middle: of `orders-eu-west/17` the partition must stay."""
    shown = show(value)
    if cells(shown) <= width or width < 5:
        return cut(shown, width)
    tail = shown[-(width // 2) :]
    while cells(tail) > width // 2:
        tail = tail[1:]
    return cut(shown[: -len(tail)], width - cells(tail)) + tail


def fit(text: "str | WireText", width: int, *, right: bool = False) -> str:
    """Return the text in exactly `width` cells: made safe, cut, padded."""
    shown = cut(safe(text), width)
    spaces = " " * (width - cells(shown))
    shown = isolate(shown)
    return spaces + shown if right else shown + spaces


def line_strip(line: Iterable[Part], width: int, base: Style, style_of: StyleOf) -> Strip:
    """Return one line of a widget, exactly `width` cells wide. The last part that does not fit is cut.

    base: the style of the whole line; a part's role is laid over it.
    """
    segments: list[Segment] = []
    left = width
    for text, role in line:
        shown = safe(text)
        if not shown:
            continue
        taken = cells(shown)
        if taken > left:
            shown = cut(shown, left)
            taken = cells(shown)
        if shown:
            segments.append(Segment(isolate(shown), base if role == "text" else base + style_of(role)))
        left -= taken
        if left <= 0:
            break
    if left > 0:
        segments.append(Segment(" " * left, base))
    return Strip(segments, width)


# --- values ---------------------------------------------------------------------------------------------------


def show(value: object) -> str:
    """Write a value as the CLI's tables do: grouped digits, and a dash for what is unknown."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, str | WireText):
        return safe(value)
    if isinstance(value, tuple):
        return ",".join(str(part) if isinstance(part, int) else show(part) for part in value) or UNKNOWN
    return display_safe(str(value))


def show_rate(value: object) -> str:
    """Write records a second."""
    return format_rate(value) if isinstance(value, int | float) and not math.isnan(value) else UNKNOWN


def show_eta(value: object) -> str:
    """Write the time until a lag is gone."""
    if not isinstance(value, int | float):
        return UNKNOWN
    return NEVER if math.isinf(value) else format_duration(value)


def age(since_ms: int, now_ms: int) -> str:
    """Write how old something is: `2s`, `4m`, `3h`."""
    seconds = max(0, now_ms - since_ms) // 1000
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    return f"{seconds // 3600}h"


def plural(count: int, word: str) -> str:
    """Write `1 topic`, `2,000 topics`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
