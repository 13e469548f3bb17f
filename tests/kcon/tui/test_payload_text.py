"""Whatever bytes a record has, it is sent again with exactly these bytes unless somebody edits them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.tui.payload_text import format_headers, format_payload, parse_headers, parse_payload


@given(st.none() | st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
def test_a_payload_comes_back_as_it_was(data: bytes | None) -> None:
    assert parse_payload(format_payload(data)) == data


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.none() | st.binary(max_size=8))))
@example([("a", b" ")])
@example([(" a\\", b"\\ ")])
def test_headers_come_back_as_they_were(pairs: list[tuple[str, bytes | None]]) -> None:
    headers = tuple((WireText(name), value) for name, value in pairs)
    assert parse_headers(format_headers(headers)) == headers


@pytest.mark.parametrize("text", ["a", "=b", "a=b=c", "x=1; y"])
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not a header"):
        parse_headers(text)


def test_null_empty_and_text_are_three_things() -> None:
    assert parse_payload("") is None
    assert parse_payload("''") == b""
    assert parse_payload("null") == b"null"
    with pytest.raises(UsageError, match="Not base64"):
        parse_payload("base64:?")
