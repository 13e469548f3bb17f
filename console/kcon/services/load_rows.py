"""Which record does one row of a file become? CSV, NDJSON and plain lines, read one by one with their line numbers.

Pure apart from reading the lines it is given. A row that cannot become a record is a `BadRow`; the next one goes on.
A CSV row becomes a JSON object: a cell that is a JSON number keeps its very digits, an empty cell is null, every
other cell is a string.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Final, NamedTuple, TypeVar

from kcon.core.wire_text import display_safe
from kcon.errors import UsageError

Converted = TypeVar("Converted")

CELL_CHARS_MAX: Final = 1_000_000
"""A longer cell is a bad row: usually a quote that was never closed."""
CELLS_REMEMBERED_MAX: Final = 200_000
REASON_CHARS_MAX: Final = 200

_JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_EPOCH: Final = re.compile(r"[0-9]{10}|[0-9]{13}")


class RowFormat(Enum):
    """How a file is read."""

    CSV = "csv"
    NDJSON = "ndjson"
    LINES = "lines"
    """Each line is a value as it stands: logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """Which parts of a row become which parts of a record."""

    format: RowFormat
    key_column: str | None = None
    """The CSV column, or the NDJSON field, that gives the key."""
    timestamp_column: str | None = None
    """The one that gives the time: epoch seconds (10 digits) or milliseconds (13), or ISO 8601."""
    tz: tzinfo = UTC
    """The zone of times that name none."""
    delimiter: str = ","
    null_text: str | None = None
    """A cell equal to this is null, as an empty one always is."""
    columns: tuple[str, ...] | None = None
    """The names of the columns; None takes them from the first row."""


class Row(NamedTuple):
    """A row that became a record."""

    line: int
    value: bytes
    key: bytes | None
    timestamp_ms: int
    """0: the row names none."""


class BadRow(NamedTuple):
    """A row that did not."""

    line: int
    """The line it begins on, from 1."""
    reason: str
    """Safe for a terminal."""


def read_rows(lines: Iterable[str], options: RowOptions) -> Iterator[Row | BadRow]:
    """Yield every row of a file in its order.

    lines: decoded with "surrogateescape", so that a row that is not UTF-8 is one bad row and not the end.
    UsageError when the header does not have the named columns.
    """
    match options.format:
        case RowFormat.CSV:
            return _read_csv(lines, options)
        case RowFormat.NDJSON:
            return _read_ndjson(lines, options)
        case RowFormat.LINES:
            return _read_lines(lines)


class CellEncoder(dict[str, str]):
    """JSON for a cell's text, remembered: columns repeat themselves, and a look-up costs a tenth of the work."""

    def __init__(self, null_text: str | None) -> None:
        super().__init__({"": "null"})
        if null_text is not None:
            self[null_text] = "null"

    def __missing__(self, cell: str) -> str:
        encoded = cell if _JSON_NUMBER.fullmatch(cell) else json.dumps(cell, ensure_ascii=False)
        if len(self) < CELLS_REMEMBERED_MAX:
            self[cell] = encoded
        return encoded


class _TimeReader(dict[str, int]):
    """Milliseconds for a time's text, remembered likewise."""

    def __init__(self, tz: tzinfo) -> None:
        super().__init__()
        self._tz = tz

    def __missing__(self, text: str) -> int:
        timestamp_ms = parse_time_ms(text, self._tz)
        if len(self) < CELLS_REMEMBERED_MAX:
            self[text] = timestamp_ms
        return timestamp_ms


