"""What does a table show, and in which order? Columns of values, filtered and sorted; no widget here.

Sorting starts from the last order, which makes it cheap when little has changed since.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from kcon.core.typed_regex import compile_typed
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.tui.text import UNKNOWN, cells, show

SumOf = Callable[["Sequence[object]", "Sequence[int]"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    key: str
    title: str
    right: bool = False
    drop: int = 0
    """The higher, the earlier it goes where the table is too narrow; 0: it stays."""
    width: int | None = None
    """Fixed, in cells; None: what title and values need."""
    width_max: int = 40
    flex: bool = False
    """It takes what the others leave. One a table."""
    flex_min: int = 10
    """The least it is given before other columns go."""
    flex_wish: int = 0
    """What it is given before other columns go, if a value is so long: names that look alike help nobody."""
    show: Callable[[object], str] = show
    role: Callable[[object], str] | None = None
    """The role of a cell by its value; None: plain."""
    draw: Callable[[object, int], str] | None = None
    """Draws a cell at the width, instead of `show` (sparklines)."""
    sums: bool = False
    """The sum of what is known stands in the last line."""
    counts_unknown: bool = False
    """Rows whose value is unknown are counted beside the sum."""
    search: bool = False
    """The filter looks here."""
    sort: bool = True
    hidden: bool = False
    """Not shown until a person chooses it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Values by column, and what identifies each row across updates. Frozen: an update is another one."""

    keys: Sequence[Hashable] = ()
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)


# --- filter ---------------------------------------------------------------------------------------------------


class FilterKind(Enum):
    """How the text of a filter is meant."""

    REGEX = "regex"
    FUZZY = "fuzzy"
    EXPRESSION = "expression"


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed: `text`, `!text` (inverse), `~text` (letters in this order), `=expression` (CEL)."""

    typed: str
    kind: FilterKind
    inverse: bool
    pattern: re.Pattern[str] | None
    judge: Callable[[Callable[[str], object]], bool] | None = None
    """Says of a row, given a function from a column's key to its value, whether it is shown."""

    def matches(self, text: str) -> bool:
        """Return whether a row with this text is shown."""
        return self.pattern is None or (self.pattern.search(text) is None) is self.inverse


def parse_filter(typed: str, columns: Sequence[Column] = ()) -> Filter | None:
    """Read a filter; None for an empty one. UsageError says what is wrong with the expression.

    columns: their keys are the names an expression may use.

    Letters match in either case unless the filter has an upper-case one.
    """
    text = typed
    inverse = text.startswith("!")
    text = text.removeprefix("!")
    fuzzy = text.startswith("~")
    text = text.removeprefix("~")
    if not text or text == "=":
        return None
    if text.startswith("=") and not inverse and not fuzzy:
        return _expression(typed, columns)
    flags = 0 if any(char.isupper() for char in text) else re.IGNORECASE
    source = ".*?".join(re.escape(char) for char in text) if fuzzy else text
    try:
        pattern = compile_typed(source, flags)
    except re.error as error:
        raise UsageError(f"Not a regular expression: {error}.", "Start with ~ to match letters in order.") from error
    return Filter(typed, FilterKind.FUZZY if fuzzy else FilterKind.REGEX, inverse, pattern)


def _expression(typed: str, columns: Sequence[Column]) -> Filter:
    """Compile an expression over the columns; a row it cannot judge is not shown."""
    from kcon.core.filter.engine import compile_filter

    compiled = compile_filter(typed[1:], {column.key: "dyn" for column in columns if column.key.isidentifier()})

    def judge(value_of: Callable[[str], object]) -> bool:
        return compiled.matches({name: _plain(value_of(name)) for name in compiled.variables}) is True

    return Filter(typed, FilterKind.EXPRESSION, False, None, judge)


def _plain(value: object) -> object:
    if isinstance(value, WireText):
        return value.raw
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def filtered(rows: Rows, columns: Sequence[Column], wanted: Filter | None) -> list[int]:
    """Return the indexes of the rows that a filter lets through, in the rows' own order."""
    if wanted is None:
        return list(range(len(rows)))
    if wanted.judge is not None:
        judge, values_by_key = wanted.judge, rows.values

        def value_of(index: int) -> Callable[[str], object]:
            return lambda name: values_by_key[name][index] if name in values_by_key else None

        return [index for index in range(len(rows)) if judge(value_of(index))]
    searched = [(column, rows.values[column.key]) for column in columns if column.search and column.key in rows.values]
    matches = wanted.matches
    if len(searched) == 1:
        column, values = searched[0]
        return [index for index in range(len(rows)) if matches(_text(column, values[index]))]
    return [
        index
        for index in range(len(rows))
        if matches(" ".join(_text(column, values[index]) for column, values in searched))
    ]


