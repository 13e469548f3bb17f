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
        self.when_ms = when_ms
        self.loop = asyncio.get_running_loop()
        self._clock = clock
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def run_by_itself(self, delay_ms: int) -> None:
        """Let it happen also when nobody advances the clock."""
        self._handle = self.loop.call_later(delay_ms / 1000, self.happen)

    def happen(self) -> None:
        """It is time."""
        self.cancel()
        self._callback()

    def cancel(self) -> None:
        """Let it not happen."""
        self._clock.timers.pop(self, None)
        if self._handle is not None:
            self._handle.cancel()


class ManualClock:
    """Clocks that a test advances (`InProcessBroker.advance`), of one broker at a time.

    In between they run as the machine's do, because a client waits for what the broker does a moment later (an empty
    fetch, a rebalance); when frozen they stand still, and every such wait is for the test to end.
    """

    def __init__(self, *, wall_ms: int | None = None, is_frozen: bool = False) -> None:
        """Begin at a wall time; None: at the present one."""
        self._is_frozen = is_frozen
        self._began_ms = int(time.monotonic() * 1000)
        self._advanced_ms = 0
        self._wall_began_ms = int(time.time() * 1000) if wall_ms is None else wall_ms
        self.timers: dict[_ManualTimer, None] = {}
        self._working: set[asyncio.Task[object]] = set()
        """Jobs that the clock woke and that do not sleep again yet."""
        self._fell_asleep: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        """Return the monotonic clock."""
        return self._began_ms + self._passed_ms()

    def wall_ms(self) -> int:
        """Return the wall clock; it never jumps against the other."""
        return self._wall_began_ms + self._passed_ms()

    def _passed_ms(self) -> int:
        run_ms = 0 if self._is_frozen else int(time.monotonic() * 1000) - self._began_ms
        return self._advanced_ms + run_ms

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back once the clock says so."""
        delay_ms = when_ms - self.now_ms()
        if delay_ms <= 0:
            return asyncio.get_running_loop().call_soon(callback)
        timer = _ManualTimer(self, when_ms, callback)
        self.timers[timer] = None
        if not self._is_frozen:
            timer.run_by_itself(delay_ms)
        return timer

    async def sleep(self, duration_ms: int) -> None:
        """Wait until the clock says that so much has passed."""
        task = asyncio.current_task()
        assert task is not None
        self._working.discard(task)
        self._fell_asleep()
        woken = asyncio.Event()

        def wake() -> None:
            # Here and not in the task: a clock that wakes several must not take one for done before all have begun.
            self._working.add(task)
            woken.set()

        timer = self.call_at(self.now_ms() + duration_ms, wake)
        try:
            await woken.wait()
        except asyncio.CancelledError:
            timer.cancel()
            self._working.discard(task)
            raise

    async def advance(self, duration_ms: int) -> None:
        """Let time pass at once, in the broker's loop; return when all jobs that this woke sleep again.

        A job that is due many times over runs once, as after a suspended laptop.
        """
        if duration_ms < 0:
            raise ValueError("A clock is advanced by 0 ms or more.")
        self._advanced_ms += duration_ms
        now_ms, loop = self.now_ms(), asyncio.get_running_loop()
        # A broker that was stopped, or killed, may have left timers of its own loop behind.
        due = [timer for timer in self.timers if timer.loop is loop and timer.when_ms <= now_ms]
        for timer in sorted(due, key=lambda timer: timer.when_ms):
            timer.happen()
        # Two turns: the dispatcher's round, and the one that it may have asked for.
        for _ in range(2):
            await asyncio.sleep(0)
        one_slept = asyncio.Event()
        self._fell_asleep = one_slept.set
        while not all(task.done() for task in self._working):
            one_slept.clear()
            await one_slept.wait()
        self._fell_asleep = lambda: None
