"""What becomes of history as it grows old? Samples grow coarser, and what is older than the last level is forgotten.

Each call does a little, and belongs to the one writer's worker thread.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from kcon.core.wire_text import WireText
from kcon.observe.history_chunk import Chunk, DamagedChunk, decode_chunk, downsample, encode_chunk
from kcon.observe.history_keys import LEVELS, SeriesKey

MERGE_ROWS: Final = 2_000
"""Chunks that one call looks at, so that it never takes long."""
FORGET_ROWS: Final = 500


def merge_older(connection: sqlite3.Connection, fine: int, coarse: int, now_ms: int) -> None:
    """Write chunks of one level that are old enough as coarser ones of the next, MERGE_ROWS of them at most."""
    # What an incident covers stays as fine as it was seen.
    rows = connection.execute(
        "SELECT series, end_ms, data FROM chunk WHERE level = ? AND end_ms < ? AND NOT EXISTS"
        " (SELECT 1 FROM incident WHERE incident.start_ms <= chunk.end_ms"
        " AND (incident.end_ms IS NULL OR incident.end_ms >= chunk.start_ms))"
        " ORDER BY series, end_ms LIMIT ?",
        # Whole stretches alone: a coarser chunk is written once, and full.
        (fine, (now_ms - LEVELS[fine].keep_ms) // LEVELS[coarse].chunk_ms * LEVELS[coarse].chunk_ms, MERGE_ROWS),
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


def forget(connection: sqlite3.Connection, before_ms: int, is_used: Callable[[SeriesKey], bool]) -> list[SeriesKey]:
    """Let marks go, and facts that were replaced, before a time; and series of which nothing is left.

    is_used: says which series are written all the same. Return those that are gone.
    """
    gone: list[SeriesKey] = []
    connection.execute("DELETE FROM mark WHERE at_ms < ?", (before_ms,))
    connection.execute("DELETE FROM incident WHERE end_ms < ?", (before_ms,))
    connection.execute(
        "DELETE FROM fact WHERE at_ms < ?1 AND (value IS NULL OR EXISTS (SELECT 1 FROM fact AS later"
        " WHERE later.kind = fact.kind AND later.name = fact.name"
        " AND later.at_ms > fact.at_ms AND later.at_ms <= ?1))",
        (before_ms,),
    )
    empty = connection.execute(
        "SELECT id, kind, name FROM series WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE series = series.id) LIMIT ?",
        (FORGET_ROWS,),
    ).fetchall()
    for row, kind, name in empty:
        key = SeriesKey(kind, WireText.decode(name))
        if not is_used(key):
            connection.execute("DELETE FROM series WHERE id = ?", (row,))
            gone.append(key)
    return gone


def _joined(chunks: list[Chunk]) -> Chunk:
    times = [time_ms for chunk in chunks for time_ms in chunk.times_ms]
    columns = tuple([value for chunk in chunks for value in chunk.columns[index]] for index in range(3))
    return Chunk(times, columns)
