"""When do appended records reach the file, the disk, and those who wait for them?

`write` puts everything that a round appended into the files, once a partition. With flush=always a sync follows at
once, off the loop; while it runs, more is written, and the next sync takes all of that together (group commit). When
a sync ends, the high watermarks move to what was written as it began, and waiting answers and fetches are told.

A sync of much takes long. Who wrote something else meanwhile does not wait for it: from `SLOW_SYNC_S` on, another sync
begins beside it with what is in none under way, up to `SYNCS_MAX`. A change of the metadata log goes before everything
that was written later: every sync takes it along, and while it is under way no other begins. A single client that
waits for a single request keeps nobody waiting: then the loop itself syncs, which spares the way through the kernel's
queue, unless the disk was slow lately.

A failed write cuts the log back to its last whole batch, and the partition goes on: the disk may have room again. A
failed sync fences the partition: the kernel may have dropped the pages, and a later success would prove nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from kcon_broker.server.sync import Errors, SyncEngine, SyncFailed
from kcon_broker.settings import FlushMode
from kcon_broker.state.broker import Broker
from kcon_broker.state.metadata_journal import MetadataJournal
from kcon_broker.state.partition import Partition
from kcon_broker.state.topic import OFFSETS_TOPIC, TRANSACTIONS_TOPIC
from kcon_broker.storage.files import Syncable
from kcon_broker.storage.log import Log

_logger = logging.getLogger("kcon_broker")

SLOW_SYNC_S = 0.002
"""So long the last sync that began has the disk to itself; most end before."""
SYNCS_MAX = 4
"""Syncs that may be under way."""
_SLOW_HERE_S = 0.005
"""A sync that kept the loop for so long is the last one that does, for a while."""
_NOT_HERE_TIMES = 50
"""That while, in the time it took: of a slow disk the loop notices two percent."""


class _Pending(NamedTuple):
    """What one sync makes durable in one partition."""

    partition: Partition
    log: Log
    end_offset: int
    files: list[Syncable]


class _Sync:
    """One sync under way."""

    __slots__ = ("files", "has_rolled", "journal_end", "journal_files", "pending")

    def __init__(self) -> None:
        self.pending: list[_Pending] = []
        self.files: dict[Syncable, None] = {}
        self.has_rolled = False
        """It may make a sealed segment durable."""
        self.journal_end: int | None = None
        """The position of the metadata log that it makes durable; None: it has no part in it."""
        self.journal_files: list[Syncable] = []


class Committer:
    """Writes, syncs, and tells."""

    def __init__(self, broker: Broker, journal: MetadataJournal, engine: SyncEngine) -> None:
        self._broker = broker
        self._journal = journal
        self._engine = engine
        self._syncs_at_once = broker.settings.storage.flush is FlushMode.ALWAYS
        self._unsynced: dict[Partition, None] = {}
        self._has_rolled = False
        """A segment was sealed since the last sync began."""
        self._under_way: dict[_Sync, None] = {}
        self._last_began_s = 0.0
        self._not_here_until_s = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._draining: list[asyncio.Future[None]] = []
        self.is_only_one_waiting: Callable[[], bool] = lambda: False
        """Tell whether there is a single client, and it waits for a single small request."""
        self.on_synced: Callable[[], None] = lambda: None
        """Called when a sync off the loop has ended and everybody was told."""
        self.on_segment_durable: Callable[[], None] = lambda: None
        """A segment was sealed, and all of it is durable: a start need not read it, once a checkpoint says so."""
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
        if self._is_sync_due:
            self.start_sync()

    @property
    def _is_sync_due(self) -> bool:
        return (bool(self._unsynced) and (self._syncs_at_once or self._has_rolled)) or self._journal.is_dirty

    def start_sync(self) -> None:
        """Sync what is written, unless that has to wait for the syncs under way."""
        if not (self._unsynced or self._journal.is_dirty) or not self._may_begin():
            return
        sync = self._take_unsynced()
        if sync is None:
            return
        self._under_way[sync] = None
        now_s = self._last_began_s = time.monotonic()
        if len(sync.files) == 1 and len(self._under_way) == 1 and self._may_sync_here(now_s):
            errors = self._engine.sync_here(next(iter(sync.files)))
            took_s = time.monotonic() - now_s
            if took_s > _SLOW_HERE_S:
                self._not_here_until_s = now_s + _NOT_HERE_TIMES * took_s
            self._end(sync, errors)
            return

        def on_end(errors: Errors) -> None:
            self._end(sync, errors)
            self.on_synced()

        self._engine.begin(sync.files, on_end)

    def take_ended(self) -> None:
        """Tell everybody whose sync has ended by now; the loop would do it when it comes round."""
        if self._under_way:
            self._engine.take_finished()

    async def drain(self) -> None:
        """Return when everything appended is durable, or its partition has failed."""
        self.write()
        while True:
            self.start_sync()
            if not self._under_way:
                return
            ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._draining.append(ended)
            await ended

    def _may_begin(self) -> bool:
        """Tell whether another sync may begin now; if time alone has to pass, it is tried again."""
        under_way = self._under_way
        if not under_way:
            return True
        if len(under_way) >= SYNCS_MAX or any(sync.journal_end is not None for sync in under_way):
            return False
        wait_s = self._last_began_s + SLOW_SYNC_S - time.monotonic()
        if wait_s <= 0:
            return True
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(wait_s, self._alarmed)
        return False

    def _alarmed(self) -> None:
        self._alarm = None
        self.start_sync()

    def _may_sync_here(self, now_s: float) -> bool:
        return now_s >= self._not_here_until_s and self.is_only_one_waiting()

    def _take_unsynced(self) -> _Sync | None:
        """Take what is unsynced and has no file in a sync under way; None: there is nothing."""
        sync = _Sync()
        sync.has_rolled, self._has_rolled = self._has_rolled, False
        busy = {file for other in self._under_way for file in other.files}
        if self._journal.is_dirty:
            sync.journal_files = self._journal.dirty_files()
            if not busy.isdisjoint(sync.journal_files):
                self._has_rolled = sync.has_rolled
                return None
            sync.journal_end = self._journal.position
            sync.files.update(dict.fromkeys(sync.journal_files))
        left: dict[Partition, None] = {}
        for partition in self._unsynced:
            log = partition.log
            if log is None:
                continue
            files = log.dirty_files()
            if busy and not busy.isdisjoint(files):
                left[partition] = None
                continue
            sync.pending.append(_Pending(partition, log, log.written_offset, files))
            sync.files.update(dict.fromkeys(files))
        self._unsynced = left
        if left:
            # The sealed segment may be one of theirs.
            self._has_rolled = sync.has_rolled
        return sync if sync.pending or sync.journal_end is not None else None

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
            # Also where the operating system syncs when it likes: or a start would have to read all there ever was.
            self._has_rolled = True
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

    def _end(self, sync: _Sync, errors: Errors) -> None:
        is_told = False
        try:
            self._tell(sync, errors)
            is_told = True
        finally:
            if not is_told:
                self.on_defect()

    def _tell(self, sync: _Sync, errors: Errors) -> None:
        """Tell everybody how a sync ended, and begin the next one."""
        if errors:
            _logger.error("a sync failed: %s", SyncFailed(errors))
        for entry in sync.pending:
            if entry.partition.log is not entry.log:
                continue
            if errors and not errors.keys().isdisjoint(entry.files):
                self._fence(entry)
            else:
                entry.log.mark_durable(entry.end_offset)
                self._advance(entry.partition, entry.end_offset)
        if sync.has_rolled and not errors:
            self.on_segment_durable()
        if sync.journal_end is not None:
            self._journal.synced(sync.journal_end, errors.keys(), sync.journal_files)
        del self._under_way[sync]
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._is_sync_due:
            self.start_sync()
        draining, self._draining = self._draining, []
        for ended in draining:
            if not ended.done():
                ended.set_result(None)

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
