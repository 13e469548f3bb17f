r"""Escapes: one line stays one line, and separators are typed as for kcat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.escapes import escape_field, unescape


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("a\tb", "a\\tb"), ("a\nb", "a\\nb"), ("a\rb", "a\\rb"), ("a\\b", "a\\\\b"), ("\\n", "\\\\n")],
)
def test_escape_field(text: str, expected: str) -> None:
    assert escape_field(text) == expected


@given(st.text())
def test_a_field_survives_both_ways(text: str) -> None:
    escaped = escape_field(text)
    assert not set("\t\n\r") & set(escaped)
    assert unescape(escaped) == text


@pytest.mark.parametrize(
    ("text", "expected"), [(r"\t", "\t"), (r"\x1f", "\x1f"), (r"\0", "\0"), (r"\q", r"\q"), (":", ":"), ("\\", "\\")]
)
def test_unescape(text: str, expected: str) -> None:
    assert unescape(text) == expected
