"""What time is it for the broker, and how does it wait for a moment?

Everything that expires goes by this clock: sessions, transactions, waiting fetches, retention, compaction. What guards
the process and its connections (idle clients, slow readers, slices of the loop) goes by the machine's own time.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will happen, unless cancelled."""

    def cancel(self) -> None:
        """Let it not happen."""
        ...


class Clock(Protocol):
    """Both of the broker's clocks. Used in the broker's thread alone."""

    def now_ms(self) -> int:
        """Return the monotonic clock: for every timer."""
        ...

    def wall_ms(self) -> int:
        """Return the wall clock: for timestamps and ages."""
        ...

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back once the monotonic clock says `when_ms`; soon, if it does already."""
        ...

    async def sleep(self, duration_ms: int) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Return the monotonic clock."""
        return int(time.monotonic() * 1000)

    def wall_ms(self) -> int:
        """Return the wall clock."""
        return int(time.time() * 1000)

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back at a time of the monotonic clock."""
        return asyncio.get_running_loop().call_at(when_ms / 1000, callback)

    async def sleep(self, duration_ms: int) -> None:
        """Wait."""
        await asyncio.sleep(duration_ms / 1000)


class _ManualTimer:
    """A callback that waits for a manual clock."""

    def __init__(self, clock: "ManualClock", when_ms: int, callback: Callable[[], None]) -> None:
        self._clock = clock
        self.when_ms = when_ms
        self.callback = callback

    def cancel(self) -> None:
        """Let it not happen."""
        self._clock.timers.pop(self, None)


class ManualClock:
    """Clocks that stand still until a test advances them (`InProcessBroker.advance`)."""

    def __init__(self, *, wall_ms: int | None = None) -> None:
        """Begin at a wall time; None: at the present one."""
        self._now_ms = int(time.monotonic() * 1000)
        self._wall_ms = int(time.time() * 1000) if wall_ms is None else wall_ms
        self.timers: dict[_ManualTimer, None] = {}
        self._sleepers = 0
        self._fell_asleep: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        """Return the monotonic clock."""
        return self._now_ms

    def wall_ms(self) -> int:
        """Return the wall clock."""
        return self._wall_ms

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back once the clock was advanced so far."""
        if when_ms <= self._now_ms:
            return asyncio.get_running_loop().call_soon(callback)
        timer = _ManualTimer(self, when_ms, callback)
        self.timers[timer] = None
        return timer

    async def sleep(self, duration_ms: int) -> None:
        """Wait until the clock was advanced by so much."""
        woken = asyncio.Event()
        timer = self.call_at(self._now_ms + duration_ms, woken.set)
        self._sleepers += 1
        self._fell_asleep()
        try:
            await woken.wait()
        finally:
            self._sleepers -= 1
            timer.cancel()

    async def advance(self, duration_ms: int) -> None:
        """Let time pass at once, in the broker's loop; return when all jobs that this woke sleep again.

        A job that is due many times over runs once, as after a suspended laptop.
        """
        if duration_ms < 0:
            raise ValueError("A clock is advanced by 0 ms or more.")
        self._now_ms += duration_ms
        self._wall_ms += duration_ms
        sleepers = self._sleepers
        is_asleep = asyncio.Event()
        self._fell_asleep = lambda: is_asleep.set() if self._sleepers >= sleepers else None
        due = sorted((timer for timer in self.timers if timer.when_ms <= self._now_ms), key=lambda timer: timer.when_ms)
        for timer in due:
            timer.cancel()
            timer.callback()
        # Two turns: the woken jobs run, and the dispatcher's round; then the round that this one may have asked for.
        for _ in range(2):
            await asyncio.sleep(0)
        if self._sleepers < sleepers:
            await is_asleep.wait()
        self._fell_asleep = lambda: None
