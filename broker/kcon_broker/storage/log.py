"""One partition's log: what is appended to it, what of it is written, synced, readable, and when it lets go of data.

The owner appends batches (`append`), writes what it collected in one go (`write_pending`), has `dirty_files` synced,
and says so (`mark_durable`). Nothing here waits or syncs by itself, except when the log is opened.

    log_start_offset <= durable_offset <= written_offset <= log_end_offset

A partition has no folder before its first append, and no open file before it is read or written.
"""

from collections.abc import Callable, Container, Iterable, Sequence

from kcon_broker.batch.header import BatchHeader, place_in_log
from kcon_broker.storage.files import Files, Syncable, write_all
from kcon_broker.storage.log_reader import LogDamagedError
from kcon_broker.storage.log_settings import DefaultLogSettings, LogSettings
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.readable_log import ReadableLog
from kcon_broker.storage.recovery import LoadedLog, LoadOptions, load_log
from kcon_broker.storage.retention import count_expired
from kcon_broker.storage.segment import Segment, SegmentMark
from kcon_broker.storage.snapshots import OnProducers
from kcon_broker.storage.transaction_index import TransactionIndex

_INDEX_ENTRY_BYTES = 8
_RELATIVE_OFFSET_MAX = (1 << 31) - 1

__all__ = ["DefaultLogSettings", "Log", "LogSettings"]


