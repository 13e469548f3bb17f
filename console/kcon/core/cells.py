"""How wide is a text on a terminal? Widths in cells, cutting and padding by cells.

East Asian wide characters and emoji take two cells, combining marks none. The text is safe already: it holds no
control characters.
"""

import unicodedata
from functools import lru_cache
from typing import Final

ELLIPSIS: Final = "…"
_FIRST_STRONG_ISOLATE: Final = "\u2068"
_POP_ISOLATE: Final = "\u2069"
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_VARIATION_SELECTOR_EMOJI: Final = 0xFE0F


@lru_cache(maxsize=4_096)
def char_cells(char: str) -> int:
    """Return the cells of one character: 0, 1 or 2."""
    code = ord(char)
    if code == _VARIATION_SELECTOR_EMOJI or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    if 0x1160 <= code <= 0x11FF:  # Hangul vowels and finals join the syllable before them.
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def cells(text: str) -> int:
    """Return the cells that `text` takes in one line."""
    if text.isascii():
        return len(text)
    return sum(map(char_cells, text))


def cut(text: str, width: int) -> str:
    """Shorten `text` to at most `width` cells, ending in an ellipsis when something was left out."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    taken = 0
    for index, char in enumerate(text):
        taken += char_cells(char)
        if taken > width - 1:
            return text[:index] + ELLIPSIS
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill `text` with spaces to `width` cells; right: the text stands at the right."""
    spaces = " " * max(0, width - cells(text))
    return spaces + text if right else text + spaces


def isolate(text: str) -> str:
    """Wrap a text that runs from right to left, so that it does not reorder what stands beside it."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
