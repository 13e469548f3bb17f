"""What was, a minute, a day, a week ago? Series of values and marks of events, appended by one, read by many.

Samples gather in memory, CHUNK_SAMPLES a series, and go to the file as one chunk; series are staggered, so that a
tick writes few of them. Older chunks are merged into coarser ones (1 minute, then 10), and the oldest go when the
file is too large. `append` belongs to the loop and only touches memory; `flush` and `tidy` write and belong to a
worker thread, one at a time; a reader opens the file for itself.
"""

import sqlite3
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.history_chunk import (
    UNKNOWN_MILLI,
    Chunk,
    DamagedChunk,
    decode_chunk,
    downsample,
    encode_chunk,
    from_milli,
    to_milli,
)
from kcon.observe.history_file import HistoryFile
from kcon.observe.rings import Series

CHUNK_SAMPLES: Final = 60
HEAD_SAMPLES_MAX: Final = 10 * CHUNK_SAMPLES
"""Samples of a series that wait in memory while the file cannot be written; later ones are lost."""
QUIET_MS: Final = 900_000
"""A series without samples for so long is written as it is and forgotten."""
DAY_MS: Final = 86_400_000
SIZE_MAX_BYTES: Final = 600 * 1024 * 1024
MERGE_ROWS: Final = 2_000
"""Chunks that one call of `tidy` looks at, so that it never takes long."""
DROP_ROWS: Final = 500
DROP_ROUNDS: Final = 20
"""So many times DROP_ROWS chunks go at most with one call of `tidy` when the file is too large."""


class Level(NamedTuple):
    """One fineness of samples."""

    interval_ms: int
    """0: as they came."""
    keep_ms: int
    chunk_ms: int
    """How much one chunk of this level covers."""


LEVELS: Final = (
    Level(0, DAY_MS, 0),
    Level(60_000, 7 * DAY_MS, 3_600_000),
    Level(600_000, 90 * DAY_MS, 12 * 3_600_000),
)


