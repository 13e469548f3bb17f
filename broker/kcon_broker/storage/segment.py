"""What is known of one segment: a `.log` file of batches, and its two sparse indexes?

A segment is named by its base offset, in 20 digits. The newest one is active and has its indexes in memory; a sealed
one loads them when they are asked for. An index that is missing, or is not what the log says, is built anew.
"""

from dataclasses import dataclass

from kcon_broker.storage.files import File, Files, read_bytes, write_all
from kcon_broker.storage.index import OffsetIndex, TimeIndex, decode_offset_index, decode_time_index

LOG_SUFFIX = ".log"
INDEX_SUFFIX = ".index"
TIME_INDEX_SUFFIX = ".timeindex"
TRANSACTION_INDEX_SUFFIX = ".txnindex"
SNAPSHOT_SUFFIX = ".snapshot"
DELETED_SUFFIX = ".deleted"
SEGMENT_SUFFIXES = (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX)
"""The files that come and go with a segment; the log first."""
OFFSET_DIGITS = 20
INDEX_BYTES_MAX = 1 << 30


def segment_path(folder: str, base_offset: int, suffix: str) -> str:
    """Return the path of one of a segment's files."""
    return f"{folder}/{base_offset:020d}{suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentMark:
    """A segment at one moment."""

    size: int
    end_offset: int
    first_timestamp_ms: int | None
    largest_timestamp_ms: int
    largest_timestamp_offset: int
    bytes_since_entry: int
    offset_index: OffsetIndex
    offset_entries: int
    time_index: TimeIndex
    time_entries: int


