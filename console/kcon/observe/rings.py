"""How did a value move lately? Bounded series of many keys at shared moments, and the rates between them.

What is handed out is immutable, so a screen may keep it while the owner goes on pushing.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

UNKNOWN: Final = math.nan
"""What stands for a value that could not be read. It never takes part in a sum or a rate."""


@dataclass(frozen=True, slots=True)
class Series:
    """Values by time, the oldest first; NaN where a value is unknown."""

    times_ms: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last(self) -> float | None:
        """Return the newest value, or None when it is unknown."""
        return known(self.values[-1]) if self.values else None

    def then(self, later: "Series") -> "Series":
        """Return both; where they overlap, the values of the later one."""
        count = bisect_left(self.times_ms, later.times_ms[0]) if later.times_ms else len(self)
        return Series((*self.times_ms[:count], *later.times_ms), (*self.values[:count], *later.values))

    def change_per_s(self, window_ms: int, *, span_min_ms: int = 1) -> float | None:
        """Return the mean change a second over the last `window_ms`.

        None when the known values in it are less than `span_min_ms` apart.
        """
        first: tuple[int, float] | None = None
        last: tuple[int, float] | None = None
        for time_ms, value in zip(reversed(self.times_ms), reversed(self.values), strict=True):
            if self.times_ms[-1] - time_ms > window_ms:
                break
            if not math.isnan(value):
                last = last or (time_ms, value)
                first = (time_ms, value)
        if first is None or last is None or last[0] - first[0] < span_min_ms:
            return None
        return (last[1] - first[1]) / (last[0] - first[0]) * 1000


class Rings(Generic[Key]):
    """The last values of many keys. A key that is not pushed again is forgotten."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._times_ms: tuple[int, ...] = ()
        self._values: dict[Key, tuple[float, ...]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def push(self, time_ms: int, values: Mapping[Key, float | None]) -> None:
        """Add one moment. None is a value that could not be read."""
        self.push_each(time_ms, values, values.__getitem__)

    def push_each(self, time_ms: int, keys: Mapping[Key, object], value_of: Callable[[Key], float | None]) -> None:
        """Add one moment for `keys`, asking `value_of` for each."""
        keep = self._capacity - 1
        self._times_ms = (*self._times_ms[-keep:], time_ms) if keep else (time_ms,)
        old = self._values
        new: dict[Key, tuple[float, ...]] = {}
        for key in keys:
            value = value_of(key)
            number = UNKNOWN if value is None else float(value)
            before = old.get(key, ())
            new[key] = (*before[-keep:], number) if keep else (number,)
        self._values = new

    def values(self, key: Key) -> tuple[float, ...]:
        """Return the values of a key; () when it is not known."""
        return self._values.get(key, ())

    def series(self, key: Key) -> Series:
        """Return the values of a key with their times."""
        values = self.values(key)
        return Series(self._times_ms[len(self._times_ms) - len(values) :], values)


def known(value: float) -> float | None:
    """Return the value, or None for NaN."""
    return None if math.isnan(value) else value


def rate_per_s(before: int | None, now: int | None, elapsed_ms: int) -> float | None:
    """Return how fast a counter grew. None when an end is unknown; a counter that fell started anew: 0."""
    if before is None or now is None or elapsed_ms <= 0:
        return None
    return max(0, now - before) / elapsed_ms * 1000


ETA_WINDOW_MS: Final = 300_000
ETA_SPAN_MIN_MS: Final = 8_000
"""A tendency needs to be watched for so long before it is told."""


def lag_eta_ms(lags: Series) -> float | None:
    """Return when the lag of a series will be gone, by its tendency over the last minutes."""
    last = lags.last
    change = lags.change_per_s(ETA_WINDOW_MS, span_min_ms=ETA_SPAN_MIN_MS)
    return 0.0 if last == 0 else eta_ms(None if last is None else round(last), change)


def eta_ms(lag: int | None, change_per_s: float | None) -> float | None:
    """Return when a lag will be gone at its present speed; inf when it does not shrink, None when unknown."""
    if lag is None or change_per_s is None:
        return None
    if lag == 0:
        return 0.0
    return lag / -change_per_s * 1000 if change_per_s < 0 else math.inf
