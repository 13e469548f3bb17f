"""What of one partition's log can be read: batches from an offset or a time on, ends of epochs, and its size?

The reading half of `Log`; nothing here changes what is stored.
"""

from collections.abc import Iterator

from kcon_broker.storage.batch_frame import batch_bounds
from kcon_broker.storage.files import Files
from kcon_broker.storage.leader_epochs import LeaderEpochs
from kcon_broker.storage.log_files import LogFiles
from kcon_broker.storage.log_reader import LogDamagedError, LogReader, split_batches
from kcon_broker.storage.log_settings import LogSettings
from kcon_broker.storage.recovery import Damage, LoadedLog
from kcon_broker.wire.stored_bytes import StoredBytes


class ReadableLog:
    """The files of a log, how far they reach, and what is in them."""

    __slots__ = (
        "_own",
        "_reader",
        "_segments",
        "damage",
        "epochs",
        "log_end_offset",
        "log_start_offset",
        "written_offset",
    )

    def __init__(
        self,
        files: Files,
        folder: str,
        loaded: LoadedLog,
        *,
        settings: LogSettings,
        topic_id: bytes,
        log_start_offset: int,
    ) -> None:
        self._own = LogFiles(files, folder, loaded.segments, loaded.snapshot_offsets, topic_id)
        self._segments = self._own.segments
        self._reader = LogReader(files, folder, self._segments, settings.index_interval_bytes)
        self.damage: Damage | None = loaded.damage
        self.epochs: LeaderEpochs = loaded.epochs
        self.log_start_offset = log_start_offset
        self.log_end_offset = loaded.end_offset
        """The offset of the next record."""
        self.written_offset = loaded.end_offset
        """All below is in the file, though perhaps not on the disk."""

    def read(
        self,
        start_offset: int,
        max_bytes: int,
        *,
        limit_offset: int,
        min_one: bool = True,
        may_block: bool = True,
    ) -> list[memoryview]:
        """Return whole batches from the one that holds `start_offset`, none beyond `limit_offset`.

        A part is a run of batches that stand together. With `min_one` the first batch is returned however large it
        is. Raises OSError (`LogDamagedError`) when there is no sense in what is stored there, and WouldBlockError when
        `may_block` is false and nothing of it is in memory.
        """
        limit = self._readable_limit(start_offset, limit_offset)
        if start_offset >= limit:
            return []
        return self._reader.read(start_offset, max_bytes, limit, min_one=min_one, may_block=may_block)

    def read_parts(
        self, start_offset: int, max_bytes: int, *, limit_offset: int, min_one: bool, may_block: bool, must_read: bool
    ) -> list[memoryview | StoredBytes]:
        """Return what `read` does; without `must_read` large runs as parts that the operating system may send."""
        limit = self._readable_limit(start_offset, limit_offset)
        if start_offset >= limit:
            return []
        return self._reader.runs(
            start_offset, max_bytes, limit, min_one=min_one, may_block=may_block, must_read=must_read
        )

    def _readable_limit(self, start_offset: int, limit_offset: int) -> int:
        limit = min(limit_offset, self.written_offset)
        if self.damage is not None and start_offset < limit:
            if start_offset >= self.damage.offset:
                raise LogDamagedError(self.damage)
            limit = min(limit, self.damage.offset)
        return limit

    def read_batches(self, start_offset: int, *, limit_offset: int) -> Iterator[memoryview]:
        """Yield every batch of `[start_offset, limit_offset)`, one by one."""
        while parts := self.read(start_offset, 1 << 20, limit_offset=limit_offset):
            for batch in split_batches(parts):
                _, start_offset, _ = batch_bounds(batch, 0)
                yield batch

    def batch_for_timestamp(
        self, timestamp_ms: int, *, limit_offset: int, start_offset: int | None = None
    ) -> memoryview | None:
        """Return the first batch with a timestamp at or after this one; None: there is none below the limit.

        `start_offset` is where to begin; None: at the start of the log.
        """
        limit = min(limit_offset, self.written_offset)
        start = self.log_start_offset if start_offset is None else start_offset
        return self._reader.first_batch_since(timestamp_ms, start, limit)

    def batch_with_max_timestamp(self, *, limit_offset: int) -> memoryview | None:
        """Return the first batch that has the greatest timestamp below the limit; None: no record has one."""
        limit = min(limit_offset, self.written_offset)
        greatest_ms = self._reader.greatest_timestamp_ms(self.log_start_offset, limit)
        return None if greatest_ms is None else self.batch_for_timestamp(greatest_ms, limit_offset=limit)

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int] | None:
        """Return (epoch, end offset) of the largest epoch up to `epoch`; None: none that small is known."""
        return self.epochs.end_offset_for(epoch, self.log_end_offset)

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments, without indexes."""
        return sum(segment.size for segment in self._segments)
