"""What are the bytes of a payload? Hexadecimal: the format that takes everything."""

from typing import Final

from kcon.core.wire_text import WireText
from kcon.plugin_api.decoding import DecodeContext, Decoded, DecodeResult

ROW_BYTES: Final = 16
ROW_CHARS: Final = 8 + 2 + ROW_BYTES * 3 + 2 + ROW_BYTES + 2
"""offset(8) | 2 spaces | 16 x "hh " with one more space in the middle | "|" | 16 characters | "|" and newline"""


class HexDecoder:
    """Bytes as pairs of digits; over several lines with their offsets and the readable characters beside."""

    name = "hex"

    def decode(self, payload: bytes, context: DecodeContext) -> DecodeResult:
        """Never fails."""
        kept = payload[: max(1, context.chars_max // 3)]
        pretty = None
        is_cut = len(kept) < len(payload)
        if context.wants_pretty:
            rows = max(1, context.chars_max // ROW_CHARS)
            pretty = WireText("\n".join(_row(payload, row * ROW_BYTES) for row in range(min(rows, _rows(payload)))))
            is_cut = is_cut or rows < _rows(payload)
        return Decoded(text=WireText(kept.hex(" ")), pretty=pretty, is_cut=is_cut)


def _rows(payload: bytes) -> int:
    return -(-len(payload) // ROW_BYTES)


def _row(payload: bytes, start: int) -> str:
    row = payload[start : start + ROW_BYTES]
    left, right = row[:8].hex(" "), row[8:].hex(" ")
    readable = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    return f"{start:08x}  {left:<23}  {right:<23}  |{readable}|"
