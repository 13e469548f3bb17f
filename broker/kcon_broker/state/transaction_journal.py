"""How do the transaction coordinator's records and markers get into their logs, and when are they durable?

Records are appended like any produced batch. A transaction that a log says is open and that the coordinator does not
know is one whose beginning a crash took from `__transaction_state`: nobody can end it any more, so it is aborted. The
marker has the next epoch: the producer, who got no answer, will send the same batches again, and they must not be
taken for duplicates of what was aborted.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.markers import append_marker
from kcon_broker.state.topic import TRANSACTIONS_TOPIC
from kcon_broker.state.transactions.journal import Marker, Told
from kcon_broker.state.transactions.records import TopicPartition, TransactionRecord
from kcon_broker.state.transactions.transaction import EPOCH_MAX
from kcon_broker.wire.error_codes import ErrorCode

if TYPE_CHECKING:
    from kcon_broker.state.broker import Broker
    from kcon_broker.state.partition import Partition


class _Listener:
    """Tells once what became of one position."""

    __slots__ = ("_told",)

    def __init__(self, told: Told) -> None:
        self._told = told

    def gate_passed(self, gate: Gate) -> None:
        """The position is durable."""
        self._told(True)

    def gate_failed(self, gate: Gate) -> None:
        """The position is lost."""
        self._told(False)


class BrokerTransactionJournal:
    """The broker's side of the transaction coordinator."""

    __slots__ = ("_broker",)

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker

    def partition_of(self, transactional_id: str) -> int:
        """Return the partition of `__transaction_state` that keeps this id."""
        return self._broker.transactions_partition_of(transactional_id)

    def is_available(self, partition: int) -> bool:
        """Say whether this partition of `__transaction_state` takes records now."""
        found = self._partition(partition)
        return found is not None and self._broker.log_of(found) is not None

    def append(self, partition: int, record: TransactionRecord, wall_ms: int) -> None:
        """Queue a record."""
        found = self._partition(partition)
        log = None if found is None else found.log
        assert found is not None, "is_available said so"
        assert log is not None, "is_available said so"
        log.append(encode_batch([Record(0, wall_ms, *record)]), now_ms=wall_ms)
        self._broker.dirty[found] = None

    def when_durable(self, partition: int, told: Told) -> None:
        """Tell when all that was appended to this partition is durable."""
        found = self._partition(partition)
        if found is None or found.log is None:
            told(False)
        else:
            _wait(found, found.log.log_end_offset, told)

    def write_marker(self, partition: TopicPartition, marker: Marker, wall_ms: int, told: Told) -> None:
        """Write a marker and tell when it is durable."""
        topic = self._broker.topics.by_name.get(partition[0])
        found = None if topic is None else topic.partition(partition[1])
        if found is None:
            told(True)
            return
        error = append_marker(self._broker, found, marker, self._broker.transaction_coordinator_epoch(), wall_ms)
        if error is ErrorCode.NONE:
            assert found.log is not None, "a marker was appended to it"
            _wait(found, found.log.log_end_offset, told)
        else:
            # A producer that has gone on in this partition has no transaction of the marker's epoch there.
            told(error is not ErrorCode.KAFKA_STORAGE_ERROR)

    def new_producer_id(self) -> int:
        """Return a producer id that was never given before."""
        return self._broker.next_producer_id()[0]

    def request_round(self) -> None:
        """See to it that the coordinator is asked what is due."""
        self._broker.request_round()

    def _partition(self, index: int) -> "Partition | None":
        topic = self._broker.topics.by_name.get(TRANSACTIONS_TOPIC)
        return None if topic is None else topic.partition(index)


def abort_orphans(broker: "Broker", partition: "Partition") -> Callable[[Moment], None]:
    """Return the step that aborts the open transactions of a partition which the coordinator does not know."""

    def step(at: Moment) -> None:
        for producer_id in list(partition.producers.transactions.ongoing):
            place = (partition.topic.name, partition.index)
            entry = partition.producers.entries.get(producer_id)
            if entry is None or broker.transactions.is_known_in(producer_id, place) is not False:
                continue
            broker.report(f"a transaction of producer {producer_id} in {partition.folder} has no coordinator: aborted")
            epoch = min(entry.epoch + 1, EPOCH_MAX)
            marker = Marker(producer_id, epoch, is_commit=False, transaction_version=0)
            append_marker(broker, partition, marker, broker.transaction_coordinator_epoch(), at.wall_ms)

    return step


def _wait(partition: "Partition", offset: int, told: Told) -> None:
    if partition.high_watermark >= offset:
        told(True)
    else:
        partition.wait(offset, _Listener(told))
