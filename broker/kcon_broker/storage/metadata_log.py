"""What did this broker decide about topics, in order, and did each decision reach the disk?

A log of opaque records of our own, in the folder `metadata`. One file holds everything:

    metadata/<generation, 10 digits>.log
    head     8 bytes b"KCONMETA" | version u32 | synced u64 | CRC-32C u32 of the head before it
    frame    length u32 | CRC-32C u32 of the length and all after the CRC | synced u64 | payload

The first frames of a file are a snapshot (see `compact_steps`), the rest was appended since. A compaction writes the
next generation aside, syncs and renames it; the old file goes afterwards, so that a whole generation is always there.

`synced` says up to which byte the file was known to be on the disk when the frame was written. A bad frame above all
that was torn by a power cut and never answered for: it is cut off. A bad frame below is damage, and the broker does
not start: to go on would lose topics in silence.
"""

import contextlib
import struct
from collections.abc import Iterable

from kcon_broker.batch.checksum import crc32c
from kcon_broker.errors import FolderUnreadableError
from kcon_broker.storage.files import File, Files, Syncable, write_all, write_aside
from kcon_broker.storage.steps import Steps, sync_elsewhere

FOLDER = "metadata"
FORMAT_VERSION = 1
_MAGIC = b"KCONMETA"
_HEAD = struct.Struct(">8sIQ")
_HEAD_BYTES = _HEAD.size + 4
_FRAME = struct.Struct(">IIQ")
_UINT32 = struct.Struct(">I")
_UINT64 = struct.Struct(">Q")
_SUFFIX = ".log"
_RECORD_BYTES_MAX = 16 << 20
_COMPACTION_BYTES_MIN = 1 << 20
_COMPACTION_FACTOR = 4
_ASIDE_SUFFIX = ".tmp"
_CATCH_UP_ROUNDS = 4
_PAUSE_RECORDS = 200
"""Encoded between two pauses."""
_PAUSE_BYTES = 256 * 1024
"""Written between two pauses."""


class MetadataLog:
    """The records, and where they are durable. One thread owns it.

    `position` counts bytes ever appended in this run: it rises also when a compaction makes the file smaller.
    """

    def __init__(self, files: Files, generation: int, file: File, size: int, records: list[bytes]) -> None:
        self._files = files
        self._generation = generation
        self._file = file
        self._size = size
        self._size_after_compaction = size
        self._unsynced: dict[Syncable, None] = {}
        self._since: list[bytes] | None = None
        """Records appended since a compaction began; None: there is none under way."""
        self.position = 0
        self.durable_position = 0
        self.failure: OSError | None = None
        self.reports: list[str] = []
        """Sentences for the operator."""
        self.records = records
        """What the start found, to be replayed and then cleared by the owner."""

    @classmethod
    def open(cls, files: Files) -> "MetadataLog":
        """Load the newest generation; raises FolderUnreadableError when it is damaged, or from a later version."""
        files.make_folder(FOLDER)
        generations = _generations(files)
        if not generations:
            write_aside(files, _path(1), _encode_head(_HEAD_BYTES), sync=True)
            files.folder("").sync()
            generations = [1]
        generation = generations[-1]
        file = files.open(_path(generation))
        content = file.read(file.size(), 0)
        records, size = _parse(content, _path(generation))
        if size < len(content):
            file.truncate(size)
        # What a killed process wrote may be in the page cache only, and is about to be answered for.
        file.sync()
        for old in generations[:-1]:
            files.remove(_path(old))
        log = cls(files, generation, file, size, records)
        if size < len(content):
            log.reports.append(f"{file.path} was cut at byte {size}, {len(content) - size} bytes: a torn record")
        return log

    def append(self, record: bytes) -> int:
        """Write a record; return the position at which it is durable. Raises OSError, and then nothing changed."""
        if self.failure is not None:
            raise self.failure
        frame = _encode_frame(record, self._size - (self.position - self.durable_position))
        try:
            write_all(self._file, [frame], self._size)
        except OSError:
            # What cannot be cut off now is overwritten by the next record.
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
            raise
        self._size += len(frame)
        self.position += len(frame)
        if self._since is not None:
            self._since.append(record)
        self._unsynced[self._file] = None
        return self.position

    def dirty_files(self) -> list[Syncable]:
        """Return what has to be synced for everything up to `position` to be durable."""
        return [file for file in self._unsynced if file.is_dirty]

    def mark_durable(self, position: int) -> None:
        """Take note that everything up to `position` was written before a sync of the then dirty files succeeded."""
        self.durable_position = max(self.durable_position, position)
        if position == self.position:
            self._unsynced = {file: None for file in self._unsynced if file.is_dirty}

    def fence(self, error: OSError) -> None:
        """Accept nothing any more: a sync failed."""
        self.failure = self.failure or error

    @property
    def wants_compaction(self) -> bool:
        """The file has grown well beyond what a snapshot would take."""
        return self._size > max(_COMPACTION_BYTES_MIN, _COMPACTION_FACTOR * self._size_after_compaction)

    def compact_steps(self, snapshot: Iterable[bytes]) -> Steps[None]:
        """Begin a new generation with records that lead to the present state, without holding up the loop.

        What is appended meanwhile goes to both. Raises OSError, and then the old generation goes on.
        """
        if self.failure is not None:
            raise self.failure
        if self._since is not None:
            return
        self._since = []
        path = _path(self._generation + 1)
        aside = self._files.open(path + _ASIDE_SUFFIX, create=True)
        try:
            snapshot_size = yield from _write_snapshot(aside, snapshot)
            size = yield from self._catch_up(aside, snapshot_size)
            aside.close()
            self._files.rename(aside.path, path)
        except BaseException:
            aside.discard()
            with contextlib.suppress(OSError):
                self._files.remove(path + _ASIDE_SUFFIX)
            raise
        finally:
            self._since = None
        old_file, position, folder = self._file, self.position, self._files.folder(FOLDER)
        self._generation += 1
        self._file = self._files.open(path)
        self._size, self._size_after_compaction = size, snapshot_size
        # Nothing that is written from now on is durable before the new name is.
        self._unsynced = {folder: None}
        yield from sync_elsewhere([folder])
        self.mark_durable(position)
        old_file.discard()
        with contextlib.suppress(OSError):
            # The next start removes it otherwise.
            self._files.remove(old_file.path)

    def _catch_up(self, aside: File, size: int) -> Steps[int]:
        """Write and sync what was appended since a compaction began, until nothing more was; return the size."""
        snapshot_size = size
        for round_number in range(_CATCH_UP_ROUNDS):
            if round_number and not self._since:
                break
            since, self._since = self._since or [], []
            frames = [_encode_frame(record, snapshot_size) for record in since]
            write_all(aside, frames, size)
            size += sum(map(len, frames))
            if round_number == _CATCH_UP_ROUNDS - 1:
                # Somebody appends all the time: the rest, which is little, is synced here and now.
                aside.sync()
            else:
                yield from sync_elsewhere([aside])
        if self.failure is not None:
            raise self.failure
        return size

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _path(generation: int) -> str:
    return f"{FOLDER}/{generation:010d}{_SUFFIX}"


