"""JSON payloads, laid out without changing what they say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.ids import topic_name
from kcon.plugin_api.decoding import DecodeContext, Decoded, DecodeFailure, Part
from kcon_plugins.json_decoder import PAYLOAD_BYTES_MAX, JsonDecoder

CONTEXT = DecodeContext(topic=topic_name("orders"), part=Part.VALUE, wants_pretty=True)


def decoded(payload: bytes, context: DecodeContext = CONTEXT) -> Decoded:
    result = JsonDecoder().decode(payload, context)
    assert isinstance(result, Decoded)
    return result


def test_digits_and_order_are_kept() -> None:
    found = decoded(b'{"b":1.10,"a":12345678901234567890,"a":1e400}')
    assert found.text.raw == '{"b":1.10,"a":12345678901234567890,"a":1e400}'
    assert found.pretty is not None
    assert found.pretty.raw == '{\n  "b": 1.10,\n  "a": 12345678901234567890,\n  "a": 1e400\n}'


def test_brackets_in_strings_are_no_structure() -> None:
    found = decoded(b'["{,:}", "\\"[", [], {}]')
    assert found.pretty is not None
    assert found.pretty.raw == '[\n  "{,:}",\n  "\\"[",\n  [],\n  {}\n]'


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"  ",
        b"hello",
        b"{",
        b'{"a":NaN}',
        b"\xff",
        b'"\xff"',
        b"[" * 100_000,
        b" " * (PAYLOAD_BYTES_MAX + 1) + b"1",
    ],
)
def test_what_is_not_json_is_a_failure_with_a_reason(payload: bytes) -> None:
    result = JsonDecoder().decode(payload, CONTEXT)
    assert isinstance(result, DecodeFailure)
    assert result.reason


def test_a_deep_document_does_not_outgrow_the_limit() -> None:
    """Indentation grows with the square of the depth."""
    depth = 400
    context = DecodeContext(topic=topic_name("t"), part=Part.VALUE, wants_pretty=True, chars_max=5_000)
    found = decoded(b"[1," * depth + b"2" + b"]" * depth, context)
    assert found.pretty is not None
    assert 4_000 < len(found.pretty.raw) <= 5_000
    assert found.is_cut


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_the_layout_says_the_same(document: object) -> None:
    found = decoded(json.dumps(document).encode())
    assert found.pretty is not None
    assert json.loads(found.pretty.raw) == document
