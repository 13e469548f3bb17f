"""Unsigned varints at the borders of their sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.wire.schema import WireError
from kcon_broker.wire.varint import encode_uvarint, read_uvarint, skip_tags


@given(st.integers(0, 2**31 - 1), st.binary(max_size=3))
def test_round_trip(value: int, before: bytes) -> None:
    """Any int32 that is not negative survives, at any place."""
    data = before + encode_uvarint(value)
    assert read_uvarint(data, len(before)) == (value, len(data))


@pytest.mark.parametrize(("value", "size"), [(0, 1), (127, 1), (128, 2), (16383, 2), (16384, 3), (2**31 - 1, 5)])
def test_sizes(value: int, size: int) -> None:
    """Seven bits a byte."""
    assert len(encode_uvarint(value)) == size


def test_overlong_forms_are_read_and_too_large_ones_refused() -> None:
    """Kafka reads up to five bytes, also where fewer would do."""
    assert read_uvarint(b"\x80\x80\x80\x80\x00", 0) == (0, 5)
    for data in (b"\x80\x80\x80\x80\x08", b"\xff\xff\xff\xff\xff\x01"):
        with pytest.raises(WireError):
            read_uvarint(data, 0)
    with pytest.raises(IndexError):
        read_uvarint(b"\x80", 0)


def test_skip_tags_ends_after_the_last_tag() -> None:
    """Ten thousand tags are skipped one by one, without keeping them."""
    section = encode_uvarint(10_000) + b"".join(encode_uvarint(tag) + b"\1x" for tag in range(10_000))
    assert skip_tags(memoryview(section + b"rest"), 0) == len(section)
    with pytest.raises(WireError):
        skip_tags(memoryview(b"\1\0\5abc"), 0)
