"""Which groups consume, and which of them are behind? The list of groups."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult

from kcon.core.ids import GroupId
from kcon.core.wire_text import WireText
from kcon.tui.address import Group
from kcon.tui.lag_text import known_time_lag, show_status, show_time_lag, status_role, time_lag_role
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.screens.topics import FAVOURITE, TREND_WIDTH, draw_trend
from kcon.tui.text import UNKNOWN, cut_middle, none_of, plural, show_eta, show_rate
from kcon.tui.widgets.status_line import Fact
from kcon.tui.widgets.virtual_table import VirtualTable


def state_role(value: object) -> str:
    """Return the role of a group's state; the word itself says it too."""
    if value == "Stable":
        return "ok"
    return "dim" if value in {"Empty", "Dead", ""} else "warn"


COLUMNS = (
    Column(key="group", title="GROUP", flex=True, flex_min=20, flex_wish=32, draw=cut_middle, search=True),
    Column(key="loved", title="", width=1, drop=1, sort=False, role=lambda _value: "key"),
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
    Column(key="time", title="TIME LAG", right=True, drop=6, show=show_time_lag, role=time_lag_role),
    Column(key="status", title="STATUS", show=show_status, role=status_role, drop=3, sort=False),
    Column(key="lost", title="LOST", right=True, hidden=True, role=lambda value: "bad" if value else "text"),
    Column(key="kind", title="KIND", drop=10),
    Column(key="coordinator", title="COORD", right=True, drop=11),
)


class GroupsScreen(KconScreen):
    """All groups, the one that is farthest behind first."""

    TITLE_WORD = "GROUPS"
    SHOWS_PAST = True
    ACTIONS = (
        "open",
        "why",
        "filter",
        "sort",
        "mark",
        "mark_all",
        "favourite",
        "yank",
        "undo",
        "reset",
        "delete_groups",
    )
    COPIES = "oc"

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(COLUMNS, empty=UNKNOWN, sort=("lag", True))

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
        self.query_one(VirtualTable).empty = none_of("groups", as_a_user=self.console.context.is_authenticated)
        groups = snapshot.groups
        loved = set(self.console.arrangements.favourites.get(self.console.context.name, {}).get("groups", ()))
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=groups.group,
                values={
                    "group": groups.group,
                    "loved": [FAVOURITE if name.raw in loved else "" for name in groups.group],
                    "state": groups.state,
                    "lost": groups.lost,
                    "members": groups.members,
                    "topics": groups.topics,
                    "lag": groups.lag,
                    "unknown": groups.unknown,
                    "trend": groups.trend,
                    "out": groups.out_per_s,
                    "eta": groups.eta_ms,
                    "time": [known_time_lag(lag) for lag in groups.time_lag],
                    "status": groups.status,
                    "kind": groups.kind,
                    "coordinator": groups.coordinator_id,
                },
            )
        )

    @on(VirtualTable.Chosen)
    def _open(self, event: VirtualTable.Chosen) -> None:
        if isinstance(event.key, WireText):
            self.console.open(Group(GroupId(event.key)))

    def _targets(self) -> list[GroupId]:
        keys = self.query_one(VirtualTable).view.targets()
        return [GroupId(key) for key in keys if isinstance(key, WireText)]

    def do_favourite(self) -> None:
        """Keep the group above the others, or not any more."""
        key = self.table.cursor_key if self.table else None
        if isinstance(key, WireText):
            is_one = self.console.arrangements.toggle_favourite(self.console.context.name, "groups", key.raw)
            self.say(f"{key} {'is a favourite' if is_one else 'is no favourite any more'}.")
            self.snapshot_changed()

    def do_why(self) -> None:
        """Tell why the group under the cursor lags."""
        from kcon.tui.screens.why import WhyScreen

        key = self.table.cursor_key if self.table else None
        if isinstance(key, WireText):
            self.app.push_screen(WhyScreen(GroupId(key)))

    def do_reset(self) -> None:
        """Plan a reset of the group under the cursor; of several, one after the other."""
        from kcon.tui.screens.reset import ResetScreen

        names = self._targets()
        if len(names) > 1:
            self.say("One group at a time; `group reset --all-groups` moves all of them.", bad=True)
        elif names:
            self.app.push_screen(ResetScreen(names[0]))

    def do_delete_groups(self) -> None:
        """Plan to delete the marked groups."""
        names = [name.raw for name in self._targets()]
        if names:
            self.plan("group", "delete", *names)

    def do_undo(self) -> None:
        """Show what can be taken back."""
        from kcon.tui.screens.undo import UndoScreen

        self.app.push_screen(UndoScreen(None))
