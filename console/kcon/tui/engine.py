"""Who asks the cluster? A thread with its own event loop; the screens submit jobs and get messages.

The thread samples the cluster and runs jobs. It never touches a widget: what it finds out is frozen and posted.
Nothing it does can end the screens: an error of a job is the job's, an error of the sampler is a message.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

from textual.message import Message

from kcon.contexts.context import Context
from kcon.core.wire_text import display_safe
from kcon.errors import KconError
from kcon.tui.events import JobEnded, SamplingFailed, SnapshotTaken
from kcon.tui.pacing import PacedSelector, paced_loop

if TYPE_CHECKING:
    from kcon.observe.lag_engine import LagEngine
    from kcon.observe.recording import Recording
    from kcon.observe.snapshot import ClusterSnapshot

    # The clients load on the engine's thread, after the first picture is on the screen.
    from kcon.observe.store import Store
    from kcon.services.session import Session

Result = TypeVar("Result")

INTERVALS_MS: Final = (500, 1_000, 2_000, 5_000, 10_000, 30_000)
INTERVAL_MS: Final = 2_000
IDLE_FACTOR: Final = 3
"""The pause after a look is at least this many times as long as the look took."""
SAMPLER_REQUEST_TIMEOUT_MS: Final = 3_000
"""A broker that is slower than this is missing from its rows, not from the screen."""
JOBS_MAX: Final = 64
STOP_TIMEOUT_S: Final = 3.0
SWITCH_INTERVAL_S: Final = 0.001
"""How long another thread may keep the interpreter while a key press waits."""


class Receiver(Protocol):
    """Whom a message is posted to; safe from any thread."""

    def post_message(self, message: Message) -> bool:
        """Take a message."""


class JobState(Enum):
    """Where a job is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


Work: TypeAlias = "Callable[[Session], Awaitable[Result]]"


class Job(Generic[Result]):
    """One piece of work on the engine's thread. Its callbacks run where its owner handles messages."""

    def __init__(
        self,
        name: str,
        work: "Work[Result]",
        owner: Receiver,
        on_done: Callable[[Result], None],
        on_failed: Callable[[KconError], None],
    ) -> None:
        self.name = name
        self.work = work
        self.state = JobState.RUNNING
        self.task: asyncio.Task[None] | None = None
        self._owner = owner
        self._on_done = on_done
        self._on_failed = on_failed
        self._result: list[Result] = []
        self._error: KconError | None = None
        self._cancelled = False

    async def run(self, session: "Session") -> None:
        """Do the work and post that it ended. Engine thread."""
        try:
            self._result.append(await self.work(session))
            self.state = JobState.DONE
        except asyncio.CancelledError:
            self.state = JobState.CANCELLED
            raise
        except KconError as error:
            self.fail(error)
            return
        except Exception as error:  # noqa: BLE001 - the border of the worker: the screens get a sentence.
            self.fail(broken(error))
            return
        self._owner.post_message(JobEnded(self))

    def fail(self, error: KconError) -> None:
        """End with an error."""
        self.state, self._error = JobState.FAILED, error
        self._owner.post_message(JobEnded(self))

    def deliver(self) -> None:
        """Call back with what came out, unless the job was dropped. Owner's thread."""
        if self._cancelled:
            return
        if self._error is not None:
            self._on_failed(self._error)
        elif self._result:
            self._on_done(self._result[0])

    def drop(self) -> None:
        """Want no callback any more."""
        self._cancelled = True


AnyJob: TypeAlias = Job[Any]


class Engine(Protocol):
    """What the screens know of it."""

    @property
    def context(self) -> Context:
        """The cluster it works with."""

    @property
    def interval_ms(self) -> int:
        """Between two looks at the cluster, at least."""

    @property
    def is_paused(self) -> bool:
        """It does not look at the cluster by itself."""

    def start(self, receiver: Receiver) -> None:
        """Begin. Snapshots and failures are posted to `receiver`."""

    def stop(self) -> None:
        """End every job and the thread."""

    def submit(self, job: Job[Result]) -> Job[Result]:
        """Run a job; several run at the same time."""

    def cancel(self, job: AnyJob) -> None:
        """End a job early; it will not call back."""

    def refresh(self) -> None:
        """Look at the cluster now."""

    def lag_engine(self) -> "LagEngine | None":
        """Return what the sampler remembers of groups; None before its first look. For jobs, on their thread alone."""

    def set_interval(self, interval_ms: int) -> None:
        """Look more or less often."""

    def set_paused(self, paused: bool) -> None:
        """Stop or go on looking."""


