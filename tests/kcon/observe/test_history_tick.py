"""A moment gives back all of its values or one of them, in parts and as older files hold it; damage is told apart."""

import random
import zlib
from array import array
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.observe.history_chunk import DamagedChunk
from kcon.observe.history_tick import (
    PART_VALUES,
    decode_ids,
    decode_value,
    decode_values,
    encode_ids,
    encode_values,
)


@pytest.mark.parametrize("count", [0, 1, PART_VALUES - 1, PART_VALUES, PART_VALUES + 1, 3 * PART_VALUES])
def test_each_value_is_found_by_itself(count: int) -> None:
    values = [number * 1_000 - 7 for number in range(count)]
    data = encode_values(values)
    assert list(decode_values(data)) == values
    assert [decode_value(data, place) for place in range(count)] == values
    with pytest.raises(IndexError):
        decode_value(data, count)


def test_a_moment_of_the_first_format_is_read() -> None:
    data = zlib.compress(array("q", [5, 6, 7]).tobytes(), 1)
    assert list(decode_values(data)) == [5, 6, 7]
    assert decode_value(data, 1) == 6


def test_a_layout_comes_back() -> None:
    assert list(decode_ids(encode_ids(array("i", [3, 1, 2])))) == [3, 1, 2]


def test_damage_is_told_apart() -> None:
    whole = encode_values(range(2_000))
    random_ = random.Random(3)
    for _ in range(300):
        broken = bytearray(whole)
        broken[random_.randrange(len(broken))] ^= 1 << random_.randrange(8)
        try:
            assert list(decode_values(bytes(broken))) == list(range(2_000)), "a flip that is not found changes nothing"
            assert decode_value(bytes(broken), 1_700) == 1_700
        except DamagedChunk:
            continue
    for length in range(0, len(whole), 7):
        with pytest.raises(DamagedChunk):
            decode_values(whole[:length])


@given(st.binary(max_size=60), st.integers(0, 2_000))
def test_no_bytes_crash_it(data: bytes, place: int) -> None:
    with suppress(DamagedChunk):
        decode_values(data)
    with suppress(DamagedChunk, IndexError):
        decode_value(data, place)
