"""Bytes as digits."""

from kcon.core.ids import topic_name
from kcon.plugin_api.decoding import DecodeContext, Decoded, Part
from kcon_plugins.hex_decoder import HexDecoder


def decoded(payload: bytes, chars_max: int = 10_000) -> Decoded:
    context = DecodeContext(topic=topic_name("t"), part=Part.KEY, wants_pretty=True, chars_max=chars_max)
    result = HexDecoder().decode(payload, context)
    assert isinstance(result, Decoded)
    return result


def test_rows_show_offset_digits_and_readable_characters() -> None:
    found = decoded(bytes(range(0x2E, 0x2E + 17)))
    assert found.text.raw.startswith("2e 2f 30")
    assert found.pretty is not None
    assert found.pretty.raw.splitlines() == [
        "00000000  2e 2f 30 31 32 33 34 35  36 37 38 39 3a 3b 3c 3d  |./0123456789:;<=|",
        "00000010  3e                                                |>|",
    ]


def test_the_limit_holds_for_both_texts() -> None:
    found = decoded(b"\x00" * 100_000, chars_max=1_000)
    assert found.is_cut
    assert len(found.text.raw) <= 1_000
    assert found.pretty is not None
    assert len(found.pretty.raw) <= 1_000


def test_an_empty_payload_is_empty() -> None:
    found = decoded(b"")
    assert found.text.raw == ""
    assert not found.is_cut
