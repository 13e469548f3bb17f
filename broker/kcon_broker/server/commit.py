"""When do appended records reach the file, the disk, and those who wait for them?

`write` puts everything that a round appended into the files, once a partition. With flush=always a sync follows at
once, off the loop; while it runs, more is written, and the next sync takes all of that together (group commit). When
a sync ends, the high watermarks move to what was written as it began, and waiting answers and fetches are told.

A failed write cuts the log back to its last whole batch, and the partition goes on: the disk may have room again. A
failed sync fences the partition: the kernel may have dropped the pages, and a later success would prove nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from kcon_broker.server.sync import SyncEngine, SyncFailed
from kcon_broker.server.tasks import spawn
from kcon_broker.settings import FlushMode
from kcon_broker.state.broker import Broker
from kcon_broker.state.metadata_journal import MetadataJournal
from kcon_broker.state.partition import Partition
from kcon_broker.state.topic import OFFSETS_TOPIC, TRANSACTIONS_TOPIC
from kcon_broker.storage.files import Syncable
from kcon_broker.storage.log import Log

_logger = logging.getLogger("kcon_broker")


class _Pending(NamedTuple):
    """What one sync makes durable in one partition."""

    partition: Partition
    log: Log
    end_offset: int
    files: list[Syncable]


class Committer:
    """Writes, syncs, and tells."""

    def __init__(self, broker: Broker, journal: MetadataJournal, engine: SyncEngine) -> None:
        self._broker = broker
        self._journal = journal
        self._engine = engine
        self._syncs_at_once = broker.settings.storage.flush is FlushMode.ALWAYS
        self._unsynced: dict[Partition, None] = {}
        self._sync_task: asyncio.Task[None] | None = None
        self.on_group_partition_failed: Callable[[int], None] = lambda _: None
        """A partition of `__consumer_offsets` lost records that its groups know of."""
        self.on_transaction_partition_failed: Callable[[int], None] = lambda _: None
        """A partition of `__transaction_state` lost records that its transactions know of."""
        self.on_defect: Callable[[], None] = lambda: None
        """Nothing can become durable any more, for a reason that is no failure of the disk."""

    def write(self) -> None:
        """Write what was appended, and see to it that it is synced."""
        dirty = self._broker.dirty
        if dirty:
            self._broker.dirty = {}
            for partition in dirty:
                self._write(partition)
        if (self._unsynced and self._syncs_at_once) or self._journal.is_dirty:
            self.start_sync()

    def start_sync(self) -> None:
        """Sync what is written, unless a sync runs; the next one begins as it ends."""
        if self._sync_task is None and (self._unsynced or self._journal.is_dirty):
            self._sync_task = spawn(self._sync(), name="sync")
            self._sync_task.add_done_callback(self._sync_ended)

    async def drain(self) -> None:
        """Return when everything appended is durable, or its partition has failed."""
        self.write()
        self.start_sync()
        while self._sync_task is not None:
            await asyncio.wait([self._sync_task])
            self.start_sync()

    def _write(self, partition: Partition) -> None:
        log = partition.log
        if log is None:
            return
        try:
            log.write_pending()
        except OSError as error:
            _logger.error("writing to %s failed: %s", partition.folder, error)
            partition.producers.write_failed()
            partition.written.fail(above=log.written_offset)
            partition.fail(above=log.written_offset)
            self._unsynced[partition] = None
            self._tell_coordinator(partition)
            return
        partition.producers.written()
        if log.wants_snapshot:
            self._write_snapshot(partition, log)
        partition.written.advance(log.written_offset)
        if not self._syncs_at_once:
            self._advance(partition, log.written_offset)
        self._unsynced[partition] = None

    def _write_snapshot(self, partition: Partition, log: Log) -> None:
        """Write what is known of the producers: a segment was sealed, and a start need not read it for them."""
        try:
            log.write_producer_snapshot(partition.producers.snapshot())
        except OSError as error:
            _logger.error("writing the snapshot of producers of %s failed: %s", partition.folder, error)

    async def _sync(self) -> None:
        """Sync everything written so far, once."""
        unsynced, self._unsynced = self._unsynced, {}
        pending = [
            _Pending(partition, partition.log, partition.log.written_offset, partition.log.dirty_files())
            for partition in unsynced
            if partition.log is not None
        ]
        files: dict[Syncable, None] = {}
        for entry in pending:
            files.update(dict.fromkeys(entry.files))
        journal_end = self._journal.position
        journal_files = self._journal.dirty_files()
        files.update(dict.fromkeys(journal_files))
        failed: frozenset[Syncable] = frozenset()
        try:
            await self._engine.sync(list(files))
        except SyncFailed as failure:
            failed = frozenset(failure.errors)
            _logger.error("a sync failed: %s", failure)
        for entry in pending:
            if entry.partition.log is not entry.log:
                continue
            if failed.isdisjoint(entry.files):
                entry.log.mark_durable(entry.end_offset)
                self._advance(entry.partition, entry.end_offset)
            else:
                self._fence(entry)
        self._journal.synced(journal_end, failed, journal_files)
        self._sync_task = None
        if (self._unsynced and self._syncs_at_once) or self._journal.is_dirty:
            self.start_sync()

    def _sync_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.on_defect()

    def _advance(self, partition: Partition, high_watermark: int) -> None:
        if high_watermark > partition.high_watermark:
            partition.advance(high_watermark)
            self._broker.wake(partition)

    def _fence(self, entry: _Pending) -> None:
        partition = entry.partition
        partition.is_fenced = True
        entry.log.fence(OSError(5, "a sync failed"))
        partition.log = None
        partition.written.fail()
        partition.fail()
        self._broker.wake(partition)
        self._tell_coordinator(partition)

    def _tell_coordinator(self, partition: Partition) -> None:
        if partition.topic.name == OFFSETS_TOPIC:
            self.on_group_partition_failed(partition.index)
        elif partition.topic.name == TRANSACTIONS_TOPIC:
            self.on_transaction_partition_failed(partition.index)
