"""How are many samples of one series kept in few bytes? A chunk: times and values as differences, deflated.

    offset  width  what
    0       1      format, 2
    1       1      values a sample: 1 (raw) or 3 (minimum, maximum, last)
    2       2      samples, unsigned
    4       8      first time, ms
    12      ...    zlib of: for each value column, 1 byte, the power of ten that all of its values were divided by;
                   the columns: times, then each value column

A column is its differences, zigzag, as unsigned 64 bits, all lowest bytes first, then all second ones, and so on: the
high ones are nearly all 0. Minimum and maximum are kept by their distance from the last value.

Values are whole thousandths, because most of what is watched counts something; UNKNOWN_MILLI stands for a value that
could not be read. zlib's checksum tells a damaged chunk.
"""

import math
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

FORMAT: Final = 2
UNKNOWN_MILLI: Final = -(1 << 62)
MILLI_MAX: Final = (1 << 62) - 1
SAMPLES_MAX: Final = 65_535
_WHOLE_MAX: Final = MILLI_MAX // 1000
SCALE_MAX: Final = 3
"""Whole numbers are thousands of thousandths."""
_HEAD: Final = struct.Struct("<BBHq")
_LEVEL: Final = 6
_INFLATED_MAX: Final = SAMPLES_MAX * 8 * 4 + 3


class DamagedChunk(ValueError):
    """A chunk that cannot be read."""


class Chunk(NamedTuple):
    """Samples of one series. Columns are of the same length; values are in thousandths."""

    times_ms: Sequence[int]
    columns: tuple[Sequence[int], ...]
    """One column of values, or minimum, maximum and last of each interval."""


def to_milli(value: float | int | None) -> int:
    """Return a value in whole thousandths; None and NaN become UNKNOWN_MILLI, infinity the largest there is."""
    if isinstance(value, int) and -_WHOLE_MAX < value < _WHOLE_MAX:
        return value * 1000
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
    columns = chunk.columns if len(chunk.columns) == 1 else _distances(*chunk.columns)
    scales = [_scale_of(column) for column in columns]
    scaled = [_divided(column, 10**scale) for column, scale in zip(columns, scales, strict=True)]
    data = bytes(scales) + b"".join(_packed(column) for column in (chunk.times_ms, *scaled))
    return _HEAD.pack(FORMAT, len(columns), count, chunk.times_ms[0]) + zlib.compress(data, _LEVEL)


def decode_chunk(data: bytes) -> Chunk:
    """Return the samples of a chunk. DamagedChunk when the bytes are none."""
    times, scales, packed = _opened(data)
    try:
        values = [
            _multiplied(_unpacked(column), 10**scale) if scale else _unpacked(column)
            for column, scale in zip(packed, scales, strict=True)
        ]
        return Chunk(times, (values[0],) if len(values) == 1 else _from_distances(*values))
    except OverflowError as error:
        raise DamagedChunk("a value that no chunk holds") from error


def decode_last(data: bytes) -> Chunk:
    """Return the samples with their last values alone, which is what is drawn."""
    times, scales, packed = _opened(data)
    try:
        values = _unpacked(packed[-1])
        return Chunk(times, (_multiplied(values, 10 ** scales[-1]) if scales[-1] else values,))
    except OverflowError as error:
        raise DamagedChunk("a value that no chunk holds") from error


def _opened(data: bytes) -> tuple["array[int]", bytes, list[bytes]]:
    """Return the times, and the scale and the packed bytes of each column of values."""
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
    if len(flat) != columns + size * (columns + 1) or not inflater.eof:
        raise DamagedChunk("not as long as its head says")
    scales = flat[:columns]
    if max(scales) > SCALE_MAX:
        raise DamagedChunk("an unknown scale")
    times = _unpacked(flat[columns : columns + size])
    if times[0] != first_ms:
        raise DamagedChunk("its times do not begin where its head says")
    return times, scales, [flat[start : start + size] for start in range(columns + size, len(flat), size)]


def _scale_of(column: Sequence[int]) -> int:
    """Return how often ten divides every known value, SCALE_MAX at most."""
    for scale in range(SCALE_MAX, 0, -1):
        power = 10**scale
        if all(value % power == 0 or value == UNKNOWN_MILLI for value in column):
            return scale
    return 0


def _divided(column: Sequence[int], power: int) -> Sequence[int]:
    if power == 1:
        return column
    return [value if value == UNKNOWN_MILLI else value // power for value in column]


def _multiplied(column: Sequence[int], power: int) -> "array[int]":
    return array("q", (value if value == UNKNOWN_MILLI else value * power for value in column))


def _distances(
    lows: Sequence[int], highs: Sequence[int], lasts: Sequence[int]
) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Return minimum and maximum as distances from the last value; an unknown interval has none."""
    below = [last - low if last != UNKNOWN_MILLI else 0 for low, last in zip(lows, lasts, strict=True)]
    above = [high - last if last != UNKNOWN_MILLI else 0 for high, last in zip(highs, lasts, strict=True)]
    return below, above, lasts


def _from_distances(
    below: Sequence[int], above: Sequence[int], lasts: Sequence[int]
) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    lows = array(
        "q", (UNKNOWN_MILLI if last == UNKNOWN_MILLI else last - by for by, last in zip(below, lasts, strict=True))
    )
    highs = array(
        "q", (UNKNOWN_MILLI if last == UNKNOWN_MILLI else last + by for by, last in zip(above, lasts, strict=True))
    )
    return lows, highs, lasts


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


def _packed(column: Sequence[int]) -> bytes:
    differences = [after - before for before, after in pairwise((0, *column))]
    try:
        out = array("Q", [(each << 1) ^ (each >> 63) for each in differences])
    except OverflowError:
        # Differences wrap around: two values may lie farther apart than 63 bits.
        wrapped = [((each + _HALF) & _MASK) - _HALF for each in differences]
        out = array("Q", [((each << 1) ^ (each >> 63)) & _MASK for each in wrapped])
    if sys.byteorder == "big":
        out.byteswap()
    data = out.tobytes()
    return b"".join([data[plane::8] for plane in range(8)])


def _unpacked(data: bytes) -> "array[int]":
    count = len(data) // 8
    woven = bytearray(len(data))
    for plane in range(8):
        woven[plane::8] = data[plane * count : (plane + 1) * count]
    zigzag = array("Q")
    zigzag.frombytes(bytes(woven))
    if sys.byteorder == "big":
        zigzag.byteswap()
    differences = [(value >> 1) ^ -(value & 1) for value in zigzag]
    try:
        return array("q", accumulate(differences))
    except OverflowError:  # They wrapped around.
        return array("q", [((value + _HALF) & _MASK) - _HALF for value in accumulate(differences)])


_MASK: Final = (1 << 64) - 1
_HALF: Final = 1 << 63
