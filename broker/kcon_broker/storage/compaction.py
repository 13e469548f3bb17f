"""How is a log compacted: each key's last record stays, the older ones go, and no offset changes? (Kafka: Cleaner.)

First the keys of the dirty part are collected (`dirty_keys`), then all segments up to its end are copied without what
they make obsolete (`retained`), small neighbours merged. Where the table of keys was full, that is done again for the
rest. A copy takes the place of its segments so that a crash at any step leaves either or both whole, and the next
start finishes it (`leftovers`):

    <base>.log.cleaned   being written; a start drops it
    <base>.log.swap      complete and synced; a start puts it in place
    the old files -> .deleted, the swap -> <base>.log, the folder synced, then the .deleted files go
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kcon_broker.batch.compression import DecompressionError
from kcon_broker.batch.header import BatchHeader, read_header
from kcon_broker.batch.walk import BadRecordsError
from kcon_broker.storage.batch_walk import BadBatch
from kcon_broker.storage.compaction_plan import CompactionPlan, CompactionSettings
from kcon_broker.storage.dirty_keys import find_dirty_keys
from kcon_broker.storage.files import Buffer, Files, Syncable, write_all
from kcon_broker.storage.key_offsets import KeyOffsets
from kcon_broker.storage.leftovers import CLEANED_SUFFIX
from kcon_broker.storage.log import Log
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.retained import Retention
from kcon_broker.storage.segment import LOG_SUFFIX, Segment, segment_path
from kcon_broker.storage.steps import Steps, sync_elsewhere, visit_batches

_WRITE_BATCHES = 512
"""Written at once at most: each of them is noted in the indexes, which takes a microsecond or two."""
_WRITE_BYTES = 1 << 18
_OFFSETS_PER_SEGMENT_MAX = (1 << 31) - 1


class CompactionAbandoned(Exception):
    """The log changed, failed or cannot be read: it stays as it is."""


@dataclass(slots=True, kw_only=True)
class Compacted:
    """What a compaction did."""

    end_offset: int
    """All below is compacted."""
    bytes_before: int = 0
    bytes_after: int = 0
    deleted_paths: set[str] = field(default_factory=set)
    """Files that may be removed now, by anybody, in any thread."""


def compact_log(
    files: Files,
    log: Log,
    plan: CompactionPlan,
    settings: CompactionSettings,
    *,
    keys_max: int,
    producers: Iterable[ProducerSnapshot],
    now_ms: int,
) -> Steps[Compacted]:
    """Do what the plan says, with a table for so many keys. Raises OSError or CompactionAbandoned.

    The log may be appended to meanwhile; where it is cut, closed or fenced, the compaction is abandoned.
    """
    compaction = _Compaction(files, log, settings, {each.producer_id: each for each in producers}, now_ms)
    done = Compacted(end_offset=plan.first_dirty_offset)
    try:
        while done.end_offset < plan.end_offset:
            start_offset = done.end_offset
            yield from compaction.run(start_offset, plan.end_offset, keys_max, done)
            if done.end_offset == start_offset:
                # A transaction that is still open, or has more keys than the table has room for.
                break
    except BadBatch as bad:
        raise CompactionAbandoned(f"byte {bad.position} of a segment: {bad.reason}") from bad
    except (BadRecordsError, DecompressionError) as bad:
        raise CompactionAbandoned(str(bad)) from bad
    return done


class _Compaction:
    __slots__ = ("_files", "_log", "_now_ms", "_producers", "_settings")

    def __init__(
        self,
        files: Files,
        log: Log,
        settings: CompactionSettings,
        producers: Mapping[int, ProducerSnapshot],
        now_ms: int,
    ) -> None:
        self._files = files
        self._log = log
        self._settings = settings
        self._producers = producers
        self._now_ms = now_ms

    def run(self, start_offset: int, end_offset: int, keys_max: int, done: Compacted) -> Steps[None]:
        """Compact as far as one table of keys reaches."""
        dirty = [
            segment
            for segment in self._log.segments[:-1]
            if segment.base_offset < end_offset and segment.end_offset > start_offset
        ]
        keys_wanted = sum(segment.end_offset - max(segment.base_offset, start_offset) for segment in dirty)
        offsets = KeyOffsets(max(1, min(keys_max, keys_wanted)))
        found = yield from find_dirty_keys(dirty, start_offset, end_offset, offsets)
        if found.end_offset <= start_offset:
            return
        retention = Retention(
            found, self._producers, delete_retention_ms=self._settings.delete_retention_ms, now_ms=self._now_ms
        )
        segments = [segment for segment in self._log.segments[:-1] if segment.base_offset < found.end_offset]
        for group in _groups(segments, self._settings.segment_bytes):
            yield from self._compact_group(group, retention, done)
        done.end_offset = found.end_offset

    def _compact_group(self, group: Sequence[Segment], retention: Retention, done: Compacted) -> Steps[None]:
        """Copy a run of segments into one, and let it take their place."""
        self._check(group)
        path = segment_path(self._log.folder, group[0].base_offset, LOG_SUFFIX) + CLEANED_SUFFIX
        copy = _Copy(self._files, path, group, retention, self._settings.index_interval_bytes)
        try:
            for segment in group:
                yield from visit_batches(segment, copy.visit)
                self._check(group)
            copy.flush()
            bytes_before = sum(segment.size for segment in group)
            done.bytes_before += bytes_before
            done.bytes_after += copy.segment.size
            if len(group) == 1 and not copy.has_changed:
                copy.drop()
                return
            yield from sync_elsewhere([copy.segment.file])
            self._check(group)
        except BaseException:
            copy.drop()
            raise
        copy.segment.end_offset = group[-1].end_offset
        unsynced: list[Syncable] = []
        paths = self._log.replace_segments(group, copy.segment, unsynced, copy.marker_offsets)
        yield from sync_elsewhere(unsynced)
        # Before the new names are durable, a power cut may need the old files.
        done.deleted_paths.update(paths)

    def _check(self, group: Sequence[Segment]) -> None:
        """See that the log is still the one that the compaction began with."""
        log = self._log
        if log.failure is not None or log.is_closed:
            raise CompactionAbandoned("the log was closed or has failed")
        present = set(map(id, log.segments[:-1]))
        if any(id(segment) not in present for segment in group):
            raise CompactionAbandoned("a segment was deleted meanwhile")


class _Copy:
    """A segment that is being written from others."""

    __slots__ = (
        "_buffers",
        "_buffers_bytes",
        "_files",
        "_interval_bytes",
        "_retention",
        "has_changed",
        "marker_offsets",
        "segment",
    )

    def __init__(
        self, files: Files, path: str, group: Sequence[Segment], retention: Retention, interval_bytes: int
    ) -> None:
        self._files = files
        self._retention = retention
        self._interval_bytes = interval_bytes
        self._buffers: list[Buffer] = []
        self._buffers_bytes = 0
        self.has_changed = False
        """Some record did not stay."""
        self.marker_offsets: set[int] = set()
        """Of the markers that stay."""
        self.segment = Segment(group[0].base_offset, files.open(path, create=True))
        self.segment.file.truncate(0)

    def visit(self, header: BatchHeader, batch: memoryview) -> Steps[bool]:
        kept = yield from self._retention.retain(header, batch)
        if kept is not batch:
            self.has_changed = True
        if kept is not None:
            if header.is_control and read_header(kept).record_count:
                self.marker_offsets.add(header.base_offset)
            self._buffers.append(kept)
            self._buffers_bytes += len(kept)
            if self._buffers_bytes >= _WRITE_BYTES or len(self._buffers) >= _WRITE_BATCHES:
                self.flush()
        return True

    def flush(self) -> None:
        """Write what was collected."""
        write_all(self.segment.file, self._buffers, self.segment.size)
        for batch in self._buffers:
            header = read_header(batch)
            self.segment.add_batch(
                header.last_offset, len(batch), header.newest_timestamp, index_interval_bytes=self._interval_bytes
            )
        self._buffers.clear()
        self._buffers_bytes = 0

    def drop(self) -> None:
        """Forget the copy; the next start removes a file that cannot be removed now."""
        self.segment.file.discard()
        with contextlib.suppress(OSError):
            self._files.remove(self.segment.file.path)


def _groups(segments: Sequence[Segment], bytes_max: int) -> Iterator[list[Segment]]:
    """Yield runs of neighbours that fit into one segment (Kafka: Cleaner.groupSegmentsBySize)."""
    group: list[Segment] = []
    size = 0
    for segment in segments:
        span = segment.end_offset - group[0].base_offset if group else 0
        if group and (size + segment.size > bytes_max or span > _OFFSETS_PER_SEGMENT_MAX):
            yield group
            group, size = [], 0
        group.append(segment)
        size += segment.size
    if group:
        yield group
