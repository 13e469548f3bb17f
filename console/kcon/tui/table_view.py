"""Which rows does a table show, in which order, and where is its cursor? The state of a table; nothing is drawn here.

The cursor sticks to its row by the row's key, and stays on its line of the screen while rows come and go. Marks stick
to their keys too. `page` is how many rows fit; the widget says so.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from kcon.tui.rows import (
    Column,
    Filter,
    Rows,
    filtered,
    lay_out,
    natural_width,
    ordered,
    sum_text,
    unknown_count,
)
from kcon.tui.text import UNKNOWN, cells


@dataclass(slots=True)
class Step:
    """What a move of the cursor changed."""

    before: int
    after: int
    scrolled: bool


class TableView:
    """The rows of a table as a person arranged them."""

    def __init__(self, columns: Sequence[Column], sort: tuple[str, bool] | None = None) -> None:
        self.all_columns: Sequence[Column] = columns
        """Every column the table can show, in the order it declares."""
        self.columns: Sequence[Column] = [column for column in columns if not column.hidden]
        """Those that are shown, in the order a person chose."""
        self.rows = Rows()
        self.filter: Filter | None = None
        self.sort = sort
        """Column key and whether downwards; None: the rows' own order."""
        self.marks: set[Hashable] = set()
        self.order: list[int] = []
        """Indexes of the rows that the filter lets through, as they stand."""
        self.cursor = 0
        self.top = 0
        """The place in `order` of the first visible row."""
        self.page = 0
        self.sums: dict[str, str] = {}
        self.unknown = 0
        """Rows whose value is unknown in a column that counts them."""
        self._value_widths = self._widths_of_values()
        self._natural = dict(self._value_widths)
        self._placed: tuple[int, list[tuple[Column, int]]] | None = None

    # --- what it shows ---------------------------------------------------------------------------------------

    def set_rows(self, rows: Rows, *, to_end: bool = False) -> None:
        """Show other rows. to_end: a cursor on the last row goes on to the new last row."""
        key = self.cursor_key
        was_last = self.cursor >= len(self.order) - 1
        line = self.cursor - self.top
        last_order = self.keys_in_order() if self.sort is not None else None
        self.rows = rows
        if self.marks:
            self.marks &= set(rows.keys)
        self._value_widths = self._widths_of_values()
        self._reorder(last_order)
        self._place_cursor(key, line, to_end=to_end and was_last)

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only the rows that match."""
        key = self.cursor_key
        self.filter = wanted
        self._reorder(None)
        self._place_cursor(key, self.cursor - self.top)

    def sort_by(self, key: str, *, down: bool) -> None:
        """Sort by a column, and keep the cursor on its row."""
        row_key = self.cursor_key
        self.sort = (key, down)
        self._reorder(self.keys_in_order())
        self._place_cursor(row_key, self.cursor - self.top)

    def declare(self, columns: Sequence[Column]) -> None:
        """Have other columns; set rows next."""
        if [column.key for column in columns] != [column.key for column in self.all_columns]:
            self.all_columns = columns
            self.columns = [column for column in columns if not column.hidden]
            self.sort, self._placed = None, None

    def replace_columns(self, columns: Sequence[Column]) -> None:
        """Show the same columns with other titles."""
        self.columns, self._placed = list(columns), None

    def choose_columns(self, keys: Sequence[str]) -> None:
        """Show these columns in this order; names that the table does not have are passed over."""
        by_key = {column.key: column for column in self.all_columns}
        chosen = [by_key[key] for key in dict.fromkeys(keys) if key in by_key]
        if chosen:
            self.columns = chosen
            self._value_widths = self._widths_of_values()
            self._reorder(self.keys_in_order())

    # --- rows and places -------------------------------------------------------------------------------------

    @property
    def cursor_key(self) -> Hashable | None:
        """Return what identifies the row with the cursor; None without rows."""
        if not self.order:
            return None
        return self.rows.keys[self.order[min(self.cursor, len(self.order) - 1)]]

    @property
    def cursor_index(self) -> int | None:
        """Return the index of the cursor's row in `rows`."""
        return self.order[self.cursor] if self.order else None

    def keys_in_order(self) -> list[Hashable]:
        """Return the keys of the rows that are shown, as they stand."""
        return [self.rows.keys[index] for index in self.order]

    def position_of(self, key: Hashable) -> int | None:
        """Return the place of a row in the order; None when it is not shown."""
        if key is None:
            return None
        if self.cursor < len(self.order) and self.rows.keys[self.order[self.cursor]] == key:
            return self.cursor
        keys = self.rows.keys
        return next((position for position, index in enumerate(self.order) if keys[index] == key), None)

    def go(self, position: int) -> Step | None:
        """Move the cursor; None when it stands there already."""
        position = min(max(0, position), max(0, len(self.order) - 1))
        if position == self.cursor:
            return None
        before, top = self.cursor, self.top
        self.cursor = position
        page = max(1, self.page)
        if position < top:
            self.top = position
        elif position >= top + page:
            self.top = position - page + 1
        return Step(before, position, self.top != top)

    def set_page(self, page: int) -> None:
        """So many rows fit from now on."""
        self.page, self._placed = page, None
        self._place_cursor(self.cursor_key, self.cursor - self.top)

    # --- marks -----------------------------------------------------------------------------------------------

    def toggle_mark(self) -> None:
        """Mark the row with the cursor, or take its mark away."""
        key = self.cursor_key
        if key is not None:
            self.marks ^= {key}

    def toggle_marks(self) -> None:
        """Mark every row that is shown; take all marks away when all of them are marked."""
        shown = set(self.keys_in_order())
        if shown <= self.marks:
            self.marks -= shown
        else:
            self.marks |= shown

    def targets(self) -> list[Hashable]:
        """Return what a verb works on: the marked rows in their order, or the row with the cursor."""
        if self.marks:
            return [key for key in self.rows.keys if key in self.marks]
        key = self.cursor_key
        return [] if key is None else [key]

    # --- order, widths, sums ---------------------------------------------------------------------------------

    def _widths_of_values(self) -> dict[str, int]:
        values = self.rows.values
        return {column.key: natural_width(column, values.get(column.key, ())) for column in self.columns}

    def _reorder(self, last_order: Sequence[Hashable] | None) -> None:
        indexes = filtered(self.rows, self.all_columns, self.filter)
        self._sum_up(indexes)
        if self.sort is None or self.sort[0] not in self.rows.values:
            self.order = indexes
            return
        if last_order is not None:
            place = {key: position for position, key in enumerate(last_order)}
            behind = len(place)
            keys = self.rows.keys
            indexes.sort(key=lambda index: place.get(keys[index], behind))
        key, down = self.sort
        self.order = ordered(indexes, self.rows.values[key], down=down)

    def _place_cursor(self, key: Hashable | None, line: int, *, to_end: bool = False) -> None:
        """Put the cursor back on the row with `key`, and that row on the line it had."""
        last = max(0, len(self.order) - 1)
        position = last if to_end else self.position_of(key)
        self.cursor = min(self.cursor, last) if position is None else position
        page = max(1, self.page)
        line = page - 1 if to_end else min(max(0, line), page - 1)
        self.top = min(max(0, self.cursor - line), max(0, len(self.order) - page))

    def columns_at(self, width: int) -> list[tuple[Column, int]]:
        """Return the columns that fit into `width` with their widths."""
        if self._placed is None or self._placed[0] != width:
            self._placed = (width, lay_out(self.columns, self._natural, width))
        return self._placed[1]

    def _sum_up(self, indexes: Iterable[int]) -> None:
        """Add up what is shown, and give each column room for its sum."""
        indexes = list(indexes)
        values = self.rows.values
        self.sums, self.unknown = {}, 0
        natural = dict(self._value_widths)
        for column in self.columns:
            if not column.sums or column.key not in values:
                continue
            text = sum_text(column, values[column.key], indexes)
            unknown = unknown_count(values[column.key], indexes) if column.counts_unknown else 0
            if unknown and text != UNKNOWN:
                text += "+?"  # A sum must not look whole when it is not.
            self.unknown = max(self.unknown, unknown)
            self.sums[column.key] = text
            natural[column.key] = max(natural[column.key], cells(text))
        if natural != self._natural:
            self._natural, self._placed = natural, None
