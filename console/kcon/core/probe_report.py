"""What do the round trips of a probe say together? Percentiles, and what was lost or came twice. No I/O."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """Times of one step in milliseconds; None: none was measured."""

    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class RoundTrip(NamedTuple):
    """One record's way. None: that step did not end in time."""

    partition: int
    produce_ms: float | None
    """Until the cluster acknowledged it."""
    round_trip_ms: float | None
    """From before it was sent until it was read."""
    commit_ms: float | None
    """Until the offset behind it was committed."""
    copies: int
    """How often it was read; 0 is lost."""
    is_timed: bool = True
    """The first one opens connections, and tells nothing about the cluster's pace."""


class ProbeReport(NamedTuple):
    """All round trips together."""

    sent: int
    not_acknowledged: int
    """Sent, and refused or not acknowledged in time."""
    received: int
    lost: int
    """Acknowledged, and not read in time."""
    duplicates: int
    """Copies beyond the first."""
    not_committed: int
    produce: Spread
    round_trip: Spread
    commit: Spread

    @property
    def is_well(self) -> bool:
        """Every record went all the way, once."""
        return not (self.not_acknowledged or self.lost or self.duplicates or self.not_committed)


def report(trips: Sequence[RoundTrip]) -> ProbeReport:
    """Sum up round trips."""
    timed = [trip for trip in trips if trip.is_timed] or list(trips)
    return ProbeReport(
        sent=len(trips),
        not_acknowledged=sum(trip.produce_ms is None for trip in trips),
        received=sum(trip.copies > 0 for trip in trips),
        lost=sum(trip.produce_ms is not None and trip.copies == 0 for trip in trips),
        duplicates=sum(max(0, trip.copies - 1) for trip in trips),
        not_committed=sum(trip.copies > 0 and trip.commit_ms is None for trip in trips),
        produce=spread([trip.produce_ms for trip in timed]),
        round_trip=spread([trip.round_trip_ms for trip in timed]),
        commit=spread([trip.commit_ms for trip in timed]),
    )


def spread(times_ms: Sequence[float | None]) -> Spread:
    """Return the spread of the known times, by nearest rank: with few of them the 99th percentile is the largest."""
    known = sorted(time_ms for time_ms in times_ms if time_ms is not None)
    if not known:
        return Spread(None, None, None)
    return Spread(_rank(known, 0.5), _rank(known, 0.99), known[-1])


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
