"""Which bytes of a log answer a fetch, and which record was first at or after a time?

A read returns whole batches as they are stored. The sparse index leads to within a few batches of the wanted offset;
the rest is read from headers. What an index says is believed only if the batch it points to agrees.
"""

import errno
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import cast

from kcon_broker.batch.header import HEADER_BYTES, NO_TIMESTAMP
from kcon_broker.storage.batch_frame import batch_bounds, max_timestamp_ms
from kcon_broker.storage.batch_walk import rebuild_indexes
from kcon_broker.storage.files import Files, WouldBlockError
from kcon_broker.storage.recovery import Damage
from kcon_broker.storage.segment import INDEX_SUFFIX, TIME_INDEX_SUFFIX, Segment, segment_path
from kcon_broker.wire.stored_bytes import StoredBytes

_SMALL_RUN_BYTES = 64 * 1024
"""Up to so much is read along with the headers."""
_COPIED_BYTES_MAX = 48 * 1024
"""Less than so much is copied out of what it was read with."""
_WINDOW_BYTES = 4_096
"""Read at once where only headers are wanted: the distance between two index entries."""
_INDEX_DISTANCE_BYTES = 8_192
"""Read before the wanted batch: that distance, and a batch."""

ReadAt = Callable[[int, int], bytes | memoryview]
"""(size, position) -> bytes."""
TakeAt = Callable[[int, int], memoryview | StoredBytes]
"""The same, for what is only handed on."""


