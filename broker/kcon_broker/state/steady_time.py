"""What time is it for whatever deletes by age, when the wall clock may jump?

Timers run on the monotonic clock. Ages of records, commits and producers are wall time, and a clock that is set ten
years ahead must not erase what is a minute old. So a jump of more than a day is believed only after the clock stood by
it for an hour: whoever set it wrongly has that long to see the warning. Smaller ones (a suspended laptop, summer time
in the wrong place) are followed at once: they are well below what retention is set to.
"""

from collections.abc import Callable

JUMP_MS = 24 * 3_600_000
"""The wall clock may differ by so much from what the monotonic clock says."""
HOLD_MS = 3_600_000
"""A larger jump is believed after so long."""


class SteadyTime:
    """The wall clock without its sudden jumps. Any owner; the times are arguments."""

    __slots__ = ("_base", "_held_since_ms", "_report")

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._base: tuple[int, int] | None = None
        """(monotonic, wall) at the last moment at which both agreed."""
        self._held_since_ms: int | None = None

    def at(self, now_ms: int, wall_ms: int) -> int:
        """Return the wall time to judge ages by, given both clocks."""
        if self._base is None:
            self._base = (now_ms, wall_ms)
        expected_ms = self._base[1] + now_ms - self._base[0]
        jump_ms = wall_ms - expected_ms
        if abs(jump_ms) > JUMP_MS:
            if self._held_since_ms is None:
                self._held_since_ms = now_ms
                self._report(
                    f"the clock jumped by {jump_ms / 3_600_000:+,.0f} hours: deletion by age goes by the old time for"
                    f" {HOLD_MS // 60_000} minutes, then by the new one"
                )
            if now_ms - self._held_since_ms < HOLD_MS:
                return expected_ms
        self._held_since_ms = None
        self._base = (now_ms, wall_ms)
        return wall_ms
