"""How does what was seen get into the history of a cluster? Series of values, facts and marks, appended by one writer.

Each moment goes to the file as one row (a tick), so that a killed process loses what it had not flushed and no more.
Samples also gather in memory, CHUNK_SAMPLES a series, and go to the file as one chunk; series are staggered, so that
a flush writes few of them, and ticks whose samples are all in chunks go. Older chunks are merged into coarser ones (1
minute, then 10), and the oldest go when the file is too large. `append` belongs to the loop and only touches memory;
`flush` and `tidy` write and belong to a worker thread, one at a time; a reader opens the file for itself.
"""

import sqlite3
import threading
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from kcon.core.wire_text import WireText
from kcon.observe.history_aging import forget, merge_older
from kcon.observe.history_chunk import (
    Chunk,
    DamagedChunk,
    encode_chunk,
    to_milli,
)
from kcon.observe.history_file import HistoryFile
from kcon.observe.history_keys import LEVELS, Fact, Mark, SeriesKey
from kcon.observe.history_tick import decode_ids, decode_values, encode_ids, encode_values

CHUNK_SAMPLES: Final = 120
HEAD_SAMPLES_MAX: Final = 5 * CHUNK_SAMPLES
"""Samples of a series that wait in memory while the file cannot be written; later ones are lost."""
WAITING_MAX: Final = 50_000
"""Marks, and facts, that wait in memory while the file cannot be written; older ones are lost."""
QUIET_MS: Final = 900_000
"""A series without samples for so long is written as it is and forgotten."""
SIZE_MAX_BYTES: Final = 600 * 1024 * 1024
DROP_ROWS: Final = 500
DROP_ROUNDS: Final = 20
"""So many times DROP_ROWS chunks go at most with one call of `tidy` when the file is too large."""
CLOSED_WHOLE_MAX: Final = 2_000
"""Up to so many series all have a chunk of what is left when the history is closed."""
SWEEP_FLUSHES: Final = 10
"""Flushes between two looks for ticks that are not needed any more."""


class _Head:
    """The samples of one series that are in no chunk yet."""

    __slots__ = ("due", "last_ms", "times_ms", "values")

    def __init__(self, due: int) -> None:
        self.last_ms = 0
        """The last sample that went to a chunk."""
        self.due = due
        self.times_ms: array[int] = array("q")
        self.values: array[int] = array("q")


class _Tick(NamedTuple):
    """One moment that is not in the file yet."""

    time_ms: int
    keys: list[SeriesKey]
    milli: "array[int]"


