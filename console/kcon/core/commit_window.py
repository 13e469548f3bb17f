"""What did the last looks at one commit show? A bounded ring of (time, committed, end), one a distinct moment.

Burrow reads every commit as it is written; kcon asks from time to time and so sees where a commit stands, not how
often it was written. A point of the ring is therefore a look, and a commit's time is when it was first seen there.
"""

from array import array
from typing import Final

INTERVALS: Final = 10
MIN_DISTANCE_MS: Final = 1_000
_FIELDS: Final = 3


class CommitWindow:
    """The last looks at one partition of one group. One owner; not thread-safe."""

    __slots__ = ("_points", "longest_pause_ms", "moved_ms", "watched_since_ms")

    def __init__(self) -> None:
        self._points: array[int] = array("q")
        """time_ms, committed, end; again and again, the oldest first."""
        self.watched_since_ms: int | None = None
        """The first look ever, also when the ring has dropped it."""
        self.moved_ms: int | None = None
        """When the commit was last seen at a new place; None when it never moved while watched."""
        self.longest_pause_ms = 0
        """The longest time between two moves: how patient one must be with who commits rarely."""

    def __len__(self) -> int:
        return len(self._points) // _FIELDS

    def add(self, now_ms: int, committed: int, end: int, *, intervals: int = INTERVALS) -> None:
        """Take in one look. One at the end of the log makes those before it meaningless, and they go.

        It takes the place of one that followed closer than MIN_DISTANCE_MS."""
        points = self._points
        if self.watched_since_ms is None:
            self.watched_since_ms = now_ms
        if points:
            if now_ms < points[-_FIELDS]:
                return
            if committed != points[-2]:
                if self.moved_ms is not None:
                    self.longest_pause_ms = max(self.longest_pause_ms, now_ms - self.moved_ms)
                self.moved_ms = now_ms
            if committed >= end:
                if committed >= points[-2]:  # What went back stays visible.
                    del points[:]
            elif len(self) > 1 and points[-_FIELDS] - points[-2 * _FIELDS] < MIN_DISTANCE_MS:
                del points[-_FIELDS:]
        points.extend((now_ms, committed, end))
        excess = len(points) - intervals * _FIELDS
        if excess > 0:
            del points[:excess]

    @property
    def times_ms(self) -> "array[int]":
        """When the looks were."""
        return self._points[0::_FIELDS]

    @property
    def committed(self) -> "array[int]":
        """The commit at each look."""
        return self._points[1::_FIELDS]

    @property
    def ends(self) -> "array[int]":
        """The log's end at each look."""
        return self._points[2::_FIELDS]

    @property
    def last_committed(self) -> int:
        """The commit at the last look; there must be one."""
        return self._points[-2]

    @property
    def last_end(self) -> int:
        """The log's end at the last look; there must be one."""
        return self._points[-1]

    @property
    def has_waited(self) -> bool:
        """Two looks found records waiting: one alone may fall between a restart's last and first poll."""
        points = self._points
        return len(points) > _FIELDS and points[-1] > points[-2] and points[-1 - _FIELDS] > points[-2 - _FIELDS]

    def still_ms(self, now_ms: int) -> int:
        """Return for how long the commit has not moved, as far as it was watched."""
        since = self.moved_ms if self.moved_ms is not None else self.watched_since_ms
        return now_ms - since if since is not None else 0

    def is_complete(self, intervals: int = INTERVALS) -> bool:
        """There are enough looks to judge by."""
        return len(self) >= intervals
