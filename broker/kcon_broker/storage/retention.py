"""Which of the oldest segments have to go?"""

from collections.abc import Sequence

from kcon_broker.storage.log_reader import LogReader
from kcon_broker.storage.log_settings import LogSettings
from kcon_broker.storage.segment import Segment

FUTURE_MS = 24 * 3_600_000
"""A record that is so far ahead of the clock says nothing of its age."""


def count_expired(
    segments: Sequence[Segment], reader: LogReader, settings: LogSettings, durable_offset: int, *, now_ms: int
) -> int:
    """Return how many segments, from the oldest on, are too old, or more than the log may hold.

    Only durable segments go. A segment is as old as its newest record; without timestamps its age is not known, and
    it does not go for it.
    """
    excess_bytes = -1
    if settings.retention_bytes >= 0:
        excess_bytes = sum(segment.size for segment in segments) - settings.retention_bytes
    count = 0
    for number, segment in enumerate(segments, 1):
        if segment.end_offset > durable_offset:
            break
        if not segment.size:
            # What compaction left of a segment goes with the next one that has records; the active one stays.
            continue
        is_too_much = excess_bytes >= segment.size
        if not is_too_much and not _is_too_old(segment, reader, settings.retention_ms, now_ms):
            break
        excess_bytes -= segment.size
        count = number
    return count


def _is_too_old(segment: Segment, reader: LogReader, retention_ms: int, now_ms: int) -> bool:
    if retention_ms < 0:
        return False
    reader.indexes_of(segment)
    if segment.largest_timestamp_ms > now_ms + FUTURE_MS:
        # A record of the future, or a clock that went back: the segment is as old as this was first seen.
        segment.future_since_ms = min(segment.future_since_ms or now_ms, now_ms)
        return segment.future_since_ms < now_ms - retention_ms
    return 0 <= segment.largest_timestamp_ms < now_ms - retention_ms
