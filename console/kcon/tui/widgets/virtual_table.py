"""How does a table of any length stay fast? It draws the lines that are visible, and only those that changed.

One widget: a header line, rows, and a last line with sums and the position. The cursor sticks to its row by the
row's key, and stays on its line of the screen while rows come and go. `rows_rendered` counts drawn rows, so that a
test can prove what a key press costs.
"""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from kcon.tui.rows import (
    GAP,
    Column,
    Filter,
    Rows,
    filtered,
    lay_out,
    natural_width,
    ordered,
    sort_letters,
    sum_text,
    unknown_count,
)
from kcon.tui.text import UNKNOWN, Line, Part, cells, fit, safe
from kcon.tui.widgets.painted import Painted


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
        self.columns = columns
        self.rows = Rows()
        self.rows_rendered = 0
        """Rows drawn so far."""
        self.filter: Filter | None = None
        self.sort = sort
        """Column key and whether downwards; None: the rows' own order."""
        self.empty = empty
        self.note = note
        """Stands at the end of the last line."""
        self.sticks_to_end = False
        """With new rows the cursor goes to the last one (a live tail)."""
        self._has_sums = has_sums
        self._order: list[int] = []
        self._cursor = 0
        self._top = 0
        self._value_widths: dict[str, int] = {column.key: natural_width(column, ()) for column in columns}
        self._natural: dict[str, int] = dict(self._value_widths)
        self._placed: list[tuple[Column, int]] | None = None
        self._sums: dict[str, str] = {}
        self._unknown = 0

    # --- what it shows ---------------------------------------------------------------------------------------

    def set_rows(self, rows: Rows) -> None:
        """Show other rows. The cursor stays on its row, and the row on its line."""
        key = self.cursor_key
        was_last = self._cursor >= len(self._order) - 1
        line = self._cursor - self._top
        last_order = self._keys_in_order() if self.sort is not None else None
        self.rows = rows
        self._value_widths = {
            column.key: natural_width(column, rows.values.get(column.key, ())) for column in self.columns
        }
        self._reorder(last_order)
        self._place_cursor(key, line, to_end=self.sticks_to_end and was_last)
        self.refresh()

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only the rows that match."""
        key = self.cursor_key
        self.filter = wanted
        self._reorder(None)
        self._place_cursor(key, self._cursor - self._top)
        self.refresh()

    def sort_by(self, key: str, *, down: bool) -> None:
        """Sort by a column, and keep the cursor on its row."""
        row_key = self.cursor_key
        self.sort = (key, down)
        self._reorder(self._keys_in_order())
        self._place_cursor(row_key, self._cursor - self._top)
        self.refresh()

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
        return len(self._order)

    @property
    def cursor_key(self) -> Hashable | None:
        """Return what identifies the row with the cursor; None without rows."""
        if not self._order:
            return None
        return self.rows.keys[self._order[min(self._cursor, len(self._order) - 1)]]

    @property
    def cursor_index(self) -> int | None:
        """Return the index of the cursor's row in `rows`."""
        return self._order[self._cursor] if self._order else None

    @property
    def visible_keys(self) -> list[Hashable]:
        """Return the keys of the rows on the screen."""
        return [self.rows.keys[index] for index in self._order[self._top : self._top + self._page]]

    def select(self, key: Hashable) -> bool:
        """Move the cursor to a row. False when it is not shown."""
        position = self._position_of(key)
        if position is None:
            return False
        self._go(position)
        return True

    # --- keys and mouse --------------------------------------------------------------------------------------

    def action_move(self, delta: int) -> None:
        """Move the cursor by rows."""
        self._go(self._cursor + delta)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screens."""
        self._go(self._cursor + pages * max(1, self._page - 1))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first or the last row."""
        self._go(0 if side < 0 else len(self._order) - 1)

    def action_choose(self) -> None:
        """Open the row with the cursor."""
        key = self.cursor_key
        if key is not None:
            self.post_message(self.Chosen(self, key))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down with the wheel."""
        event.stop()
        self._go(self._cursor + 3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up with the wheel."""
        event.stop()
        self._go(self._cursor - 3)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; open it at the second click. On the header: sort."""
        if event.y == 0:
            self._sort_at(event.x)
            return
        position = self._top + event.y - 1
        if position >= len(self._order) or event.y > self._page:
            return
        if event.chain > 1 and position == self._cursor:
            self.action_choose()
        else:
            self._go(position)

    def _sort_at(self, x: int) -> None:
        left = 0
        for column, width in self._columns_placed():
            if left <= x < left + width + GAP and column.sort:
                down = not self.sort[1] if self.sort and self.sort[0] == column.key else column.right
                self.sort_by(column.key, down=down)
                return
            left += width + GAP

    def on_focus(self) -> None:
        """Show the cursor brightly."""
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        """Show the cursor dimly."""
        self._refresh_row(self._cursor)

    def on_resize(self) -> None:
        """Lay the columns out anew."""
        self._placed = None
        self._place_cursor(self.cursor_key, self._cursor - self._top)
        self.refresh()

    # --- order and place -------------------------------------------------------------------------------------

    def _keys_in_order(self) -> list[Hashable]:
        return [self.rows.keys[index] for index in self._order]

    def _reorder(self, last_order: Sequence[Hashable] | None) -> None:
        indexes = filtered(self.rows, self.columns, self.filter)
        self._sum_up(indexes)
        if self.sort is None or self.sort[0] not in self.rows.values:
            self._order = indexes
            return
        if last_order is not None:
            place = {key: position for position, key in enumerate(last_order)}
            behind = len(place)
            keys = self.rows.keys
            indexes.sort(key=lambda index: place.get(keys[index], behind))
        key, down = self.sort
        self._order = ordered(indexes, self.rows.values[key], down=down)

    def _position_of(self, key: Hashable) -> int | None:
        if key is None:
            return None
        if self._cursor < len(self._order) and self.rows.keys[self._order[self._cursor]] == key:
            return self._cursor
        keys = self.rows.keys
        return next((position for position, index in enumerate(self._order) if keys[index] == key), None)

    def _place_cursor(self, key: Hashable | None, line: int, *, to_end: bool = False) -> None:
        """Put the cursor back on the row with `key`, and that row on the line it had."""
        last = max(0, len(self._order) - 1)
        position = last if to_end else self._position_of(key)
        self._cursor = min(self._cursor, last) if position is None else position
        page = max(1, self._page)
        line = page - 1 if to_end else min(max(0, line), page - 1)
        self._top = min(max(0, self._cursor - line), max(0, len(self._order) - page))

    @property
    def _page(self) -> int:
        """Rows that fit between the header and the last line."""
        return max(0, self.size.height - 1 - self._has_sums)

    def _go(self, position: int) -> None:
        position = min(max(0, position), max(0, len(self._order) - 1))
        if position == self._cursor:
            return
        before, top = self._cursor, self._top
        self._cursor = position
        page = max(1, self._page)
        if position < top:
            self._top = position
        elif position >= top + page:
            self._top = position - page + 1
        if self._top != top:
            self.refresh()
        else:
            self._refresh_row(before)
            self._refresh_row(position)
            if self._has_sums:
                self.refresh(Region(0, self.size.height - 1, self.size.width, 1))
        self.post_message(self.CursorMoved(self))

    def _refresh_row(self, position: int) -> None:
        y = position - self._top + 1
        if 1 <= y <= self._page:
            self.refresh(Region(0, y, self.size.width, 1))

    # --- drawing ---------------------------------------------------------------------------------------------

    def _columns_placed(self) -> list[tuple[Column, int]]:
        if self._placed is None:
            self._placed = lay_out(self.columns, self._natural, self.size.width)
        return self._placed

    def render_line(self, y: int) -> Strip:
        """Draw the header, a row, or the sums."""
        if y == 0:
            return self.strip(self._header())
        if self._has_sums and y == self.size.height - 1:
            return self.strip(self._last_line())
        position = self._top + y - 1
        if position >= len(self._order):
            if not self._order and y == 1:
                text = f"no match for /{self.filter.typed}" if self.filter and len(self.rows) else self.empty
                return self.strip([Part(text, "dim")])
            return self.strip([])
        self.rows_rendered += 1
        is_cursor = position == self._cursor
        base = ("cursor" if self.has_focus else "cursor-blur") if is_cursor else "text"
        return self.strip(self._row(self._order[position], plain=is_cursor), base=base)

    def _header(self) -> Line:
        line: list[Part] = []
        for column, width in self._columns_placed():
            title = column.title
            if self.sort is not None and self.sort[0] == column.key:
                mark = "v" if self.sort[1] else "^"
                title = f"{title}{mark}" if len(title) < width else f"{title[: width - 1]}{mark}"
            line += _spaced(line, Part(fit(title, width, right=column.right), "head"))
        return line

    def _row(self, index: int, *, plain: bool) -> Line:
        line: list[Part] = []
        for column, width in self._columns_placed():
            values = self.rows.values.get(column.key, ())
            value = values[index] if index < len(values) else None
            text = column.show(value) if column.draw is None else column.draw(value, width)
            role = "text" if plain or column.role is None else column.role(value)
            line += _spaced(line, Part(fit(text, width, right=column.right), role))
        return line

    def _last_line(self) -> Line:
        """Draw each sum under its column, and the cursor's place; what is unknown is counted, never taken as 0."""
        placed = self._columns_placed()
        if not self._order or not placed:
            return [Part(self.note, "dim")]
        sums = self._sums
        notes = [Part(f"+ {self._unknown:,} unknown", "warn")] if self._unknown else []
        place = f"{self._cursor + 1:,}/{len(self._order):,}"
        if self.filter is not None:
            place += f" of {len(self.rows):,} /{self.filter.typed}"
        notes.append(Part(place, "dim"))
        if self.note:
            notes.append(Part(self.note, "dim"))
        label = [Part("SUM", "sum")] if sums else []
        if not sums:
            return _joined([*label, *notes])
        line = _filled(_joined([*label, *notes]), placed[0][1])
        for column, width in placed[1:]:
            line += _spaced(line, Part(fit(sums.get(column.key, ""), width, right=column.right), "sum"))
        return line

    def _sum_up(self, indexes: Sequence[int]) -> None:
        """Add up what is shown, and give each column room for its sum."""
        values = self.rows.values
        self._sums, self._unknown = {}, 0
        natural = dict(self._value_widths)
        for column in self.columns:
            if not column.sums or column.key not in values:
                continue
            text = sum_text(column, values[column.key], indexes)
            unknown = unknown_count(values[column.key], indexes) if column.counts_unknown else 0
            if unknown and text != UNKNOWN:
                text += "+?"  # A sum must not look whole when it is not.
            self._unknown = max(self._unknown, unknown)
            self._sums[column.key] = text
            natural[column.key] = max(natural[column.key], cells(text))
        if natural != self._natural:
            self._natural, self._placed = natural, None


def _spaced(line: list[Part], part: Part) -> list[Part]:
    """Return a part with the gap in front that it needs."""
    return [Part(" " * GAP), part] if line else [part]


def _joined(parts: list[Part]) -> list[Part]:
    """Put two blanks between parts."""
    return [each for index, part in enumerate(parts) for each in ((Part("  "), part) if index else (part,))]


def _filled(parts: list[Part], width: int) -> list[Part]:
    """Return as many of the parts as fit into a column, and the blanks behind them."""
    taken: list[Part] = []
    left = width
    for part in parts:
        size = cells(safe(part.text))
        if size > left:
            break
        taken.append(part)
        left -= size
    return [*taken, Part(" " * left)]
