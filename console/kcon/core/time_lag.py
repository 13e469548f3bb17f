"""How old is the oldest record that a group has not read yet? A number, how good it is, and how wrong it may be.

In order: at the end of the log it is 0; inside the table of end offsets it is interpolated; outside, or
where the table is coarse, a probe (one batch fetched at the commit) tells; else it is unknown. It is never
extrapolated.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from kcon.core.head_history import HeadHistory


class LagQuality(Enum):
    """How a time lag is known. The value is what the metric `kcon_lag_quality` shows."""

    EXACT = 0
    INTERPOLATED = 1
    LOWER_BOUND = 2
    UNKNOWN = 3

    @property
    def mark(self) -> str:
        """The character that stands beside the number."""
        return _MARKS[self.value]


_MARKS: Final = "=≈≥—"


SKEW_MS: Final = 60_000
"""A record's time may be off by so much: clocks of machines differ, and a record may be newer than the question."""
PROBE_ABOVE_MS: Final = 60_000
"""An interpolated time lag that may be off by more is worth a probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What fetching one batch at an offset told."""

    asked_offset: int
    base_offset: int
    """The first offset of the batch that came; above `asked_offset` when compaction took what was there."""
    last_offset: int
    base_timestamp_ms: int
    max_timestamp_ms: int

    @property
    def is_compacted(self) -> bool:
        """The asked offset is gone."""
        return self.base_offset > self.asked_offset

    @property
    def timestamp_ms(self) -> int:
        """The time of the asked record, on the line through its batch."""
        steps = self.last_offset - self.base_offset
        into = min(max(self.asked_offset - self.base_offset, 0), steps)
        width = max(0, self.max_timestamp_ms - self.base_timestamp_ms)
        return self.base_timestamp_ms + (width * into // steps if steps else 0)

    @property
    def error_ms(self) -> int:
        """How far the record's own time may be from `timestamp_ms`."""
        return max(0, self.max_timestamp_ms - self.base_timestamp_ms)


class TimeLag(NamedTuple):
    """A time lag with its quality; a tuple, as there are tens of thousands. `value_ms` is None only for UNKNOWN."""

    value_ms: int | None
    quality: LagQuality
    error_ms: int = 0
    """The true lag is at most so far away (not for a lower bound, which has no upper end)."""
    is_implausible: bool = False
    """The producer's timestamp lay in the future or before the log began, and was cut to what is possible."""


NO_LAG: Final = TimeLag(value_ms=0, quality=LagQuality.EXACT)
UNKNOWN_LAG: Final = TimeLag(value_ms=None, quality=LagQuality.UNKNOWN)


def time_lag(
    *,
    committed: int | None,
    start: int | None,
    end: int | None,
    history: HeadHistory | None,
    now_ms: int,
    probe: Probe | None = None,
    start_time_ms: int | None = None,
) -> TimeLag:
    """Return the time lag of one partition of one group.

    end: the high watermark, or the last stable offset for read_committed. probe: the latest one, of whatever offset.
    start_time_ms: the time of the first record there is, against which a producer's timestamp is checked.
    """
    if committed is None or committed < 0 or end is None:
        return UNKNOWN_LAG
    is_lost = start is not None and committed < start
    next_offset = start if is_lost and start is not None else committed
    if next_offset >= end:
        return TimeLag(value_ms=0, quality=LagQuality.LOWER_BOUND) if is_lost else NO_LAG
    written = history.written_at(next_offset) if history is not None else None
    if probe is not None and probe.asked_offset == next_offset and (not written or probe.error_ms < written.error_ms):
        return _of_probe(probe, now_ms, start_time_ms, is_lost=is_lost)
    if written is not None:
        quality = LagQuality.LOWER_BOUND if is_lost else LagQuality.INTERPOLATED
        return TimeLag(max(0, now_ms - written.time_ms), quality, written.error_ms)
    return UNKNOWN_LAG


def needs_probe(lag: TimeLag, *, committed: int | None, end: int | None) -> bool:
    """Whether fetching a batch at the commit could make a time lag known, or much better known."""
    if committed is None or committed < 0 or end is None:
        return False
    return lag.quality is LagQuality.UNKNOWN or (
        lag.quality is LagQuality.INTERPOLATED and lag.error_ms > PROBE_ABOVE_MS
    )


def _of_probe(probe: Probe, now_ms: int, start_time_ms: int | None, *, is_lost: bool) -> TimeLag:
    age_ms = now_ms - probe.timestamp_ms
    oldest_ms = now_ms - start_time_ms if start_time_ms is not None else age_ms
    cut_ms = max(0, min(age_ms, oldest_ms))
    quality = LagQuality.LOWER_BOUND if is_lost or probe.is_compacted else LagQuality.EXACT
    is_implausible = abs(cut_ms - age_ms) > SKEW_MS
    return TimeLag(value_ms=cut_ms, quality=quality, error_ms=probe.error_ms, is_implausible=is_implausible)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLagMax:
    """The largest known time lag of several partitions, with the count of those that are unknown."""

    worst: TimeLag
    unknown: int


def worst_time_lag(lags: "list[TimeLag]") -> TimeLagMax:
    """Return the largest over known lags. Without any it is unknown, never 0."""
    known = [lag for lag in lags if lag.value_ms is not None]
    worst = max(known, key=lambda lag: lag.value_ms or 0, default=UNKNOWN_LAG)
    return TimeLagMax(worst=worst, unknown=len(lags) - len(known))
