"""At which offset does each key stand last? A table of fixed size, for the cleaner.

A key is known by 16 bytes of its BLAKE2b hash, as Kafka's SkimpyOffsetMap knows it by an MD5: two keys that share them
do not occur, by accident or on purpose. An entry takes 24 bytes, whatever the key, and the table never grows: when it
is full it says so, and the cleaner goes on with what it has.
"""

from array import array
from hashlib import blake2b
from struct import Struct as Packer
from typing import Final

ENTRY_BYTES: Final = 24
_FILL: Final = 0.75
"""The share of slots that is used: beyond it the search for a free one takes long."""
_HASH: Final = Packer("=QQ")


class KeyOffsets:
    """Key -> the largest offset it was put with."""

    __slots__ = ("_high", "_low", "_offsets", "_slots", "capacity", "count")

    def __init__(self, capacity: int) -> None:
        """Make an empty table for so many keys."""
        self.capacity = capacity
        self.count = 0
        self._slots = int(capacity / _FILL) + 1
        self._high = array("Q", (0,)) * self._slots
        self._low = array("Q", (0,)) * self._slots
        self._offsets = array("Q", (0,)) * self._slots
        """Offset + 1; 0 is a free slot."""

    def put(self, key: bytes, offset: int) -> bool:
        """Note that a key stands at an offset; False: it is a new key and there is no room."""
        high, low = _HASH.unpack(blake2b(key, digest_size=16).digest())
        slot = self._slot(high, low)
        if not self._offsets[slot]:
            if self.count >= self.capacity:
                return False
            self._high[slot], self._low[slot] = high, low
            self.count += 1
        if offset >= self._offsets[slot]:
            self._offsets[slot] = offset + 1
        return True

    def get(self, key: bytes) -> int:
        """Return the last offset of a key; -1: it is not in the table."""
        high, low = _HASH.unpack(blake2b(key, digest_size=16).digest())
        return self._offsets[self._slot(high, low)] - 1

    def _slot(self, high: int, low: int) -> int:
        """Return the slot that holds these 16 bytes, or the free one where they belong."""
        highs, lows, offsets, slots = self._high, self._low, self._offsets, self._slots
        slot = high % slots
        while offsets[slot] and (highs[slot] != high or lows[slot] != low):
            slot = slot + 1 if slot + 1 < slots else 0
        return slot


def capacity_for(bytes_max: int) -> int:
    """Return for how many keys a table of so many bytes has room."""
    return max(1, int(bytes_max // ENTRY_BYTES * _FILL))
