"""The demo's data: complete, in order, with the original time in it."""

import gzip
import json
import zipfile
from pathlib import Path

from kcon.services.demo_tables import (
    SAMPLE_FOLDER,
    STATIC_TABLES,
    TIMED_TABLES,
    DemoTables,
    sample_tables,
)

SAMPLE_BYTES_MAX = 300_000


def test_the_sample_is_small_and_attributed() -> None:
    assert sum(path.stat().st_size for path in SAMPLE_FOLDER.glob("*.gz")) <= SAMPLE_BYTES_MAX
    assert "CC0" in (SAMPLE_FOLDER / "ATTRIBUTION.md").read_text()


def test_every_row_of_the_sample_becomes_valid_json() -> None:
    """The number of rows is that of the file, counted another way."""
    tables = sample_tables()
    for table in (*TIMED_TABLES, *STATIC_TABLES):
        rows = list(tables.rows(table))
        lines = gzip.decompress((SAMPLE_FOLDER / f"{table}.csv.gz").read_bytes()).splitlines()
        assert len(rows) == len(lines) - 1
        columns = lines[0].decode().split(",")
        assert all(list(json.loads(row.body + b"}")) == columns for row in rows)


def test_timed_tables_come_in_the_order_of_their_times() -> None:
    for table in TIMED_TABLES:
        times = [row.original_ms for row in sample_tables().rows(table)]
        assert times == sorted(times)
        assert times[0] > 0


def test_rows_can_start_later() -> None:
    every = list(sample_tables().rows("flights"))
    middle = every[len(every) // 2].original_ms
    assert list(sample_tables().rows("flights", since_ms=middle)) == [row for row in every if row.original_ms >= middle]


def test_the_whole_table_is_put_in_order(tmp_path: Path) -> None:
    """The package's file has its months in the order of their names, and cancelled flights last in each day."""
    header = gzip.decompress((SAMPLE_FOLDER / "flights.csv.gz").read_bytes()).splitlines()[0].decode()
    rows = [
        f"2013,{month},1,1,1,0,1,1,0,UA,1,N1,EWR,IAH,1,1,{hour},{minute},2013-{month:02d}-01T{hour + 5:02d}:00:00Z"
        for month in (1, 10, 11, 12, 2)
        for hour, minute in ((6, 30), (5, 15))
    ]
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "\n".join([header, *rows]) + "\n")
    tables = DemoTables(name="whole", folder=tmp_path, is_sample=False)
    found = list(tables.rows("flights"))
    assert len(found) == 10
    assert [row.original_ms for row in found] == sorted(row.original_ms for row in found)
