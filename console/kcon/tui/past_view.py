"""Which moment of the past is shown, and what was then? The state behind the time slider of one cluster.

Moments are read on a worker thread, one at a time; while one is read the latest wish waits and earlier ones are
forgotten, so that holding a key down scrubs as fast as the file can be read and never queues.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from kcon.core.snapshot import UNKNOWN_CONTROLLER, ClusterInfo
from kcon.observe.history_keys import Mark
from kcon.observe.past import Past
from kcon.observe.snapshot import BrokerColumns, ClusterSnapshot, GroupColumns, TopicColumns

DAY_MS: Final = 86_400_000
STEPS_MS: Final = (10_000, 60_000, 300_000, 1_800_000, 3_600_000, 21_600_000)
STEP: Final = 1
MARKS_MAX: Final = 5_000
"""Marks that the slider knows, the latest."""

Extra = Callable[[Past, int], Any]
"""Reads what a view wants beside the snapshot. Worker thread."""


class Moment(NamedTuple):
    """What was read for one moment."""

    asked_ms: int
    snapshot: ClusterSnapshot | None
    """None: nobody looked then."""
    extra: Any
    owner: object
    """The view that `extra` is for."""


def nothing_seen(at_ms: int) -> ClusterSnapshot:
    """Return the picture of a moment at which nobody looked."""
    return ClusterSnapshot(
        taken_ms=at_ms,
        duration_ms=0,
        cluster=ClusterInfo(cluster_id=None, controller_id=UNKNOWN_CONTROLLER, brokers=()),
        has_offsets=True,
        topics=TopicColumns(),
        groups=GroupColumns(),
        brokers=BrokerColumns(),
        brokers_seen=0,
    )


class PastView:
    """The slider of one cluster. The screen's thread, but for `read`."""

    def __init__(self, open_past: Callable[[], Past], now_ms: int, *, is_whole: bool = False) -> None:
        """is_whole: there is no present: the file is all there is."""
        self._open_past = open_past
        self._past: Past | None = None
        self._reading = threading.Lock()
        self.is_whole = is_whole
        self.is_on = False
        """The past is shown."""
        self.now_ms = now_ms
        """The end of the slider."""
        self.at_ms = now_ms
        """Where the slider stands."""
        self.span: tuple[int, int] | None = None
        """The first and the last time there is history of; None before the first reading."""
        self.marks: Sequence[Mark] = ()
        self._mark_times: list[int] = []
        self._read_span: tuple[int, int] | None = None
        self._read_marks: Sequence[Mark] = ()
        self.step = STEP
        self.shown: Moment | None = None

    @property
    def snapshot(self) -> ClusterSnapshot | None:
        """Return the picture of the moment that was read last: an empty one where nobody looked."""
        if self.shown is None:
            return None
        return self.shown.snapshot or nothing_seen(self.shown.asked_ms)

    @property
    def step_ms(self) -> int:
        """Return how far one step goes."""
        return STEPS_MS[self.step]

    # --- moving ----------------------------------------------------------------------------------------------

    def enter(self, now_ms: int) -> None:
        """Begin to show the past, from now on backwards."""
        if not self.is_on:
            self.is_on, self.shown, self._read_span = True, None, None
            self.now_ms = self.at_ms = now_ms

    def leave(self) -> None:
        """Show the present."""
        self.is_on, self.shown = False, None

    def move(self, at_ms: int) -> None:
        """Put the slider to a moment, within what there is."""
        first_ms = self.span[0] if self.span is not None else 0
        self.at_ms = min(max(at_ms, first_ms), self.now_ms)

    def move_steps(self, count: int) -> None:
        """Go so many steps on, or back."""
        self.move(self.at_ms + count * self.step_ms)

    def change_step(self, by: int) -> None:
        """Make longer (1) or shorter (-1) steps."""
        self.step = min(max(0, self.step + by), len(STEPS_MS) - 1)

    def move_to_mark(self, direction: int) -> bool:
        """Go to the next mark (1) or the one before (-1); return whether there is one."""
        times = self._mark_times
        place = bisect_right(times, self.at_ms) if direction > 0 else bisect_left(times, self.at_ms) - 1
        if not 0 <= place < len(times):
            return False
        self.move(times[place])
        return True

    def marks_until(self, at_ms: int, count: int) -> Sequence[Mark]:
        """Return the last marks at or before a moment, the latest first."""
        place = bisect_right(self._mark_times, at_ms)
        return list(reversed(self.marks[max(0, place - count) : place]))

    def window_ms(self) -> tuple[int, int]:
        """Return what the slider spans: a day, or all there is where that is less, or where it stands earlier."""
        first_ms = self.span[0] if self.span is not None else self.now_ms - DAY_MS
        since_ms = max(first_ms, self.now_ms - DAY_MS)
        if self.at_ms < since_ms:
            since_ms = first_ms
        return min(since_ms, self.now_ms - 1), self.now_ms

    # --- reading ---------------------------------------------------------------------------------------------

    def read(
        self, at_ms: int, extra: Extra | None, owner: object
    ) -> tuple[Moment, Sequence[Mark], tuple[int, int] | None]:
        """Read a moment. Worker thread, one call at a time. KconError when there is no history."""
        with self._reading:
            if self._past is None:
                self._past = self._open_past()
            past = self._past
            span, marks = self._read_span, self._read_marks
            if span is None:
                # Once while the past is shown: what happens meanwhile is behind the end of the slider.
                span = self._read_span = past.reader.span_ms()
                marks = self._read_marks = past.marks(0, self.now_ms + 1, limit=MARKS_MAX)
            snapshot = past.snapshot_at(at_ms)
            told = extra(past, snapshot.taken_ms) if extra is not None and snapshot is not None else None
        return Moment(at_ms, snapshot, told, owner), marks, span

    def take(self, moment: Moment, marks: Sequence[Mark], span: tuple[int, int] | None) -> None:
        """Show what was read, if the past is still wanted."""
        self.marks, self.span = marks, span
        if self.is_on:
            self.shown = moment
            self.move(self.at_ms)  # What was wished before the beginning was known.
        self._mark_times = [mark.at_ms for mark in marks]

    def close(self) -> None:
        """Close the file, unless it is just being read: then it goes with the process."""
        if self._reading.acquire(blocking=False):
            try:
                if self._past is not None:
                    self._past.close()
                    self._past = None
            finally:
                self._reading.release()
