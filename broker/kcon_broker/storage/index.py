"""Near which byte of a segment is this offset, or this time?

Kafka's sparse indexes, one entry each `index_interval_bytes` of log, kept in arrays and written to the files when the
segment is sealed or the log closed. Losing them costs a walk of the segment, never a record.

    .index      relative offset u32, position u32: the batch at `position` is the one that holds the offset
    .timeindex  timestamp i64, relative offset u32: no earlier record of the segment is newer than the timestamp

An offset entry names the last offset of its batch, as Kafka's does.

A file is not looked through when it is loaded: of a full segment it has hundreds of thousands of entries. What an
offset entry says is believed only if the batch agrees (`log_reader`), what a time entry says only if its neighbours do.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

OFFSET_ENTRY_BYTES = 8
TIME_ENTRY_BYTES = 12


class OffsetIndex:
    """Relative offset -> position."""

    __slots__ = ("positions", "relative_offsets")

    def __init__(self) -> None:
        self.relative_offsets = array("I")
        self.positions = array("I")

    def __len__(self) -> int:
        return len(self.positions)

    def add(self, relative_offset: int, position: int) -> None:
        """Add an entry above all others."""
        self.relative_offsets.append(relative_offset)
        self.positions.append(position)

    def entry_at_offset(self, relative_offset: int) -> tuple[int, int]:
        """Return (position, last relative offset) of an indexed batch that holds the offset or comes before it.

        Without one it is (0, -1): the first batch, whose last offset is not known.
        """
        return self._entry(bisect_right(self.relative_offsets, relative_offset) - 1)

    def entry_at_position(self, position: int) -> tuple[int, int]:
        """Return (position, last relative offset) of the last indexed batch that begins at or before a position."""
        return self._entry(bisect_right(self.positions, position) - 1)

    def _entry(self, index: int) -> tuple[int, int]:
        return (self.positions[index], self.relative_offsets[index]) if index >= 0 else (0, -1)

    def cut(self, count: int) -> None:
        """Keep the first `count` entries."""
        del self.relative_offsets[count:]
        del self.positions[count:]

    def encode(self) -> bytes:
        """Return the content of the .index file."""
        both = array("I", bytes(8 * len(self.positions)))
        both[0::2] = self.relative_offsets
        both[1::2] = self.positions
        if sys.byteorder == "little":
            both.byteswap()
        return both.tobytes()


def decode_offset_index(content: bytes, *, segment_bytes: int) -> OffsetIndex | None:
    """Return the index of a file; None: it cannot belong to a segment of this size."""
    if len(content) % OFFSET_ENTRY_BYTES:
        return None
    both = array("I", content)
    if sys.byteorder == "little":
        both.byteswap()
    index = OffsetIndex()
    index.relative_offsets = both[0::2]
    index.positions = both[1::2]
    if not _is_rising(index.relative_offsets[-2:]) or not _is_rising(index.positions[-2:]):
        return None
    if index.positions and index.positions[-1] >= segment_bytes:
        return None
    return index


class TimeIndex:
    """Largest timestamp so far -> relative offset."""

    __slots__ = ("relative_offsets", "timestamps_ms")

    def __init__(self) -> None:
        self.timestamps_ms = array("q")
        self.relative_offsets = array("I")

    def __len__(self) -> int:
        return len(self.timestamps_ms)

    def add(self, timestamp_ms: int, relative_offset: int) -> None:
        """Add an entry, unless it says nothing new."""
        if not self.timestamps_ms or timestamp_ms > self.timestamps_ms[-1]:
            self.timestamps_ms.append(timestamp_ms)
            self.relative_offsets.append(relative_offset)

    def relative_offset_before(self, timestamp_ms: int) -> int:
        """Return a relative offset before which no record is as new as this."""
        index = bisect_left(self.timestamps_ms, timestamp_ms) - 1
        if index < 0:
            return 0
        near = slice(max(index - 1, 0), index + 2)
        # A damaged entry leads to the start, from where everything is found.
        is_sane = _is_rising(self.timestamps_ms[near]) and _is_rising(self.relative_offsets[near])
        return self.relative_offsets[index] if is_sane else 0

    def cut(self, count: int) -> None:
        """Keep the first `count` entries."""
        del self.timestamps_ms[count:]
        del self.relative_offsets[count:]

    def encode(self) -> bytes:
        """Return the content of the .timeindex file."""
        times, offsets = self.timestamps_ms[:], self.relative_offsets[:]
        if sys.byteorder == "little":
            times.byteswap()
            offsets.byteswap()
        halves = array("I", times.tobytes())
        entries = array("I", bytes(TIME_ENTRY_BYTES * len(times)))
        entries[0::3], entries[1::3], entries[2::3] = halves[0::2], halves[1::2], offsets
        return entries.tobytes()


def decode_time_index(content: bytes) -> TimeIndex | None:
    """Return the time index of a file; None: it cannot be one."""
    if len(content) % TIME_ENTRY_BYTES:
        return None
    entries = array("I", content)
    halves = array("I", bytes(8 * (len(entries) // 3)))
    halves[0::2], halves[1::2] = entries[0::3], entries[1::3]
    index = TimeIndex()
    index.timestamps_ms, index.relative_offsets = array("q", halves.tobytes()), entries[2::3]
    if sys.byteorder == "little":
        index.timestamps_ms.byteswap()
        index.relative_offsets.byteswap()
    if not _is_rising(index.timestamps_ms[-2:]) or not _is_rising(index.relative_offsets[-2:]):
        return None
    return index


def _is_rising(values: Sequence[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(values))
