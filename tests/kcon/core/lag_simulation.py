"""A day of a bursty topic and its reader, second by second, and what a look every 30 s says of the time lag."""

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from kcon.core.head_history import HeadHistory
from kcon.core.time_lag import LagQuality, Probe, TimeLag, needs_probe, time_lag

DAY_S = 86_400
POLL_S = 30


@dataclass(slots=True)
class Day:
    """What was written and read: offsets at the end of each second."""

    ends: list[int]
    commits: list[int]
    errors_ms: list[int] = field(default_factory=list)
    probed: int = 0
    unknown: int = 0
    wrong_bounds: int = 0
    extrapolated: int = 0
    """Answers by interpolation for a commit that does not lie between two looks."""

    def written_ms(self, offset: int) -> int:
        """Return when the record at an offset was really written."""
        return bisect_right(self.ends, offset) * 1_000

    def watch(self, *, since_s: int = 0) -> "Day":
        """Look every 30 s and note how wrong each answer is."""
        history = HeadHistory()
        for second in range(since_s, DAY_S, POLL_S):
            end, committed, now_ms = self.ends[second], self.commits[second], second * 1_000
            history.observe(end, now_ms)
            lag = self._ask(history, committed, end, now_ms)
            oldest = history.oldest_offset
            is_inside = oldest is not None and oldest <= committed < end
            self.extrapolated += lag.quality is LagQuality.INTERPOLATED and not is_inside
            true_ms = max(0, now_ms - self.written_ms(committed)) if committed < end else 0
            if lag.value_ms is None:
                self.unknown += 1
                continue
            error_ms = abs(lag.value_ms - true_ms)
            # A second is the grain of the simulation.
            self.wrong_bounds += error_ms > lag.error_ms + 1_000
            self.errors_ms.append(error_ms)
        return self

    def _ask(self, history: HeadHistory, committed: int, end: int, now_ms: int) -> TimeLag:
        lag = time_lag(committed=committed, start=0, end=end, history=history, now_ms=now_ms)
        if not needs_probe(lag, committed=committed, end=end):
            return lag
        self.probed += 1
        written_ms = self.written_ms(committed)
        probe = Probe(
            asked_offset=committed,
            base_offset=committed,
            last_offset=committed,
            base_timestamp_ms=written_ms,
            max_timestamp_ms=written_ms,
        )
        history.insert(committed, written_ms)
        return time_lag(committed=committed, start=0, end=end, history=history, now_ms=now_ms, probe=probe)

    def percentile_ms(self, share: float) -> int:
        """Return the error that so many of the answers stay within."""
        ordered = sorted(self.errors_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def make_day(seed: int, reads_per_s: Callable[[int], int], *, silence: range = range(0), behind_s: int = 0) -> Day:
    """Return a day: bursts of 30 to 300 s, pauses between them, and a reader that takes so many records a second."""
    random_ = random.Random(seed)
    ends, commits = [], []
    end = committed = rate = left_s = 0
    for second in range(DAY_S):
        if left_s == 0:
            left_s = random_.randrange(30, 300)
            rate = random_.choice((0, 0, 5, 50, 400))
        left_s -= 1
        end += 0 if second in silence else rate
        ends.append(end)
        if second >= behind_s:
            committed = min(end, committed + reads_per_s(second))
        commits.append(committed)
    return Day(ends, commits)