class LogDamagedError(OSError):
    """The log, or the part of it that was asked for, cannot be read."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(str(damage))
        self.damage = damage


class LogReader:
    """Reads the segments of one log; keeps the indexes of at most one sealed segment in memory."""

    __slots__ = ("_files", "_folder", "_indexed", "index_interval_bytes", "segments")

    def __init__(self, files: Files, folder: str, segments: list[Segment], index_interval_bytes: int) -> None:
        self._files = files
        self._folder = folder
        self.segments = segments
        self.index_interval_bytes = index_interval_bytes
        self._indexed: Segment | None = None

    def segment_index_at(self, offset: int) -> int:
        """Return the index of the segment that holds `offset`, or would."""
        return max(bisect_right(self.segments, offset, key=lambda segment: segment.base_offset) - 1, 0)

    def read(
        self, start_offset: int, bytes_max: int, limit_offset: int, *, min_one: bool, may_block: bool = True
    ) -> list[memoryview]:
        """Return the whole batches from the one that holds `start_offset` up to `limit_offset`, about `bytes_max`.

        Raises WouldBlockError where `may_block` is false and the disk has to be waited for.
        """
        runs = self.runs(start_offset, bytes_max, limit_offset, min_one=min_one, may_block=may_block, must_read=True)
        # `must_read` says so.
        return cast("list[memoryview]", runs)

    def runs(
        self,
        start_offset: int,
        bytes_max: int,
        limit_offset: int,
        *,
        min_one: bool,
        may_block: bool,
        must_read: bool,
    ) -> list[memoryview | StoredBytes]:
        """Return what `read` does; without `must_read` large runs as parts of files, where these can tell."""
        parts: list[memoryview | StoredBytes] = []
        segments = self.segments
        index = self.segment_index_at(start_offset) if segments else 0
        remaining = bytes_max
        while index < len(segments) and segments[index].base_offset < limit_offset:
            segment = segments[index]
            if segment.size:
                if not may_block:
                    self._check_indexes_in_memory(segment)
                try:
                    part, is_at_end = self._read_checked(
                        segment,
                        start_offset,
                        remaining,
                        limit_offset,
                        min_one=min_one,
                        may_block=may_block,
                        must_read=must_read,
                    )
                except WouldBlockError:
                    if parts:
                        break
                    raise
                if part:
                    parts.append(part)
                    remaining -= len(part)
                    min_one = False
                if not is_at_end or remaining <= 0:
                    break
            index += 1
        return parts

    def indexes_of(self, segment: Segment) -> None:
        """Have the indexes of a segment in memory, from the files or built anew."""
        if segment.offset_index is not None:
            return
        if self._indexed is not None and self._indexed is not self.segments[-1]:
            self._indexed.drop_indexes()
        self._indexed = segment
        if not segment.read_indexes(self._files, self._folder):
            self._rebuild(segment)

    def _rebuild(self, segment: Segment) -> None:
        rebuild_indexes(segment, index_interval_bytes=self.index_interval_bytes)
        if segment is not self.segments[-1]:
            try:
                for file in segment.write_indexes(self._files, self._folder):
                    # Should a power cut bring the old files back, they are found out again.
                    file.discard()
            except OSError:
                # The index stays in memory; the next start builds it again.
                return

    def _check_indexes_in_memory(self, segment: Segment) -> None:
        """Raise WouldBlockError when loading the indexes of a segment would wait for the disk."""
        if segment.offset_index is None:
            for suffix in (INDEX_SUFFIX, TIME_INDEX_SUFFIX):
                path = segment_path(self._folder, segment.base_offset, suffix)
                if self._files.exists(path):
                    file = self._files.open(path)
                    file.read_now(file.size(), 0)

    def _read_checked(
        self,
        segment: Segment,
        start_offset: int,
        bytes_max: int,
        limit_offset: int,
        *,
        min_one: bool,
        may_block: bool,
        must_read: bool,
    ) -> tuple[memoryview | StoredBytes, bool]:
        """Read from one segment; where the index lies, build it anew and read again."""
        self.indexes_of(segment)
        file = segment.file
        read = file.read if may_block else file.read_now
        take: TakeAt = (
            file.part_now if not (must_read or may_block) else lambda size, position: memoryview(read(size, position))
        )
        try:
            return _read_segment(
                segment, read, take, start_offset, bytes_max, limit_offset=limit_offset, min_one=min_one
            )
        except _Insane:
            self._rebuild(segment)
        try:
            return _read_segment(
                segment, read, take, start_offset, bytes_max, limit_offset=limit_offset, min_one=min_one
            )
        except _Insane as insane:
            raise LogDamagedError(
                Damage(
                    offset=start_offset, path=segment.file.path, position=insane.position, reason="no batch is there"
                )
            ) from None

    def greatest_timestamp_ms(self, start_offset: int, limit_offset: int) -> int | None:
        """Return the greatest timestamp of the batches below the limit; None: there is none."""
        greatest_ms = NO_TIMESTAMP
        for segment in self.segments:
            if not segment.size or segment.base_offset >= limit_offset:
                continue
            self.indexes_of(segment)
            if segment.largest_timestamp_ms <= greatest_ms:
                continue
            if start_offset <= segment.base_offset and segment.end_offset <= limit_offset:
                greatest_ms = segment.largest_timestamp_ms
                continue
            offset = max(start_offset, segment.base_offset)
            while parts := self.read(offset, 1 << 20, min(limit_offset, segment.end_offset), min_one=True):
                for batch in split_batches(parts):
                    _, offset, _ = batch_bounds(batch, 0)
                    greatest_ms = max(greatest_ms, max_timestamp_ms(batch))
        return None if greatest_ms < 0 else greatest_ms

    def first_batch_since(self, timestamp_ms: int, start_offset: int, limit_offset: int) -> memoryview | None:
        """Return the first batch whose largest timestamp is at or after `timestamp_ms`; None: there is none."""
        for segment in self.segments[self.segment_index_at(start_offset) :] if self.segments else ():
            if segment.base_offset >= limit_offset:
                return None
            self.indexes_of(segment)
            if segment.largest_timestamp_ms < timestamp_ms or segment.time_index is None:
                continue
            offset = segment.base_offset + segment.time_index.relative_offset_before(timestamp_ms)
            offset = max(offset, start_offset)
            while offset < min(segment.end_offset, limit_offset):
                run = self.read(offset, 1 << 16, limit_offset, min_one=True)
                if not run:
                    break
                for batch in split_batches(run):
                    _, offset, _ = batch_bounds(batch, 0)
                    if max_timestamp_ms(batch) >= timestamp_ms:
                        return batch
        return None


def split_batches(parts: Sequence[memoryview]) -> list[memoryview]:
    """Return the single batches of what `read` returned. Raises OSError where the headers make no sense."""
    batches: list[memoryview] = []
    for part in parts:
        at = 0
        while at < len(part):
            size = batch_bounds(part, at)[2] if len(part) - at >= HEADER_BYTES else 0
            if not HEADER_BYTES <= size <= len(part) - at:
                raise OSError(errno.EIO, "a batch in the log is damaged")
            batches.append(part[at : at + size])
            at += size
    return batches


class _Insane(Exception):
    def __init__(self, position: int) -> None:
        super().__init__()
        self.position = position


class _Headers:
    """The headers of the batches of one segment, read in windows."""

    __slots__ = ("_bytes_max", "_read", "_segment", "_window", "_window_position")

    def __init__(self, segment: Segment, read: ReadAt, bytes_max: int) -> None:
        self._segment = segment
        self._read = read
        self._bytes_max = bytes_max
        self._window = memoryview(b"")
        self._window_position = 0

    def bounds(self, position: int) -> tuple[int, int, int]:
        """Return (base offset, next offset, size) of the batch at a position; raise _Insane when none can be there."""
        at = position - self._window_position
        if not 0 <= at <= len(self._window) - HEADER_BYTES:
            self._fill(position)
            at = 0
        segment, window = self._segment, self._window
        base_offset, next_offset, size = batch_bounds(window, at)
        if (
            size < HEADER_BYTES
            or position + size > segment.size
            or not segment.base_offset <= base_offset < next_offset <= segment.end_offset
            or window[at + 16] != 2
        ):
            raise _Insane(position)
        return base_offset, next_offset, size

    def between(self, position: int, end: int) -> memoryview | None:
        """Return the bytes of a range if they were read along with the headers."""
        start = position - self._window_position
        if start < 0 or end - self._window_position > len(self._window):
            return None
        return self._window[start : end - self._window_position]

    def _fill(self, position: int) -> None:
        wanted = min(self._segment.size - position, max(self._bytes_max, 0) + _INDEX_DISTANCE_BYTES)
        try:
            self._window = memoryview(self._read(wanted if wanted <= _SMALL_RUN_BYTES else _WINDOW_BYTES, position))
        except WouldBlockError as cold:
            # What follows will be asked for next.
            raise WouldBlockError(cold.file, wanted, position) from None
        self._window_position = position
        if len(self._window) < HEADER_BYTES:
            raise _Insane(position)


def _read_segment(
    segment: Segment,
    read: ReadAt,
    take: TakeAt,
    start_offset: int,
    bytes_max: int,
    *,
    limit_offset: int,
    min_one: bool,
) -> tuple[memoryview | StoredBytes, bool]:
    """Return the run of batches, and whether it ends where the segment does."""
    assert segment.offset_index is not None
    empty = memoryview(b"")
    headers = _Headers(segment, read, bytes_max)
    position, last_relative = segment.offset_index.entry_at_offset(max(start_offset - segment.base_offset, 0))
    while True:
        if position >= segment.size:
            return empty, True
        _, next_offset, size = headers.bounds(position)
        if last_relative >= 0:
            if next_offset - 1 - segment.base_offset != last_relative:
                raise _Insane(position)
            last_relative = -1
        if next_offset > start_offset:
            break
        position += size
    if next_offset > limit_offset or (size > bytes_max and not min_one):
        return empty, False
    upper = min(segment.size, position + max(size, bytes_max))
    end = _end_of_run(segment, headers, position + size, upper, limit_offset)
    is_at_end = end == segment.size
    read_before = headers.between(position, end)
    run = read_before if read_before is not None else take(end - position, position)
    if len(run) < end - position:
        raise _Insane(position)
    if isinstance(run, memoryview) and len(run) < _COPIED_BYTES_MAX:
        # A client that takes its time must not keep a whole buffer in memory for a batch of a few bytes.
        run = memoryview(bytes(run))
    return run, is_at_end


def _end_of_run(segment: Segment, headers: _Headers, end: int, upper: int, limit_offset: int) -> int:
    """Return where the last whole batch below `upper` and the limit ends; the first one ends at `end`."""
    index = segment.offset_index
    assert index is not None
    if limit_offset >= segment.end_offset and upper == segment.size:
        return upper
    # Most of the run is skipped: the index names a batch near its end.
    near_upper = index.entry_at_position(upper)
    near_limit = index.entry_at_offset(max(limit_offset - segment.base_offset - 1, 0))
    jump, last_relative = min(near_upper, near_limit)
    if end <= jump and jump + HEADER_BYTES <= upper:
        _, next_offset, _ = headers.bounds(jump)
        if next_offset - 1 - segment.base_offset != last_relative:
            raise _Insane(jump)
        end = jump
    while end + HEADER_BYTES <= upper:
        _, next_offset, size = headers.bounds(end)
        if end + size > upper or next_offset > limit_offset:
            break
        end += size
    return end
