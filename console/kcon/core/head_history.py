"""When was a record written, as far as looks at the log's end can tell? Change points of one partition's end offset.

Two arrays a partition, as there are tens of thousands of them:

    offsets   o0  o1  o1  o2 ...     the end offset, never falling
    times_ms  t0  t1  t2  t3 ...     when it was seen to be so, rising

An end that does not move keeps two points, the first and the last time it was seen, so that the silence of a
producer is not taken for slow writing. Above `points_max` the points go first whose loss moves the line between
their neighbours least, for their age; so a day fits, coarser where the producer was steady and where it is long ago.
"""

from array import array
from bisect import bisect_right
from typing import Final, NamedTuple

POINTS_MAX: Final = 256
THIN_TO: Final = 0.75
"""Thinning leaves this share of the points, so that its cost is spread over the ticks until it is due again."""
AGE_FLOOR_MS: Final = 60_000
"""Up to this age an error counts the same."""


class WrittenAt(NamedTuple):
    """When the record at an offset was written: somewhere in a segment of the table."""

    time_ms: int
    """The point on the line between the two looks that enclose it."""
    error_ms: int
    """The width of that segment: the true time is no farther away."""


class HeadHistory:
    """The end offset of one partition over time. One owner; not thread-safe."""

    __slots__ = ("_offsets", "_seen_ms", "_times_ms")

    def __init__(self) -> None:
        self._offsets: array[int] = array("q")
        self._times_ms: array[int] = array("q")
        self._seen_ms = 0
        """The last look, also when it found nothing new."""

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def oldest_offset(self) -> int | None:
        """The smallest offset the table can tell a time for; None before the first look."""
        return self._offsets[0] if self._offsets else None

    @property
    def newest_offset(self) -> int | None:
        """The end offset at the last look."""
        return self._offsets[-1] if self._offsets else None

    def observe(self, end_offset: int, now_ms: int, *, points_max: int = POINTS_MAX) -> None:
        """Take in one look. An end that fell (a topic made anew, a truncation) starts the table afresh."""
        offsets, times = self._offsets, self._times_ms
        if offsets:
            if now_ms <= self._seen_ms:
                return  # A clock that went back says nothing about when records came.
            last = offsets[-1]
            if end_offset == last:
                self._seen_ms = now_ms
                return
            if end_offset < last:
                del offsets[:], times[:]
            elif self._seen_ms > times[-1]:
                offsets.append(last)
                times.append(self._seen_ms)
        offsets.append(end_offset)
        times.append(now_ms)
        self._seen_ms = now_ms
        if len(offsets) > points_max:
            self._thin(max(2, int(points_max * THIN_TO)))

    def insert(self, offset: int, time_ms: int) -> None:
        """Add a record's own time, older than the table: what a probe found. Other times are left alone."""
        if self._offsets and offset < self._offsets[0] and time_ms < self._times_ms[0]:
            self._offsets.insert(0, offset)
            self._times_ms.insert(0, time_ms)

    def written_at(self, offset: int) -> WrittenAt | None:
        """Return when the record at `offset` was written; None outside the table: a guess is never made."""
        offsets = self._offsets
        if not offsets or not offsets[0] <= offset < offsets[-1]:
            return None
        after = bisect_right(offsets, offset)
        before = after - 1
        low, high = offsets[before], offsets[after]
        began, ended = self._times_ms[before], self._times_ms[after]
        # The record is one step of `high - low`: the middle of its step, as it may lie anywhere in it.
        return WrittenAt(began + int((offset - low + 0.5) * (ended - began) / (high - low)), ended - began)

    def end_at(self, time_ms: int) -> int | None:
        """Return the end offset as it was last seen at or before a time; None before the table."""
        index = bisect_right(self._times_ms, time_ms)
        return self._offsets[index - 1] if index else None

    def points(self) -> tuple[tuple[int, int], ...]:
        """Return (offset, time_ms) pairs, the oldest first, to be kept over a restart."""
        pairs = list(zip(self._offsets, self._times_ms, strict=True))
        if pairs and self._seen_ms > pairs[-1][1]:
            pairs.append((pairs[-1][0], self._seen_ms))
        return tuple(pairs)

    @classmethod
    def of(cls, points: tuple[tuple[int, int], ...], *, points_max: int = POINTS_MAX) -> "HeadHistory":
        """Return the table of kept points; those out of order are left out."""
        history = cls()
        for offset, time_ms in points:
            newest = history.newest_offset
            if newest is None or offset >= newest:
                history.observe(offset, time_ms, points_max=points_max)
        return history

    def thin_to(self, points_max: int) -> None:
        """Give up points, as when many more partitions share one budget."""
        if len(self._offsets) > points_max:
            self._thin(max(2, points_max))

    def _thin(self, keep: int) -> None:
        offsets, times = self._offsets, self._times_ms
        inner = range(1, len(offsets) - 1)
        errors = sorted((self._error_without(index), index) for index in inner)
        gone = {index for _error, index in errors[: len(offsets) - keep]}
        self._offsets = array("q", (value for index, value in enumerate(offsets) if index not in gone))
        self._times_ms = array("q", (value for index, value in enumerate(times) if index not in gone))

    def _error_without(self, index: int) -> float:
        """Return by how much the line between the neighbours of a point misses it, as a share of the point's age."""
        low, offset, high = self._offsets[index - 1], self._offsets[index], self._offsets[index + 1]
        began, time_ms, ended = self._times_ms[index - 1], self._times_ms[index], self._times_ms[index + 1]
        if high == low:
            return 0.0
        error_ms = abs(began + (offset - low) * (ended - began) / (high - low) - time_ms)
        return error_ms / (self._seen_ms - time_ms + AGE_FLOOR_MS)
