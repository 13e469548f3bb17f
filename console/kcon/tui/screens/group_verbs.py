"""What can be done with a group that is shown? Open records, skip one, reset, take back, delete, say why it lags."""

import shlex
from collections.abc import Sequence

from textual import on

from kcon.core.ids import GroupId, TopicPartition
from kcon.core.lag import PartitionLag
from kcon.gate.undo import UndoRecord
from kcon.services.typed_lag import SHARE, STREAMS
from kcon.tui.address import Records
from kcon.tui.group_look import GroupLook
from kcon.tui.screens.reset import ResetScreen, skip_target
from kcon.tui.screens.tabbed import TabbedScreen
from kcon.tui.screens.undo import UndoPlanScreen
from kcon.tui.screens.why import WhyScreen
from kcon.tui.widgets.chart import Chart
from kcon.tui.widgets.virtual_table import VirtualTable

NOT_OF_SHARES = {
    "skip": "a share group acknowledges records one by one: it is not held up by one",
    "undo": "resets of share groups cannot be taken back",
    "why": "a share group commits no offsets that could be judged",
}


class GroupVerbs(TabbedScreen):
    """The verbs of the view of one group."""

    def __init__(self, group: GroupId) -> None:
        super().__init__()
        self.group = group
        self.group_look: GroupLook | None = None
        """The last one."""

    def undo_records(self) -> Sequence[UndoRecord]:
        """Return what can be taken back."""
        return self.group_look.undo if self.group_look is not None else ()

    @property
    def kind(self) -> str | None:
        """Return what kind of group it is; None before the first look."""
        return self.group_look.kind if self.group_look is not None else None

    @on(VirtualTable.Chosen, "#partitions")
    def _open_record(self, event: VirtualTable.Chosen) -> None:
        where = event.key
        if not isinstance(where, TopicPartition) or self.group_look is None:
            return
        row = next((row for row in self.group_look.report.rows if row.partition == where), None)
        start = str(row.committed) if row is not None and row.committed is not None else ""
        self.console.open(Records(where.topic, where.partition, start, group=self.group))

    @on(VirtualTable.Chosen, "#undo")
    def _open_undo(self, event: VirtualTable.Chosen) -> None:
        record = next((record for record in self.undo_records() if record.id == event.key), None)
        if record is not None:
            self.app.push_screen(UndoPlanScreen(record))

    def _row_at_cursor(self) -> PartitionLag | None:
        table = self.query_one("#partitions", VirtualTable) if self.is_ready else None
        if table is None or not table.display or self.group_look is None:
            return None
        return next((row for row in self.group_look.report.rows if row.partition == table.cursor_key), None)

    def why_not(self, action: str) -> str | None:
        """A record is skipped where there is a commit."""
        reason = super().why_not(action)
        if reason is None and self.kind == SHARE:
            reason = NOT_OF_SHARES.get(action)
        if reason is None and action == "skip":
            row = self._row_at_cursor()
            if row is None or row.committed is None:
                return "the cursor is not on a partition with a commit"
        return reason

    def do_skip(self) -> None:
        """Plan to let the group go on behind the record at its commit."""
        row = self._row_at_cursor()
        if row is not None and row.committed is not None:
            self.app.push_screen(ResetScreen(self.group, skip_target(row.partition, row.committed)))

    def do_why(self) -> None:
        """Tell why it lags."""
        self.app.push_screen(WhyScreen(self.group))

    def do_reset(self) -> None:
        """Plan a reset; of a share group by the command that knows how."""
        if self.kind == SHARE:
            self.type_command(f"share reset {shlex.quote(self.group.raw)} --to ")
            return
        self.app.push_screen(ResetScreen(self.group))

    def do_delete_groups(self) -> None:
        """Plan to delete the group."""
        noun = self.kind if self.kind in {SHARE, STREAMS} else "group"
        self.plan(str(noun), "delete", self.group.raw)

    def do_zoom_in(self) -> None:
        """Show a shorter time."""
        self.query_one(Chart).zoom(-1)

    def do_zoom_out(self) -> None:
        """Show a longer time."""
        self.query_one(Chart).zoom(1)

    @on(VirtualTable.Chosen, "#configs")
    def _change_config(self, event: VirtualTable.Chosen) -> None:
        self.type_command(f"group config {shlex.quote(self.group.raw)} --set {event.key}=")

    def do_undo(self) -> None:
        """Show what can be taken back."""
        self.to_tab(4)
