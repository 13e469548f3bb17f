"""What was, a minute, a day, a week ago? Reads the history of one cluster, also while another process writes it.

A moment is found in the tick at or before it, or, where those are gone, in the chunks that hold it; chunks that were
read stay decoded, so that going to and fro in time costs little.
"""

import math
import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.history_chunk import UNKNOWN_MILLI, Chunk, DamagedChunk, decode_last, from_milli, from_millis
from kcon.observe.history_file import HistoryFile
from kcon.observe.history_keys import LEVELS, LOOK, SEPARATOR, Incident, Mark, SeriesKey
from kcon.observe.history_tick import decode_ids, decode_value, decode_values
from kcon.observe.rings import Series

_FOREVER_MS: Final = 1 << 62
AGE_MAX_MS: Final = 900_000
"""What was seen longer before a moment is not taken for what was then."""
CHUNKS_CACHED_MAX: Final = 16_384
MARKS_MAX: Final = 100_000
"""Marks of one answer, the latest."""


_HOLDING: Final = (
    "SELECT s.id, s.name, c.end_ms, c.start_ms FROM series AS s JOIN chunk AS c ON c.series = s.id AND c.level = ?"
    " AND c.end_ms = (SELECT min(end_ms) FROM chunk WHERE series = s.id AND level = ? AND end_ms >= ?)"
    " WHERE s.kind = ? AND s.name >= ? AND s.name < ?"
)
_BEFORE: Final = _HOLDING.replace("min(end_ms)", "max(end_ms)").replace("end_ms >= ?", "end_ms < ?")
"""The chunk of each series that ends at or after a moment, and the one that ends before it."""


class _Tick(NamedTuple):
    at_ms: int
    values: dict[str, dict[WireText, float]]
    """By kind."""


