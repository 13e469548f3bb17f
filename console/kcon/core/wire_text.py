"""Is this text safe to show? `WireText` holds a string from the wire; only its safe form reaches a screen.

Every string that a broker, a client or a record chose is hostile until it is a `WireText`: escape sequences
in a topic name can set the clipboard or repaint a dialog. The class is not a `str`, so mypy refuses raw wire
text wherever a widget or a printer wants a string.
"""

from typing import Final, final

_GLYPHS: Final[dict[int, str]] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},  # C0 -> control pictures (ESC becomes U+241B).
    0x7F: "\u2421",
    **{code: f"<{code:02x}>" for code in range(0x80, 0xA0)},  # C1: a terminal may act on these too.
    # Zero-width and bidirectional controls: they hide or reorder what a person reads.
    **{
        code: f"<{code:04x}>"
        for code in (
            0x00AD,
            0x061C,
            0x180E,
            *range(0x200B, 0x2010),
            *range(0x2028, 0x202F),
            *range(0x2060, 0x2070),
            0xFEFF,
            *range(0xFFF9, 0xFFFC),
        )
    },
    **{code: f"<{code:04x}>" for code in range(0xD800, 0xE000)},  # Lone surrogates.
    **{code: f"<{code:x}>" for code in range(0xE0000, 0xE0080)},  # Tag characters: invisible text.
}
_GLYPHS_MULTILINE: Final = {k: v for k, v in _GLYPHS.items() if k not in (0x09, 0x0A)}


def display_safe(text: str, *, multiline: bool = False) -> str:
    """Return `text` with everything a terminal could act on replaced by a visible glyph.

    multiline: keep newline and tab (a record's value in a pane); otherwise they become glyphs as well.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_GLYPHS_MULTILINE if multiline else _GLYPHS)


@final
class WireText:
    """A string from the wire. Equality and hash are by `.raw`; `str()` and `format()` give the safe text."""

    __slots__ = ("_safe", "raw")

    raw: str

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._safe: str | None = None

    @classmethod
    def decode(cls, data: bytes) -> "WireText":
        """Decode UTF-8; invalid bytes survive as lone surrogates, so `encode()` gives them back."""
        return cls(data.decode("utf-8", "surrogateescape"))

    def encode(self) -> bytes:
        """Return the exact bytes that came from the wire."""
        return self.raw.encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        if self._safe is None:
            self._safe = display_safe(self.raw)
        return self._safe

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"WireText({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireText) and other.raw == self.raw

    def __lt__(self, other: "WireText") -> bool:
        return self.raw < other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __bool__(self) -> bool:
        return bool(self.raw)