class History:
    """The history of one cluster, to be written. A context manager."""

    def __init__(self, path: Path, *, size_max_bytes: int = SIZE_MAX_BYTES) -> None:
        """Open it and go on where a killed writer stopped. RefusedError when another process writes it."""
        self._file = HistoryFile(path)
        self._size_max_bytes = size_max_bytes
        self._heads: dict[SeriesKey, _Head] = {}
        self._ids: dict[SeriesKey, int] = {}
        self._layout: tuple[int, list[SeriesKey]] = (0, [])
        self._row: tuple[list[SeriesKey], list[_Head], int] = ([], [], 0)
        """The series of the last moment, their heads, and how many heads had been forgotten by then."""
        self._forgotten = 0
        self._ticks: list[_Tick] = []
        self._marks: list[Mark] = []
        self._facts: list[Fact] = []
        self._writing = threading.Lock()
        self._turn = 0
        self._flushes = 0
        self._newest_ms = 0
        self.problem = ""
        """Why the last write failed; "" when it did not."""
        try:
            self._restore()
        except sqlite3.DatabaseError as error:
            self._fail(error)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._file.path

    @property
    def quarantined(self) -> Path | None:
        """Where a damaged file was set aside when this one was opened."""
        return self._file.quarantined

    def size_bytes(self) -> int:
        """Return what it takes on the disk."""
        return self._file.size_bytes()

    # --- the loop's part -------------------------------------------------------------------------------------

    def append(self, time_ms: int, values: Mapping[SeriesKey, float | None]) -> bool:
        """Take in one moment; return whether `flush` has something to write. Memory only.

        Keys that are the same objects each time make it quicker.
        """
        keys, milli = list(values), array("q", map(to_milli, values.values()))
        if time_ms > self._newest_ms:
            self._ticks.append(_Tick(time_ms, keys, milli))
            if len(self._ticks) > HEAD_SAMPLES_MAX:
                del self._ticks[0]
            self._newest_ms = time_ms
        for head, value in zip(self._heads_of(keys), milli, strict=True):
            times = head.times_ms
            if times and (time_ms <= times[-1] or len(times) >= HEAD_SAMPLES_MAX):
                continue  # A clock that went back: what was seen stays.
            # The value first: `flush` counts times, from another thread.
            head.values.append(value)
            times.append(time_ms)
        return True

    def _heads_of(self, keys: list[SeriesKey]) -> list[_Head]:
        """Return the head of each series. They are looked up anew only when the series are others, or one is gone."""
        forgotten = self._forgotten  # Before the look-up: another thread forgets.
        if keys != self._row[0] or forgotten != self._row[2]:
            heads = self._heads
            for key in keys:
                if key not in heads:
                    heads[key] = self._new_head()
            self._row = (keys, [heads[key] for key in keys], forgotten)
        return self._row[1]

    def _new_head(self) -> _Head:
        # The first chunk of a series is shorter, each by another length: so few are due at once.
        self._turn += 1
        return _Head(1 + (self._turn - 1) % CHUNK_SAMPLES)

    def mark(self, mark: Mark) -> None:
        """Note an event; it is written with the next `flush`."""
        self._marks.append(mark)
        del self._marks[:-WAITING_MAX]

    def fact(self, fact: Fact) -> None:
        """Note what is so from now on; it is written with the next `flush`."""
        self._facts.append(fact)
        del self._facts[:-WAITING_MAX]

    def last_facts(self) -> dict[tuple[str, WireText], str]:
        """Return what was so at last, without what is gone. For the start."""
        with self._writing:
            rows = self._file.connection.execute(
                "SELECT kind, name, value, max(at_ms) FROM fact GROUP BY kind, name"
            ).fetchall()
        return {(kind, WireText.decode(name)): value for kind, name, value, _at in rows if value is not None}

    def is_incident_open(self) -> bool:
        """Whether an incident goes on, so that every second counts."""
        with self._writing:
            try:
                found = self._file.connection.execute("SELECT 1 FROM incident WHERE end_ms IS NULL LIMIT 1").fetchone()
            except sqlite3.DatabaseError:
                return False
        return found is not None

    # --- the worker's part -----------------------------------------------------------------------------------

    def flush(self, *, everything: bool = False) -> int:
        """Write what is new, and the chunks that are full, or all; return how many chunks.

        A failure is kept in `problem`, the samples too.
        """
        with self._writing:
            quiet_ms = self._newest_ms - QUIET_MS
            due = [
                (key, head)
                for key, head in list(self._heads.items())
                if head.times_ms and (everything or len(head.times_ms) >= head.due or head.times_ms[-1] < quiet_ms)
            ]
            ticks, marks, facts = self._ticks[:], self._marks[:], self._facts[:]
            try:
                self._write(due, ticks, marks, facts)
                self._flushes += 1
                if everything or self._flushes % SWEEP_FLUSHES == 0:
                    self._drop_ticks()
            except sqlite3.DatabaseError as error:
                self._fail(error)
                return 0
            for key, head in due:
                head.due = CHUNK_SAMPLES
                if head.last_ms < quiet_ms and not head.times_ms:
                    del self._heads[key]
                    self._forgotten += 1
            del self._ticks[: len(ticks)], self._marks[: len(marks)], self._facts[: len(facts)]
            self.problem = ""
            return len(due)

    def _write(
        self, due: list[tuple[SeriesKey, _Head]], ticks: Sequence[_Tick], marks: Sequence[Mark], facts: Sequence[Fact]
    ) -> None:
        connection = self._file.connection
        taken: list[tuple[_Head, int]] = []
        new_ids: dict[SeriesKey, int] = {}
        layout = self._layout
        connection.execute("BEGIN IMMEDIATE")
        try:
            for tick in ticks:
                if tick.keys != layout[1]:
                    layout = (self._write_layout(tick.keys, new_ids), tick.keys)
                connection.execute(
                    "INSERT OR REPLACE INTO tick VALUES (?, ?, ?)",
                    (tick.time_ms, layout[0], encode_values(tick.milli)),
                )
            for key, head in due:
                count = len(head.times_ms)
                chunk = Chunk(head.times_ms[:count], (head.values[:count],))
                connection.execute(
                    "INSERT OR REPLACE INTO chunk VALUES (?, 0, ?, ?, ?)",
                    (self._id_of(key, new_ids), chunk.times_ms[-1], chunk.times_ms[0], encode_chunk(chunk)),
                )
                taken.append((head, count))
            connection.executemany(
                "INSERT INTO mark VALUES (?, ?, ?, ?)",
                [(mark.at_ms, mark.kind, mark.subject.encode(), mark.text) for mark in marks],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?)",
                [(fact.kind, fact.name.encode(), fact.at_ms, fact.value) for fact in facts],
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._ids.update(new_ids)  # Not before the commit, which may have failed.
        self._layout = layout
        for head, count in taken:
            head.last_ms = head.times_ms[count - 1]
            del head.times_ms[:count], head.values[:count]

    def _write_layout(self, keys: list[SeriesKey], new_ids: dict[SeriesKey, int]) -> int:
        ids = array("i", (self._id_of(key, new_ids) for key in keys))
        row = self._file.connection.execute("INSERT INTO layout (ids) VALUES (?)", (encode_ids(ids),)).lastrowid
        assert row is not None, "an insert has a row"
        return row

    def _id_of(self, key: SeriesKey, new_ids: dict[SeriesKey, int]) -> int:
        known = self._ids.get(key) or new_ids.get(key)
        if known is not None:
            return known
        connection = self._file.connection
        name = key.name.encode()
        connection.execute("INSERT OR IGNORE INTO series (kind, name) VALUES (?, ?)", (key.kind, name))
        (found,) = connection.execute("SELECT id FROM series WHERE kind = ? AND name = ?", (key.kind, name)).fetchone()
        new_ids[key] = int(found)
        return int(found)

    def _drop_ticks(self) -> None:
        """Let ticks go of which every sample is in a chunk."""
        waiting = [head.times_ms[0] for head in list(self._heads.values()) if head.times_ms]
        connection = self._file.connection
        connection.execute("DELETE FROM tick WHERE at_ms < ?", (min(waiting, default=1 << 62),))
        connection.execute(
            "DELETE FROM layout WHERE id <> ? AND id NOT IN (SELECT DISTINCT layout FROM tick)", (self._layout[0],)
        )

    def _restore(self) -> None:
        """Take back the samples of ticks that are in no chunk: a writer was killed before it wrote them."""
        connection = self._file.connection
        keys: dict[int, SeriesKey] = {}
        for row, kind, name in connection.execute("SELECT id, kind, name FROM series"):
            keys[row] = SeriesKey(kind, WireText.decode(name))
        self._ids = {key: row for row, key in keys.items()}
        layouts: dict[int, array[int]] = {}
        ends: dict[int, int] = {}
        for at_ms, layout, data in connection.execute("SELECT at_ms, layout, data FROM tick ORDER BY at_ms"):
            self._newest_ms = at_ms
            try:
                if layout not in layouts:
                    found = connection.execute("SELECT ids FROM layout WHERE id = ?", (layout,)).fetchone()
                    layouts[layout] = decode_ids(found[0]) if found else array("i")
                values = decode_values(data)
            except DamagedChunk:
                continue
            for row, value in zip(layouts[layout], values, strict=False):
                if row not in keys:
                    continue
                if row not in ends:
                    (end,) = connection.execute(
                        "SELECT max(end_ms) FROM chunk WHERE series = ? AND level = 0", (row,)
                    ).fetchone()
                    ends[row] = end or 0
                if at_ms > ends[row]:
                    head = self._heads.setdefault(keys[row], self._new_head())
                    head.values.append(value)
                    head.times_ms.append(at_ms)

    def _fail(self, error: sqlite3.DatabaseError) -> None:
        self.problem = f"History is not written: {error}."
        if isinstance(error, sqlite3.OperationalError):
            return  # A full disk, a lock: it may pass.
        self._file.begin_anew()
        self._ids.clear()
        self._layout = (0, [])

    # --- growing old -----------------------------------------------------------------------------------------

    def tidy(self, now_ms: int) -> None:
        """Merge old chunks into coarser ones, and drop the oldest while the file is too large. A little at a call."""
        with self._writing:
            try:
                for fine, coarse in ((0, 1), (1, 2)):
                    merge_older(self._file.connection, fine, coarse, now_ms)
                oldest_ms = now_ms - LEVELS[-1].keep_ms
                for level in range(len(LEVELS)):
                    self._file.connection.execute(
                        "DELETE FROM chunk WHERE level = ? AND end_ms < ?", (level, oldest_ms)
                    )
                self._forget(oldest_ms)
                self._shrink()
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def _forget(self, before_ms: int) -> None:
        layout = self._layout[1]
        for key in forget(self._file.connection, before_ms, lambda key: key in self._heads or key in layout):
            self._ids.pop(key, None)

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
            self._forget(oldest[1])
            # `execute` would step this statement once, and it frees a page a step.
            connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Write everything and close. Of very many series only the last moments, which the next writer goes on with."""
        self.flush(everything=len(self._heads) <= CLOSED_WHOLE_MAX)
        with self._writing:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
