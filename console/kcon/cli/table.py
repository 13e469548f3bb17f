"""How do rows become a table for people? Columns aligned by cells; the least needed ones go first when it is narrow."""

from collections.abc import Sequence
from typing import Final

from kcon.cli.document import Block, Column, Item, Value
from kcon.core.cells import cells, cut, isolate, pad
from kcon.core.wire_text import display_safe

GAP: Final = "  "
UNKNOWN: Final = "—"
WIDTH_MIN: Final = 8
"""A column is not cut below this width."""


def cell_text(value: Value, column: Column) -> str:
    """Return what a table shows for a value: safe, on one line."""
    if column.show is not None and value is not None:
        return column.show(value)
    return show(value)


def show(value: Value) -> str:
    """Return the plain form for people: grouped digits, an em dash for what is unknown or absent."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, str):
        return display_safe(value)
    if isinstance(value, Sequence):
        return ",".join(str(part) if isinstance(part, int) else show(part) for part in value) or UNKNOWN
    return display_safe(str(value))


def format_table(columns: Sequence[Column], rows: Sequence[Item], *, width: int | None, headers: bool) -> str:
    """Return the table's lines. width: of the terminal; None is unlimited."""
    shown = list(columns)
    grid = [[cell_text(row.get(column.key), column) for column in shown] for row in rows]
    titles = [column.title for column in shown]
    widths = _widths(titles if headers else [""] * len(titles), grid)
    if width is not None:
        for index in _dropped(shown, widths, width):
            del shown[index], titles[index], widths[index]
            for line in grid:
                del line[index]
        _narrow(shown, widths, width)
    lines = [titles, *grid] if headers else grid
    return "".join(f"{_line(line, shown, widths)}\n" for line in lines)


def _widths(titles: Sequence[str], grid: Sequence[Sequence[str]]) -> list[int]:
    return [max([cells(title), *(cells(row[index]) for row in grid)]) for index, title in enumerate(titles)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _dropped(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Return the indexes of columns to leave out, from the right so that they stay valid."""
    left = dict(enumerate(widths))
    while _total(list(left.values())) > width:
        candidates = [index for index in left if columns[index].drop]
        if not candidates:
            break
        del left[max(candidates, key=lambda index: (columns[index].drop, index))]
    return sorted(set(range(len(widths))) - set(left), reverse=True)


def _narrow(columns: Sequence[Column], widths: list[int], width: int) -> None:
    """Cut the widest text columns until the table fits, as far as that leaves them readable."""
    while _total(widths) > width:
        candidates = [i for i, column in enumerate(columns) if not column.right and widths[i] > WIDTH_MIN]
        if not candidates:
            return
        widest = max(candidates, key=lambda index: widths[index])
        widths[widest] = max(WIDTH_MIN, widths[widest] - (_total(widths) - width))


def _line(line: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = [
        pad(isolate(cut(text, width)), width, right=column.right)
        for text, column, width in zip(line, columns, widths, strict=True)
    ]
    return GAP.join(parts).rstrip()


def format_blocks(blocks: Sequence[Block]) -> str:
    """Return a description: headings, facts with aligned names, tables; nothing is cut."""
    parts = []
    for block in blocks:
        text = f"{block.heading}\n" if block.heading else ""
        name_width = max((cells(name) for name, _value in block.facts), default=0)
        text += "".join(f"  {pad(name, name_width)}  {value}\n" for name, value in block.facts)
        if block.columns:
            text += format_table(block.columns, block.rows, width=None, headers=True)
        if block.text:
            text += block.text if block.text.endswith("\n") else f"{block.text}\n"
        parts.append(text)
    return "\n".join(parts)