def parse_time_ms(text: str, tz: tzinfo) -> int:
    """Return the milliseconds since 1970 of an epoch number or an ISO 8601 time; ValueError when it is neither."""
    if _EPOCH.fullmatch(text):
        return int(text) * (1000 if len(text) == 10 else 1)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=tz)
        timestamp_ms = round(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{_shortened(text)} is not a time") from error
    if timestamp_ms <= 0:
        raise ValueError(f"{_shortened(text)} is before 1970")
    return timestamp_ms


def _read_csv(lines: Iterable[str], options: RowOptions) -> Iterator[Row | BadRow]:
    csv.field_size_limit(CELL_CHARS_MAX)
    reader = csv.reader(lines, delimiter=options.delimiter, strict=True)
    columns: Sequence[str] | None = options.columns
    if columns is None:
        try:
            columns = next(reader, None)
        except csv.Error as error:
            raise UsageError(f"The header of the CSV cannot be read: {error}.") from error
        if columns is None:
            return
        columns = [columns[0].removeprefix("\ufeff"), *columns[1:]] if columns else []
    key_index, time_index = _column_indexes(columns, options)
    # One format string makes the whole object: the cells are JSON already.
    template = "{" + ",".join(f"{json.dumps(name).replace('%', '%%')}:%s" for name in columns) + "}"
    encoded, time_of = CellEncoder(options.null_text), _TimeReader(options.tz)
    # Of a dict's subclass, so that it still goes through `__missing__`.
    json_of = encoded.__getitem__
    width = len(columns)
    line = reader.line_num
    while True:
        first_line, key, timestamp_ms = line + 1, None, 0
        try:
            row = next(reader)
            line = reader.line_num
            if not row:
                continue
            if len(row) != width:
                yield BadRow(first_line, f"{len(row)} cells instead of {width}")
                continue
            value = (template % tuple(map(json_of, row))).encode()
            if key_index is not None and row[key_index]:
                key = row[key_index].encode()
            if time_index is not None:
                timestamp_ms = time_of[row[time_index]]
        except StopIteration:
            return
        except csv.Error as error:
            line = reader.line_num
            yield BadRow(first_line, str(error))
            continue
        except UnicodeEncodeError:
            yield BadRow(first_line, "not UTF-8")
            continue
        except ValueError as error:
            yield BadRow(first_line, str(error))
            continue
        yield Row(first_line, value, key, timestamp_ms)


def _column_indexes(columns: Sequence[str], options: RowOptions) -> tuple[int | None, int | None]:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise UsageError(f"The CSV names the column {_shortened(twice[0])} twice.")

    def index_of(name: str | None) -> int | None:
        if name is None:
            return None
        if name not in columns:
            raise UsageError(
                f"The CSV has no column {_shortened(name)}.",
                f"It has: {display_safe(', '.join(columns))[:REASON_CHARS_MAX]}.",
            )
        return columns.index(name)

    return index_of(options.key_column), index_of(options.timestamp_column)


def _read_ndjson(lines: Iterable[str], options: RowOptions) -> Iterator[Row | BadRow]:
    time_of = _TimeReader(options.tz)
    for number, line in enumerate(lines, 1):
        text = (line.removeprefix("\ufeff") if number == 1 else line).strip()
        if not text:
            continue
        try:
            document = json.loads(text, parse_constant=_refuse_constant)
            value = text.encode()
            key = _field(document, options.key_column, str.encode)
            timestamp_ms = _field(document, options.timestamp_column, time_of.__getitem__) or 0
        except UnicodeEncodeError:
            yield BadRow(number, "not UTF-8")
        except (ValueError, RecursionError) as error:
            yield BadRow(number, _shortened(str(error)))
        else:
            yield Row(number, value, key, timestamp_ms)


def _field(document: object, name: str | None, convert: Callable[[str], Converted]) -> Converted | None:
    """Return one top-level field; a number or a nested value stands as its JSON text."""
    if name is None:
        return None
    if not isinstance(document, dict):
        raise ValueError(f"not an object, so it has no field {_shortened(name)}")
    found = document.get(name)
    if found is None:
        return None
    return convert(found if isinstance(found, str) else json.dumps(found, separators=(",", ":")))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _read_lines(lines: Iterable[str]) -> Iterator[Row | BadRow]:
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text:
            # A log may hold any bytes: they pass through unchanged.
            yield Row(number, text.encode("utf-8", "surrogateescape"), None, 0)


def _shortened(text: str) -> str:
    shown = display_safe(text[:REASON_CHARS_MAX])
    return f"{shown}…" if len(text) > REASON_CHARS_MAX else shown
