"""How does a view of one kind of thing behave? It asks again and again, keeps its rows, and says what went wrong when.

A listing says how to read and how a row looks. What the last reading could not tell stands above the table, with the
age of the rows that are still shown.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult

from kcon.errors import KconError
from kcon.services.session import Session
from kcon.tui.rows import Column, Rows
from kcon.tui.screens.base import KconScreen
from kcon.tui.text import Part, age
from kcon.tui.widgets.pager import wrap
from kcon.tui.widgets.painted import Lines
from kcon.tui.widgets.virtual_table import VirtualTable

NOTES_MAX = 3


class ListingScreen(KconScreen):
    """One table that is read by a job of its own."""

    COLUMNS: ClassVar[Sequence[Column]] = ()
    EMPTY: ClassVar[str] = "nothing here"
    SORT: ClassVar[tuple[str, bool] | None] = None
    HAS_SUMS: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.told: Any = None
        """What was read last."""
        self._told_ms: int | None = None
        self._error: KconError | None = None
        self._drew_past = False
        self._ask_now: Callable[[], None] = lambda: None

    @abstractmethod
    async def read(self, session: Session) -> Any:
        """Ask the cluster. Engine thread."""

    @abstractmethod
    def rows_of(self, told: Any) -> Rows:
        """Return the rows of what was read."""

    def notes_of(self, told: Any) -> Sequence[str]:
        """Return sentences about what was read."""
        return ()

    def body(self) -> ComposeResult:
        """Notes, and one table."""
        yield Lines(widget_id="notes")
        yield VirtualTable(self.COLUMNS, empty="reading ...", sort=self.SORT, has_sums=self.HAS_SUMS)

    def mounted(self) -> None:
        """Begin to ask."""
        super().mounted()
        self._ask_now = self.poll(f"read {self.TITLE_WORD.lower()}", self.read, self._read, self._not_read)

    def _read(self, told: Any) -> None:
        self.told, self._told_ms, self._error = told, self.console.now_ms(), None
        self.draw_rows()

    def _not_read(self, error: KconError) -> None:
        self._error = error
        self.draw_rows()

    def draw_rows(self) -> None:
        """Draw what was read last, and what went wrong since."""
        table = self.query_one(VirtualTable)
        if self.told is not None:
            table.empty = self.EMPTY
            table.set_rows(self.rows_of(self.told))
        elif self._error is not None:
            table.empty = "nothing could be read"
        self._draw_notes()
        self.draw_frame()

    def snapshot_changed(self) -> None:
        """Draw the past where that is shown, and the present again after it."""
        view = self.past_view
        if view is not None:
            moment = view.shown
            if moment is not None and moment.owner is self and moment.extra is not None:
                self._drew_past = True
                self.query_one(VirtualTable).set_rows(self.rows_of(moment.extra))
        elif self._drew_past:
            self._drew_past = False
            self.draw_rows()

    def _draw_notes(self) -> None:
        lines = []
        if self._error is not None:
            seen = ""
            if self._told_ms is not None:
                seen = f" Shown is what was known {age(self._told_ms, self.console.now_ms())} ago."
            lines.append([Part(f" ! {self._error.message}{seen} {self._error.hint}".rstrip(), "bad")])
        if self.told is not None:
            lines += [[Part(f" {note}", "warn")] for note in self.notes_of(self.told)[:NOTES_MAX]]
        width = max(1, self.size.width)
        self.query_one("#notes", Lines).set_lines([row for line in lines for row in wrap(line, width)][: NOTES_MAX + 2])

    def do_refresh(self) -> None:
        """Ask now."""
        self._ask_now()
        super().do_refresh()

    def copy_text(self, letter: str) -> str | None:
        """Copy what identifies the row with the cursor."""
        if letter != "o" or self.table is None or self.table.cursor_index is None:
            return super().copy_text(letter)
        return self.name_at(self.table.cursor_index)

    def name_at(self, index: int) -> str | None:
        """Return the name of a row, raw."""
        first = self.COLUMNS[0].key
        value = self.query_one(VirtualTable).rows.values[first][index]
        return getattr(value, "raw", None) or str(value)
