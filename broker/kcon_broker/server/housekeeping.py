"""What does the broker do from time to time, without being asked?

Retention, checkpoints, the sync of flush=interval, removal of deleted files, and the deadlines of connections.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from kcon_broker.server.checkpoints import CheckpointWriter
from kcon_broker.server.clock import Clock
from kcon_broker.server.commit import Committer
from kcon_broker.server.connection import Connection
from kcon_broker.server.dispatch import Dispatcher
from kcon_broker.server.stepping import drive
from kcon_broker.server.tasks import spawn
from kcon_broker.settings import FlushMode
from kcon_broker.state.broker import Broker
from kcon_broker.state.metadata_journal import MetadataJournal
from kcon_broker.state.partition import Partition
from kcon_broker.storage.data_folder import DataFolder

_logger = logging.getLogger("kcon_broker")

_DEADLINES_INTERVAL_MS = 1_000
_CHECKPOINT_PAUSE_S = 1.0
"""Between two checkpoints, however fast segments fill."""
_SLICE_S = 0.005
"""How long housekeeping holds the loop at a time."""
_LOW_SPACE_SHARE = 20
_RESERVED_SPACE_SHARE = 50
_UNOPENED_PER_PASS = 500
"""Untouched partitions that one pass of retention opens."""


def _errors_of(removals: Iterable[Callable[[], None]]) -> list[OSError]:
    """Remove everything; return what stood in the way. What is gone already, with its folder, is no error."""
    errors: list[OSError] = []
    for remove in removals:
        try:
            remove()
        except FileNotFoundError:
            continue
        except OSError as error:
            errors.append(error)
    return errors


class _SpaceAlarm:
    """Says once that the room on the disk is below a limit, and once that it is well above it again."""

    def __init__(self, raised: str, cleared: str) -> None:
        self.is_on = False
        self._raised = raised
        self._cleared = cleared

    def look(self, usable_bytes: int, limit_bytes: int) -> None:
        if usable_bytes < limit_bytes and not self.is_on:
            self.is_on = True
            _logger.warning(self._raised, usable_bytes >> 20)
        elif usable_bytes >= 2 * limit_bytes and self.is_on:
            self.is_on = False
            _logger.info(self._cleared, usable_bytes >> 20)


class Housekeeping:
    """The periodic jobs of one broker."""

    def __init__(
        self,
        broker: Broker,
        folder: DataFolder,
        journal: MetadataJournal,
        committer: Committer,
        dispatcher: Dispatcher,
        *,
        checkpoints: CheckpointWriter,
        clock: Clock,
    ) -> None:
        self._broker = broker
        self._folder = folder
        self._journal = journal
        self._committer = committer
        self._dispatcher = dispatcher
        self._checkpoints = checkpoints
        self._clock = clock
        self.retention_passes = 0
        """How often retention went through all partitions."""
        self._is_checkpoint_due = asyncio.Event()
        self._low = _SpaceAlarm("the disk is nearly full: %d MiB are left", "the disk has room again: %d MiB")
        self._out = _SpaceAlarm(
            "the disk is full but for %d MiB: Produce is answered with KAFKA_STORAGE_ERROR",
            "records are taken again: %d MiB are left",
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._removals: set[asyncio.Task[None]] = set()
        self._removing = asyncio.Lock()

    def start(self) -> None:
        """Begin."""
        storage = self._broker.settings.storage
        self._every(_DEADLINES_INTERVAL_MS, self._close_late_connections, "deadlines")
        self._every(_DEADLINES_INTERVAL_MS, self.check_space, "space")
        self._tasks.append(spawn(self._write_checkpoints(storage.checkpoint_interval_ms / 1000), name="checkpoints"))
        if storage.flush is FlushMode.INTERVAL:
            self._every(storage.flush_interval_ms, self._committer.start_sync, "flush")
        self._tasks.append(spawn(self._let_go(storage.retention_check_interval_ms), name="retention"))

    def stop(self) -> None:
        """End all jobs."""
        for task in (*self._tasks, *self._removals):
            task.cancel()

    def checkpoint_soon(self) -> None:
        """Note soon how far each log is durable: a segment is, and a start need not read it again."""
        self._is_checkpoint_due.set()

    def remove_deleted_soon(self) -> None:
        """Remove deleted partitions' folders, off the loop."""
        task = spawn(self._remove_deleted([]), name="remove deleted folders")
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    def _every(self, interval_ms: int, job: Callable[[], None], name: str) -> None:
        async def repeat() -> None:
            while True:
                await asyncio.sleep(interval_ms / 1000)
                job()

        self._tasks.append(spawn(repeat(), name=name))

    async def _write_checkpoints(self, interval_s: float) -> None:
        """Note how far each log is durable, again and again, so that a start need not look below."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_checkpoint_due.wait(), interval_s)
            self._is_checkpoint_due.clear()
            noted = self._open_partitions()
            for partition in noted:
                assert partition.log is not None
                self._folder.note(partition.topic.name, partition.index, partition.log)
            try:
                await self._checkpoints.write()
                for partition in noted:
                    if partition.log is not None:
                        point = self._folder.durable_recovery_point(partition.topic.name, partition.index)
                        partition.log.drop_snapshots(point)
                if self._journal.wants_compaction:
                    await self.compact_metadata()
            except OSError as error:
                _logger.error("writing the checkpoints failed: %s", error)
            await asyncio.sleep(min(_CHECKPOINT_PAUSE_S, interval_s))

    async def compact_metadata(self) -> None:
        """Begin the metadata log anew with what is known now. Raises OSError."""
        await drive(self._journal.compact_steps(self._broker.snapshot()))

    async def _let_go(self, interval_ms: int) -> None:
        """Apply retention to all partitions, again and again, a slice at a time."""
        while True:
            await self._clock.sleep(interval_ms)
            wall_ms = self._broker.steady_time.at(self._clock.now_ms(), self._clock.wall_ms())
            expired_ms = wall_ms - self._broker.settings.storage.producer_id_expiration_ms
            removable: list[str] = []
            slice_began_s = time.monotonic()
            for partition in self._open_partitions() + self._some_unopened_partitions():
                if self._broker.log_of(partition) is not None:
                    removable += self._let_go_of(partition, wall_ms, expired_ms)
                if time.monotonic() - slice_began_s > _SLICE_S:
                    await asyncio.sleep(0)
                    slice_began_s = time.monotonic()
            await self._remove_deleted(removable)
            self.retention_passes += 1

    def _let_go_of(self, partition: Partition, wall_ms: int, expired_ms: int) -> list[str]:
        log = partition.log
        if log is None:
            return []
        partition.producers.expire(expired_ms)
        if self._broker.config_of(partition.topic).is_deleted_by_age_or_size:
            try:
                if log.apply_retention(now_ms=wall_ms):
                    self._folder.note(partition.topic.name, partition.index, log)
            except OSError as error:
                _logger.error("retention of %s failed: %s", partition.folder, error)
        return log.take_deleted_paths()

    async def _remove_deleted(self, paths: list[str]) -> None:
        """Remove files, and the folders of deleted partitions, off the loop; one at a time does this."""
        files = self._folder.files
        async with self._removing:
            folders = self._folder.deleted_folders()
            removals = [partial(files.remove, path) for path in paths]
            removals += [partial(files.remove_tree, folder) for folder in folders]
            for error in await asyncio.to_thread(_errors_of, removals):
                _logger.error("removing deleted files failed: %s", error)

    def _open_partitions(self) -> list[Partition]:
        return [
            partition
            for topic in self._broker.topics.by_name.values()
            for partition in topic.touched_partitions()
            if partition.log is not None
        ]

    def _some_unopened_partitions(self) -> list[Partition]:
        """Return some partitions that have records and that nobody has touched: retention is for them too."""
        found: list[Partition] = []
        for name, index in self._folder.partition_folders():
            topic = self._broker.topics.by_name.get(name)
            partition = None if topic is None else topic.partition(index)
            if partition is not None and partition.log is None and not partition.is_fenced:
                found.append(partition)
                if len(found) == _UNOPENED_PER_PASS:
                    break
        return found

    def take_strays_out(self) -> None:
        """Take folders out of use that no topic owns: deletions that the last run did not get done."""
        for name, index in self._folder.partition_folders():
            topic = self._broker.topics.by_name.get(name)
            is_ours = self._folder.files.exists(f"{name}-{index}/partition.metadata")
            if is_ours and (topic is None or index >= topic.partition_count):
                _logger.warning("%s-%d belongs to no topic and is removed", name, index)
                self._folder.delete_log(name, index, bytes(16))
        self.remove_deleted_soon()

    def check_space(self) -> None:
        """Warn when the disk is nearly full, refuse records when it is, and say so when it is not any more."""
        total_bytes, usable_bytes = self._broker.disk_space()
        if total_bytes < 0:
            return
        storage = self._broker.settings.storage
        self._low.look(usable_bytes, min(storage.low_space_bytes, total_bytes // _LOW_SPACE_SHARE))
        self._out.look(usable_bytes, min(storage.reserved_space_bytes, total_bytes // _RESERVED_SPACE_SHARE))
        self._broker.is_out_of_room = self._out.is_on

    def _close_late_connections(self) -> None:
        now_s = time.monotonic()
        for connection in list(self._dispatcher.connections.values()):
            reason = self._lateness(connection, now_s)
            if reason is not None:
                connection.close(reason)

    def _lateness(self, connection: Connection, now_s: float) -> str | None:
        network = self._broker.settings.network
        if connection.is_waiting_for_us:
            return None
        if not connection.has_sent_request:
            if now_s - connection.began_s > network.first_request_timeout_ms / 1000:
                return f"no request within {network.first_request_timeout_ms} ms"
            return None
        if connection.frame_began_s is not None and now_s - connection.frame_began_s > network.frame_timeout_ms / 1000:
            return f"a request was not complete within {network.frame_timeout_ms} ms"
        if connection.stuck_since_s is not None and now_s - connection.stuck_since_s > network.send_timeout_ms / 1000:
            return f"it took no byte of an answer for {network.send_timeout_ms} ms"
        if now_s - connection.last_active_s > network.idle_timeout_ms / 1000:
            return f"idle for {network.idle_timeout_ms} ms"
        return None
