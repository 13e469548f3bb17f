"""Is a payload JSON, and how does it look spread over lines? Its own digits and key order are kept.

The document is parsed to validate it and then laid out from its text: parsing and printing again would change
numbers such as 1.10 or 1e400.
"""

import json
import re
from typing import Final

from kcon.core.wire_text import WireText
from kcon.plugin_api.decoding import DecodeContext, Decoded, DecodeFailure, DecodeResult

PAYLOAD_BYTES_MAX: Final = 8 * 1024 * 1024
"""A larger payload is not parsed: that would hold the screen up."""

INDENT: Final = "  "

_FIRST_BYTES: Final = frozenset(b'{["-0123456789tfn')
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


class JsonDecoder:
    """JSON as RFC 8259 has it: NaN and Infinity are not JSON."""

    name = "json"

    def decode(self, payload: bytes, context: DecodeContext) -> DecodeResult:
        """Decode one document; duplicate keys are kept as they are."""
        stripped = payload.strip(b" \t\r\n")
        if not stripped:
            return DecodeFailure(reason="empty")
        if stripped[0] not in _FIRST_BYTES:
            return DecodeFailure(reason="does not begin like JSON")
        if len(payload) > PAYLOAD_BYTES_MAX:
            return DecodeFailure(reason=f"larger than {PAYLOAD_BYTES_MAX // (1024 * 1024)} MiB")
        try:
            text = stripped.decode("utf-8")
            json.loads(text, parse_constant=_refuse_constant, parse_int=_keep, parse_float=_keep)
        except UnicodeDecodeError as error:
            return DecodeFailure(reason=f"not UTF-8 at byte {error.start}")
        except RecursionError:
            return DecodeFailure(reason="nested too deeply")
        except ValueError as error:
            return DecodeFailure(reason=f"not JSON: {error}")
        pretty = None
        is_cut = len(text) > context.chars_max
        if context.wants_pretty:
            laid_out, pretty_cut = _lay_out(text, context.chars_max)
            pretty, is_cut = WireText(laid_out), is_cut or pretty_cut
        return Decoded(text=WireText(text[: context.chars_max]), pretty=pretty, is_cut=is_cut)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _keep(digits: str) -> str:
    """Leave a number unconverted: it is only validated, and converting a million digits takes minutes."""
    return digits


def _lay_out(text: str, chars_max: int) -> tuple[str, bool]:
    """Return valid JSON over several lines, at most `chars_max` characters, and whether it was cut."""
    parts: list[str] = []
    size = depth = 0
    previous = ""
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece in "}]":
            depth -= 1
            part = piece if previous in "{[" and previous else f"\n{INDENT * depth}{piece}"
        elif previous and previous in "{[,":
            part = f"\n{INDENT * depth}{piece}"
        else:
            part = f" {piece}" if previous == ":" else piece
        if piece in "{[":
            depth += 1
        previous = piece
        size += len(part)
        if size > chars_max:
            return "".join(parts)[:chars_max], True
        parts.append(part)
    return "".join(parts), False
