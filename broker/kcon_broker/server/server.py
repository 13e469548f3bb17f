"""How is a broker put together, brought up and brought down?

    start   lock the folder, load what it knows (metadata log, groups), listen, serve
    stop    accept no more, write and sync what was appended, answer, close the logs, mark the folder clean

What a start does not need (most handlers, the compiled record reader) is loaded when the port is open.
"""

import asyncio
import base64
import gc
import logging
import os
import resource
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kcon_broker.batch.header import BatchHeader
from kcon_broker.batch.walk import load_compiled
from kcon_broker.errors import FolderUnreadableError, SettingsError
from kcon_broker.handlers.registry import load_handlers
from kcon_broker.server.checkpoints import CheckpointWriter
from kcon_broker.server.cleaning import Cleaner
from kcon_broker.server.clock import Clock, SystemClock
from kcon_broker.server.commit import Committer
from kcon_broker.server.coordinator_logs import CoordinatorLogs
from kcon_broker.server.dispatch import Dispatcher
from kcon_broker.server.housekeeping import Housekeeping
from kcon_broker.server.listener import Listener, bind, is_loopback
from kcon_broker.server.lock import FolderLock
from kcon_broker.server.os_files import OsFiles
from kcon_broker.server.sync import SyncEngine, SyncFailed
from kcon_broker.settings import BrokerSettings
from kcon_broker.state.broker import Broker
from kcon_broker.state.configs.acting import static_configs
from kcon_broker.state.configs.values import InvalidConfigError
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.metadata_journal import MetadataJournal
from kcon_broker.state.partition import Partition
from kcon_broker.state.producers import SentBatch
from kcon_broker.state.topic import OFFSETS_TOPIC, Topic, topic_name_error
from kcon_broker.state.topic_configs import check_configs
from kcon_broker.state.transaction_journal import abort_orphans
from kcon_broker.state.transaction_replay import TransactionReplay
from kcon_broker.storage.data_folder import DataFolder
from kcon_broker.storage.files import Files, Syncable
from kcon_broker.storage.log import Log
from kcon_broker.storage.log_reader import LogDamagedError
from kcon_broker.storage.metadata_log import MetadataLog

if TYPE_CHECKING:
    from kcon_broker.server.control import ControlEndpoint
    from kcon_broker.server.metrics import MetricsEndpoint

_logger = logging.getLogger("kcon_broker")

_WANTED_FILES = 8_192
"""Open files asked for, where the system's hard limit allows."""
_OTHER_FILES = 64
"""Descriptors for everything but connections and log files."""
_DESCRIPTORS_PER_CONNECTION = 2
_STOP_GRACE_S = 30.0


