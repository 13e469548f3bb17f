"""How is one record of a table read in full? A pane beside or below the table, in several forms and pages."""

from collections.abc import Callable, Hashable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from kcon.records.record import Record
from kcon.tui.record_buffer import Held
from kcon.tui.record_detail import FORMS, detail_lines, page_count
from kcon.tui.rows import Filter, FilterKind
from kcon.tui.screens.record_columns import record_columns, record_key, record_rows
from kcon.tui.screens.record_verbs import RecordVerbs
from kcon.tui.text import Line
from kcon.tui.widgets.pager import Pager
from kcon.tui.widgets.virtual_table import VirtualTable


class RecordPane(RecordVerbs):
    """A view with a table of records and one of them in full. `held` is what the table shows."""

    COPIES = "kvhoac"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    DEFAULT_CSS = """
    RecordPane {
        #split { height: 1fr; layout: vertical; }
        &.-wide #split { layout: horizontal; }
        #detail { display: none; height: 1fr; width: 1fr; border-top: solid $primary; }
        &.-wide #detail { border-top: none; border-left: solid $primary; padding-left: 1; }
        &.detailed #detail { display: block; }
        #split VirtualTable { width: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.held = Held()
        self._form = FORMS[0]
        self._page = 0
        self._drawn: Hashable | None = None
        """The key of the record that is shown in full; None while something else stands there."""
        self._was_stuck = False
        """The table followed the newest record before one was opened."""

    def split(self, empty: str) -> ComposeResult:
        """Yield the table and the pane."""
        with Container(id="split"):
            yield VirtualTable(record_columns(self.texts, self.fields, many=self.is_many()), empty=empty)
            yield Pager(widget_id="detail")

    def is_many(self) -> bool:
        """Return whether records of several topics are shown."""
        return False

    def show_held(self, held: Held) -> None:
        """Show other records."""
        had_none, self.held = not self.held.records, held
        self.query_one(VirtualTable).set_rows(record_rows(held.records, len(self.fields)))
        record = self.record_at_cursor()
        if had_none or (self._drawn is not None and record is not None and record_key(record) != self._drawn):
            self.draw_detail()

    def shown_records(self) -> Sequence[Record]:
        """Return what the table holds."""
        return self.held.records

    def key_of(self, record: Record) -> Hashable:
        """Return what identifies a record."""
        return record_key(record)

    def redraw(self) -> None:
        """Draw the columns and the rows anew."""
        table = self.query_one(VirtualTable)
        table.view.declare(record_columns(self.texts, self.fields, many=self.is_many()))
        table.set_rows(record_rows(self.held.records, len(self.fields)))

    def make_filter(self, typed: str) -> Filter | None:
        """An expression speaks of the record itself: `=value.status == "late"`."""
        if not typed.startswith("=") or not typed[1:].strip():
            return super().make_filter(typed)
        from kcon.services.record_filter import compile_record_filter

        compiled = compile_record_filter(typed[1:], self.console.now_ms())

        def judge(value_of: Callable[[str], object]) -> bool:
            record = value_of("value")
            return isinstance(record, Record) and bool(compiled.keep([record]))

        return Filter(typed, FilterKind.EXPRESSION, False, None, judge)

    # --- one record ------------------------------------------------------------------------------------------

    @on(VirtualTable.CursorMoved)
    def _cursor_moved(self) -> None:
        self._page = 0
        self.draw_detail()

    def do_detail(self) -> None:
        """Show or hide the record in full."""
        self._read_still(not self.has_class("detailed"))
        self.toggle_class("detailed")
        self.draw_detail()
        self.query_one(VirtualTable).focus()

    def _read_still(self, still: bool) -> None:
        """Hold the cursor on the record that is read while others arrive, or let it go with them again."""
        table = self.query_one(VirtualTable)
        if still and not self.has_class("detailed"):
            self._was_stuck, table.sticks_to_end = table.sticks_to_end, False
        elif not still:
            table.sticks_to_end, self._was_stuck = table.sticks_to_end or self._was_stuck, False

    def draw_detail(self) -> None:
        """Draw the record under the cursor, if it is to be seen."""
        record, texts = self.record_at_cursor(), self.texts()
        if self.has_class("detailed") and texts is not None:
            width = self.query_one(Pager).size.width
            self._drawn = None if record is None else record_key(record)
            lines = [] if record is None else detail_lines(texts, record, self._form, self._page, width)
            self.query_one(Pager).show(lines)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines in the place of the detail."""
        self._read_still(True)
        self.add_class("detailed")
        self._drawn = None
        self.query_one(Pager).show(lines)

    def do_back(self) -> None:
        """Close the record first."""
        if self.has_class("detailed"):
            self.do_detail()
        else:
            super().do_back()

    def do_form(self) -> None:
        """Change between text, fields, hexadecimal and sizes."""
        self._form = FORMS[(FORMS.index(self._form) + 1) % len(FORMS)]
        self._read_still(True)
        self.add_class("detailed")
        self.draw_detail()
        self.say(f"Shown as {self._form}.")

    def do_page_next(self) -> None:
        """Turn to the next page of a large value."""
        record = self.record_at_cursor()
        if record is not None:
            self._page = min(self._page + 1, page_count(record) - 1)
            self.draw_detail()

    def do_page_previous(self) -> None:
        """Turn to the page before."""
        self._page = max(0, self._page - 1)
        self.draw_detail()

    def do_previous(self) -> None:
        """Go to the record before."""
        self.query_one(VirtualTable).action_move(-1)

    def do_next(self) -> None:
        """Go to the record after."""
        self.query_one(VirtualTable).action_move(1)
