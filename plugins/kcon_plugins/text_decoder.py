"""Is a payload text? UTF-8 without the control characters that only binary data has."""

import re
from typing import Final

from kcon.core.wire_text import WireText
from kcon.plugin_api.decoding import DecodeContext, Decoded, DecodeFailure, DecodeResult

# Escape is let through: logs are full of colour codes, and the screen shows it as a glyph.
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")


class TextDecoder:
    """UTF-8."""

    name = "text"

    def decode(self, payload: bytes, context: DecodeContext) -> DecodeResult:
        """Decode, unaltered; what a terminal could act on is the screen's business."""
        found = _BINARY.search(payload)
        if found is not None:
            return DecodeFailure(reason=f"control byte 0x{found[0].hex()} at byte {found.start()}")
        # Four bytes at most make a character, and cutting may split the last one.
        kept = payload[: context.chars_max * 4]
        try:
            text = kept.decode("utf-8")
        except UnicodeDecodeError as error:
            if len(kept) == len(payload) or error.start < len(kept) - 3:
                return DecodeFailure(reason=f"not UTF-8 at byte {error.start}")
            text = kept[: error.start].decode("utf-8")
        is_cut = len(kept) < len(payload) or len(text) > context.chars_max
        return Decoded(text=WireText(text[: context.chars_max]), is_cut=is_cut)
