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
from itertools import pairwise

from kcon_broker.batch.header import HEADER_BYTES, BatchHeader, is_intact
from kcon_broker.storage.batch_frame import batch_bounds, read_stored_header
from kcon_broker.storage.files import Files, parent_of, read_bytes
from kcon_broker.storage.leader_epochs import FILE_BYTES_MAX, FILE_NAME, LeaderEpochs, decode_leader_epochs
from kcon_broker.storage.producer_snapshot import ProducerSnapshot, read_producer_snapshot
from kcon_broker.storage.segment import (
    DELETED_SUFFIX,
    INDEX_SUFFIX,
    LOG_SUFFIX,
    OFFSET_DIGITS,
    SNAPSHOT_SUFFIX,
    TIME_INDEX_SUFFIX,
    Segment,
    segment_path,
)

_CLEANED_SUFFIX = ".cleaned"
_SWAP_SUFFIX = ".swap"
_ASIDE_SUFFIX = ".tmp"
_WALK_BYTES = 1 << 20


class BadBatch(Exception):
    """At `position` of a segment there is no batch that can be what was written."""

    def __init__(self, position: int, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.offset = offset
        """The offset that the batch had to have."""
        self.reason = reason


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
    on_producers: Callable[[list[ProducerSnapshot]], None] | None


@dataclass(slots=True, kw_only=True)
class LoadedLog:
    """What the folder holds."""

    segments: list[Segment] = field(default_factory=list)
    epochs: LeaderEpochs = field(default_factory=LeaderEpochs)
    end_offset: int = 0
    damage: Damage | None = None
    was_walked: bool = False
    reports: list[str] = field(default_factory=list)
    """Sentences for the operator: what was cut off, rebuilt or found damaged."""


def load_log(files: Files, folder: str, options: LoadOptions) -> LoadedLog:
    """Bring a partition's folder into order and return what it holds."""
    loaded = LoadedLog()
    _finish_swaps(files, folder)
    loaded.segments = _find_segments(files, folder)
    content = read_bytes(files, f"{folder}/{FILE_NAME}", bytes_max=FILE_BYTES_MAX)
    epochs = None if content is None else decode_leader_epochs(content)
    loaded.epochs = epochs or LeaderEpochs()
    if not loaded.segments:
        return loaded
    if epochs is None:
        loaded.reports.append(f"{folder}/{FILE_NAME} is missing or damaged: built anew")
    is_trusted = options.is_clean and epochs is not None and _load_tail(files, folder, loaded, options)
    replay_from = _restore_producers(files, folder, options)
    if is_trusted:
        _replay_headers(loaded, options, replay_from, loaded.end_offset)
        return loaded
    _walk(files, folder, loaded, options, replay_from, all_segments=epochs is None)
    return loaded


def walk_batches(
    segment: Segment,
    *,
    position: int,
    expected_offset: int,
    end_position: int,
    check_crc: bool,
    leader_epoch_max: int,
    gaps_allowed: bool,
) -> Iterator[BatchHeader]:
    """Yield the batches of a segment from `position` on; raise `BadBatch` at the first that cannot be right."""
    buffer = b""
    buffer_position = position
    leader_epoch = 0
    while position < end_position:
        at = position - buffer_position
        if at + HEADER_BYTES > len(buffer):
            buffer, buffer_position, at = segment.file.read(_WALK_BYTES, position), position, 0
            if len(buffer) < HEADER_BYTES:
                raise BadBatch(position, expected_offset, f"{len(buffer)} bytes are no batch header")
        batch = read_stored_header(buffer, at)
        if isinstance(batch, str):
            raise BadBatch(position, expected_offset, batch)
        size = batch.size_bytes
        if position + size > end_position:
            raise BadBatch(position, expected_offset, f"the batch of {size} bytes reaches beyond the file")
        if batch.base_offset != expected_offset and not (gaps_allowed and batch.base_offset > expected_offset):
            raise BadBatch(position, expected_offset, f"the batch begins at offset {batch.base_offset}")
        if not leader_epoch <= batch.partition_leader_epoch <= leader_epoch_max:
            raise BadBatch(position, expected_offset, f"leader epoch {batch.partition_leader_epoch}")
        if check_crc:
            if at + size > len(buffer):
                buffer, buffer_position, at = segment.file.read(max(size, _WALK_BYTES), position), position, 0
            if not is_intact(memoryview(buffer)[at : at + size], batch):
                raise BadBatch(position, expected_offset, "the CRC does not match")
        yield batch
        leader_epoch = batch.partition_leader_epoch
        expected_offset = batch.next_offset
        position += size


def rebuild_indexes(segment: Segment, *, index_interval_bytes: int) -> None:
    """Build the indexes of a sealed segment anew from its batches' headers."""
    size, end_offset = segment.size, segment.end_offset
    segment.reset()
    try:
        for batch in walk_batches(
            segment,
            position=0,
            expected_offset=segment.base_offset,
            end_position=size,
            check_crc=False,
            leader_epoch_max=(1 << 31) - 1,
            gaps_allowed=True,
        ):
            segment.add_batch(
                batch.last_offset, batch.size_bytes, batch.max_timestamp, index_interval_bytes=index_interval_bytes
            )
    except BadBatch:
        # Up to the damage the index is good; a read beyond finds the damage by itself.
        pass
    segment.size, segment.end_offset = size, end_offset


# The folder


def _finish_swaps(files: Files, folder: str) -> None:
    """Drop what a deletion or a compaction left unfinished; put a finished compaction's segments in place."""
    names = files.list_names(folder)
    cleaned = [_base_offset(name) for name in names if name.endswith(_CLEANED_SUFFIX)]
    oldest_cleaned = min((offset for offset in cleaned if offset is not None), default=None)
    for name in names:
        path = f"{folder}/{name}"
        base_offset = _base_offset(name)
        if name.endswith((DELETED_SUFFIX, _CLEANED_SUFFIX, _ASIDE_SUFFIX)):
            files.remove(path)
        elif name.endswith(_SWAP_SUFFIX):
            # While a .cleaned file exists the compaction had not finished: its swaps are not all there.
            is_incomplete = oldest_cleaned is not None and (base_offset is None or base_offset >= oldest_cleaned)
            if is_incomplete or base_offset is None:
                files.remove(path)
            elif name.endswith(LOG_SUFFIX + _SWAP_SUFFIX):
                _put_in_place(files, folder, path, base_offset)
            else:
                files.remove(path)


def _put_in_place(files: Files, folder: str, path: str, base_offset: int) -> None:
    """Let a compacted segment replace those whose offsets it holds."""
    end_offset = base_offset
    file = files.open(path)
    swap = Segment(base_offset, file)
    swap.size = file.size()
    try:
        for batch in walk_batches(
            swap,
            position=0,
            expected_offset=base_offset,
            end_position=swap.size,
            check_crc=False,
            leader_epoch_max=(1 << 31) - 1,
            gaps_allowed=True,
        ):
            end_offset = batch.next_offset
    except BadBatch:
        # A swap file was synced before it got its name; what cannot be read replaces nothing.
        file.close()
        files.remove(path)
        return
    file.close()
    for name in files.list_names(folder):
        replaced = _base_offset(name)
        if replaced is not None and base_offset <= replaced < end_offset and not name.endswith(_SWAP_SUFFIX):
            files.remove(f"{folder}/{name}")
    files.rename(path, segment_path(folder, base_offset, LOG_SUFFIX))
    files.folder(folder).sync()


def _find_segments(files: Files, folder: str) -> list[Segment]:
    names = files.list_names(folder)
    base_offsets = sorted(
        offset for name in names if name.endswith(LOG_SUFFIX) and (offset := _base_offset(name)) is not None
    )
    known = set(base_offsets)
    for name in names:
        if name.endswith((INDEX_SUFFIX, TIME_INDEX_SUFFIX)) and _base_offset(name) not in known:
            files.remove(f"{folder}/{name}")
    segments = [Segment(offset, files.open(segment_path(folder, offset, LOG_SUFFIX))) for offset in base_offsets]
    for segment, following in pairwise(segments):
        segment.size = segment.file.size()
        segment.end_offset = following.base_offset
        segment.drop_indexes()
    return segments


def _base_offset(name: str) -> int | None:
    digits, dot, _ = name.partition(".")
    return int(digits) if dot and len(digits) == OFFSET_DIGITS and digits.isascii() and digits.isdigit() else None


# The batches


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


def _restore_producers(files: Files, folder: str, options: LoadOptions) -> int:
    """Hand over the newest usable snapshot of producers; return the offset from which batches must follow."""
    if options.on_producers is None or options.recovery_point is None:
        return 0
    offsets = [_base_offset(name) for name in files.list_names(folder) if name.endswith(SNAPSHOT_SUFFIX)]
    for offset in sorted((offset for offset in offsets if offset is not None), reverse=True):
        if offset > options.recovery_point:
            continue
        producers = read_producer_snapshot(files, segment_path(folder, offset, SNAPSHOT_SUFFIX))
        if producers is not None:
            options.on_producers(producers)
            return offset
    return 0


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
            if expected_offset != segment.base_offset and not options.gaps_allowed:
                raise BadBatch(0, expected_offset, f"the segment begins at offset {segment.base_offset}")
            expected_offset = _walk_segment(loaded, segment, options, replay_from)
        except BadBatch as bad:
            path = segment_path(folder, segment.base_offset, LOG_SUFFIX)
            if bad.offset < synced_to:
                loaded.damage = Damage(offset=bad.offset, path=path, position=bad.position, reason=bad.reason)
                loaded.reports.append(str(loaded.damage))
            else:
                _cut(files, folder, loaded, index, bad)
            expected_offset = bad.offset
            break
        if index < len(segments) - 1:
            segment.write_indexes(files, folder)
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
            batch.last_offset, batch.size_bytes, batch.max_timestamp, index_interval_bytes=options.index_interval_bytes
        )
        loaded.epochs.begin(leader_epoch, batch.base_offset)
        if options.on_batch is not None and batch.base_offset >= replay_from:
            options.on_batch(batch)
    return segment.end_offset


def _cut(files: Files, folder: str, loaded: LoadedLog, index: int, bad: BadBatch) -> None:
    """Cut the log at a bad batch: nothing from there on was acknowledged as synced."""
    segment = loaded.segments[index]
    cut_bytes = segment.file.size() - bad.position
    segment.file.truncate(bad.position)
    for later in loaded.segments[index + 1 :]:
        cut_bytes += later.file.size()
        later.file.close()
        for suffix in (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX):
            path = segment_path(folder, later.base_offset, suffix)
            if files.exists(path):
                files.remove(path)
    del loaded.segments[index + 1 :]
    loaded.reports.append(
        f"{segment.file.path} was cut at byte {bad.position} (offset {bad.offset}), {cut_bytes} bytes: {bad.reason}"
    )
