"""How does a view get work done? Jobs on the engine's thread, once or again and again; each call is written down."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from kcon.errors import KconError
from kcon.tui.engine import Job
from kcon.tui.events import JobEnded
from kcon.tui.screens.frame import FramedScreen

if TYPE_CHECKING:
    from kcon.services.session import Session

Result = TypeVar("Result")
POLL_S: Final = 0.25
"""How often a view looks whether it should ask again."""


class WorkingScreen(FramedScreen):
    """A view that asks the cluster through the engine."""

    def submit(
        self,
        name: str,
        work: "Callable[[Session], Awaitable[Result]]",
        on_done: Callable[[Result], None],
        on_failed: Callable[[KconError], None] | None = None,
    ) -> Job[Result] | None:
        """Run work on the engine; call back here. None without an engine."""
        engine = self.console.engine
        if engine is None:
            return None
        entry = self.console.request_log.began(name, self.cli_command(), self.console.now_ms())

        def done(result: Result) -> None:
            self.console.request_log.ended(entry, self.console.now_ms(), "")
            on_done(result)

        def failed(error: KconError) -> None:
            self.console.request_log.ended(entry, self.console.now_ms(), error.message)
            (on_failed or self.complain)(error)

        return engine.submit(Job(name, work, self, done, failed))

    def poll(
        self,
        name: str,
        work: "Callable[[Session], Awaitable[Result]]",
        on_done: Callable[[Result], None],
        on_failed: Callable[[KconError], None] | None = None,
    ) -> Callable[[], None]:
        """Run work now and then again as often as the engine looks, while this view is in front.

        Returns a function that asks at once.
        """
        running: list[Job[Result]] = []
        asked_ms = 0

        def done(result: Result) -> None:
            running.clear()
            on_done(result)

        def failed(error: KconError) -> None:
            running.clear()
            (on_failed or self.complain)(error)

        def ask() -> None:
            nonlocal asked_ms
            engine = self.console.engine
            if engine is None or running or not self.is_current or self.console.is_in_past:
                return
            now_ms = self.console.now_ms()
            if asked_ms and (engine.is_paused or now_ms - asked_ms < engine.interval_ms):
                return
            asked_ms = now_ms
            job = self.submit(name, work, done, failed)
            if job is not None:
                running.append(job)

        def ask_now() -> None:
            nonlocal asked_ms
            asked_ms = 0
            ask()

        self.set_interval(POLL_S, ask)
        ask()
        return ask_now

    def on_job_ended(self, event: JobEnded) -> None:
        """Call back with what a job brought."""
        event.stop()
        if self.is_ready:
            event.job.deliver()
