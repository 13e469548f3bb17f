"""How are many samples of one series kept in few bytes? A chunk: times and values as differences, deflated.

    offset  width  what
    0       1      format, 1
    1       1      values a sample: 1 (raw) or 3 (minimum, maximum, last)
    2       2      samples, unsigned
    4       8      first time, ms
    12      ...    zlib of int64 columns, little endian: times, then each value column; every column as differences

Values are whole thousandths, because most of what is watched counts something; UNKNOWN_MILLI stands for a value that
could not be read. zlib's checksum tells a damaged chunk.
"""

import math
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

FORMAT: Final = 1
UNKNOWN_MILLI: Final = -(1 << 62)
MILLI_MAX: Final = (1 << 62) - 1
SAMPLES_MAX: Final = 65_535
_HEAD: Final = struct.Struct("<BBHq")
_LEVEL: Final = 1
_INFLATED_MAX: Final = SAMPLES_MAX * 8 * 4


class DamagedChunk(ValueError):
    """A chunk that cannot be read."""


class Chunk(NamedTuple):
    """Samples of one series. Columns are of the same length; values are in thousandths."""

    times_ms: Sequence[int]
    columns: tuple[Sequence[int], ...]
    """One column of values, or minimum, maximum and last of each interval."""


def to_milli(value: float | None) -> int:
    """Return a value in whole thousandths; None and NaN become UNKNOWN_MILLI, infinity the largest there is."""
    if value is None or math.isnan(value):
        return UNKNOWN_MILLI
    if math.isinf(value):
        return MILLI_MAX if value > 0 else -MILLI_MAX
    return max(-MILLI_MAX, min(MILLI_MAX, round(value * 1000)))


def from_milli(milli: int) -> float:
    """Return the value, NaN when it was unknown."""
    if milli == UNKNOWN_MILLI:
        return math.nan
    return math.inf if milli == MILLI_MAX else milli / 1000


def from_millis(column: Sequence[int]) -> list[float]:
    """Return the values of a column."""
    return [milli / 1000 if -MILLI_MAX < milli < MILLI_MAX else from_milli(milli) for milli in column]


def encode_chunk(chunk: Chunk) -> bytes:
    """Return the bytes of a chunk of 1 to SAMPLES_MAX samples, their times rising."""
    count = len(chunk.times_ms)
    if not 0 < count <= SAMPLES_MAX:
        raise ValueError(f"a chunk has 1 to {SAMPLES_MAX} samples, not {count}")
    data = b"".join(_differences(column) for column in (chunk.times_ms, *chunk.columns))
    return _HEAD.pack(FORMAT, len(chunk.columns), count, chunk.times_ms[0]) + zlib.compress(data, _LEVEL)


def decode_chunk(data: bytes) -> Chunk:
    """Return the samples of a chunk. DamagedChunk when the bytes are none."""
    if len(data) < _HEAD.size:
        raise DamagedChunk("shorter than its head")
    version, columns, count, first_ms = _HEAD.unpack_from(data)
    if version != FORMAT or columns not in {1, 3} or not count:
        raise DamagedChunk("an unknown format")
    size = count * 8
    inflater = zlib.decompressobj()
    try:
        flat = inflater.decompress(data[_HEAD.size :], _INFLATED_MAX)
    except zlib.error as error:
        raise DamagedChunk(str(error)) from error
    if len(flat) != size * (columns + 1) or not inflater.eof:
        raise DamagedChunk("not as long as its head says")
    times, *values = (_sums(flat[start : start + size]) for start in range(0, len(flat), size))
    if times[0] != first_ms:
        raise DamagedChunk("its times do not begin where its head says")
    return Chunk(times, tuple(values))


def downsample(chunk: Chunk, interval_ms: int) -> Chunk:
    """Return minimum, maximum and last of each interval; an interval of unknown values alone stays unknown.

    The time of an interval is that of its last sample.
    """
    times: list[int] = []
    lows: list[int] = []
    highs: list[int] = []
    lasts: list[int] = []
    low_of, high_of, last_of = (chunk.columns * 3)[:3] if len(chunk.columns) == 1 else chunk.columns
    slot = None
    for time_ms, low, high, last in zip(chunk.times_ms, low_of, high_of, last_of, strict=True):
        if time_ms // interval_ms != slot:
            slot = time_ms // interval_ms
            times.append(time_ms)
            lows.append(low)
            highs.append(high)
            lasts.append(last)
            continue
        times[-1] = time_ms
        if last == UNKNOWN_MILLI:
            continue
        is_first = lasts[-1] == UNKNOWN_MILLI
        lows[-1] = low if is_first else min(lows[-1], low)
        highs[-1] = high if is_first else max(highs[-1], high)
        lasts[-1] = last
    return Chunk(times, (lows, highs, lasts))


def _differences(column: Sequence[int]) -> bytes:
    before = 0
    out = array("q")
    for value in column:
        # Differences wrap around: two values may lie farther apart than 63 bits.
        out.append(((value - before + _HALF) & _MASK) - _HALF)
        before = value
    if sys.byteorder == "big":
        out.byteswap()
    return out.tobytes()


def _sums(data: bytes) -> "array[int]":
    column = array("q")
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return array("q", (((value + _HALF) & _MASK) - _HALF for value in accumulate(column)))


_MASK: Final = (1 << 64) - 1
_HALF: Final = 1 << 63
