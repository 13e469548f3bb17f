"""Which groups consume, and which of them are behind? The list of groups."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import GroupId
from kcon.core.wire_text import WireText
from kcon.tui.address import Group
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.topics import TREND_WIDTH, draw_trend
from kcon.tui.text import plural, show_eta, show_rate
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable


def state_role(value: object) -> str:
    """Return the role of a group's state; the word itself says it too."""
    if value == "Stable":
        return "ok"
    return "dim" if value in {"Empty", "Dead", ""} else "warn"


COLUMNS = (
    Column(key="group", title="GROUP", flex=True, search=True),
    Column(key="state", title="STATE", search=True, role=state_role, drop=2),
    Column(key="members", title="MEMBERS", right=True, drop=4),
    Column(key="topics", title="TOPICS", right=True, drop=7),
    Column(key="lag", title="LAG", right=True, sums=True, counts_unknown=True),
    Column(key="unknown", title="UNKNOWN", right=True, drop=8, role=lambda value: "warn" if value else "text"),
    Column(
        key="trend", title="TREND", width=TREND_WIDTH, draw=draw_trend, drop=5, role=lambda _value: "out", sort=False
    ),
    Column(key="out", title="OUT/s", right=True, width=8, show=show_rate, drop=3, sums=True),
    Column(key="eta", title="ETA", right=True, width=7, show=show_eta, drop=1),
    Column(key="time", title="TIME LAG", right=True, drop=9, sort=False),
    Column(key="kind", title="KIND", drop=10),
    Column(key="coordinator", title="COORD", right=True, drop=11),
)


class GroupsScreen(KconScreen):
    """All groups, the one that is farthest behind first."""

    TITLE_WORD = "GROUPS"
    ACTIONS = ("open", "filter", "sort", "yank", "undo")
    COPIES = "oc"

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(COLUMNS, empty="no groups", sort=("lag", True))

    def facts(self) -> Sequence[Fact]:
        """Count them."""
        snapshot = self.console.snapshot
        return () if snapshot is None else (Fact(plural(len(snapshot.groups), "group"), 2),)

    def cli_command(self) -> str:
        """Return the command that gives this view."""
        return "kcon group list"

    def copy_text(self, letter: str) -> str | None:
        """Copy the id under the cursor."""
        key = self.table.cursor_key if self.table else None
        if letter == "o":
            return key.raw if isinstance(key, WireText) else None
        return super().copy_text(letter)

    def snapshot_changed(self) -> None:
        """Show the groups of the snapshot."""
        snapshot = self.console.snapshot
        if snapshot is None or not snapshot.has_offsets:
            return
        groups = snapshot.groups
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=groups.group,
                values={
                    "group": groups.group,
                    "state": groups.state,
                    "members": groups.members,
                    "topics": groups.topics,
                    "lag": groups.lag,
                    "unknown": groups.unknown,
                    "trend": groups.trend,
                    "out": groups.out_per_s,
                    "eta": groups.eta_ms,
                    "time": (None,) * len(groups),
                    "kind": groups.kind,
                    "coordinator": groups.coordinator_id,
                },
            )
        )

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, WireText):
            self.console.open(Group(GroupId(event.key)))

    def do_undo(self) -> None:
        """Show what can be taken back."""
        from kcon.tui.screens.undo import UndoScreen

        self.app.push_screen(UndoScreen(None))
