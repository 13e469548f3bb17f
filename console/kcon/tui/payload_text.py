"""How are a key, a value and headers typed? Text for what is UTF-8, and marks for what is not.

(nothing)      null: no key, or a tombstone
''             empty, 0 bytes
base64:AAEC    these bytes
anything else  that text in UTF-8
"""

import base64
import binascii
from typing import Final

from kcon.core.wire_text import WireText, display_safe
from kcon.errors import UsageError
from kcon.records.record import Headers

EMPTY: Final = "''"
BASE64: Final = "base64:"
_ESCAPES: Final = {"\\": "\\\\", ";": "\\;", "=": "\\=", "\n": "\\n"}


def format_payload(data: bytes | None) -> str:
    """Write a payload so that `parse_payload` gives back exactly these bytes."""
    if data is None:
        return ""
    if not data:
        return EMPTY
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    # An editor's line ends and controls would change, or act.
    if not text or text == EMPTY or text.startswith(BASE64) or any(c != "\n" and display_safe(c) != c for c in text):
        return BASE64 + base64.b64encode(data).decode()
    return text


def parse_payload(text: str) -> bytes | None:
    """Read what was typed. UsageError: not base64."""
    if not text:
        return None
    if text == EMPTY:
        return b""
    if text.startswith(BASE64):
        try:
            return base64.b64decode(text.removeprefix(BASE64), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError("Not base64.", "Leave `base64:` out for plain text.") from error
    return text.encode("utf-8", "surrogateescape")


def format_headers(headers: Headers) -> str:
    """Write headers on one line."""
    return "; ".join(f"{_quoted(name.raw)}={_quoted(format_payload(value))}" for name, value in headers)


def _quoted(text: str) -> str:
    chars = [_ESCAPES.get(char, char) for char in text]
    for edge in {0, len(chars) - 1} if chars else ():
        if chars[edge].isspace():
            chars[edge] = f"\\{chars[edge]}"
    return "".join(chars)


def parse_headers(text: str) -> Headers:
    """Read `name=value; name=value`; a backslash takes the meaning of `;`, `=` and outer blanks. UsageError: no `=`."""
    headers: list[tuple[WireText, bytes | None]] = []
    for part in _split(text, ";"):
        if not part.strip():
            continue
        pieces = _split(_trimmed(part), "=")
        if len(pieces) != 2 or not pieces[0]:
            raise UsageError(f"Not a header: {display_safe(_plain(part))}.", "Write name=value; name=value.")
        headers.append((WireText(_plain(pieces[0])), parse_payload(_plain(pieces[1]))))
    return tuple(headers)


def _trimmed(part: str) -> str:
    """Return the part without outer blanks, but for one that a backslash keeps."""
    begun = part.lstrip()
    ended = begun.rstrip()
    backslashes = len(ended) - len(ended.rstrip("\\"))
    return begun[: len(ended) + backslashes % 2]


def _split(text: str, mark: str) -> list[str]:
    parts, escaped = [""], False
    for char in text:
        if char == mark and not escaped:
            parts.append("")
        else:
            parts[-1] += char
        escaped = char == "\\" and not escaped
    return parts


def _plain(text: str) -> str:
    out, escaped = [], False
    for char in text:
        if escaped:
            out.append("\n" if char == "n" else char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            out.append(char)
    return "".join(out)