class ThreadEngine:
    """The engine of a real console."""

    def __init__(self, context: Context, open_session: "Callable[[], Session]") -> None:
        self.context = context
        self.interval_ms = INTERVAL_MS
        self.is_paused = False
        self._open_session = open_session
        self._receiver: Receiver | None = None
        self._selector = PacedSelector()
        self._loop = paced_loop(self._selector)
        self._thread = threading.Thread(target=self._run, name="kcon engine", daemon=True)
        self._wake = asyncio.Event()
        self._store: Store | None = None
        self._recording: Recording | None = None
        self._queue: asyncio.Queue[AnyJob | None] = asyncio.Queue(JOBS_MAX)

    def start(self, receiver: Receiver) -> None:
        """Begin."""
        self._receiver = receiver
        # A short interval hands the interpreter back to the screen soon after a key press.
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it is left behind if a client does not let go in time."""
        if self._thread.is_alive():
            self._call(self._put, None)
            self._thread.join(STOP_TIMEOUT_S)
        elif self._receiver is None:
            self._loop.close()

    def submit(self, job: Job[Result]) -> Job[Result]:
        """Run a job."""
        self._call(self._put, job)
        return job

    def cancel(self, job: AnyJob) -> None:
        """End a job early."""
        job.drop()
        self._call(self._cancel, job)

    def refresh(self) -> None:
        """Look now."""
        self._call(self._wake.set)

    def lag_engine(self) -> "LagEngine | None":
        """Return what the sampler remembers of groups. Engine thread."""
        return self._store.lag_engine if self._store is not None else None

    def set_interval(self, interval_ms: int) -> None:
        """Look more or less often."""
        self.interval_ms = interval_ms
        self.refresh()

    def set_paused(self, paused: bool) -> None:
        """Stop or go on looking."""
        self.is_paused = paused
        if not paused:
            self.refresh()

    # --- on the thread ---------------------------------------------------------------------------------------

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed: the console is ending.
            self._loop.call_soon_threadsafe(function, *arguments)

    def _put(self, job: AnyJob | None) -> None:
        try:
            self._queue.put_nowait(job)
        except asyncio.QueueFull:
            if job is not None:
                job.fail(KconError(f"More than {JOBS_MAX} jobs wait.", "Wait for some of them to end."))

    @staticmethod
    def _cancel(job: AnyJob) -> None:
        if job.task is not None:
            job.task.cancel()

    def _post(self, message: Message) -> None:
        if self._receiver is not None:
            self._receiver.post_message(message)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        async with self._open_session() as session, asyncio.TaskGroup() as tasks:
            sampling = tasks.create_task(self._sample_forever(session), name="sample the cluster")
            running: set[asyncio.Task[None]] = set()
            while (job := await self._queue.get()) is not None:
                job.task = tasks.create_task(job.run(session), name=job.name)
                running.add(job.task)
                job.task.add_done_callback(running.discard)
            for task in (sampling, *running):
                task.cancel()

    async def _sample_forever(self, session: "Session") -> None:
        from kcon.observe.store import Store
        from kcon.services.history import recording_of

        self._store = store = Store()
        looks = _Looks(self.context)
        try:
            self._recording = looks.recording = recording_of(session)
        except KconError as error:
            self._post(SamplingFailed(error.message, error.hint))  # Its settings are off; the looks go on.
        try:
            while True:
                # A wish that comes while a look is running is not lost: the next look follows at once.
                self._wake.clear()
                began, has_failed = self._loop.time(), False
                try:
                    await looks.look(store, self._show)
                except KconError as error:
                    has_failed = True
                    self._post(SamplingFailed(error.message, error.hint))
                except Exception as error:  # noqa: BLE001 - the border of the worker: the screens get a sentence.
                    self._post(SamplingFailed(broken(error).message, ""))
                # A look that waited in vain cost nothing: who comes back shall be seen soon.
                await self._rest(0.0 if has_failed else self._loop.time() - began, looks.count)
        finally:
            await looks.close()

    async def _rest(self, took_s: float, count: int) -> None:
        interval_s = self.interval_ms / 1000
        hurry_ms = self._recording.interval_ms if self._recording is not None else None
        if hurry_ms is not None:
            interval_s = min(interval_s, hurry_ms / 1000)
        if count == 1:
            interval_s = min(interval_s, 1.0)  # The second look brings the first rates.
        pause_s = max(interval_s - took_s, took_s * IDLE_FACTOR, 0.05)
        try:
            async with asyncio.timeout(None if self.is_paused else pause_s):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _show(self, snapshot: "ClusterSnapshot") -> None:
        self._post(SnapshotTaken(snapshot))
        if snapshot.has_offsets:
            self._selector.is_paced = True


class _Looks:
    """The sampler's own connection, so that a job never waits behind a look at the whole cluster."""

    def __init__(self, context: Context) -> None:
        self.count = 0
        self._context = context
        self._close: Callable[[], Awaitable[None]] | None = None
        self._sampler: Any = None
        self._admin: Any = None
        self.recording: Recording | None = None
        """Where what is seen goes as well."""

    async def look(self, store: Any, show: "Callable[[ClusterSnapshot], None]") -> None:
        """Take a sample and show it; at the first look, names come first."""
        if self._sampler is None:
            await self._connect()
        is_first = self.count == 0

        async def show_names(sample: Any) -> None:
            show(await store.add(sample))

        sample = await self._sampler.sample(show_names if is_first else None, store.lag_engine.wanted_probes())
        snapshot = await store.add(sample)
        show(snapshot)
        self.count += 1
        if self.recording is not None:
            await self.recording.take(sample, snapshot, self._admin)

    async def _connect(self) -> None:
        import time

        from kcon.admin.client import Admin
        from kcon.admin.settings import AdminSettings
        from kcon.observe.sampler import Sampler
        from kcon.services.session import enable_token_endpoints

        enable_token_endpoints(self._context)
        settings = AdminSettings.of(self._context)
        timeout_ms = min(settings.request_timeout_ms, SAMPLER_REQUEST_TIMEOUT_MS)
        admin = await Admin.connect(replace(settings, request_timeout_ms=timeout_ms))
        self._close, self._admin = admin.close, admin
        self._sampler = Sampler(admin, lambda: time.time_ns() // 1_000_000)

    async def close(self) -> None:
        """Close the connection."""
        if self.recording is not None:
            await self.recording.close()
        if self._close is not None:
            await self._close()


def broken(error: Exception) -> KconError:
    """Return the sentence for an error that should not have happened."""
    return KconError(f"Something is broken inside kcon: {display_safe(f'{type(error).__name__}: {error}')}.")
