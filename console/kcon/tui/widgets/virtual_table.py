"""How does a table of any length stay fast? It draws the lines that are visible, and only those that changed.

One widget over a `TableView`: a header line, rows, and a last line with sums and the position. `rows_rendered` counts
drawn rows, so that a test can prove what a key press costs.
"""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from kcon.tui.rows import GAP, Column, Filter, Rows, sort_letters
from kcon.tui.table_view import TableView
from kcon.tui.text import Part
from kcon.tui.widgets.painted import Painted
from kcon.tui.widgets.table_lines import header_line, last_line, row_line


class VirtualTable(Painted, can_focus=True):
    """A table over `Rows`. Set rows, filter and order; it posts which row is chosen or has the cursor."""

    DEFAULT_CSS = "VirtualTable { width: 1fr; height: 1fr; min-height: 3; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("home", "edge(-1)", show=False),
        Binding("end", "edge(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Chosen(Message):
        """A row was opened."""

        def __init__(self, table: "VirtualTable", key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "VirtualTable":
            """Return the table."""
            return self.table

    class CursorMoved(Message):
        """Another row has the cursor."""

        def __init__(self, table: "VirtualTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "VirtualTable":
            """Return the table."""
            return self.table

        def can_replace(self, message: Message) -> bool:
            """Only the last place matters."""
            return isinstance(message, VirtualTable.CursorMoved) and message.table is self.table

    class Arranged(Message):
        """A person sorted the table or chose its columns."""

        def __init__(self, table: "VirtualTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "VirtualTable":
            """Return the table."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        widget_id: str | None = None,
        empty: str = "nothing here",
        has_sums: bool = True,
        sort: tuple[str, bool] | None = None,
        note: str = "",
    ) -> None:
        super().__init__(widget_id=widget_id)
        self.view = TableView(columns, sort)
        self.rows_rendered = 0
        """Rows drawn so far."""
        self.empty = empty
        self.note = note
        """Stands at the end of the last line."""
        self.sticks_to_end = False
        """With new rows the cursor goes to the last one (a live tail)."""
        self._has_sums = has_sums

    # --- what it shows ---------------------------------------------------------------------------------------

    @property
    def columns(self) -> Sequence[Column]:
        """Return the columns that are shown."""
        return self.view.columns

    @property
    def rows(self) -> Rows:
        """Return all rows, filtered or not."""
        return self.view.rows

    @property
    def filter(self) -> Filter | None:
        """Return the filter."""
        return self.view.filter

    @property
    def sort(self) -> tuple[str, bool] | None:
        """Return column key and whether downwards."""
        return self.view.sort

    def set_rows(self, rows: Rows) -> None:
        """Show other rows. The cursor stays on its row, and the row on its line."""
        self.view.set_rows(rows, to_end=self.sticks_to_end)
        self.refresh()

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only the rows that match."""
        self.view.set_filter(wanted)
        self.refresh()

    def sort_by(self, key: str, *, down: bool) -> None:
        """Sort by a column, and keep the cursor on its row."""
        self.view.sort_by(key, down=down)
        self.refresh()
        self.post_message(self.Arranged(self))

    def choose_columns(self, keys: Sequence[str]) -> None:
        """Show these columns in this order."""
        self.view.choose_columns(keys)
        self.refresh()
        self.post_message(self.Arranged(self))

    def toggle_sort(self, letter: str) -> bool:
        """Sort by the column of a letter; the same one again turns the order round. False: no such letter."""
        column = sort_letters(self.columns).get(letter)
        if column is None:
            return False
        if self.sort is not None and self.sort[0] == column.key:
            self.sort_by(column.key, down=not self.sort[1])
        else:
            self.sort_by(column.key, down=column.right)
        return True

    @property
    def row_count(self) -> int:
        """Return how many rows the filter lets through."""
        return len(self.view.order)

    @property
    def cursor_key(self) -> Hashable | None:
        """Return what identifies the row with the cursor; None without rows."""
        return self.view.cursor_key

    @property
    def cursor_index(self) -> int | None:
        """Return the index of the cursor's row in `rows`."""
        return self.view.cursor_index

    @property
    def visible_keys(self) -> list[Hashable]:
        """Return the keys of the rows on the screen."""
        view = self.view
        return [view.rows.keys[index] for index in view.order[view.top : view.top + view.page]]

    def select(self, key: Hashable) -> bool:
        """Move the cursor to a row. False when it is not shown."""
        position = self.view.position_of(key)
        if position is None:
            return False
        self._go(position)
        return True

    def toggle_mark(self) -> None:
        """Mark the row with the cursor or take its mark away, and go on to the next one."""
        had = bool(self.view.marks)
        self.view.toggle_mark()
        if had == bool(self.view.marks):
            self._refresh_row(self.view.cursor)
        else:
            self.refresh()
        self._refresh_last_line()
        self.action_move(1)

    def toggle_marks(self) -> None:
        """Mark every row that is shown, or take all marks away."""
        self.view.toggle_marks()
        self.refresh()

    def clear_marks(self) -> bool:
        """Take all marks away. False: there were none."""
        if not self.view.marks:
            return False
        self.view.marks.clear()
        self.refresh()
        return True

    # --- keys and mouse --------------------------------------------------------------------------------------

    def action_move(self, delta: int) -> None:
        """Move the cursor by rows."""
        self._go(self.view.cursor + delta)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screens."""
        self._go(self.view.cursor + pages * max(1, self.view.page - 1))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first or the last row."""
        self._go(0 if side < 0 else len(self.view.order) - 1)

    def action_choose(self) -> None:
        """Open the row with the cursor."""
        key = self.cursor_key
        if key is not None:
            self.post_message(self.Chosen(self, key))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down with the wheel."""
        event.stop()
        self._go(self.view.cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up with the wheel."""
        event.stop()
        self._go(self.view.cursor - 3)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; open it at the second click. On the header: sort."""
        if event.y == 0:
            self._sort_at(event.x)
            return
        position = self.view.top + event.y - 1
        if position >= len(self.view.order) or event.y > self.view.page:
            return
        if event.chain > 1 and position == self.view.cursor:
            self.action_choose()
        else:
            self._go(position)

    def _sort_at(self, x: int) -> None:
        left = 0
        for column, width in self.view.columns_at(self.size.width):
            if left <= x < left + width + GAP and column.sort:
                down = not self.sort[1] if self.sort and self.sort[0] == column.key else column.right
                self.sort_by(column.key, down=down)
                return
            left += width + GAP

    def on_focus(self) -> None:
        """Show the cursor brightly."""
        self._refresh_row(self.view.cursor)

    def on_blur(self) -> None:
        """Show the cursor dimly."""
        self._refresh_row(self.view.cursor)

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self.view.set_page(max(0, self.size.height - 1 - self._has_sums))
        self.refresh()

    def _go(self, position: int) -> None:
        step = self.view.go(position)
        if step is None:
            return
        if step.scrolled:
            self.refresh()
        else:
            self._refresh_row(step.before)
            self._refresh_row(step.after)
            self._refresh_last_line()
        self.post_message(self.CursorMoved(self))

    def _refresh_row(self, position: int) -> None:
        y = position - self.view.top + 1
        if 1 <= y <= self.view.page:
            self.refresh(Region(0, y, self.size.width, 1))

    def _refresh_last_line(self) -> None:
        if self._has_sums:
            self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    # --- drawing ---------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw the header, a row, or the sums."""
        view, width = self.view, self.size.width
        if y == 0:
            return self.strip(header_line(view, width))
        if self._has_sums and y == self.size.height - 1:
            return self.strip(last_line(view, width, self.note))
        position = view.top + y - 1
        if position >= len(view.order):
            if not view.order and y == 1:
                text = f"no match for /{view.filter.typed}" if view.filter and len(view.rows) else self.empty
                return self.strip([Part(text, "dim")])
            return self.strip([])
        self.rows_rendered += 1
        is_cursor = position == view.cursor
        base = ("cursor" if self.has_focus else "cursor-blur") if is_cursor else "text"
        return self.strip(row_line(view, view.order[position], width, plain=is_cursor), base=base)