class SeriesKey(NamedTuple):
    """Which series: what is measured, of whom."""

    kind: str
    """E.g. `group.lag`."""
    name: WireText


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment."""

    at_ms: int
    kind: str
    """E.g. `reset`, `rebalance`, `config`, `leader`, `note`."""
    subject: WireText
    text: str
    """One safe sentence."""


class _Head:
    """The samples of one series that are not in the file yet."""

    __slots__ = ("due", "last_ms", "series_id", "times_ms", "values")

    def __init__(self, due: int) -> None:
        self.series_id = 0
        self.last_ms = 0
        """The last sample that went to the file."""
        self.due = due
        self.times_ms: array[int] = array("q")
        self.values: array[int] = array("q")


class History:
    """The history of one cluster, to be written. A context manager."""

    def __init__(self, path: Path, *, size_max_bytes: int = SIZE_MAX_BYTES) -> None:
        """Open it. RefusedError when another process writes it."""
        self._file = HistoryFile(path)
        self._size_max_bytes = size_max_bytes
        self._heads: dict[SeriesKey, _Head] = {}
        self._marks: list[Mark] = []
        self._writing = threading.Lock()
        self._turn = 0
        self._newest_ms = 0
        self.problem = ""
        """Why the last write failed; "" when it did not."""

    @property
    def quarantined(self) -> Path | None:
        """Where a damaged file was set aside when this one was opened."""
        return self._file.quarantined

    def append(self, time_ms: int, values: Mapping[SeriesKey, float | None]) -> bool:
        """Take in one moment; return whether `flush` has something to write. Memory only."""
        heads = self._heads
        is_due = False
        self._newest_ms = max(self._newest_ms, time_ms)
        for key, value in values.items():
            head = heads.get(key)
            if head is None:
                # The first chunk of a series is shorter, each by another length: so few are due at once.
                head = heads[key] = _Head(1 + self._turn % CHUNK_SAMPLES)
                self._turn += 1
            if head.times_ms and (time_ms <= head.times_ms[-1] or len(head.times_ms) >= HEAD_SAMPLES_MAX):
                continue  # A clock that went back: what was seen stays.
            # The value first: `flush` counts times, from another thread.
            head.values.append(to_milli(value))
            head.times_ms.append(time_ms)
            is_due = is_due or len(head.times_ms) >= head.due
        return is_due

    def mark(self, mark: Mark) -> None:
        """Note an event; it is written with the next `flush`."""
        self._marks.append(mark)

    def flush(self, *, everything: bool = False) -> int:
        """Write the chunks that are full, or all; return how many. A failure is kept in `problem`, the samples too."""
        with self._writing:
            quiet_ms = self._newest_ms - QUIET_MS
            due = [
                (key, head)
                for key, head in list(self._heads.items())
                if head.times_ms and (everything or len(head.times_ms) >= head.due or head.times_ms[-1] < quiet_ms)
            ]
            marks = self._marks[:]
            try:
                self._write(due, marks)
            except sqlite3.DatabaseError as error:
                self._fail(error)
                return 0
            for key, head in due:
                head.due = CHUNK_SAMPLES
                if head.last_ms < quiet_ms and not head.times_ms:
                    del self._heads[key]
            del self._marks[: len(marks)]
            self.problem = ""
            return len(due)

    def _write(self, due: "list[tuple[SeriesKey, _Head]]", marks: list[Mark]) -> None:
        connection = self._file.connection
        taken: list[tuple[_Head, int, int]] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            for key, head in due:
                count = len(head.times_ms)
                series_id = head.series_id or self._series_id(key)
                chunk = Chunk(head.times_ms[:count], (head.values[:count],))
                connection.execute(
                    "INSERT OR REPLACE INTO chunk VALUES (?, 0, ?, ?, ?)",
                    (series_id, chunk.times_ms[-1], chunk.times_ms[0], encode_chunk(chunk)),
                )
                taken.append((head, series_id, count))
            connection.executemany(
                "INSERT INTO mark VALUES (?, ?, ?, ?)",
                [(mark.at_ms, mark.kind, mark.subject.encode(), mark.text) for mark in marks],
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        for head, series_id, count in taken:
            head.series_id = series_id  # Not before the commit, which may have failed.
            head.last_ms = head.times_ms[count - 1]
            del head.times_ms[:count], head.values[:count]

    def _series_id(self, key: SeriesKey) -> int:
        connection = self._file.connection
        name = key.name.encode()
        connection.execute("INSERT OR IGNORE INTO series (kind, name) VALUES (?, ?)", (key.kind, name))
        (found,) = connection.execute("SELECT id FROM series WHERE kind = ? AND name = ?", (key.kind, name)).fetchone()
        return int(found)

    def _fail(self, error: sqlite3.DatabaseError) -> None:
        self.problem = f"History is not written: {error}."
        if isinstance(error, sqlite3.OperationalError):
            return  # A full disk, a lock: it may pass.
        self._file.begin_anew()
        for head in self._heads.values():
            head.series_id = 0

    def tidy(self, now_ms: int) -> None:
        """Merge old chunks into coarser ones, and drop the oldest while the file is too large. A little at a call."""
        with self._writing:
            try:
                for fine, coarse in ((0, 1), (1, 2)):
                    self._merge(fine, coarse, now_ms)
                self._drop(len(LEVELS) - 1, now_ms - LEVELS[-1].keep_ms)
                self._file.connection.execute("DELETE FROM mark WHERE at_ms < ?", (now_ms - LEVELS[-1].keep_ms,))
                self._shrink()
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def _merge(self, fine: int, coarse: int, now_ms: int) -> None:
        connection = self._file.connection
        rows = connection.execute(
            "SELECT series, end_ms, data FROM chunk WHERE level = ? AND end_ms < ? ORDER BY series, end_ms LIMIT ?",
            (fine, now_ms - LEVELS[fine].keep_ms, MERGE_ROWS),
        ).fetchall()
        if not rows:
            return
        pieces: dict[tuple[int, int], list[Chunk]] = {}
        for series, end_ms, data in rows:
            try:
                chunk = downsample(decode_chunk(data), LEVELS[coarse].interval_ms)
            except DamagedChunk:
                continue
            pieces.setdefault((series, end_ms // LEVELS[coarse].chunk_ms), []).append(chunk)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for (series, _slot), chunks in pieces.items():
                merged = downsample(_joined(chunks), LEVELS[coarse].interval_ms)
                connection.execute(
                    "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?)",
                    (series, coarse, merged.times_ms[-1], merged.times_ms[0], encode_chunk(merged)),
                )
            connection.executemany(
                "DELETE FROM chunk WHERE series = ? AND level = ? AND end_ms = ?",
                [(series, fine, end_ms) for series, end_ms, _data in rows],
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _drop(self, level: int, before_ms: int) -> None:
        self._file.connection.execute("DELETE FROM chunk WHERE level = ? AND end_ms < ?", (level, before_ms))

    def _shrink(self) -> None:
        connection = self._file.connection
        for _ in range(DROP_ROUNDS):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if self._file.size_bytes() <= self._size_max_bytes:
                return
            oldest = connection.execute("SELECT level, end_ms FROM chunk ORDER BY end_ms LIMIT 1").fetchone()
            if oldest is None:
                return
            # The coarsest history is the oldest; without any, the oldest of the finest goes.
            connection.execute(
                "DELETE FROM chunk WHERE (series, level, end_ms) IN"
                " (SELECT series, level, end_ms FROM chunk INDEXED BY chunk_age WHERE level = ?"
                " ORDER BY end_ms LIMIT ?)",
                (oldest[0], DROP_ROWS),
            )
            # `execute` would step this statement once, and it frees a page a step.
            connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Write everything and close."""
        self.flush(everything=True)
        with self._writing:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HistoryReader:
    """The history of one cluster, to be read, also while another process writes it. One thread."""

    def __init__(self, path: Path) -> None:
        """Open it. KconError when there is none, or it is damaged."""
        self._file = HistoryFile(path, read_only=True)

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def keys(self, kind: str) -> list[SeriesKey]:
        """Return every series of a kind, sorted by name."""
        rows = self._execute("SELECT name FROM series WHERE kind = ? ORDER BY name", (kind,))
        return [SeriesKey(kind, WireText.decode(name)) for (name,) in rows]

    def series(self, key: SeriesKey, since_ms: int, until_ms: int) -> Series:
        """Return the values of one series in `[since_ms, until_ms)`, the finest there are."""
        times: list[int] = []
        values: list[float] = []
        for chunk in self._chunks(key, since_ms, until_ms):
            for time_ms, milli in zip(chunk.times_ms, chunk.columns[-1], strict=True):
                if since_ms <= time_ms < until_ms and (not times or time_ms > times[-1]):
                    times.append(time_ms)
                    values.append(from_milli(milli))
        return Series(tuple(times), tuple(values))

    def at(self, kind: str, time_ms: int, *, age_max_ms: int = 900_000) -> dict[WireText, float]:
        """Return the last value of every series of a kind at a moment; what is older than `age_max_ms` is left out."""
        found: dict[WireText, tuple[int, float]] = {}
        rows = self._execute(
            "SELECT series.name, chunk.data FROM series JOIN chunk ON chunk.series = series.id"
            " WHERE series.kind = ? AND chunk.end_ms >= ? AND chunk.start_ms <= ?",
            (kind, time_ms - age_max_ms, time_ms),
        )
        for raw, data in rows:
            name = WireText.decode(raw)
            last = _last_before(data, time_ms)
            if last is not None and last[0] >= time_ms - age_max_ms and last[0] > found.get(name, (-1, 0.0))[0]:
                found[name] = last
        return {name: value for name, (_at, value) in found.items()}

    def marks(self, since_ms: int, until_ms: int, *, kinds: Iterable[str] = ()) -> list[Mark]:
        """Return the events in `[since_ms, until_ms)`, the oldest first. kinds: only these."""
        rows = self._execute(
            "SELECT at_ms, kind, subject, text FROM mark WHERE at_ms >= ? AND at_ms < ? ORDER BY at_ms, rowid",
            (since_ms, until_ms),
        )
        wanted = set(kinds)
        return [
            Mark(at_ms, kind, WireText.decode(subject), text)
            for at_ms, kind, subject, text in rows
            if not wanted or kind in wanted
        ]

    def span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last time there are samples of; None when there are none."""
        ((first, last),) = self._execute("SELECT min(start_ms), max(end_ms) FROM chunk", ())
        return None if first is None else (first, last)

    def _chunks(self, key: SeriesKey, since_ms: int, until_ms: int) -> Iterator[Chunk]:
        """Yield chunks that reach into a range, the oldest first; one that is damaged is passed over."""
        rows = self._execute(
            "SELECT chunk.data FROM chunk JOIN series ON chunk.series = series.id"
            " WHERE series.kind = ? AND series.name = ? AND chunk.end_ms >= ? AND chunk.start_ms < ?"
            " ORDER BY chunk.end_ms, chunk.level",
            (key.kind, key.name.encode(), since_ms, until_ms),
        )
        for (data,) in rows:
            try:
                yield decode_chunk(data)
            except DamagedChunk:
                continue

    def _execute(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._file.connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise KconError(f"The history in {self._file.path} cannot be read: {error}.") from error


def _joined(chunks: list[Chunk]) -> Chunk:
    times = [time_ms for chunk in chunks for time_ms in chunk.times_ms]
    columns = tuple([value for chunk in chunks for value in chunk.columns[index]] for index in range(3))
    return Chunk(times, columns)


def _last_before(data: bytes, time_ms: int) -> tuple[int, float] | None:
    try:
        chunk = decode_chunk(data)
    except DamagedChunk:
        return None
    for at_ms, milli in zip(reversed(chunk.times_ms), reversed(chunk.columns[-1]), strict=True):
        if at_ms <= time_ms and milli != UNKNOWN_MILLI:
            return at_ms, from_milli(milli)
    return None
