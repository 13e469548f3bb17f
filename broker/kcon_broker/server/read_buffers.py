"""Where do the bytes of a read or a request go, so that none of them is paid for twice?

A fresh buffer of a megabyte costs more than the copy into it. So buffers are kept and used again as soon as nobody
holds a view of them: the interpreter's own count of references tells, no one has to give anything back.
"""

import sys
from typing import Final

_SMALLEST_BYTES: Final = 64 * 1024
_KEPT_BYTES_MAX: Final = 16 * 1024 * 1024
_SEARCH_MAX: Final = 8
"""Buffers of a size that are looked at before a new one is made."""
_FREE_REFERENCES: Final = 2
"""The pool's list, and the argument of getrefcount."""


class BufferPool:
    """Buffers by size."""

    __slots__ = ("_kept_bytes", "_rings")

    def __init__(self) -> None:
        self._rings: dict[int, list[bytearray]] = {}
        """Size -> buffers, the one taken last at the end."""
        self._kept_bytes = 0

    def take(self, size: int) -> memoryview:
        """Return a buffer of any content; it is free again when the view and all slices of it are gone."""
        # Eight sizes from each power of two to the next: little is wasted, and few sizes come into being.
        step = max(_SMALLEST_BYTES, 1 << max(size.bit_length() - 4, 0))
        capacity = max(-(-size // step), 1) * step
        ring = self._rings.setdefault(capacity, [])
        # The one used last is the likeliest to be in the processor's cache.
        for index in range(len(ring) - 1, max(len(ring) - 1 - _SEARCH_MAX, -1), -1):
            if sys.getrefcount(ring[index]) == _FREE_REFERENCES:
                buffer = ring.pop(index)
                ring.append(buffer)
                return memoryview(buffer)[:size]
        buffer = bytearray(capacity)
        if self._kept_bytes + capacity <= _KEPT_BYTES_MAX:
            self._kept_bytes += capacity
            ring.append(buffer)
        return memoryview(buffer)[:size]
