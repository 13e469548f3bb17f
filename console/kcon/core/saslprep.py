"""Which form of a user name or password do both sides agree on? SASLprep (RFC 4013, a profile of RFC 3454)."""

import stringprep
import unicodedata
from collections.abc import Callable
from typing import Final

_PROHIBITED: Final[tuple[Callable[[str], bool], ...]] = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str | None:
    """Return the prepared text as a query string (RFC 3454 §7), or None for text that SASLprep prohibits."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    # RFC 4013 §2.2 wants Unicode 3.2's normalisation, in which the tables are written.
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibited(char) for char in normal for prohibited in _PROHIBITED):
        return None
    # RFC 3454 §6: right-to-left text starts and ends so, and has no left-to-right character in it.
    if any(map(stringprep.in_table_d1, normal)) and (
        any(map(stringprep.in_table_d2, normal))
        or not stringprep.in_table_d1(normal[0])
        or not stringprep.in_table_d1(normal[-1])
    ):
        return None
    return normal
