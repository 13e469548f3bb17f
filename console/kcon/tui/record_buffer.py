"""Which records does a view hold? The last ones, bounded in number and bytes; what had to go is counted.

The engine's thread adds, the screen's thread reads. Reading ahead is bounded too: the reader of the stream waits
while the view holds enough, so that looking at the start of a large topic does not run through all of it.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kcon.records.record import RECORD_OVERHEAD_BYTES, Record

RECORDS_MAX: Final = 10_000
BYTES_MAX: Final = 32 * 1024 * 1024
AHEAD: Final = 500
"""Records that are read beyond what was looked at."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the buffer holds at one moment."""

    records: Sequence[Record] = ()
    read: int = 0
    """Records that arrived so far."""
    dropped: int = 0
    """Of these, how many left the view because newer ones came."""
    size_bytes: int = 0


class RecordBuffer:
    """The records of one view."""

    def __init__(self, records_max: int = RECORDS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._records: deque[Record] = deque()
        self._size_bytes = 0
        self._read = 0
        self._dropped = 0
        self.is_paused = False
        self.wanted: int | None = None
        """Read no further than this many records; None: follow."""

    @property
    def is_full(self) -> bool:
        """The stream has to wait. Any thread."""
        return self.is_paused or (self.wanted is not None and self._read >= self.wanted)

    def add(self, records: Sequence[Record]) -> None:
        """Add records, the newest last; the oldest go when there are too many. Engine thread."""
        with self._lock:
            # Those that would not stay anyway are never taken in.
            for record in records[-self._records_max :]:
                self._records.append(record)
                self._size_bytes += record.size_bytes + RECORD_OVERHEAD_BYTES
            self._read += len(records)
            self._dropped += max(0, len(records) - self._records_max)
            while len(self._records) > self._records_max or (
                self._size_bytes > self._bytes_max and len(self._records) > 1
            ):
                oldest = self._records.popleft()
                self._size_bytes -= oldest.size_bytes + RECORD_OVERHEAD_BYTES
                self._dropped += 1

    def held(self) -> Held:
        """Return what is there now. Any thread."""
        with self._lock:
            return Held(tuple(self._records), self._read, self._dropped, self._size_bytes)

    def look_at(self, position: int, count: int) -> None:
        """Read on when the one who looks comes near the end of what was read."""
        if self.wanted is not None and count - position < AHEAD // 2:
            self.wanted = max(self.wanted, self._read + AHEAD)
