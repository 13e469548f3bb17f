"""How is one moment of many series kept until their chunks are written? One row: the values in a fixed order, deflated.

The order is a layout, a row of its own that many ticks share: the ids of their series, as int32, little endian.
Values are int64 thousandths as in `history_chunk`.
"""

import sys
import zlib
from array import array
from collections.abc import Iterable
from typing import Final

from kcon.observe.history_chunk import DamagedChunk

SERIES_MAX: Final = 1_000_000
_LEVEL: Final = 1


def encode_ids(ids: "array[int]") -> bytes:
    """Return the bytes of a layout."""
    return zlib.compress(_little(array("i", ids)), _LEVEL)


def decode_ids(data: bytes) -> "array[int]":
    """Return the ids of a layout. DamagedChunk when the bytes are none."""
    return _array("i", data)


def encode_values(milli: Iterable[int]) -> bytes:
    """Return the bytes of one moment."""
    return zlib.compress(_little(array("q", milli)), _LEVEL)


def decode_values(data: bytes) -> "array[int]":
    """Return the values of one moment. DamagedChunk when the bytes are none."""
    return _array("q", data)


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
