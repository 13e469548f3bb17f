"""What does history know that one look at a group does not? How it moved in the last minute, and what happened to it.

With looks of the minute before, a verdict on movement needs no waiting. Only a group that was stable then and is now is
taken from history: between two looks a rebalance may begin and end.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from kcon.core.ids import GroupId, TopicPartition
from kcon.core.snapshot import OffsetAt, OffsetResult
from kcon.core.units import format_duration
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.history_keys import LOOK, Mark, SeriesKey
from kcon.observe.lag_engine import STEADY
from kcon.services.history import ClusterPast, open_past
from kcon.services.session import Session

if TYPE_CHECKING:
    from kcon.services.group_watch import Look

SPAN_MS: Final = 60_000
OLDEST_MIN_MS: Final = 20_000
"""Looks that reach less far back are not worth it."""
LOOKS_MAX: Final = 12
MARKS_SPAN_MS: Final = 3_600_000
MARKS_SHOWN: Final = 3
TELLING: Final = ("reset", "rebalance", "status", "config", "leader", "isr", "broker", "change", "note")


async def from_history(session: Session, group: GroupId, look: "Look") -> "tuple[list[Look], list[str]]":
    """Return the looks of the last minute before a look, the oldest first, and sentences about the last hour."""
    try:
        past = await open_past(session)
    except KconError:
        return [], []
    try:
        return await asyncio.to_thread(_read, past, group, look)
    except KconError:
        return [], []
    finally:
        past.close()


def _read(past: ClusterPast, group: GroupId, look: "Look") -> "tuple[list[Look], list[str]]":
    return _earlier(past, group, look), _evidence(past, group, look)


def _earlier(past: ClusterPast, group: GroupId, look: "Look") -> "list[Look]":
    if look.about.state not in STEADY:
        return []
    key = SeriesKey(LOOK, WireText(""))
    times = past.reader.series(key, look.at_ms - SPAN_MS, look.at_ms).times_ms[-LOOKS_MAX:]
    if not times or look.at_ms - times[0] < OLDEST_MIN_MS:
        return []
    found: list[Look] = []
    for at_ms in times:
        then = _look_at(past, group, look, at_ms)
        if then is None:
            return []
        found.append(then)
    return found


def _look_at(past: ClusterPast, group: GroupId, look: "Look", at_ms: int) -> "Look | None":
    told = past.group_at(group, at_ms)
    if told is None or told.description is None or told.description.state not in STEADY:
        return None
    starts: dict[TopicPartition, OffsetResult] = {}
    ends: dict[TopicPartition, OffsetResult] = {}
    commits: dict[TopicPartition, int] = {}
    for row in told.rows:
        if row.start is None or row.end is None:
            return None  # Partitions are not recorded one by one, or one was not known then.
        starts[row.partition], ends[row.partition] = OffsetAt(row.start, -1, -1), OffsetAt(row.end, -1, -1)
        if row.committed is not None:
            commits[row.partition] = row.committed
    if not commits.keys() >= look.commits.keys():
        return None
    from kcon.services.group_watch import Look

    return Look(
        at_ms=at_ms,
        about=told.description,
        commits=commits,
        starts=starts,
        ends=ends,
        stable_ends=ends,
        partitions=look.partitions,
    )


def _evidence(past: ClusterPast, group: GroupId, look: "Look") -> list[str]:
    """Return what happened to a group, and to the topics that it reads, in the last hour; the latest first."""
    names = {group.raw, *(where.topic.raw for where in look.ends)}
    marks = past.marks(look.at_ms - MARKS_SPAN_MS, look.at_ms + 1, kinds=TELLING, limit=1_000)
    mine = [mark for mark in marks if mark.subject.raw in names or mark.kind in {"broker", "note"}]
    return [_sentence(mark, look.at_ms) for mark in reversed(mine[-MARKS_SHOWN:])]


def _sentence(mark: Mark, now_ms: int) -> str:
    return f"{format_duration(max(0, now_ms - mark.at_ms))} ago: {mark.text}"