def _text(column: Column, value: object) -> str:
    return str(value) if isinstance(value, WireText | str) else column.show(value)


# --- order ----------------------------------------------------------------------------------------------------


def ordered(indexes: Sequence[int], values: Sequence[object], *, down: bool) -> list[int]:
    """Return the indexes sorted by value: numbers as numbers, unknown ones last either way. Stable."""
    known = [index for index in indexes if not _is_unknown(values[index])]
    unknown = [index for index in indexes if _is_unknown(values[index])]
    known.sort(key=lambda index: _sort_value(values[index]), reverse=down)
    return known + unknown


def _is_unknown(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN is what does not equal itself.


def _sort_value(value: object) -> tuple[int, float, str]:
    if isinstance(value, bool | int | float):
        return (0, value, "")
    if isinstance(value, WireText):
        return (1, 0, value.raw)
    if isinstance(value, tuple):
        # A number with what is said about it, such as its quality, sorts as the number.
        first = value[0] if value else None
        return (0, first, show(value)) if isinstance(first, int | float) else (1, 0, show(value))
    return (1, 0, str(value))


def sort_letters(columns: Sequence[Column]) -> dict[str, Column]:
    """Return a letter for each column that can be sorted: the first of its title that is still free."""
    letters: dict[str, Column] = {}
    for column in columns:
        if not column.sort:
            continue
        for char in column.title.lower():
            if char.isalpha() and char not in letters:
                letters[char] = column
                break
    return letters


# --- widths ---------------------------------------------------------------------------------------------------

GAP: Final = 2


def natural_width(column: Column, values: Sequence[object]) -> int:
    """Return the cells a column needs: its title, and its widest value."""
    if column.width is not None:
        return max(column.width, cells(column.title))
    widest = cells(column.title)
    if column.flex:
        return max(widest, column.flex_min, min(column.flex_wish, longest_text(values)) if column.flex_wish else 0)
    numbers = [value for value in values if isinstance(value, int)]
    if numbers:
        widest = max(widest, cells(column.show(max(numbers))), cells(column.show(min(numbers))))
    if len(numbers) < len(values):
        rest = {value for value in values if not isinstance(value, int)}
        widest = max([widest, *(cells(column.show(value)) for value in rest)])
    return min(widest, column.width_max)


def longest_text(values: Sequence[object]) -> int:
    """Return about how many cells the longest text needs; what is not ASCII may need more."""
    return max((len(value.raw if isinstance(value, WireText) else str(value)) for value in values), default=0)


def lay_out(columns: Sequence[Column], natural: Mapping[str, int], width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit into `width` with their widths; the least needed ones go first."""
    left = list(columns)
    while len(left) > 1 and _total(left, natural) > width:
        droppable = [column for column in left if column.drop]
        if not droppable:
            break
        left.remove(max(droppable, key=lambda column: (column.drop, columns.index(column))))
    spare = width - _total(left, natural)
    placed = []
    for column in left:
        wide = natural[column.key] + (spare if column.flex else 0)
        placed.append((column, max(1, wide)))
    # Nothing is wider than the terminal, even when no column may go: the last ones are cut.
    room = width
    fitted = []
    for column, wide in placed:
        wide = min(wide, room)
        if wide <= 0:
            break
        fitted.append((column, wide))
        room -= wide + GAP
    return fitted


def _total(columns: Sequence[Column], natural: Mapping[str, int]) -> int:
    return sum(natural[column.key] for column in columns) + GAP * (len(columns) - 1)


# --- sums -----------------------------------------------------------------------------------------------------


def sum_text(column: Column, values: Sequence[object], indexes: Sequence[int]) -> str:
    """Return the sum of the known values as the column shows them; a dash when none is known."""
    known = [value for index in indexes if isinstance(value := values[index], int | float) and not _is_unknown(value)]
    if not known:
        return UNKNOWN
    return column.show(sum(known))


def unknown_count(values: Sequence[object], indexes: Sequence[int]) -> int:
    """Return how many values of a column are unknown."""
    return sum(values[index] is None for index in indexes)
