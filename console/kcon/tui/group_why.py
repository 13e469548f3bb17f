"""Why does a group lag? The watch as a job: the engine's thread judges, the screen reads what is known so far."""

from kcon.core.ids import GroupId
from kcon.core.verdict import Verdict
from kcon.services.group_watch import why_group
from kcon.services.session import Session
from kcon.services.why_history import from_history


class GroupWatch:
    """One watch over one group. It is written on the engine's thread and read on the screen's; each value is frozen."""

    def __init__(self, group: GroupId) -> None:
        self.group = group
        self.verdict: Verdict | None = None
        """What is known so far; None before the first look."""
        self.is_done = False

    async def run(self, session: Session) -> None:
        """Watch for as long as it takes to judge. Engine thread."""
        self.verdict = await why_group(session, self.group.raw, history=from_history, on_look=self._looked)
        self.is_done = True

    def _looked(self, verdict: Verdict) -> None:
        self.verdict = verdict
