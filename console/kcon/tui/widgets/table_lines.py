"""How do the lines of a table read? The header, one row, and the last line with sums and the cursor's place."""

from kcon.tui.rows import GAP, Column
from kcon.tui.table_view import TableView
from kcon.tui.text import Line, Part, cells, fit, safe

MARK = "*"


def header_line(view: TableView, width: int) -> Line:
    """Draw the titles; the column that sorts has an arrow."""
    line: list[Part] = []
    for column, wide in view.columns_at(width):
        title = column.title
        if view.sort is not None and view.sort[0] == column.key:
            mark = "v" if view.sort[1] else "^"
            title = f"{title}{mark}" if len(title) < wide else f"{title[: wide - 1]}{mark}"
        line += _spaced(line, Part(fit(title, wide, right=column.right), "head"))
    return line


def row_line(view: TableView, index: int, width: int, *, plain: bool) -> Line:
    """Draw one row. plain: without roles, for the cursor's own colours."""
    line: list[Part] = []
    marked = bool(view.marks) and view.rows.keys[index] in view.marks
    for column, wide in view.columns_at(width):
        text = _cell(view, column, index, wide)
        if marked and not line:
            text = f"{MARK} {text}"
        role = "text" if plain or column.role is None else column.role(_value(view, column, index))
        line += _spaced(line, Part(fit(text, wide, right=column.right), "key" if marked and not plain else role))
    return line


def _cell(view: TableView, column: Column, index: int, wide: int) -> str:
    value = _value(view, column, index)
    return column.show(value) if column.draw is None else column.draw(value, wide)


def _value(view: TableView, column: Column, index: int) -> object:
    values = view.rows.values.get(column.key, ())
    return values[index] if index < len(values) else None


def last_line(view: TableView, width: int, note: str) -> Line:
    """Draw each sum under its column, and the cursor's place; what is unknown is counted, never taken as 0."""
    placed = view.columns_at(width)
    if not view.order or not placed:
        return [Part(note, "dim")]
    # Marks first: they are what the next key works on, and a narrow column has room for one note.
    notes = [Part(f"{len(view.marks):,} marked", "key")] if view.marks else []
    if view.unknown:
        notes.append(Part(f"+ {view.unknown:,} unknown", "warn"))
    place = f"{view.cursor + 1:,}/{len(view.order):,}"
    if view.filter is not None:
        place += f" of {len(view.rows):,} /{view.filter.typed}"
    notes.append(Part(place, "dim"))
    if note:
        notes.append(Part(note, "dim"))
    if not view.sums:
        return _joined(notes)
    notes.insert(bool(view.marks), Part("SUM", "sum"))
    line = _filled(_joined(notes), placed[0][1])
    for column, wide in placed[1:]:
        line += _spaced(line, Part(fit(view.sums.get(column.key, ""), wide, right=column.right), "sum"))
    return line


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
