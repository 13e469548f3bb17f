"""A chunk gives back what went in, damaged bytes are told apart, and coarser samples keep the extremes."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.observe.history_chunk import (
    MILLI_MAX,
    UNKNOWN_MILLI,
    Chunk,
    DamagedChunk,
    decode_chunk,
    decode_last,
    downsample,
    encode_chunk,
    from_milli,
    to_milli,
)

MILLIS = st.one_of(st.integers(-MILLI_MAX, MILLI_MAX), st.just(UNKNOWN_MILLI))


@given(
    steps=st.lists(st.tuples(st.integers(1, 10**9), MILLIS, MILLIS, MILLIS), min_size=1, max_size=200),
    wide=st.booleans(),
)
def test_what_goes_in_comes_out(steps: list[tuple[int, int, int, int]], wide: bool) -> None:
    times, now = [], 1_700_000_000_000
    for step in steps:
        now += step[0]
        times.append(now)
    if wide:
        # As `downsample` makes them: minimum, maximum and a last value between, or nothing known.
        triples = [[UNKNOWN_MILLI] * 3 if UNKNOWN_MILLI in step else sorted(step[1:]) for step in steps]
        columns = tuple([triple[index] for triple in triples] for index in (0, 2, 1))
    else:
        columns = ([step[1] for step in steps],)
    chunk = decode_chunk(encode_chunk(Chunk(times, columns)))
    assert list(chunk.times_ms) == times
    assert tuple(list(column) for column in chunk.columns) == columns
    last = decode_last(encode_chunk(Chunk(times, columns)))
    assert (list(last.times_ms), list(last.columns[0])) == (times, list(columns[-1]))


@pytest.mark.parametrize(
    ("value", "back"),
    [(None, math.nan), (math.nan, math.nan), (0, 0.0), (1.2345, 1.234), (-7, -7.0), (math.inf, math.inf)],
)
def test_values_are_whole_thousandths(value: float | None, back: float) -> None:
    assert from_milli(to_milli(value)) == pytest.approx(back, nan_ok=True)


@pytest.mark.parametrize("count", [0, 65_536])
def test_a_chunk_has_a_size(count: int) -> None:
    with pytest.raises(ValueError, match="a chunk has 1 to"):
        encode_chunk(Chunk(range(count), (range(count),)))


def test_damaged_bytes_are_told_apart() -> None:
    whole = bytearray(encode_chunk(Chunk(range(60), (range(60),))))
    random_ = random.Random(7)
    for _ in range(300):
        broken = bytearray(whole)
        broken[random_.randrange(len(broken))] ^= 1 << random_.randrange(8)
        try:
            chunk = decode_chunk(bytes(broken))
        except DamagedChunk:
            continue
        assert chunk == decode_chunk(bytes(whole)), "a flip that is not found may not change a sample"
    for length in range(len(whole)):
        with pytest.raises(DamagedChunk):
            decode_chunk(bytes(whole[:length]))


def test_coarser_samples_keep_the_extremes_and_the_last() -> None:
    chunk = Chunk([0, 10, 20, 60, 70], ([5, 9, 1, UNKNOWN_MILLI, 4],))
    assert downsample(chunk, 60) == Chunk([20, 70], ([1, 4], [9, 4], [1, 4]))
    again = downsample(downsample(chunk, 60), 600)
    assert again == Chunk([70], ([1], [9], [4]))


def test_an_interval_that_is_all_unknown_stays_unknown() -> None:
    chunk = Chunk([0, 10], ([UNKNOWN_MILLI, UNKNOWN_MILLI],))
    assert downsample(chunk, 60).columns == ([UNKNOWN_MILLI],) * 3


def test_what_is_steady_takes_next_to_nothing() -> None:
    times = [1_700_000_000_000 + tick * 10_000 for tick in range(60)]
    assert len(encode_chunk(Chunk(times, ([123_456] * 60,)))) < 60


def test_whole_numbers_take_no_room_for_their_thousandths() -> None:
    random_ = random.Random(11)
    counts = [random_.randrange(200) for _ in range(120)]
    whole = encode_chunk(Chunk(range(120), ([count * 1_000 for count in counts],)))
    bare = encode_chunk(Chunk(range(120), (counts,)))
    assert len(whole) <= len(bare) + 2
    assert len(whole) < 120 * 1.8, "less than two bytes a sample of eight random bits"
