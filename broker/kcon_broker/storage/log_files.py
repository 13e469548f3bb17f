"""Which files does a log have, and which of them must still be synced?

Segments come at the end, go at the beginning, and are replaced by a compaction; beside them lie indexes, leader
epochs and snapshots of producers. What is changed here is noted in `unsynced`; nothing here syncs.
"""

import contextlib
from collections.abc import Container, Iterable, Sequence
from typing import cast

from kcon_broker.storage.files import File, Files, Syncable, parent_of, write_aside
from kcon_broker.storage.leader_epochs import FILE_NAME as EPOCHS_FILE_NAME
from kcon_broker.storage.leader_epochs import LeaderEpochs
from kcon_broker.storage.leftovers import SWAP_SUFFIX
from kcon_broker.storage.partition_metadata import FILE_NAME as METADATA_FILE_NAME
from kcon_broker.storage.partition_metadata import encode_partition_metadata
from kcon_broker.storage.producer_snapshot import ProducerSnapshot, encode_producer_snapshot
from kcon_broker.storage.segment import (
    LOG_SUFFIX,
    SNAPSHOT_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    Segment,
    SegmentMark,
    segment_path,
)
from kcon_broker.storage.transaction_index import TransactionIndex, encode_transaction_index, sum_of


class LogFiles:
    """The files of one partition's folder. One thread owns them."""

    __slots__ = (
        "_deleted_paths",
        "_files",
        "_is_snapshot_stale",
        "_snapshot_offsets",
        "_topic_id",
        "aborted",
        "folder",
        "segments",
        "unsynced",
    )

    def __init__(
        self, files: Files, folder: str, segments: list[Segment], snapshot_offsets: list[int], topic_id: bytes
    ) -> None:
        self._files = files
        self._topic_id = topic_id
        self._deleted_paths: list[str] = []
        self._snapshot_offsets = snapshot_offsets
        """Of the snapshots of producers that are there, oldest first."""
        self._is_snapshot_stale = False
        """Transaction indexes of sealed segments have changed: the snapshots do not fit to them any more."""
        self.folder = folder
        self.segments = segments
        """From the oldest to the active one."""
        self.aborted = TransactionIndex()
        """What the transaction indexes say. Who follows the transactions puts his own here."""
        self.unsynced: dict[Syncable, None] = {}

    def begin_segment(self, base_offset: int) -> Segment:
        """Begin a segment; the one before is sealed."""
        if self.segments:
            self.write_indexes(self.segments[-1])
        else:
            self._make_folder()
        file = self._files.open(segment_path(self.folder, base_offset, LOG_SUFFIX), create=True)
        # A file of this name could be left from a write that failed before.
        file.truncate(0)
        if self.segments:
            self.segments[-1].drop_indexes()
        segment = Segment(base_offset, file)
        self.segments.append(segment)
        self.unsynced[file] = None
        self.unsynced[self._files.folder(self.folder)] = None
        return segment

    def _make_folder(self) -> None:
        self._files.make_folder(self.folder)
        self.unsynced[self._files.folder(parent_of(self.folder))] = None
        self.unsynced[self._files.folder(self.folder)] = None
        path = f"{self.folder}/{METADATA_FILE_NAME}"
        if not self._files.exists(path):
            content = encode_partition_metadata(self._topic_id)
            self.unsynced[write_aside(self._files, path, content, sync=False)] = None

    def take_back(self, segment_count: int, mark: SegmentMark | None) -> None:
        """Bring the segments back to where they were before a write that failed."""
        for segment in self.segments[segment_count:]:
            self.unsynced.pop(segment.file, None)
            segment.file.discard()
            with contextlib.suppress(OSError):
                self._files.remove(segment.file.path)
        del self.segments[segment_count:]
        if mark is None:
            return
        segment = self.segments[-1]
        segment.rewind(mark)
        # Bytes that cannot be cut off will be overwritten. A start before that cuts them or, where they are whole
        # batches, keeps records whose producer was told that they failed, as Kafka may.
        with contextlib.suppress(OSError):
            segment.file.truncate(segment.size)

    def write_epochs(self, epochs: LeaderEpochs) -> None:
        """Write the leader epochs."""
        path = f"{self.folder}/{EPOCHS_FILE_NAME}"
        self.unsynced[write_aside(self._files, path, epochs.encode(), sync=False)] = None
        self.unsynced[self._files.folder(self.folder)] = None

    def write_indexes(self, segment: Segment) -> None:
        """Write the three indexes of a segment that have changed."""
        if not segment.has_index_files:
            self.write_transaction_index(segment)
        self.unsynced.update(dict.fromkeys(segment.write_indexes(self._files, self.folder)))

    def write_transaction_index(self, segment: Segment) -> None:
        """Write which aborted transactions end in a segment; a segment without any has no such file."""
        path = segment_path(self.folder, segment.base_offset, TRANSACTION_INDEX_SUFFIX)
        entries = self.aborted.marked_between(segment.base_offset, segment.end_offset)
        if entries:
            content = encode_transaction_index(entries)
            self.unsynced[write_aside(self._files, path, content, sync=False)] = None
        elif self._files.exists(path):
            self._forget_unsynced((path,))
            self._files.remove(path)

    def restore_transaction_indexes(self, start_offset: int) -> None:
        """Write the transaction indexes anew of all that lies above an offset: a start had to read it."""
        for segment in self.segments:
            if segment.end_offset > start_offset:
                self.write_transaction_index(segment)
                self._is_snapshot_stale = True

    def delete_oldest(self, count: int) -> None:
        """Rename the files of the oldest segments aside; `take_deleted_paths` hands them over for removal."""
        for _ in range(count):
            self._deleted_paths += self._move_aside(self.segments[0])
            del self.segments[0]

    def replace(
        self,
        replaced: Sequence[Segment],
        compacted: Segment,
        unsynced: list[Syncable],
        marker_offsets: Container[int],
    ) -> list[str]:
        """Let a compacted segment take the place of sealed neighbours; see `Log.replace_segments`."""
        final_path = segment_path(self.folder, compacted.base_offset, LOG_SUFFIX)
        deleted: list[str] = []
        self._files.rename(compacted.file.path, final_path + SWAP_SUFFIX)
        for segment in replaced:
            deleted += self._move_aside(segment)
        self._files.rename(final_path + SWAP_SUFFIX, final_path)
        self._is_snapshot_stale = True
        first = self.segments.index(replaced[0])
        self.segments[first : first + len(replaced)] = [compacted]
        self.aborted.keep_marked(compacted.base_offset, compacted.end_offset, marker_offsets)
        self.write_transaction_index(compacted)
        unsynced += compacted.write_indexes(self._files, self.folder)
        compacted.drop_indexes()
        compacted.file.close()
        unsynced.append(self._files.folder(self.folder))
        return deleted

    def _move_aside(self, segment: Segment) -> list[str]:
        """Rename the files of a segment that is not wanted any more; nothing of it will be synced."""
        segment.file.discard()
        moved = segment.move_aside(self._files, self.folder)
        self._forget_unsynced(moved)
        return moved

    def _forget_unsynced(self, paths: Container[str]) -> None:
        """Leave files out of the next sync that are about to be removed: one that is gone cannot be synced."""
        for file in [file for file in self.unsynced if file.path in paths]:
            del self.unsynced[file]
            # A thread removes it, and must find nothing open. Only files have such paths.
            cast("File", file).discard()

    def take_deleted_paths(self) -> list[str]:
        """Return the files that may be removed now; see `Log.take_deleted_paths`."""
        paths, self._deleted_paths = self._deleted_paths, []
        return paths

    # Snapshots of producers

    def write_snapshot(self, offset: int, producers: Iterable[ProducerSnapshot]) -> None:
        """Write what is known of producers and aborted transactions at the end of the log, `offset`."""
        path = segment_path(self.folder, offset, SNAPSHOT_SUFFIX)
        if not self.segments or (offset in self._snapshot_offsets and not self._is_snapshot_stale):
            return
        if not self.segments[-1].has_index_files:
            self.write_transaction_index(self.segments[-1])
        sums = [
            sum_of(segment.base_offset, entries)
            for segment in self.segments
            if (entries := self.aborted.marked_between(segment.base_offset, segment.end_offset))
        ]
        content = encode_producer_snapshot(producers, sums)
        self.unsynced[write_aside(self._files, path, content, sync=False)] = None
        self.unsynced[self._files.folder(self.folder)] = None
        self._is_snapshot_stale = False
        if offset not in self._snapshot_offsets:
            self._snapshot_offsets.append(offset)

    def drop_snapshots(self, recovery_point: int) -> None:
        """Remove the snapshots that a start would not look at once the recovery point is known to be here."""
        usable = [offset for offset in self._snapshot_offsets if offset <= recovery_point]
        for offset in usable[:-1]:
            path = segment_path(self.folder, offset, SNAPSHOT_SUFFIX)
            self._forget_unsynced((path,))
            with contextlib.suppress(FileNotFoundError):
                self._files.remove(path)
            self._snapshot_offsets.remove(offset)

    # Stop

    def close(self) -> None:
        """Give the files back."""
        for segment in self.segments:
            segment.file.close()

    def dirty(self) -> list[Syncable]:
        """Return what has to be synced."""
        return [file for file in self.unsynced if file.is_dirty]

    def settle(self) -> None:
        """Forget what was synced."""
        self.unsynced = {file: None for file in self.unsynced if file.is_dirty}

    def folder_entry(self) -> Syncable:
        """Return the folder, to be synced."""
        return self._files.folder(self.folder)

    def sync_all(self) -> None:
        """Make all that was noted durable, and the name of the folder; blocks."""
        for file in self.dirty():
            file.sync()
        self._files.folder(parent_of(self.folder)).sync()
        self.unsynced.clear()
