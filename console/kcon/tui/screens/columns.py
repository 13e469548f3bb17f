"""Which columns does a table show, and in which order? Chosen once, remembered for the view."""

from textual import on
from textual.app import ComposeResult

from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.widgets.virtual_table import VirtualTable

COLUMNS = (
    Column(key="shown", title="SHOWN", show=lambda value: "[x]" if value else "[ ]", sort=False),
    Column(key="title", title="COLUMN", flex=True, search=True, sort=False),
    Column(key="drop", title="GOES WHEN NARROW", right=True, sort=False, drop=1),
)


class ColumnsScreen(KconScreen):
    """The columns of the table below."""

    TITLE_WORD = "COLUMNS"
    ACTIONS = ("choose", "up", "down", "open")

    def __init__(self, table: VirtualTable) -> None:
        super().__init__()
        self._table = table
        view = table.view
        shown = [column.key for column in view.columns]
        self._order = [*shown, *(column.key for column in view.all_columns if column.key not in shown)]
        self._shown = set(shown)

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(COLUMNS, has_sums=False)

    def available(self) -> tuple[str, ...]:
        """Choose, move, leave."""
        return (*self.ACTIONS, "help", "back", "quit")

    def snapshot_changed(self) -> None:
        """Fill the table."""
        by_key = {column.key: column for column in self._table.view.all_columns}
        self.query_one(VirtualTable).set_rows(
            Rows(
                keys=list(self._order),
                values={
                    "shown": [key in self._shown for key in self._order],
                    "title": [by_key[key].title or key for key in self._order],
                    "drop": [f"{by_key[key].drop}" if by_key[key].drop else "stays" for key in self._order],
                },
            )
        )

    def do_choose(self) -> None:
        """Show or hide the column; one always stays."""
        key = str(self.query_one(VirtualTable).cursor_key)
        if self._shown == {key}:
            self.say("One column has to stay.", bad=True)
            return
        self._shown ^= {key}
        self._apply()

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        self.do_choose()

    def do_up(self) -> None:
        """Move the column to the left."""
        self._move(-1)

    def do_down(self) -> None:
        """Move the column to the right."""
        self._move(1)

    def _move(self, step: int) -> None:
        place = self.query_one(VirtualTable).cursor_index
        if place is not None and 0 <= place + step < len(self._order):
            order = self._order
            order[place], order[place + step] = order[place + step], order[place]
            self._apply()

    def _apply(self) -> None:
        self._table.choose_columns([key for key in self._order if key in self._shown])
        self.snapshot_changed()
