"""Did this idempotent producer send this batch before, and is it the next one?

Kafka's `ProducerStateManager`: of each producer the last five batches are remembered (KIP-98). A batch that is among
them is a duplicate and gets the offset of the original; the next one must follow the last sequence without a gap. An
unknown producer id may start at any sequence, and so may a newer epoch only at 0. The marker of a transaction counts as
a sign of its producer too: with a higher epoch it shuts out what an older one still sends (KIP-890).
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from kcon_broker.state.open_transactions import OpenTransactions
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.transaction_index import AbortedTransaction
from kcon_broker.wire.error_codes import ErrorCode

REMEMBERED_BATCHES = 5
_SEQUENCES = 1 << 31
"""Sequence numbers wrap around to 0 after 2^31 - 1."""


class SentBatch(NamedTuple):
    """One batch that was appended."""

    first_sequence: int
    last_sequence: int
    first_offset: int
    last_offset: int
    timestamp_ms: int


@dataclass(slots=True)
class ProducerEntry:
    """What is remembered of one producer in one partition."""

    epoch: int
    batches: deque[SentBatch]
    last_timestamp_ms: int
    coordinator_epoch: int = -1
    """Of the last marker; -1: there was none."""


class Duplicate(NamedTuple):
    """The batch is in the log already."""

    batch: SentBatch


class ProducerTable:
    """The idempotent producers of one partition."""

    __slots__ = ("_unwritten", "entries", "transactions")

    def __init__(self) -> None:
        self.entries: OrderedDict[int, ProducerEntry] = OrderedDict()
        self.transactions = OpenTransactions()
        self._unwritten: list[tuple[int, ProducerEntry | None]] = []
        """What producers were before batches that are appended and not written yet, oldest first."""

    def check(
        self, producer_id: int, epoch: int, first_sequence: int, last_sequence: int, *, must_begin: bool = False
    ) -> Duplicate | ErrorCode | None:
        """Judge a batch before it is appended; None: append it.

        `must_begin`: an unknown producer has to start at sequence 0, as in version 2 of transactions (KIP-890).
        """
        entry = self.entries.get(producer_id)
        if entry is None:
            return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER if must_begin and first_sequence else None
        if epoch < entry.epoch:
            return ErrorCode.INVALID_PRODUCER_EPOCH
        if epoch > entry.epoch:
            return None if first_sequence == 0 else ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        for batch in entry.batches:
            if batch.first_sequence == first_sequence and batch.last_sequence == last_sequence:
                return Duplicate(batch)
        if not entry.batches:
            return None if first_sequence == 0 else ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        if first_sequence != (entry.batches[-1].last_sequence + 1) % _SEQUENCES:
            return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        return None

    def appended(self, producer_id: int, epoch: int, batch: SentBatch, *, producers_max: int) -> None:
        """Remember a batch that was appended, until `written` with the way back."""
        self._remember(producer_id)
        self.replay(producer_id, epoch, batch, producers_max=producers_max)

    def joined(self, producer_id: int, epoch: int, timestamp_ms: int) -> None:
        """Remember a batch without a sequence, as the group coordinator writes, until `written` with the way back."""
        self._remember(producer_id)
        self.replay_joined(producer_id, epoch, timestamp_ms)

    def replay_joined(self, producer_id: int, epoch: int, timestamp_ms: int) -> None:
        """Remember a batch without a sequence that is in the log."""
        entry = self.entries.get(producer_id)
        coordinator_epoch = -1 if entry is None else entry.coordinator_epoch
        self.replay_marker(producer_id, epoch, coordinator_epoch, timestamp_ms)

    def check_marker(
        self, producer_id: int, epoch: int, coordinator_epoch: int, *, is_strict: bool
    ) -> ErrorCode | None:
        """Judge a marker before it is appended; None: append it.

        `is_strict`: in version 2 of transactions a marker's epoch is higher than that of the records (KIP-1228).
        """
        entry = self.entries.get(producer_id)
        if entry is None:
            return None
        if coordinator_epoch < entry.coordinator_epoch:
            return ErrorCode.TRANSACTION_COORDINATOR_FENCED
        is_late = is_strict and epoch == entry.epoch and producer_id in self.transactions.ongoing
        return ErrorCode.INVALID_PRODUCER_EPOCH if epoch < entry.epoch or is_late else None

    def marked(self, producer_id: int, epoch: int, coordinator_epoch: int, timestamp_ms: int) -> None:
        """Remember a marker that was appended, until `written` with the way back."""
        self._remember(producer_id)
        self.replay_marker(producer_id, epoch, coordinator_epoch, timestamp_ms)

    def replay_marker(self, producer_id: int, epoch: int, coordinator_epoch: int, timestamp_ms: int) -> None:
        """Remember a marker that is in the log."""
        entry = self.entries.get(producer_id)
        if entry is None or entry.epoch != epoch:
            entry = ProducerEntry(epoch, deque(maxlen=REMEMBERED_BATCHES), timestamp_ms)
            self.entries[producer_id] = entry
        entry.coordinator_epoch = coordinator_epoch
        entry.last_timestamp_ms = max(entry.last_timestamp_ms, timestamp_ms)
        self.entries.move_to_end(producer_id)

    def replay(self, producer_id: int, epoch: int, batch: SentBatch, *, producers_max: int) -> None:
        """Remember a batch that is in the log."""
        entry = self.entries.get(producer_id)
        if entry is None or entry.epoch != epoch:
            coordinator_epoch = -1 if entry is None else entry.coordinator_epoch
            entry = ProducerEntry(
                epoch, deque(maxlen=REMEMBERED_BATCHES), batch.timestamp_ms, coordinator_epoch=coordinator_epoch
            )
            self.entries[producer_id] = entry
        entry.batches.append(batch)
        entry.last_timestamp_ms = batch.timestamp_ms
        self.entries.move_to_end(producer_id)
        if len(self.entries) > producers_max:
            self._forget_oldest()

    def written(self) -> None:
        """All appended batches are in the file."""
        self._unwritten.clear()
        self.transactions.written()

    def write_failed(self) -> None:
        """Go back to what was known before the batches that could not be written."""
        for producer_id, entry in reversed(self._unwritten):
            if entry is None:
                self.entries.pop(producer_id, None)
            else:
                self.entries[producer_id] = entry
        self._unwritten.clear()
        self.transactions.write_failed()

    def expire(self, oldest_timestamp_ms: int) -> None:
        """Forget the producers whose last batch is older than this and that have no open transaction."""
        for producer_id in [
            pid
            for pid, entry in self.entries.items()
            if entry.last_timestamp_ms < oldest_timestamp_ms and pid not in self.transactions.ongoing
        ]:
            del self.entries[producer_id]

    def snapshot(self) -> list[ProducerSnapshot]:
        """Return the last batch of each producer, for a file beside the log."""
        return [
            ProducerSnapshot(
                producer_id=producer_id,
                producer_epoch=entry.epoch,
                last_sequence=entry.batches[-1].last_sequence if entry.batches else -1,
                last_offset=entry.batches[-1].last_offset if entry.batches else -1,
                offset_delta=entry.batches[-1].last_offset - entry.batches[-1].first_offset if entry.batches else 0,
                timestamp_ms=entry.last_timestamp_ms,
                coordinator_epoch=entry.coordinator_epoch,
                txn_first_offset=self.transactions.ongoing.get(producer_id, -1),
            )
            for producer_id, entry in self.entries.items()
        ]

    def restore(self, producers: Iterable[ProducerSnapshot], aborted: Iterable[AbortedTransaction]) -> None:
        """Begin with what a snapshot says, and the transactions that were aborted before it."""
        self.entries.clear()
        self.transactions.clear()
        for transaction in aborted:
            self.transactions.aborted.append(transaction)
        snapshots = list(producers)
        for producer in snapshots:
            batch = SentBatch(
                first_sequence=(producer.last_sequence - producer.offset_delta) % _SEQUENCES,
                last_sequence=producer.last_sequence,
                first_offset=producer.last_offset - producer.offset_delta,
                last_offset=producer.last_offset,
                timestamp_ms=producer.timestamp_ms,
            )
            self.entries[producer.producer_id] = ProducerEntry(
                producer.producer_epoch,
                deque([batch] if producer.last_sequence >= 0 else [], maxlen=REMEMBERED_BATCHES),
                producer.timestamp_ms,
                producer.coordinator_epoch,
            )
        for producer in sorted(snapshots, key=lambda snapshot: snapshot.txn_first_offset):
            if producer.txn_first_offset >= 0:
                self.transactions.replay(producer.producer_id, producer.txn_first_offset)

    def _remember(self, producer_id: int) -> None:
        """Keep what a producer is, to come back to it should a write fail."""
        entry = self.entries.get(producer_id)
        if entry is not None:
            entry = replace(entry, batches=entry.batches.copy())
        self._unwritten.append((producer_id, entry))

    def _forget_oldest(self) -> None:
        """Forget the producer that was silent for longest, unless its transaction is open."""
        for producer_id in self.entries:
            if producer_id not in self.transactions.ongoing:
                del self.entries[producer_id]
                return


def last_sequence_of(first_sequence: int, last_offset_delta: int) -> int:
    """Return the sequence of a batch's last record; sequences wrap around."""
    return (first_sequence + last_offset_delta) % _SEQUENCES
