"""What does the demo write, when, and what exactly? One thread feeds every topic and keeps a ledger of it.

The past first: flights and weather up to the last two days of the tables, their times moved so that the last one
is now. Then those days live, a day in ten seconds, and then the tables from their first day, again and again.
The original time stays in each record (`time_hour`), beside `event_time`, which is also the record's timestamp.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kcon.contexts.context import Context
from kcon.core.ids import topic_name
from kcon.core.key_partition import partition_of_key
from kcon.errors import KconError
from kcon.gate.permit import Permit
from kcon.records.sender import RecordSender, SendOptions
from kcon.services.demo_tables import STATIC_TABLES, TIMED_TABLES, DemoTables, TableRow

METRICS_TOPIC: Final = "demo-metrics"
LOG_TOPIC: Final = "broker-log"
TOPICS: Final = {
    "flights": 4,
    "weather": 1,
    "airlines": 1,
    "airports": 1,
    "planes": 1,
    METRICS_TOPIC: 1,
    LOG_TOPIC: 1,
}
"""The demo's topics and their partitions."""

DAY_MS: Final = 86_400_000
LIVE_MS: Final = 43 * 3_600_000
"""The live part begins at five in the morning of 30 December, when the first flights leave."""
DAY_TAKES_S: Final = 10.0
TICK_S: Final = 0.05
METRICS_EVERY_S: Final = 1.0
ROOM_EVERY_RECORDS: Final = 500
ROOM_S: Final = 0.003
"""While it writes the past, the feed gives way to the threads that draw and consume."""

LOSE_RECORD_VARIABLE: Final = "KCON_DEMO_LOSE_RECORD"
"""For tests: the number of one flight, from 1, that is entered in the ledger and not sent."""


@dataclass(slots=True)
class LedgerPartition:
    """What was written to one partition, in order."""

    records: int = 0
    past_records: int = 0
    """How many of them are the past."""
    size_bytes: int = 0
    """Of keys and values."""
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    """Over every value followed by a newline: what `kcat -C -e -q | sha256sum` prints for the partition."""

    def add(self, key: bytes | None, value: bytes) -> None:
        """Enter one record."""
        self.records += 1
        self.size_bytes += len(value) + len(key or b"")
        self.sha256.update(value)
        self.sha256.update(b"\n")


