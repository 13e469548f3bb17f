"""What works when there is no cluster, only a recorded incident? An engine that shows the file and asks nobody."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from kcon.contexts.context import Context
from kcon.errors import KconError
from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.engine import AnyJob, Job, Receiver
from kcon.tui.events import SamplingFailed, SnapshotTaken

if TYPE_CHECKING:
    from kcon.observe.lag_engine import LagEngine

Result = TypeVar("Result")


class RecordedEngine:
    """The engine of a recorded incident. Every job fails with a sentence."""

    def __init__(self, context: Context, read_last: Callable[[], ClusterSnapshot | None]) -> None:
        """read_last: returns the last picture of the recording."""
        self.context = context
        self.interval_ms = 30_000
        self.is_paused = True
        self._read_last = read_last

    def start(self, receiver: Receiver) -> None:
        """Post the last picture."""
        try:
            snapshot = self._read_last()
        except KconError as error:
            receiver.post_message(SamplingFailed(error.message, error.hint))
            return
        if snapshot is None:
            receiver.post_message(SamplingFailed("Nobody looked at the cluster in this incident.", ""))
        else:
            receiver.post_message(SnapshotTaken(snapshot))

    def stop(self) -> None:
        """Nothing runs."""

    def submit(self, job: Job[Result]) -> Job[Result]:
        """Fail: there is nobody to ask."""
        job.fail(KconError("This is a recorded incident; there is no cluster to ask."))
        return job

    def cancel(self, job: AnyJob) -> None:
        """Want no callback."""
        job.drop()

    def refresh(self) -> None:
        """Nothing is newer."""

    def lag_engine(self) -> "LagEngine | None":
        """Return nothing: it was never sampled here."""
        return None

    def set_interval(self, interval_ms: int) -> None:
        """Nothing is looked at."""

    def set_paused(self, paused: bool) -> None:
        """It always is."""
