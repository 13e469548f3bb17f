"""Which part of a log is compacted next, and is it worth it? (Kafka: LogCleanerManager.)

clean part            dirty part                    what has to wait
compacted before      sealed segments, old enough   younger ones, open transactions, the active segment
0 ........ first_dirty_offset ........... end_offset ........
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kcon_broker.batch.header import HEADER_BYTES
from kcon_broker.storage.batch_frame import max_timestamp_ms
from kcon_broker.storage.segment import Segment


class CompactionSettings(Protocol):
    """The topic configs that compaction goes by."""

    @property
    def segment_bytes(self) -> int:
        """Compacted segments are merged up to this size."""
        ...

    @property
    def index_interval_bytes(self) -> int:
        """Bytes of log between two index entries."""
        ...

    @property
    def min_cleanable_dirty_ratio(self) -> float:
        """The share of dirty bytes above which compaction is worth it."""
        ...

    @property
    def min_compaction_lag_ms(self) -> int:
        """A record stays uncompacted for so long."""
        ...

    @property
    def max_compaction_lag_ms(self) -> int:
        """A record is compacted after so long, whatever the ratio."""
        ...

    @property
    def delete_retention_ms(self) -> int:
        """A tombstone stays for so long after the compaction that found it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionPlan:
    """What to compact."""

    first_dirty_offset: int
    end_offset: int
    """The dirty part ends before it."""
    dirty_ratio: float


def plan_compaction(
    segments: Sequence[Segment],
    settings: CompactionSettings,
    *,
    cleaned_offset: int,
    log_start_offset: int,
    limit_offset: int,
    now_ms: int,
    load_indexes: Callable[[Segment], None],
) -> CompactionPlan | None:
    """Return what is worth compacting now; None: nothing. May read indexes, and so raise OSError.

    `limit_offset`: what is not durable, or belongs to an open transaction, begins there.
    """
    if not segments:
        return None
    first_dirty_offset = max(cleaned_offset, log_start_offset)
    if first_dirty_offset > segments[-1].end_offset:
        # A checkpoint of another log: begin anew.
        first_dirty_offset = log_start_offset
    sealed = [segment for segment in segments[:-1] if segment.end_offset <= limit_offset]
    dirty: list[Segment] = []
    for segment in sealed:
        if segment.end_offset <= first_dirty_offset:
            continue
        if settings.min_compaction_lag_ms > 0 and segment.size:
            load_indexes(segment)
            if segment.largest_timestamp_ms > now_ms - settings.min_compaction_lag_ms:
                break
        dirty.append(segment)
    dirty_bytes = sum(segment.size for segment in dirty)
    if not dirty_bytes:
        return None
    clean_bytes = sum(segment.size for segment in sealed if segment.end_offset <= first_dirty_offset)
    ratio = dirty_bytes / (clean_bytes + dirty_bytes)
    if ratio <= settings.min_cleanable_dirty_ratio and not _is_overdue(dirty, settings, now_ms):
        return None
    return CompactionPlan(first_dirty_offset=first_dirty_offset, end_offset=dirty[-1].end_offset, dirty_ratio=ratio)


def _is_overdue(dirty: Sequence[Segment], settings: CompactionSettings, now_ms: int) -> bool:
    oldest = next(segment for segment in dirty if segment.size)
    overdue_ms = now_ms - settings.max_compaction_lag_ms
    if overdue_ms < 0:
        return False
    header = oldest.file.read(HEADER_BYTES, 0)
    return len(header) == HEADER_BYTES and 0 <= max_timestamp_ms(header) < overdue_ms
