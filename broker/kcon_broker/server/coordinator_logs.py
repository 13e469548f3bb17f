"""How do the coordinators get their state back from their logs, at a start and after a failed write?

Transactions come first: what the logs of other partitions say of open transactions is judged by them.
"""

import logging
from collections.abc import Iterator

from kcon_broker.batch.header import CODEC_NONE, HEADER_BYTES, is_intact, read_header
from kcon_broker.batch.records import MARKER_COMMIT, iter_records, read_marker
from kcon_broker.server.clock import Clock
from kcon_broker.state.broker import Broker
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.topic import OFFSETS_TOPIC, TRANSACTIONS_TOPIC, Topic
from kcon_broker.state.transaction_journal import abort_orphans
from kcon_broker.storage.data_folder import DataFolder
from kcon_broker.storage.log import Log
from kcon_broker.storage.log_reader import LogDamagedError
from kcon_broker.storage.recovery import Damage

_logger = logging.getLogger("kcon_broker")


class CoordinatorLogs:
    """Loads groups and transactions from `__consumer_offsets` and `__transaction_state`."""

    def __init__(self, broker: Broker, folder: DataFolder, clock: Clock) -> None:
        self._broker = broker
        self._folder = folder
        self._clock = clock

    def load(self) -> None:
        """Read all that the logs hold."""
        for topic, index in self._partitions_with_records(TRANSACTIONS_TOPIC):
            self._replay_transactions(topic, index)
        self._broker.transactions.loaded(self._moment())
        for topic, index in self._partitions_with_records(OFFSETS_TOPIC):
            self._replay_groups(topic, index)
        self._broker.groups.loaded(self._moment())

    def reload_groups(self, index: int) -> None:
        """Bring groups back to what their partition says, after records of it were lost."""
        self._broker.groups.unload(index)
        self._replay_groups(self._broker.topics.by_name[OFFSETS_TOPIC], index)
        self._broker.groups.loaded(self._moment(), index)

    def reload_transactions(self, index: int) -> None:
        """Bring transactions back to what their partition says, after records of it were lost."""
        broker = self._broker
        broker.transactions.unload(index)
        self._replay_transactions(broker.topics.by_name[TRANSACTIONS_TOPIC], index)
        broker.transactions.loaded(self._moment(), index)
        for topic in broker.topics.by_name.values():
            for partition in topic.touched_partitions():
                if partition.producers.transactions.ongoing:
                    broker.transactions.later(abort_orphans(broker, partition))

    def _moment(self) -> Moment:
        return Moment(self._clock.now_ms(), self._clock.wall_ms())

    def _partitions_with_records(self, name: str) -> list[tuple[Topic, int]]:
        topic = self._broker.topics.by_name.get(name)
        if topic is None:
            return []
        return [(topic, index) for index in range(topic.partition_count) if self._folder.has_records(name, index)]

    def _replay_transactions(self, topic: Topic, index: int) -> None:
        partition = topic.partition(index)
        assert partition is not None
        log = self._broker.log_of(partition)
        if log is None:
            return
        try:
            for batch in _intact_batches(log):
                for record in iter_records(batch):
                    self._broker.transactions.replay(record.key, record.value)
        except OSError as error:
            # What a coordinator does not know it must not decide: nothing is written there any more.
            log.fence(error)
            _logger.error("reading %s failed: %s", partition.folder, error)

    def _replay_groups(self, topic: Topic, index: int) -> None:
        partition = topic.partition(index)
        assert partition is not None
        log = self._broker.log_of(partition)
        if log is None:
            return
        groups = self._broker.groups
        try:
            for batch in _intact_batches(log):
                header = read_header(batch)
                if header.is_control:
                    is_commit = read_marker(batch) == MARKER_COMMIT
                    groups.end_transaction(index, header.producer_id, is_commit=is_commit)
                    continue
                producer_id = header.producer_id if header.is_transactional else None
                if producer_id is None and header.codec == CODEC_NONE:
                    records = bytes(batch[HEADER_BYTES : header.size_bytes])
                    if groups.replay_commits(records, header.record_count):
                        continue
                for record in iter_records(batch):
                    groups.replay(record.key, record.value, producer_id=producer_id)
        except OSError as error:
            # What a coordinator does not know it must not decide: nothing is written there any more.
            log.fence(error)
            _logger.error("reading %s failed: %s", partition.folder, error)


def _intact_batches(log: Log) -> Iterator[memoryview]:
    """Yield every batch of a log; raises OSError at one that is not what was written."""
    for batch in log.read_batches(log.log_start_offset, limit_offset=log.written_offset):
        if not is_intact(batch, read_header(batch)):
            offset = read_header(batch).base_offset
            damage = Damage(offset=offset, path=log.folder, position=0, reason="the CRC does not match")
            error = LogDamagedError(damage)
            log.found_damaged(error)
            raise error
        yield batch