class Segment:
    """One segment of one log."""

    __slots__ = (
        "_bytes_since_entry",
        "base_offset",
        "end_offset",
        "file",
        "first_timestamp_ms",
        "future_since_ms",
        "has_index_files",
        "largest_timestamp_ms",
        "largest_timestamp_offset",
        "offset_index",
        "size",
        "time_index",
    )

    def __init__(self, base_offset: int, file: File) -> None:
        self.base_offset = base_offset
        self.file = file
        self.size = 0
        """Bytes of whole batches; what the file has beyond is left from a failed write."""
        self.end_offset = base_offset
        """The offset after the last batch."""
        self.first_timestamp_ms: int | None = None
        self.largest_timestamp_ms = -1
        self.largest_timestamp_offset = base_offset
        """The last offset of the batch with the largest timestamp."""
        self.future_since_ms: int | None = None
        """When its newest record was first seen to be ahead of the clock."""
        self.offset_index: OffsetIndex | None = OffsetIndex()
        """None: sealed, and not loaded."""
        self.has_index_files = False
        """The index files say what the indexes in memory say."""
        self.time_index: TimeIndex | None = TimeIndex()
        self._bytes_since_entry = 0

    def add_batch(self, last_offset: int, size: int, max_timestamp_ms: int, *, index_interval_bytes: int) -> None:
        """Take note of a batch at the end (Kafka: LogSegment.append)."""
        assert self.offset_index is not None
        assert self.time_index is not None
        if max_timestamp_ms > self.largest_timestamp_ms:
            self.largest_timestamp_ms = max_timestamp_ms
            self.largest_timestamp_offset = last_offset
        if self.first_timestamp_ms is None:
            self.first_timestamp_ms = max_timestamp_ms
        if self._bytes_since_entry > index_interval_bytes:
            self.offset_index.add(last_offset - self.base_offset, self.size)
            self._add_time_entry()
            self._bytes_since_entry = 0
        self.has_index_files = False
        self._bytes_since_entry += size
        self.size += size
        self.end_offset = last_offset + 1

    def write_indexes(self, files: Files, folder: str) -> list[File]:
        """Write both index files; return what has to be synced before a start may trust them.

        A torn file is recognised when it is loaded; one that a power cut takes back to an older state may not be.
        """
        assert self.offset_index is not None
        assert self.time_index is not None
        if self.has_index_files:
            return []
        self._add_time_entry()
        written: list[File] = []
        for suffix, content in (
            (INDEX_SUFFIX, self.offset_index.encode()),
            (TIME_INDEX_SUFFIX, self.time_index.encode()),
        ):
            file = files.open(segment_path(folder, self.base_offset, suffix), create=True)
            file.truncate(0)
            write_all(file, [content], 0)
            written.append(file)
        self.has_index_files = True
        return written

    def read_indexes(self, files: Files, folder: str) -> bool:
        """Load both indexes; return whether they can be this segment's."""
        content = read_bytes(files, segment_path(folder, self.base_offset, INDEX_SUFFIX), bytes_max=INDEX_BYTES_MAX)
        times = read_bytes(files, segment_path(folder, self.base_offset, TIME_INDEX_SUFFIX), bytes_max=INDEX_BYTES_MAX)
        if content is None or times is None:
            return False
        offset_index = decode_offset_index(content, segment_bytes=self.size)
        time_index = decode_time_index(times)
        if offset_index is None or time_index is None or (self.size and not len(time_index)):
            return False
        last = max((*offset_index.relative_offsets[-1:], *time_index.relative_offsets[-1:]), default=0)
        if self.size and last >= self.end_offset - self.base_offset:
            return False
        self.offset_index = offset_index
        self.time_index = time_index
        self.has_index_files = True
        if len(time_index):
            self.largest_timestamp_ms = time_index.timestamps_ms[-1]
            self.largest_timestamp_offset = self.base_offset + time_index.relative_offsets[-1]
        return True

    def resume(self, end_offset: int, bytes_since_entry: int) -> None:
        """Go on where a clean stop left the segment."""
        self.end_offset = end_offset
        self._bytes_since_entry = bytes_since_entry

    def mark(self) -> SegmentMark:
        """Return what `rewind` needs to take back the batches added from now on."""
        assert self.offset_index is not None
        assert self.time_index is not None
        return SegmentMark(
            size=self.size,
            end_offset=self.end_offset,
            first_timestamp_ms=self.first_timestamp_ms,
            largest_timestamp_ms=self.largest_timestamp_ms,
            largest_timestamp_offset=self.largest_timestamp_offset,
            bytes_since_entry=self._bytes_since_entry,
            offset_index=self.offset_index,
            offset_entries=len(self.offset_index),
            time_index=self.time_index,
            time_entries=len(self.time_index),
        )

    def rewind(self, mark: SegmentMark) -> None:
        """Be again as when the mark was made, sealed or not since."""
        self.size = mark.size
        self.end_offset = mark.end_offset
        self.first_timestamp_ms = mark.first_timestamp_ms
        self.largest_timestamp_ms = mark.largest_timestamp_ms
        self.largest_timestamp_offset = mark.largest_timestamp_offset
        self._bytes_since_entry = mark.bytes_since_entry
        self.has_index_files = False
        self.offset_index = mark.offset_index
        self.offset_index.cut(mark.offset_entries)
        self.time_index = mark.time_index
        self.time_index.cut(mark.time_entries)

    def move_aside(self, files: Files, folder: str) -> list[str]:
        """Rename the files of a segment that is not wanted any more; return their new paths. The log goes first."""
        moved: list[str] = []
        for suffix in SEGMENT_SUFFIXES:
            path = segment_path(folder, self.base_offset, suffix)
            if files.exists(path):
                files.rename(path, path + DELETED_SUFFIX)
                moved.append(path + DELETED_SUFFIX)
        return moved

    def drop_indexes(self) -> None:
        """Free the memory of a sealed segment's indexes."""
        self.offset_index = None
        self.time_index = None

    def reset(self) -> None:
        """Forget everything but the file, to walk it from its start."""
        self.size = 0
        self.end_offset = self.base_offset
        self.first_timestamp_ms = None
        self.largest_timestamp_ms = -1
        self.largest_timestamp_offset = self.base_offset
        self.offset_index = OffsetIndex()
        self.time_index = TimeIndex()
        self.has_index_files = False
        self._bytes_since_entry = 0

    def _add_time_entry(self) -> None:
        assert self.time_index is not None
        if self.largest_timestamp_ms >= 0:
            self.time_index.add(self.largest_timestamp_ms, self.largest_timestamp_offset - self.base_offset)
