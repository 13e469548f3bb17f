"""What did the console ask, how long did it take, and which command asks the same? The latest first."""

from textual import on
from textual.app import ComposeResult

from kcon.tui.request_log import LogEntry
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column(key="when", title="LAST ASKED", drop=2),
    Column(key="what", title="WHAT", search=True, width_max=40),
    Column(key="count", title="TIMES", right=True, drop=3),
    Column(key="took", title="TOOK ms", right=True, drop=1),
    Column(
        key="state",
        title="RESULT",
        search=True,
        width_max=40,
        role=lambda value: "dim" if value in {"ok", "runs"} else "bad",
    ),
    Column(key="command", title="THE SAME ON THE COMMAND LINE", flex=True, flex_min=20, search=True),
)


class LogScreen(KconScreen):
    """The log of requests."""

    TITLE_WORD = "LOG"
    ACTIONS = ("run_again", "filter", "sort", "yank")
    COPIES = "c"

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(COLUMNS, has_sums=False, empty="nothing was asked yet")

    def mounted(self) -> None:
        """Show what there is, and what comes."""
        super().mounted()
        self.set_interval(1.0, self.snapshot_changed)

    def snapshot_changed(self) -> None:
        """Show the log."""
        entries = self.console.request_log.entries()
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=[(entry.name, entry.command) for entry in entries],
                values={
                    "when": [self.console.times.short(entry.began_ms) for entry in entries],
                    "what": [entry.name for entry in entries],
                    "count": [entry.count for entry in entries],
                    "took": [entry.took_ms for entry in entries],
                    "state": [_state(entry) for entry in entries],
                    "command": [entry.command for entry in entries],
                },
            )
        )

    def do_log(self) -> None:
        """The same key closes it."""
        self.leave()

    def cli_command(self) -> str:
        """Return the command of the row with the cursor."""
        key = self.query_one(VirtualTable).cursor_key if self.is_ready else None
        return str(key[1]) if isinstance(key, tuple) else "kcon ui"

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        self.do_run_again()

    def do_run_again(self) -> None:
        """Run the command of the row; a change shows its plan."""
        self.console.execute_line(self.cli_command())


def _state(entry: LogEntry) -> str:
    return entry.error or ("ok" if entry.took_ms is not None else "runs")