class BrokerServer:
    """One broker on one folder and one port."""

    def __init__(self, settings: BrokerSettings, *, files: Files | None = None, clock: Clock | None = None) -> None:
        """Prepare a broker; with `files` it lives there instead of in the data folder, and locks nothing.

        `clock` is what it goes by; None: the machine's.
        """
        self.settings = settings
        self.address = ("", 0)
        """Where it listens, once started."""
        self.broker: Broker
        self.on_defect: Callable[[], None] = lambda: None
        """Told when the broker cannot go on; the log says why."""
        self.control: ControlEndpoint | None = None
        self.metrics: MetricsEndpoint | None = None
        self.clock = clock or SystemClock()
        self._files = files
        self._engine: SyncEngine | None = None
        self._lock: FolderLock | None = None
        self._folder: DataFolder
        self._checkpoints: CheckpointWriter
        self._journal: MetadataJournal
        self.committer: Committer
        self.dispatcher: Dispatcher
        self._listener: Listener
        self.housekeeping: Housekeeping
        self.cleaner: Cleaner

    async def start(self) -> None:
        """Come up; on return clients are served. Raises BrokerError."""
        check_settings(self.settings)
        listening = bind(self.settings)
        try:
            self._open_folder()
            self._assemble()
            self.address = listening.getsockname()[:2]
            self.broker.advertised = (
                self.settings.advertised_host or _reachable(self.address[0]),
                self.settings.advertised_port or self.address[1],
            )
            self.broker.configs.change(static=static_configs(self.settings, listening=self.address))
            await self._seed_topics()
            await self._open_control()
            await self._open_metrics()
        except BaseException:
            listening.close()
            await self._release()
            raise
        self._serve(listening)

    async def warm_up(self) -> None:
        """Load what later requests would otherwise wait for, in a thread: the first ones are under way already."""
        await asyncio.get_running_loop().run_in_executor(None, _load_the_rest)
        # What lives now lives as long as the broker: no collection needs to look at it again.
        gc.freeze()

    async def stop(self) -> None:
        """Go down cleanly: everything acknowledged and everything appended is on the disk."""
        self._listener.stop()
        self._close_endpoints()
        self.housekeeping.stop()
        await self.cleaner.stop()
        self.dispatcher.stop_handling()
        try:
            async with asyncio.timeout(_STOP_GRACE_S):
                await self.committer.drain()
                await self._checkpoints.drain()
        except TimeoutError:
            _logger.error("the disk did not take everything within %.0f s", _STOP_GRACE_S)
        self._checkpoints.stop()
        self.dispatcher.close_connections()
        await self._close_logs()
        await self._release()

    async def abandon(self) -> None:
        """End as a killed process would: nothing more is written, synced or closed in order."""
        self._listener.stop()
        self._close_endpoints()
        self.housekeeping.stop()
        await self.cleaner.stop()
        self.dispatcher.stop_handling()
        self._checkpoints.stop()
        self.dispatcher.close_connections(flush=False)
        await self._release()

    # Start

    def _open_folder(self) -> None:
        settings = self.settings
        if self._files is None:
            self._lock = FolderLock(settings.data_dir)
            self._files = OsFiles(settings.data_dir, open_files_max=_split_descriptors(settings)[0])
        try:
            self._folder = DataFolder.open(self._files, new_cluster_id=_new_cluster_id)
            self._journal = MetadataJournal(MetadataLog.open(self._files))
        except OSError as error:
            raise FolderUnreadableError(
                f"The data folder {settings.data_dir} cannot be used: {error.strerror or error}."
            ) from error
        if settings.cluster_id is not None and settings.cluster_id != self._folder.cluster_id:
            raise SettingsError(
                f"The data folder belongs to cluster {self._folder.cluster_id}, not to {settings.cluster_id}."
            )
        for report in self._folder.reports:
            _logger.warning("%s", report)

    def _assemble(self) -> None:
        loop = asyncio.get_running_loop()
        self.broker = Broker(
            self.settings,
            cluster_id=self._folder.cluster_id,
            start_epoch=self._folder.start_epoch,
            journal=self._journal,
            open_log=self._open_log,
            save_log_start=self._save_log_start,
            report=lambda text: _logger.error("%s", text),
            new_uuid=_new_uuid,
        )
        self.broker.steady_time.at(self.clock.now_ms(), self.clock.wall_ms())
        self._engine = SyncEngine(
            None if self._lock is None else self.settings.data_dir, workers=self.settings.storage.sync_workers
        )
        self.committer = Committer(self.broker, self._journal, self._engine)
        self.dispatcher = Dispatcher(self.broker, self.committer, loop, self.clock)
        self._checkpoints = CheckpointWriter(self._folder)
        self.housekeeping = Housekeeping(
            self.broker,
            self._folder,
            self._journal,
            self.committer,
            self.dispatcher,
            checkpoints=self._checkpoints,
            clock=self.clock,
        )
        self.cleaner = Cleaner(self.broker, self._folder, self.clock)
        self.broker.wake = self.dispatcher.wake
        self.broker.request_round = self.dispatcher.request_round
        if self._lock is not None:
            self.broker.disk_space = self._disk_space
        self.broker.on_topic_deleted = self._delete_files
        self.committer.is_only_one_waiting = self.dispatcher.is_only_one_waiting
        self.committer.on_synced = self.dispatcher.round_if_due
        self.committer.on_segment_durable = self.housekeeping.checkpoint_soon
        self.committer.on_defect = lambda: self.on_defect()  # noqa: PLW0108  # May be set later.
        coordinator_logs = CoordinatorLogs(self.broker, self._folder, self.clock)
        self.committer.on_group_partition_failed = coordinator_logs.reload_groups
        self.committer.on_transaction_partition_failed = coordinator_logs.reload_transactions
        for change in self._journal.take_found():
            self.broker.replay(change)
        coordinator_logs.load()
        self.housekeeping.take_strays_out()

    async def _open_control(self) -> None:
        if self.settings.control is not None:
            from kcon_broker.server.control import ControlEndpoint

            host, port = self.settings.control
            self.control = ControlEndpoint(bind(replace(self.settings, host=host, port=port)), self.dispatcher.faults)
            await self.control.start()

    async def _open_metrics(self) -> None:
        if self.settings.metrics is not None:
            from kcon_broker.server.metrics import MetricsEndpoint

            host, port = self.settings.metrics
            listening = bind(replace(self.settings, host=host, port=port))
            self.metrics = MetricsEndpoint(listening, self.broker, self.dispatcher)
            await self.metrics.start()

    def _close_endpoints(self) -> None:
        for endpoint in (self.control, self.metrics):
            if endpoint is not None:
                endpoint.stop()

    async def _seed_topics(self) -> None:
        for seed in self.settings.seed_topics:
            if seed.name not in self.broker.topics.by_name:
                self.broker.create_topic(seed.name, seed.partitions, {})
        await self.committer.drain()

    def _serve(self, listening: socket.socket) -> None:
        self._listener = Listener(listening, self.dispatcher, connections_max=_split_descriptors(self.settings)[1])
        self._listener.start()
        self.housekeeping.start()
        self.cleaner.start()

    # Logs

    def _open_log(self, partition: Partition) -> Log | None:
        topic, producers = partition.topic, partition.producers
        producers_max = self.settings.storage.producer_ids_per_partition_max

        transactions = TransactionReplay(producers)

        def replay(header: BatchHeader) -> None:
            transactions.see(header)
            if header.is_transactional and header.base_sequence < 0 and not header.is_control:
                producers.replay_joined(header.producer_id, header.producer_epoch, header.max_timestamp)
            elif header.has_producer_id and header.base_sequence >= 0:
                sent = SentBatch(
                    header.base_sequence,
                    header.last_sequence,
                    header.base_offset,
                    header.last_offset,
                    header.max_timestamp,
                )
                producers.replay(header.producer_id, header.producer_epoch, sent, producers_max=producers_max)

        try:
            log = self._folder.open_log(
                topic.name,
                partition.index,
                topic_id=topic.topic_id,
                settings=self.broker.config_of(topic),
                leader_epoch=self.broker.leader_epoch(topic),
                gaps_allowed=self.broker.config_of(topic).is_compacted,
                on_batch=replay,
                on_producers=producers.restore,
            )
        except OSError as error:
            _logger.error("opening %s failed: %s", partition.folder, error)
            return None
        log.share_aborted(producers.transactions.aborted)
        try:
            transactions.finish(log)
            log.restore_transaction_indexes()
        except LogDamagedError as error:
            log.found_damaged(error)
            _logger.error("%s", error)
        except OSError as error:
            # What lies behind the damage is not served; what is known up to there stays.
            _logger.error("reading the transaction markers of %s failed: %s", partition.folder, error)
        for report in log.reports:
            _logger.warning("%s", report)
        partition.log = log
        partition.written.high_watermark = log.written_offset
        partition.high_watermark = log.durable_offset
        if producers.transactions.ongoing:
            self._abort_orphans(partition)
        return log

    def _abort_orphans(self, partition: Partition) -> None:
        abort = abort_orphans(self.broker, partition)
        if partition.topic.name == OFFSETS_TOPIC:
            # The groups are about to read what the marker decides.
            self.broker.transactions.later(abort)
            return
        # At once: the request that opens the log may carry a batch of that transaction, and must not join it.
        abort(Moment(self.clock.now_ms(), self.clock.wall_ms()))
        self.broker.request_round()

    def _disk_space(self) -> tuple[int, int]:
        disk = os.statvfs(self.settings.data_dir)
        return disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize

    def _save_log_start(self, partition: Partition) -> tuple[Gate, int]:
        assert partition.log is not None
        self._folder.note(partition.topic.name, partition.index, partition.log)
        return self._checkpoints.saved, self._checkpoints.soon()

    def _delete_files(self, topic: Topic) -> None:
        try:
            for index in range(topic.partition_count):
                partition = topic.partition(index)
                assert partition is not None
                if partition.log is not None:
                    partition.log.fence(FileNotFoundError(f"{partition.folder} was deleted"))
                    partition.log.close()
                    partition.log = None
                self._folder.delete_log(topic.name, index, topic.topic_id)
        except OSError as error:
            # The next start finds folders without a topic, or of another id, and takes them out of use.
            _logger.error("deleting the files of %s failed: %s", topic.name, error)
        self.housekeeping.remove_deleted_soon()
        # Or the first records of a new topic of that name would wait until these offsets are forgotten durably.
        self._checkpoints.soon()

    async def _close_logs(self) -> None:
        """Close everything and mark the folder clean; without the mark the next start recovers."""
        assert self._engine is not None
        dirty: list[Syncable] = []
        try:
            for topic in self.broker.topics.by_name.values():
                for partition in topic.touched_partitions():
                    if partition.log is not None:
                        if partition.log.failure is None:
                            partition.log.write_producer_snapshot(partition.producers.snapshot())
                        self._folder.note(topic.name, partition.index, partition.log)
                        dirty += partition.log.close()
                        partition.log = None
            self._journal.close()
            await self._engine.sync(dirty)
            self._folder.close()
        except (OSError, SyncFailed) as error:
            _logger.error("the stop was not clean: %s", error)

    async def _release(self) -> None:
        if self._engine is not None:
            await self._engine.close()
            self._engine = None
        if isinstance(self._files, OsFiles):
            self._files.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def check_settings(settings: BrokerSettings) -> None:
    """Raise SettingsError for settings that cannot be meant."""
    try:
        check_configs(dict(settings.topic_config_defaults))
    except InvalidConfigError as error:
        raise SettingsError(f"{error}.") from error
    for seed in settings.seed_topics:
        if (problem := topic_name_error(seed.name)) is not None:
            raise SettingsError(f"A topic cannot be named so: {problem}.")
    if settings.node_id < 0:
        raise SettingsError("The node id must not be negative.")
    if settings.control is not None and not is_loopback(settings.control[0]):
        raise SettingsError(
            f"The control endpoint would let everyone on the network break the broker at {settings.control[0]}: "
            "choose an address of this machine alone, such as 127.0.0.1:0."
        )


def _load_the_rest() -> None:
    load_handlers()
    load_compiled()


def _split_descriptors(settings: BrokerSettings) -> tuple[int, int]:
    """Return how many log files and how many connections may be open, within the process's limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return settings.storage.open_files_max, settings.network.connections_max
    files = max(8, min(settings.storage.open_files_max, (soft - _OTHER_FILES) // 3))
    connections = max(8, (soft - _OTHER_FILES - files) // _DESCRIPTORS_PER_CONNECTION)
    return files, min(settings.network.connections_max, connections)


def _reachable(host: str) -> str:
    """Return the address to tell clients: one cannot connect to "any address"."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104  # Compared, not listened on.


def _new_cluster_id() -> str:
    return base64.urlsafe_b64encode(_new_uuid()).rstrip(b"=").decode()


def _new_uuid() -> bytes:
    """Return 16 bytes of a random UUID (RFC 9562 §5.4)."""
    uuid = bytearray(os.urandom(16))
    uuid[6] = uuid[6] & 0x0F | 0x40
    uuid[8] = uuid[8] & 0x3F | 0x80
    return bytes(uuid)