class Ledger:
    """What was written to each partition of each topic."""

    def __init__(self) -> None:
        self.partitions = {
            (topic, partition): LedgerPartition() for topic, count in TOPICS.items() for partition in range(count)
        }

    @property
    def records(self) -> int:
        """Return how many records there are."""
        return sum(partition.records for partition in self.partitions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """What the feed needs to know."""

    tables: DemoTables
    broker_log: Path
    broker_pid: int
    with_past: bool = True
    """Write the past; not wanted on a folder that has it."""
    speed: float = 1.0
    """2.0 lets the days pass twice as fast."""


class DemoFeed:
    """Owns the feeding thread."""

    def __init__(self, context: Context, permit: Permit, options: FeedOptions) -> None:
        self.ledger = Ledger()
        self.past_is_written = threading.Event()
        """Set when the past is on the broker, and when it never will be."""
        self.error: KconError | None = None
        self.live_since_s = time.monotonic()
        self.live_until_s = self.live_since_s
        self._options = options
        self._sender = RecordSender(
            context, permit, frozenset(map(topic_name, TOPICS)), SendOptions(config={"linger.ms": 20})
        )
        self._partition_of: dict[tuple[str, bytes], int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kcon-demo-feed", daemon=True)
        self._log_position = 0
        self._log_rest = b""
        self._flights = 0
        self._lost_flight = int(os.environ.get(LOSE_RECORD_VARIABLE, "0") or "0")

    @property
    def failed_records(self) -> int:
        """Return how many records the broker refused."""
        return self._sender.failed

    def start(self) -> None:
        """Start feeding."""
        self._thread.start()

    def stop(self) -> None:
        """Stop feeding and wait until everything written is acknowledged. Blocking; idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with self._sender:
                try:
                    if self._options.with_past:
                        self._write_past()
                    self._sender.flush()
                    for partition in self.ledger.partitions.values():
                        partition.past_records = partition.records
                    self.live_since_s = time.monotonic()
                    self.past_is_written.set()
                    self._write_live()
                finally:
                    self._sender.flush()
        except KconError as error:
            self.error = error
        finally:
            self.past_is_written.set()

    def _write_past(self) -> None:
        tables = self._options.tables
        for table in STATIC_TABLES:
            now_ms = _now_ms()
            for row in tables.rows(table):
                self._send(table, row.key, row.body + b"}", now_ms)
        for table in TIMED_TABLES:
            shift_ms = _now_ms() - self._first_live_ms
            for number, row in enumerate(tables.rows(table)):
                if row.original_ms >= self._first_live_ms:
                    break
                if number % ROOM_EVERY_RECORDS == 0 and self._stopping.wait(ROOM_S):
                    return
                self._send_moved(table, row, row.original_ms + shift_ms)

    def _write_live(self) -> None:
        """Play the last days and then the tables from the start, until stopped."""
        next_metrics_s = 0.0
        streams = {table: _LiveRows(self._options.tables, table, self._first_live_ms) for table in TIMED_TABLES}
        previous_s = time.monotonic()
        while not self._stopping.wait(TICK_S):
            now_s, now_ms = time.monotonic(), _now_ms()
            self.live_until_s = now_s
            passed_ms = (now_s - previous_s) * self._options.speed * DAY_MS / DAY_TAKES_S
            previous_s = now_s
            for table, stream in streams.items():
                for row in stream.advance(passed_ms):
                    self._send_moved(table, row, now_ms)
            if now_s >= next_metrics_s:
                next_metrics_s = now_s + METRICS_EVERY_S
                self._send_metrics(now_ms)
            self._send_log_lines(now_ms)

    @property
    def _first_live_ms(self) -> int:
        """Return the original time at which the live part begins: the tables end with the year 2013."""
        end_ms = round(datetime(2014, 1, 1, 5, tzinfo=UTC).timestamp() * 1000)
        return end_ms - LIVE_MS

    def _send_moved(self, table: str, row: TableRow, event_ms: int) -> None:
        value = b'%s,"event_time":"%s"}' % (row.body, _iso(event_ms))
        if table == "flights":
            self._flights += 1
            if self._flights == self._lost_flight:
                self._enter(table, row.key, value)
                return
        self._send(table, row.key, value, event_ms)

    def _send(self, topic: str, key: bytes | None, value: bytes, timestamp_ms: int) -> None:
        partition = self._enter(topic, key, value)
        self._sender.send_raw(topic, 0, value, key, partition=partition, timestamp_ms=timestamp_ms)

    def _enter(self, topic: str, key: bytes | None, value: bytes) -> int:
        """Choose the partition and enter the record in the ledger."""
        if key is None:
            partition = 0
        else:
            known = self._partition_of.get((topic, key))
            if known is None:
                known = self._partition_of[topic, key] = partition_of_key(key, TOPICS[topic])
            partition = known
        self.ledger.partitions[topic, partition].add(key, value)
        return partition

    def _send_metrics(self, now_ms: int) -> None:
        for name, pid in (("broker", self._options.broker_pid), ("demo", os.getpid())):
            metrics = process_metrics(pid)
            if metrics is not None:
                document = {"process": name, "pid": pid, **metrics, "time": _iso(now_ms).decode()}
                self._send(METRICS_TOPIC, name.encode(), json.dumps(document).encode(), now_ms)

    def _send_log_lines(self, now_ms: int) -> None:
        try:
            with self._options.broker_log.open("rb") as log:
                log.seek(self._log_position)
                data = log.read(64 * 1024)
        except FileNotFoundError:
            return
        self._log_position += len(data)
        *lines, self._log_rest = (self._log_rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._send(LOG_TOPIC, None, line, now_ms)


class _LiveRows:
    """Gives the rows of a table as its clock passes over them; at the end the table starts again."""

    def __init__(self, tables: DemoTables, table: str, first_ms: int) -> None:
        self._rows_from_start: Callable[[], Iterator[TableRow]] = lambda: tables.rows(table)
        self._rows = tables.rows(table, since_ms=first_ms)
        self._next: TableRow | None = next(self._rows, None)
        self._clock_ms = float(first_ms)

    def advance(self, passed_ms: float) -> Iterator[TableRow]:
        self._clock_ms += passed_ms
        while self._next is not None and self._next.original_ms <= self._clock_ms:
            yield self._next
            self._next = next(self._rows, None)
        if self._next is None:
            self._rows = self._rows_from_start()
            self._next = next(self._rows, None)
            self._clock_ms = float(self._next.original_ms) if self._next is not None else 0.0


def process_metrics(pid: int) -> dict[str, float | int] | None:
    """Return CPU seconds, resident bytes, threads and open files of a process; None where /proc is not there."""
    try:
        # Field 2 is the name in brackets, which may itself hold brackets and spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        open_files = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return {
        "cpu_s": (int(fields[11]) + int(fields[12])) / ticks,
        "threads": int(fields[17]),
        "rss_bytes": int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        "open_files": open_files,
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _iso(time_ms: int) -> bytes:
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z".encode()