class Log(ReadableLog):
    """The log of one partition. One thread owns it."""

    __slots__ = (
        "_is_closed",
        "_is_rolling_due",
        "_now_ms",
        "_pending",
        "durable_offset",
        "failure",
        "leader_epoch",
        "replayed_from",
        "reports",
        "settings",
        "wants_snapshot",
        "was_walked",
    )

    def __init__(
        self,
        files: Files,
        folder: str,
        loaded: LoadedLog,
        *,
        settings: LogSettings,
        leader_epoch: int,
        topic_id: bytes,
        log_start_offset: int,
    ) -> None:
        super().__init__(files, folder, loaded, settings=settings, topic_id=topic_id, log_start_offset=log_start_offset)
        self._pending: list[tuple[bytearray | memoryview, int, int]] = []
        self._is_rolling_due = False
        self._is_closed = False
        self._now_ms = 0
        self.settings = settings
        """May be replaced at any time."""
        self.leader_epoch = leader_epoch
        """The epoch of everything appended from now on."""
        self.durable_offset = loaded.end_offset
        """All below survives a power cut."""
        self.failure: OSError | None = None if loaded.damage is None else LogDamagedError(loaded.damage)
        """Why nothing can be appended any more."""
        self.reports = loaded.reports
        """Sentences for the operator about what recovery did."""
        self.was_walked = loaded.was_walked
        self.replayed_from = loaded.replayed_from
        """Where the batches begin that were handed over when the log was opened."""
        self.wants_snapshot = False
        """A segment was sealed: a snapshot of the producers now saves the next start from reading it."""

    @classmethod
    def empty(cls, files: Files, folder: str, *, settings: LogSettings, leader_epoch: int, topic_id: bytes) -> "Log":
        """Return the log of a partition that has no folder."""
        return cls(
            files,
            folder,
            LoadedLog(),
            settings=settings,
            leader_epoch=leader_epoch,
            topic_id=topic_id,
            log_start_offset=0,
        )

    @classmethod
    def open(
        cls,
        files: Files,
        folder: str,
        *,
        settings: LogSettings,
        leader_epoch: int,
        topic_id: bytes,
        log_start_offset: int = 0,
        recovery_point: int | None = None,
        is_clean: bool = False,
        gaps_allowed: bool = False,
        on_batch: Callable[[BatchHeader], None] | None = None,
        on_producers: OnProducers | None = None,
    ) -> "Log":
        """Load a partition's log, recover it unless the last stop was clean; a folder that is not there is empty.

        With `on_producers`, the newest usable snapshot is handed over first, and `on_batch` gets the batches after
        it; otherwise it gets all. Raises OSError when the folder cannot be read or repaired.
        """
        options = LoadOptions(
            index_interval_bytes=settings.index_interval_bytes,
            leader_epoch_max=leader_epoch,
            recovery_point=recovery_point,
            is_clean=is_clean,
            gaps_allowed=gaps_allowed,
            on_batch=on_batch,
            on_producers=on_producers,
        )
        loaded = load_log(files, folder, options)
        if loaded.segments:
            log_start_offset = max(log_start_offset, loaded.segments[0].base_offset)
            if log_start_offset > loaded.end_offset:
                loaded.reports.append(
                    f"{folder} ends at offset {loaded.end_offset}, before its log start {log_start_offset}:"
                    " the log start is taken back"
                )
                log_start_offset = loaded.segments[0].base_offset
        else:
            loaded.end_offset = log_start_offset
        log = cls(
            files,
            folder,
            loaded,
            settings=settings,
            leader_epoch=leader_epoch,
            topic_id=topic_id,
            log_start_offset=log_start_offset,
        )
        if loaded.was_walked and loaded.damage is None:
            log._sync_recovered(recovery_point, loaded.unsynced)
        return log

    # Append, write, sync

    def append(self, batch: bytearray | memoryview, *, now_ms: int) -> int:
        """Give a valid batch its offset and epoch, in place, and queue it; return the base offset.

        The buffer is borrowed until it is written, and must not change. Raises OSError when the log has failed.
        """
        if self.failure is not None:
            raise self.failure
        base_offset = self.log_end_offset
        last_offset, timestamp_ms = place_in_log(batch, base_offset, self.leader_epoch)
        self._pending.append((batch, last_offset, timestamp_ms))
        self.log_end_offset = last_offset + 1
        self._now_ms = now_ms
        return base_offset

    @property
    def has_pending(self) -> bool:
        """Something is appended and not written."""
        return bool(self._pending)

    def write_pending(self) -> None:
        """Write what was appended, one call a segment: all of it or nothing.

        When that fails (OSError), everything pending is dropped: `log_end_offset` goes back to `written_offset`, and
        the next append finds the log as if they had not been.
        """
        if not self._pending:
            return
        segment_count = len(self._segments)
        mark = self._segments[-1].mark() if segment_count else None
        try:
            while self._pending:
                self._write_run()
        except OSError:
            self._take_back(segment_count, mark)
            raise
        self.written_offset = self._segments[-1].end_offset

    def dirty_files(self) -> list[Syncable]:
        """Return what has to be synced for all below `written_offset` to be durable."""
        return self._own.dirty()

    def mark_durable(self, end_offset: int) -> None:
        """Take note that all below `end_offset` was written before a sync of the then dirty files succeeded."""
        assert end_offset <= self.written_offset
        self.durable_offset = max(self.durable_offset, end_offset)
        if end_offset == self.written_offset:
            self._own.settle()

    def found_damaged(self, error: LogDamagedError) -> None:
        """Serve nothing from the damage on, and accept nothing any more."""
        self.damage = self.damage or error.damage
        self.fence(error)

    def fence(self, error: OSError) -> None:
        """Accept nothing any more, as after a failed sync: what the disk holds above `durable_offset` is unknown."""
        self.failure = self.failure or error
        self._pending.clear()
        self.log_end_offset = self.written_offset

    def _write_run(self) -> None:
        """Write the pending batches that go to one segment."""
        segment = self._segments[-1] if self._segments else self._new_segment(self.written_offset)
        written_offset = segment.end_offset
        buffers: list[bytearray | memoryview] = []
        size = segment.size
        first_ms = self._pending[0][2] if segment.first_timestamp_ms is None else segment.first_timestamp_ms
        for batch, last_offset, timestamp_ms in self._pending:
            age_ms = timestamp_ms - first_ms
            if (size or buffers) and self._must_roll(segment, size + len(batch), last_offset, age_ms):
                break
            buffers.append(batch)
            size += len(batch)
        if not buffers:
            self._new_segment(written_offset)
            return
        if self.epochs.begin(self.leader_epoch, written_offset):
            # Both become durable in the same round: the epoch, and its first batch.
            self._own.write_epochs(self.epochs)
        self._own.unsynced[segment.file] = None
        write_all(segment.file, buffers, segment.size)
        interval = self.settings.index_interval_bytes
        for batch, last_offset, timestamp_ms in self._pending[: len(buffers)]:
            segment.add_batch(last_offset, len(batch), timestamp_ms, index_interval_bytes=interval)
        del self._pending[: len(buffers)]

    def _must_roll(self, segment: Segment, size: int, last_offset: int, age_ms: int) -> bool:
        """Say whether a batch needs a new segment (Kafka: LogSegment.shouldRoll)."""
        settings = self.settings
        assert segment.offset_index is not None
        return (
            self._is_rolling_due
            or size > settings.segment_bytes
            or last_offset - segment.base_offset > _RELATIVE_OFFSET_MAX
            or len(segment.offset_index) * _INDEX_ENTRY_BYTES >= settings.index_bytes_max
            or age_ms > settings.segment_ms
        )

    def _new_segment(self, base_offset: int) -> Segment:
        """Begin a segment; the one before is sealed."""
        self.wants_snapshot = bool(self._segments)
        segment = self._own.begin_segment(base_offset)
        self._is_rolling_due = False
        return segment

    def _take_back(self, segment_count: int, mark: SegmentMark | None) -> None:
        """Bring the log back to where it was before a write that failed."""
        self._pending.clear()
        self.log_end_offset = self.written_offset
        # The file may name an epoch that did not begin: the next one takes its place.
        self.epochs.truncate_end(self.written_offset)
        self._own.take_back(segment_count, mark)

    # Let go

    def delete_before(self, offset: int) -> None:
        """Move the log start up to `offset`, and drop the segments that lie below it altogether."""
        assert offset <= self.written_offset
        self.log_start_offset = max(self.log_start_offset, offset)
        count = 0
        while count < len(self._segments) - 1 and self._segments[count].end_offset <= self.log_start_offset:
            count += 1
        self._delete_oldest(count)

    def apply_retention(self, *, now_ms: int) -> int:
        """Drop the oldest segments that are too old or too many, all of them durable; return how many."""
        count = count_expired(self._segments, self._reader, self.settings, self.durable_offset, now_ms=now_ms)
        if count and count == len(self._segments):
            if self._pending:
                count -= 1
            else:
                self._new_segment(self.written_offset)
        if count:
            self.log_start_offset = max(self.log_start_offset, self._segments[count].base_offset)
            self._delete_oldest(count)
        return count

    def _delete_oldest(self, count: int) -> None:
        self._own.delete_oldest(count)
        if count and self.epochs.truncate_start(self.log_start_offset):
            self._own.write_epochs(self.epochs)

    def replace_segments(
        self,
        replaced: Sequence[Segment],
        compacted: Segment,
        unsynced: list[Syncable],
        marker_offsets: Container[int],
    ) -> list[str]:
        """Let a compacted segment, whose file is synced, take the place of sealed neighbours.

        Adds to `unsynced` what must be synced before the returned paths may be removed. `marker_offsets`: of the
        markers that stayed.
        """
        try:
            return self._own.replace(replaced, compacted, unsynced, marker_offsets)
        except OSError as error:
            # Half of the names are changed; the next start changes the rest.
            self.fence(error)
            raise

    @property
    def segments(self) -> Sequence[Segment]:
        """From the oldest to the active one; for the cleaner."""
        return self._segments

    @property
    def folder(self) -> str:
        """The partition's folder."""
        return self._own.folder

    @property
    def aborted(self) -> TransactionIndex:
        """The aborted transactions that the files beside the segments name."""
        return self._own.aborted

    def share_aborted(self, aborted: TransactionIndex) -> None:
        """Let the files name what this list says, now and later; the caller adds to it what he appends."""
        self._own.aborted = aborted

    def restore_transaction_indexes(self) -> None:
        """Write the transaction indexes anew where a start had to read the markers. Raises OSError."""
        self._own.restore_transaction_indexes(self.replayed_from)

    @property
    def is_closed(self) -> bool:
        """Nobody may use it any more."""
        return self._is_closed

    def load_indexes(self, segment: Segment) -> None:
        """Have what the indexes of a segment say. Raises OSError."""
        self._reader.indexes_of(segment)

    def take_deleted_paths(self) -> list[str]:
        """Return the files that may be removed now, by anybody, in any thread; the next start removes the rest."""
        return self._own.take_deleted_paths()

    def roll(self) -> None:
        """Have the next batch begin a new segment."""
        self._is_rolling_due = True

    # Stop

    def write_producer_snapshot(self, producers: Iterable[ProducerSnapshot]) -> None:
        """Write what is known of the producers at the end of the log, all of which must be written.

        A start uses it only when it knows that what was written by then is durable. Raises OSError.
        """
        assert not self._pending, "a snapshot describes what is in the file"
        self.wants_snapshot = False
        self._own.write_snapshot(self.written_offset, producers)

    def drop_snapshots(self, recovery_point: int) -> None:
        """Remove the snapshots that are superseded once this recovery point is durable. Raises OSError."""
        self._own.drop_snapshots(recovery_point)

    def close(self) -> list[Syncable]:
        """Write the indexes of the active segment and give the files back; nothing may be pending.

        Returns what has to be synced before the stop may count as a clean one.
        """
        assert not self._pending
        self._is_closed = True
        if self._segments and self.damage is None:
            self._own.write_indexes(self._segments[-1])
            # The index files may be new names.
            self._own.unsynced[self._own.folder_entry()] = None
        self._own.close()
        return self._own.dirty()

    def _sync_recovered(self, recovery_point: int | None, written: list[Syncable]) -> None:
        """Make durable what recovery found, before anybody reads it: it may be in the page cache only."""
        if not self._segments or (self.durable_offset == recovery_point and not self.reports):
            return
        self._own.write_epochs(self.epochs)
        for segment in self._segments:
            if recovery_point is None or segment.end_offset > recovery_point or segment is self._segments[-1]:
                segment.file.sync()
        for file in written:
            file.sync()
        self._own.sync_all()
