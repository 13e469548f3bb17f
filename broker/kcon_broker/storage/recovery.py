"""What of a partition's folder can be trusted after a start, and what has to be cut off or reported?

Kafka's algorithm (LogLoader, LogSegment.recover). Leftovers of deletions and compactions are finished or dropped.
After a clean stop only the end of the last segment is looked at. Otherwise every batch is walked from the segment
that holds the recovery point, the indexes are built anew, and the log is cut at the first bad batch.

One difference: below the recovery point everything was synced, so a bad batch there is damage, not a torn tail.
Nothing is cut then; the log is loaded up to the damage, and refuses what would need more.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kcon_broker.batch.header import HEADER_BYTES, BatchHeader
from kcon_broker.storage.batch_frame import batch_bounds, read_stored_header
from kcon_broker.storage.batch_walk import BadBatch, rebuild_indexes, walk_batches
from kcon_broker.storage.files import Files, Syncable, parent_of, read_bytes
from kcon_broker.storage.leader_epochs import FILE_BYTES_MAX, FILE_NAME, LeaderEpochs, decode_leader_epochs
from kcon_broker.storage.leftovers import find_segments, finish_leftovers
from kcon_broker.storage.segment import LOG_SUFFIX, SEGMENT_SUFFIXES, SNAPSHOT_SUFFIX, Segment, segment_path
from kcon_broker.storage.snapshots import OnProducers, find_snapshot_offsets, restore_producers


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Synced data of a log cannot be read any more."""

    offset: int
    """The first offset that is lost; what is below can be read."""
    path: str
    position: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path} is damaged at byte {self.position} (offset {self.offset}): {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What the loader has to know of a partition."""

    index_interval_bytes: int
    leader_epoch_max: int
    """No record can have a larger one."""
    recovery_point: int | None
    """All below was synced; None: not known."""
    is_clean: bool
    """The last stop was a clean one."""
    gaps_allowed: bool
    """Offsets may be missing: the topic is, or was, compacted."""
    on_batch: Callable[[BatchHeader], None] | None
    on_producers: OnProducers | None


@dataclass(slots=True, kw_only=True)
class LoadedLog:
    """What the folder holds."""

    segments: list[Segment] = field(default_factory=list)
    epochs: LeaderEpochs = field(default_factory=LeaderEpochs)
    end_offset: int = 0
    damage: Damage | None = None
    was_walked: bool = False
    snapshot_offsets: list[int] = field(default_factory=list)
    """Of the snapshots of producers that are there, oldest first."""
    replayed_from: int = 0
    """Where the batches begin that were handed over; before it a snapshot was."""
    unsynced: list[Syncable] = field(default_factory=list)
    """Files that recovery wrote."""
    reports: list[str] = field(default_factory=list)
    """Sentences for the operator: what was cut off, rebuilt or found damaged."""


def load_log(files: Files, folder: str, options: LoadOptions) -> LoadedLog:
    """Bring a partition's folder into order and return what it holds."""
    loaded = LoadedLog()
    finish_leftovers(files, folder)
    loaded.segments = find_segments(files, folder)
    content = read_bytes(files, f"{folder}/{FILE_NAME}", bytes_max=FILE_BYTES_MAX)
    epochs = None if content is None else decode_leader_epochs(content)
    loaded.epochs = epochs or LeaderEpochs()
    if not loaded.segments:
        return loaded
    if epochs is None:
        loaded.reports.append(f"{folder}/{FILE_NAME} is missing or damaged: built anew")
    is_trusted = options.is_clean and epochs is not None and _load_tail(files, folder, loaded, options)
    loaded.snapshot_offsets = find_snapshot_offsets(files, folder)
    if options.on_producers is not None and options.recovery_point is not None:
        usable = [offset for offset in loaded.snapshot_offsets if offset <= options.recovery_point]
        base_offsets = [segment.base_offset for segment in loaded.segments]
        loaded.replayed_from = restore_producers(files, folder, usable, base_offsets, options.on_producers)
    if is_trusted:
        _replay_headers(loaded, options, loaded.replayed_from, loaded.end_offset)
    else:
        _walk(files, folder, loaded, options, loaded.replayed_from, all_segments=epochs is None)
        _drop_snapshots_beyond(files, folder, loaded)
    return loaded


def _drop_snapshots_beyond(files: Files, folder: str, loaded: LoadedLog) -> None:
    """Remove snapshots of what was cut off: other records will have those offsets."""
    for offset in [offset for offset in loaded.snapshot_offsets if offset > loaded.end_offset]:
        files.remove(segment_path(folder, offset, SNAPSHOT_SUFFIX))
        loaded.snapshot_offsets.remove(offset)


def _load_tail(files: Files, folder: str, loaded: LoadedLog, options: LoadOptions) -> bool:
    """Load the last segment after a clean stop; return whether all is as the stop left it."""
    segment = loaded.segments[-1]
    size = segment.size = segment.file.size()
    segment.end_offset = 1 << 62
    if not segment.read_indexes(files, folder) and size:
        segment.reset()
        return False
    assert segment.offset_index is not None
    position, last_relative = segment.offset_index.entry_at_position(size)
    end_offset = segment.base_offset
    try:
        if size:
            header = segment.file.read(HEADER_BYTES, 0)
            segment.first_timestamp_ms = _max_timestamp(header)
        if last_relative >= 0:
            base_offset, next_offset, _ = batch_bounds(_header_at(segment, position), 0)
            if next_offset - 1 - segment.base_offset != last_relative:
                raise BadBatch(position, base_offset, "the index says another offset")
            end_offset = base_offset
        for batch in _headers(segment, position, end_offset, size, options):
            end_offset = batch.next_offset
    except BadBatch:
        segment.reset()
        return False
    if end_offset != options.recovery_point or (size and segment.largest_timestamp_offset >= end_offset):
        segment.reset()
        return False
    segment.resume(end_offset, size - position)
    loaded.end_offset = end_offset
    return True


def _header_at(segment: Segment, position: int) -> bytes:
    header = segment.file.read(HEADER_BYTES, position)
    if len(header) < HEADER_BYTES:
        raise BadBatch(position, segment.base_offset, "no whole header")
    return header


def _max_timestamp(header: bytes) -> int:
    batch = read_stored_header(header, 0) if len(header) == HEADER_BYTES else "too short"
    if isinstance(batch, str):
        raise BadBatch(0, 0, batch)
    return batch.max_timestamp


def _headers(
    segment: Segment, position: int, expected_offset: int, end_position: int, options: LoadOptions
) -> Iterator[BatchHeader]:
    return walk_batches(
        segment,
        position=position,
        expected_offset=expected_offset,
        end_position=end_position,
        check_crc=False,
        leader_epoch_max=options.leader_epoch_max,
        gaps_allowed=options.gaps_allowed,
    )


def _replay_headers(loaded: LoadedLog, options: LoadOptions, start_offset: int, end_offset: int) -> None:
    """Hand the batches of `[start_offset, end_offset)` to the callback, without checking what was synced."""
    if options.on_batch is None or start_offset >= end_offset:
        return
    first = max(bisect_right(loaded.segments, start_offset, key=lambda segment: segment.base_offset) - 1, 0)
    for segment in loaded.segments[first:]:
        if segment.base_offset >= end_offset:
            return
        try:
            for batch in _headers(segment, 0, segment.base_offset, segment.size, options):
                if start_offset <= batch.base_offset < end_offset:
                    options.on_batch(batch)
        except BadBatch as bad:
            path = segment_path(parent_of(segment.file.path), segment.base_offset, LOG_SUFFIX)
            damage = Damage(offset=bad.offset, path=path, position=bad.position, reason=bad.reason)
            loaded.damage = damage
            loaded.reports.append(str(damage))
            return


def _walk(
    files: Files, folder: str, loaded: LoadedLog, options: LoadOptions, replay_from: int, *, all_segments: bool
) -> None:
    """Walk every batch from the recovery point, rebuild indexes and epochs, cut at the first bad batch."""
    segments = loaded.segments
    recovery_point = options.recovery_point
    loaded.was_walked = True
    first = 0
    if recovery_point is not None and not all_segments:
        first = max(bisect_right(segments, recovery_point, key=lambda segment: segment.base_offset) - 1, 0)
    # Without a recovery point a torn tail is expected in the last segment only: the others were sealed.
    synced_to = segments[-1].base_offset if recovery_point is None else recovery_point
    start_offset = segments[first].base_offset
    _replay_headers(loaded, options, replay_from, start_offset)
    if loaded.damage is not None:
        loaded.end_offset = max(synced_to, loaded.damage.offset)
        return
    loaded.epochs.truncate_end(start_offset)
    expected_offset = start_offset
    for index in range(first, len(segments)):
        segment = segments[index]
        try:
            is_gap = expected_offset < segment.base_offset
            # Compaction makes gaps below the recovery point only; above it the end of the segment before was lost.
            is_allowed = options.gaps_allowed and (not recovery_point or expected_offset < recovery_point)
            if expected_offset > segment.base_offset or (is_gap and not is_allowed):
                raise BadBatch(0, expected_offset, f"the segment begins at offset {segment.base_offset}")
            expected_offset = _walk_segment(loaded, segment, options, replay_from)
        except BadBatch as bad:
            path = segment_path(folder, segment.base_offset, LOG_SUFFIX)
            if bad.offset < synced_to:
                loaded.damage = Damage(offset=bad.offset, path=path, position=bad.position, reason=bad.reason)
                loaded.reports.append(str(loaded.damage))
            else:
                _cut(files, folder, loaded, index, bad, index_interval_bytes=options.index_interval_bytes)
            expected_offset = bad.offset
            break
        if index < len(segments) - 1:
            loaded.unsynced += segment.write_indexes(files, folder)
            segment.drop_indexes()
    if loaded.damage is None and expected_offset < synced_to:
        path = segments[-1].file.path
        reason = f"the records up to offset {synced_to}, which were synced, are missing"
        loaded.damage = Damage(offset=expected_offset, path=path, position=segments[-1].size, reason=reason)
        loaded.reports.append(str(loaded.damage))
    loaded.end_offset = max(expected_offset, synced_to)


def _walk_segment(loaded: LoadedLog, segment: Segment, options: LoadOptions, replay_from: int) -> int:
    end_position = segment.file.size()
    segment.reset()
    for batch in walk_batches(
        segment,
        position=0,
        expected_offset=segment.base_offset,
        end_position=end_position,
        check_crc=True,
        leader_epoch_max=options.leader_epoch_max,
        gaps_allowed=options.gaps_allowed,
    ):
        leader_epoch = batch.partition_leader_epoch
        if leader_epoch < loaded.epochs.latest:
            raise BadBatch(segment.size, batch.base_offset, f"leader epoch {leader_epoch} goes back")
        segment.add_batch(
            batch.last_offset,
            batch.size_bytes,
            batch.newest_timestamp,
            index_interval_bytes=options.index_interval_bytes,
        )
        loaded.epochs.begin(leader_epoch, batch.base_offset)
        if options.on_batch is not None and batch.base_offset >= replay_from:
            options.on_batch(batch)
    return segment.end_offset


def _cut(files: Files, folder: str, loaded: LoadedLog, index: int, bad: BadBatch, *, index_interval_bytes: int) -> None:
    """Cut the log at a bad batch: nothing from there on was acknowledged as synced."""
    segment = loaded.segments[index]
    cut_bytes = sum(later.file.size() for later in loaded.segments[index:]) - bad.position
    loaded.reports.append(
        f"{segment.file.path} was cut at byte {bad.position} (offset {bad.offset}), {cut_bytes} bytes: {bad.reason}"
    )
    # A segment that begins too late goes as a whole: its name would be a lie.
    keep = index + 1 if segment.base_offset <= bad.offset else index
    if keep > index:
        segment.file.truncate(bad.position)
    for later in loaded.segments[keep:]:
        later.file.close()
        for suffix in SEGMENT_SUFFIXES:
            path = segment_path(folder, later.base_offset, suffix)
            if files.exists(path):
                files.remove(path)
    del loaded.segments[keep:]
    if keep == index:
        # The one before was sealed a moment ago and is active again.
        rebuild_indexes(loaded.segments[-1], index_interval_bytes=index_interval_bytes)
