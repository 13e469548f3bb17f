r"""How are control characters written in a line of text? Backslash escapes, both ways.

`escape_field` makes one TSV field or one name of a line; `unescape` reads what a user types for a separator.
"""

import re
from typing import Final

_ESCAPES: Final = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_NEEDS_ESCAPE: Final = re.compile(r"[\\\t\n\r]")
_ESCAPED: Final = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_UNESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "0": "\0"}


def escape_field(text: str) -> str:
    """Write backslash, tab, newline and carriage return as two characters each."""
    return _NEEDS_ESCAPE.sub(lambda match: _ESCAPES[match[0]], text)


def unescape(text: str) -> str:
    r"""Read `\t \n \r \\ \0 \xHH`; any other escape stands for itself."""

    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 3:
            return chr(int(code[1:], 16))
        return _UNESCAPES.get(code, match[0])

    return _ESCAPED.sub(one, text)
