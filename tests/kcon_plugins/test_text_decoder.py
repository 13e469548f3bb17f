"""Text payloads."""

import pytest

from kcon.core.ids import topic_name
from kcon.plugin_api.decoding import DecodeContext, Decoded, DecodeFailure, Part
from kcon_plugins.text_decoder import TextDecoder

CONTEXT = DecodeContext(topic=topic_name("orders"), part=Part.VALUE)


@pytest.mark.parametrize("text", ["", "héllo", "two\nlines\t.", "\x1b[31mred\x1b[0m"])
def test_text_comes_out_as_it_is(text: str) -> None:
    """Escapes as well: making them harmless is the screen's work, and `.raw` must stay exact."""
    result = TextDecoder().decode(text.encode(), CONTEXT)
    assert isinstance(result, Decoded)
    assert result.text.raw == text


@pytest.mark.parametrize(("payload", "reason"), [(b"a\xff", "byte 1"), (b"ab\x00", "byte 2"), (b"\xe2\x82", "byte 0")])
def test_binary_is_a_failure_that_names_the_byte(payload: bytes, reason: str) -> None:
    result = TextDecoder().decode(payload, CONTEXT)
    assert isinstance(result, DecodeFailure)
    assert reason in result.reason


@pytest.mark.parametrize(("length", "is_cut"), [(9, False), (10, False), (11, True), (1_000, True)])
def test_the_limit_cuts_and_says_so(length: int, is_cut: bool) -> None:
    context = DecodeContext(topic=topic_name("orders"), part=Part.VALUE, chars_max=10)
    result = TextDecoder().decode("€".encode() * length, context)
    assert isinstance(result, Decoded)
    assert result.is_cut is is_cut
    assert result.text.raw == "€" * min(length, 10)
