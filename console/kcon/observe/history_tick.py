"""How is one moment of many series kept until their chunks are written? One row: the values in a fixed order, deflated.

The order is a layout, a row of its own that many ticks share: the ids of their series, as int32, little endian.
Values are int64 thousandths as in `history_chunk`, in parts that are deflated each by itself, so that one series can
be read out of very many:

    offset  width  what
    0       1      format, 2; what begins otherwise is of format 1, one part and nothing else
    1       4      how many parts, little endian
    5       4 * n  the bytes that each part takes
    ...            the parts, PART_VALUES values each but the last
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Final

from kcon.observe.history_chunk import DamagedChunk

SERIES_MAX: Final = 1_000_000
PART_VALUES: Final = 512
_LEVEL: Final = 1
_FORMAT: Final = 2
_HEAD: Final = struct.Struct("<BI")


def encode_ids(ids: "array[int]") -> bytes:
    """Return the bytes of a layout."""
    return zlib.compress(_little(array("i", ids)), _LEVEL)


def decode_ids(data: bytes) -> "array[int]":
    """Return the ids of a layout. DamagedChunk when the bytes are none."""
    return _array("i", data)


def encode_values(milli: Iterable[int]) -> bytes:
    """Return the bytes of one moment."""
    plain = _little(array("q", milli))
    size = PART_VALUES * 8
    parts = [zlib.compress(plain[start : start + size], _LEVEL) for start in range(0, len(plain), size)]
    return b"".join((_HEAD.pack(_FORMAT, len(parts)), struct.pack(f"<{len(parts)}I", *map(len, parts)), *parts))


def decode_values(data: bytes) -> "array[int]":
    """Return the values of one moment. DamagedChunk when the bytes are none."""
    if data[:1] != bytes((_FORMAT,)):
        return _array("q", data)
    values: array[int] = array("q")
    for start, end in _parts(data):
        values.extend(_array("q", data[start:end]))
        if len(values) > SERIES_MAX:
            raise DamagedChunk("more values than there are series")
    return values


def decode_value(data: bytes, place: int) -> int:
    """Return one of the values of a moment, without reading the others. DamagedChunk, or IndexError."""
    if data[:1] != bytes((_FORMAT,)):
        return _array("q", data)[place]
    start, end = _parts(data)[place // PART_VALUES]
    return _array("q", data[start:end])[place % PART_VALUES]


def _parts(data: bytes) -> list[tuple[int, int]]:
    """Return where each part begins and ends."""
    try:
        _, count = _HEAD.unpack_from(data)
        sizes = struct.unpack_from(f"<{min(count, SERIES_MAX)}I", data, _HEAD.size)
    except struct.error as error:
        raise DamagedChunk("shorter than its head") from error
    edges = list(accumulate(sizes, initial=_HEAD.size + 4 * count))
    if edges[-1] != len(data):
        raise DamagedChunk("not as long as its head says")
    return list(pairwise(edges))


def _little(values: "array[int]") -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _array(code: str, data: bytes) -> "array[int]":
    values: array[int] = array(code)
    inflater = zlib.decompressobj()
    try:
        values.frombytes(inflater.decompress(data, SERIES_MAX * 8))
    except (zlib.error, ValueError) as error:
        raise DamagedChunk(str(error)) from error
    if not inflater.eof:
        raise DamagedChunk("not as long as it says")
    if sys.byteorder == "big":
        values.byteswap()
    return values