def _generations(files: Files) -> list[int]:
    stems = (name.removesuffix(_SUFFIX) for name in files.list_names(FOLDER) if name.endswith(_SUFFIX))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit())


def _encode_head(size: int) -> bytes:
    """Return the head of a new generation, of which so many bytes are synced before it gets its name."""
    head = _HEAD.pack(_MAGIC, FORMAT_VERSION, size)
    return head + _UINT32.pack(crc32c(head))


def _write_snapshot(file: File, snapshot: Iterable[bytes]) -> Steps[int]:
    """Write a new generation of these records, bit by bit; return its size."""
    frames: list[bytes] = []
    size = _HEAD_BYTES
    for record in snapshot:
        frames.append(_encode_frame(record, 0))
        size += len(frames[-1])
        if not len(frames) % _PAUSE_RECORDS:
            yield None
    content = memoryview(b"".join([_encode_head(size), *frames]))
    file.truncate(0)
    for start in range(0, size, _PAUSE_BYTES):
        write_all(file, [content[start : start + _PAUSE_BYTES]], start)
        yield None
    return size


def _encode_frame(record: bytes, synced: int) -> bytes:
    assert 0 < len(record) <= _RECORD_BYTES_MAX
    rest = _UINT64.pack(synced) + record
    return _UINT32.pack(len(record)) + _UINT32.pack(crc32c(_UINT32.pack(len(record)) + rest)) + rest


def _parse(content: bytes, path: str) -> tuple[list[bytes], int]:
    """Return the records, and the size up to which the file is good."""
    if len(content) < _HEAD_BYTES or content[: len(_MAGIC)] != _MAGIC:
        raise FolderUnreadableError(f"The metadata log {path} is damaged at its beginning.")
    _, version, synced = _HEAD.unpack_from(content)
    if _UINT32.unpack_from(content, _HEAD.size)[0] != crc32c(content[: _HEAD.size]):
        raise FolderUnreadableError(f"The metadata log {path} is damaged at its beginning.")
    if version != FORMAT_VERSION:
        raise FolderUnreadableError(
            f"The metadata log {path} has format version {version}; this program knows {FORMAT_VERSION}."
        )
    records: list[bytes] = []
    position = _HEAD_BYTES
    while (frame := _frame_at(content, position)) is not None:
        end, frame_synced = frame
        synced = max(synced, frame_synced)
        records.append(content[position + _FRAME.size : end])
        position = end
    later = (_frame_at(content, later) for later in range(position + 1, len(content)))
    if position < max((frame[1] for frame in later if frame is not None), default=synced) or position < synced:
        raise FolderUnreadableError(
            f"The metadata log {path} is damaged at byte {position}, where {len(records)} records end. It was whole"
            " on the disk before: restore the file from a copy."
        )
    return records, position


def _frame_at(content: bytes, position: int) -> tuple[int, int] | None:
    """Return (end, synced) of the frame at `position`; None: there is no whole one."""
    if position + _FRAME.size > len(content):
        return None
    length, crc, synced = _FRAME.unpack_from(content, position)
    end = position + _FRAME.size + length
    # Empty records are never written, so zeros cannot pass for a frame.
    if length == 0 or length > _RECORD_BYTES_MAX or end > len(content):
        return None
    checked = content[position : position + 4] + content[position + 8 : end]
    return (end, synced) if crc32c(checked) == crc else None
