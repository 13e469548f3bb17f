"""Who keeps the metadata of the cluster, and does everyone keep up? The KRaft quorum."""

from collections.abc import Sequence
from typing import Any

from kcon.core.broker_facts import Quorum, QuorumReplica
from kcon.services.session import Session
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.listing import ListingScreen
from kcon.tui.widgets.status_line import Fact


def role_role(value: object) -> str:
    """Return the role of a replica's part in the quorum."""
    return "ok" if value == "leader" else "text"


class QuorumScreen(ListingScreen):
    """Voters and observers."""

    TITLE_WORD = "QUORUM"
    ACTIONS = ("filter", "sort", "yank")
    EMPTY = "no quorum"
    HAS_SUMS = False
    COLUMNS = (
        Column(key="id", title="NODE", right=True, show=str),
        Column(key="part", title="PART", flex=True, role=role_role, search=True),
        Column(key="end", title="LOG END", right=True),
        Column(key="behind", title="BEHIND", right=True, role=lambda value: "warn" if value else "text"),
        Column(key="fetched", title="LAST HEARD", right=True, drop=1),
        Column(key="caught_up", title="CAUGHT UP", right=True, drop=2),
        Column(key="directory", title="DIRECTORY", drop=3),
    )

    async def read(self, session: Session) -> Quorum:
        """Ask the leader."""
        return await (await session.admin()).quorum()

    def facts(self) -> Sequence[Fact]:
        """Leader and epoch."""
        told: Quorum | None = self.told
        if told is None:
            return ()
        return (
            Fact(f"leader {told.leader_id} epoch {told.leader_epoch}", 1),
            Fact(f"high watermark {told.high_watermark:,}", 3),
        )

    def rows_of(self, told: Any) -> Rows:
        """Return voters first."""
        quorum: Quorum = told
        replicas: list[tuple[str, QuorumReplica]] = [
            *(("leader" if each.id == quorum.leader_id else "voter", each) for each in quorum.voters),
            *(("observer", each) for each in quorum.observers),
        ]
        end = max((each.log_end_offset for _part, each in replicas), default=0)
        times = self.console.times
        return Rows(
            keys=[(part, each.id) for part, each in replicas],
            values={
                "id": [each.id for _part, each in replicas],
                "part": [part for part, _each in replicas],
                "end": [each.log_end_offset for _part, each in replicas],
                "behind": [end - each.log_end_offset for _part, each in replicas],
                "fetched": [times.format(each.last_fetch_ms, milliseconds=False) for _part, each in replicas],
                "caught_up": [times.format(each.last_caught_up_ms, milliseconds=False) for _part, each in replicas],
                "directory": [each.directory_id for _part, each in replicas],
            },
        )

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon cluster quorum"