class HistoryReader:
    """The history of one cluster, to be read. One thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open it. KconError when there is none, or it is damaged."""
        self._file = HistoryFile(path, read_only=True)
        self._chunks: dict[tuple[int, int, int], Chunk | None] = {}
        self._names: dict[int, SeriesKey] = {}
        self._tick: _Tick | None = None
        self._layouts: dict[int, array[int]] = {}

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._file.path

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def size_bytes(self) -> int:
        """Return what it takes on the disk."""
        return self._file.size_bytes()

    # --- series ----------------------------------------------------------------------------------------------

    def keys(self, kind: str) -> list[SeriesKey]:
        """Return every series of a kind, sorted by name."""
        rows = self._execute("SELECT name FROM series WHERE kind = ? ORDER BY name", (kind,))
        return [SeriesKey(kind, WireText.decode(name)) for (name,) in rows]

    def count_series(self) -> int:
        """Return how many series there are."""
        ((count,),) = self._execute("SELECT count(*) FROM series", ())
        return int(count)

    def series(self, key: SeriesKey, since_ms: int, until_ms: int) -> Series:
        """Return the values of one series in `[since_ms, until_ms)`, the finest there are."""
        times: list[int] = []
        values: list[float] = []
        rows = self._execute("SELECT id FROM series WHERE kind = ? AND name = ?", (key.kind, key.name.encode()))
        if not rows:
            return Series()
        ((series_id,),) = rows
        for chunk in self._chunks_between(series_id, since_ms, until_ms):
            of_chunk = chunk.times_ms
            first = bisect_left(of_chunk, since_ms)
            if times and first < len(of_chunk) and of_chunk[first] <= times[-1]:
                first = bisect_right(of_chunk, times[-1])  # A finer chunk of the same time went before.
            last = bisect_left(of_chunk, until_ms)
            if first < last:
                times.extend(of_chunk[first:last])
                values.extend(from_millis(chunk.columns[-1][first:last]))
        places: dict[int, int] = {}
        after_ms = times[-1] if times else since_ms - 1
        for at_ms, layout, data in self._execute(
            "SELECT at_ms, layout, data FROM tick WHERE at_ms > ? AND at_ms < ? ORDER BY at_ms", (after_ms, until_ms)
        ):
            try:
                if layout not in places:
                    places[layout] = self._layout(layout).index(series_id)
                values.append(from_milli(decode_value(data, places[layout])))
            except (DamagedChunk, ValueError, IndexError):
                continue
            times.append(at_ms)
        return Series(tuple(times), tuple(values))

    def at(self, kind: str, time_ms: int, *, age_max_ms: int = AGE_MAX_MS) -> dict[WireText, float]:
        """Return the last known value of every series of a kind at a moment, not older than `age_max_ms`."""
        return self.at_prefix(kind, None, time_ms, age_max_ms=age_max_ms)

    def at_prefix(
        self, kind: str, prefix: WireText | None, time_ms: int, *, age_max_ms: int = AGE_MAX_MS
    ) -> dict[WireText, float]:
        """Return the same of the series whose names begin so, up to a NUL."""
        tick = self._tick_at(time_ms, time_ms - age_max_ms)
        if tick is not None:
            found = tick.values.get(kind, {})
            head = "" if prefix is None else f"{prefix.raw}{SEPARATOR}"
            return {
                name: value
                for name, value in found.items()
                if not math.isnan(value) and (not head or name.raw.startswith(head))
            }
        best: dict[WireText, tuple[int, float]] = {}
        for level in range(len(LEVELS)):
            for name, chunk in self._chunks_at(kind, prefix, level, time_ms):
                last = _last_before(chunk, time_ms)
                if last is not None and last[0] >= time_ms - age_max_ms and last[0] > best.get(name, (-1, 0.0))[0]:
                    best[name] = last
        return {name: value for name, (_at, value) in best.items()}

    def look_at(self, time_ms: int, *, age_max_ms: int = AGE_MAX_MS) -> int | None:
        """Return when the cluster was last looked at, at or before a moment; None when that is too long before."""
        rows = self._execute("SELECT max(at_ms) FROM tick WHERE at_ms <= ?", (time_ms,))
        newest = rows[0][0] if rows and rows[0][0] is not None else -1
        for level in range(len(LEVELS)):
            for _name, chunk in self._chunks_at(LOOK, None, level, time_ms):
                place = bisect_right(chunk.times_ms, time_ms)
                newest = max(newest, chunk.times_ms[place - 1] if place else -1)
        return newest if newest >= time_ms - age_max_ms else None

    def span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last time there are samples of; None when there are none."""
        ((first, last),) = self._execute("SELECT min(start_ms), max(end_ms) FROM chunk", ())
        ((tick_first, tick_last),) = self._execute("SELECT min(at_ms), max(at_ms) FROM tick", ())
        known = [each for each in (first, last, tick_first, tick_last) if each is not None]
        return (min(known), max(known)) if known else None

    def gaps(self, since_ms: int, until_ms: int, *, longer_ms: int) -> list[tuple[int, int]]:
        """Return the stretches in which nobody looked for longer than that."""
        keys = self.keys(LOOK)
        times = self.series(keys[0], since_ms, until_ms).times_ms if keys else ()
        edges = (since_ms, *times, until_ms)
        return [(a, b) for a, b in pairwise(edges) if b - a > longer_ms]

    # --- facts, marks, incidents -----------------------------------------------------------------------------

    def facts_at(self, kind: str, time_ms: int) -> dict[WireText, str]:
        """Return what was so at a moment, by name, sorted; what was gone by then is not there."""
        rows = self._execute(
            "SELECT name, value, max(at_ms) FROM fact WHERE kind = ? AND at_ms <= ? GROUP BY name ORDER BY name",
            (kind, time_ms),
        )
        return {WireText.decode(name): value for name, value, _at in rows if value is not None}

    def fact_at(self, kind: str, name: WireText, time_ms: int) -> str | None:
        """Return one fact at a moment."""
        rows = self._execute(
            "SELECT value FROM fact WHERE kind = ? AND name = ? AND at_ms <= ? ORDER BY at_ms DESC LIMIT 1",
            (kind, name.encode(), time_ms),
        )
        return rows[0][0] if rows else None

    def facts_between(self, since_ms: int, until_ms: int) -> list[tuple[str, WireText, int, str | None]]:
        """Return every fact that became so in `[since_ms, until_ms)`, the oldest first."""
        rows = self._execute(
            "SELECT kind, name, at_ms, value FROM fact WHERE at_ms >= ? AND at_ms < ? ORDER BY at_ms",
            (since_ms, until_ms),
        )
        return [(kind, WireText.decode(name), at_ms, value) for kind, name, at_ms, value in rows]

    def marks(self, since_ms: int, until_ms: int, *, kinds: Iterable[str] = (), limit: int = MARKS_MAX) -> list[Mark]:
        """Return the events in `[since_ms, until_ms)`, the oldest first, the latest `limit` of them.

        kinds: only these.
        """
        rows = self._execute(
            "SELECT at_ms, kind, subject, text FROM mark WHERE at_ms >= ? AND at_ms < ?"
            " ORDER BY at_ms DESC, rowid DESC LIMIT ?",
            (since_ms, until_ms, limit),
        )
        wanted = set(kinds)
        return [
            Mark(at_ms, kind, WireText.decode(subject), text)
            for at_ms, kind, subject, text in reversed(rows)
            if not wanted or kind in wanted
        ]

    def incidents(self) -> list[Incident]:
        """Return the incidents, the oldest first."""
        rows = self._execute("SELECT name, start_ms, end_ms FROM incident ORDER BY start_ms", ())
        return [Incident(name=name, start_ms=start_ms, end_ms=end_ms) for name, start_ms, end_ms in rows]

    # --- how -------------------------------------------------------------------------------------------------

    def _tick_at(self, time_ms: int, not_before_ms: int) -> _Tick | None:
        rows = self._execute(
            "SELECT at_ms, layout FROM tick WHERE at_ms <= ? AND at_ms >= ? ORDER BY at_ms DESC LIMIT 1",
            (time_ms, not_before_ms),
        )
        if not rows:
            return None
        at_ms, layout = rows[0]
        if self._tick is not None and self._tick.at_ms == at_ms:
            return self._tick
        try:
            ((data,),) = self._execute("SELECT data FROM tick WHERE at_ms = ?", (at_ms,))
            ids, milli = self._layout(layout), decode_values(data)
        except (DamagedChunk, ValueError):
            return None
        self._know_names(ids)
        values: dict[str, dict[WireText, float]] = {}
        for series_id, value in zip(ids, milli, strict=False):
            key = self._names.get(series_id)
            if key is not None:
                values.setdefault(key.kind, {})[key.name] = from_milli(value)
        self._tick = _Tick(at_ms, values)
        return self._tick

    def _layout(self, layout: int) -> "array[int]":
        if layout not in self._layouts:
            rows = self._execute("SELECT ids FROM layout WHERE id = ?", (layout,))
            if len(self._layouts) > 64:
                self._layouts.clear()
            self._layouts[layout] = decode_ids(rows[0][0]) if rows else array("i")
        return self._layouts[layout]

    def _know_names(self, ids: Iterable[int]) -> None:
        if all(series_id in self._names for series_id in ids):
            return
        for series_id, kind, name in self._execute("SELECT id, kind, name FROM series", ()):
            if series_id not in self._names:
                self._names[series_id] = SeriesKey(kind, WireText.decode(name))

    def _chunks_at(self, kind: str, prefix: WireText | None, level: int, time_ms: int) -> list[tuple[WireText, Chunk]]:
        """Return the chunks of a level that hold a moment, or end before it, of each series of a kind."""
        # Names end before the bytes that no name begins with.
        low, high = (b"", b"\xff\xff") if prefix is None else (prefix.encode() + b"\0", prefix.encode() + b"\1")
        found: list[tuple[WireText, Chunk]] = []
        for statement in (_HOLDING, _BEFORE):
            rows = self._execute(statement, (level, level, time_ms, kind, low, high))
            for series_id, name, end_ms, start_ms in rows:
                if start_ms > time_ms:
                    continue
                chunk = self._chunk(series_id, level, end_ms)
                if chunk is not None:
                    found.append((WireText.decode(name), chunk))
        return found

    def _chunk(self, series_id: int, level: int, end_ms: int) -> Chunk | None:
        place = (series_id, level, end_ms)
        if place not in self._chunks:
            rows = self._execute("SELECT data FROM chunk WHERE series = ? AND level = ? AND end_ms = ?", place)
            self._take_chunk(place, rows[0][0] if rows else b"")
        return self._chunks[place]

    def _take_chunk(self, place: tuple[int, int, int], data: bytes) -> None:
        if len(self._chunks) >= CHUNKS_CACHED_MAX:
            self._chunks.clear()
        try:
            self._chunks[place] = decode_last(data)
        except DamagedChunk:
            self._chunks[place] = None

    def _chunks_between(self, series_id: int, since_ms: int, until_ms: int) -> Iterator[Chunk]:
        """Yield chunks that reach into a range, the oldest first; one that is damaged is passed over."""
        found: list[tuple[int, int]] = []
        for level in range(len(LEVELS)):
            # Chunks are found by their ends; one that ends after the range may begin in it.
            rows = self._execute(
                "SELECT end_ms, start_ms, data FROM chunk WHERE series = ? AND level = ? AND end_ms >= ?"
                " AND end_ms <= ifnull((SELECT min(end_ms) FROM chunk WHERE series = ? AND level = ? AND end_ms >= ?),"
                " ?) ORDER BY end_ms",
                (series_id, level, since_ms, series_id, level, until_ms, _FOREVER_MS),
            )
            for end_ms, start_ms, data in rows:
                if start_ms < until_ms:
                    if (series_id, level, end_ms) not in self._chunks:
                        self._take_chunk((series_id, level, end_ms), data)
                    found.append((end_ms, level))
        for end_ms, level in sorted(found):
            chunk = self._chunk(series_id, level, end_ms)
            if chunk is not None:
                yield chunk

    def _execute(self, statement: str, values: "tuple[object, ...] | list[object]") -> list[tuple[Any, ...]]:
        try:
            return self._file.connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise KconError(f"The history in {self._file.path} cannot be read: {error}.") from error


def _last_before(chunk: Chunk, time_ms: int) -> tuple[int, float] | None:
    times, column = chunk.times_ms, chunk.columns[-1]
    for place in range(bisect_right(times, time_ms) - 1, -1, -1):
        if column[place] != UNKNOWN_MILLI:
            return times[place], from_milli(column[place])
    return None
