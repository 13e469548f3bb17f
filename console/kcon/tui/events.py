"""What happened? The messages that reach the screens; each is a fact with its values, and none asks for anything."""

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from kcon.observe.snapshot import ClusterSnapshot
    from kcon.tui.desk import Desk
    from kcon.tui.engine import AnyJob


class SnapshotTaken(Message):
    """The cluster was looked at. A newer one replaces one that was not handled yet."""

    def __init__(self, snapshot: "ClusterSnapshot") -> None:
        super().__init__()
        self.snapshot = snapshot
        self.desk: Desk | None = None
        """Whose it is; the desk fills it in."""

    def can_replace(self, message: Message) -> bool:
        """Only the newest of a cluster counts."""
        return isinstance(message, SnapshotTaken) and message.desk is self.desk


class SamplingFailed(Message):
    """The cluster could not be looked at; the last picture stays, and grows old."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__()
        self.reason = reason
        self.hint = hint
        self.desk: Desk | None = None

    def can_replace(self, message: Message) -> bool:
        """Only the newest of a cluster counts."""
        return isinstance(message, SamplingFailed) and message.desk is self.desk


class JobEnded(Message, bubble=False):
    """A job that the receiver submitted has its result or its error."""

    def __init__(self, job: "AnyJob") -> None:
        super().__init__()
        self.job = job
        self.desk: Desk | None = None
        """Whose job it was; None: a view's own."""


class RecordsArrived(Message, bubble=False):
    """The buffer of a record view has changed."""

    def can_replace(self, message: Message) -> bool:
        """One look at the buffer serves all."""
        return isinstance(message, RecordsArrived)
