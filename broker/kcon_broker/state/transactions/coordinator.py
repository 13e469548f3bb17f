"""What can be asked of the transaction coordinator, and how does its state come back after a start?

Every operation decides, appends one record through the journal and replays it. `replay` alone changes what is
durable, at start as in operation. Memory may run ahead of the disk: whoever sends an answer first waits until the
id's partition of `__transaction_state` is durable up to its end; when a write fails the partition is unloaded and
loaded again.

An outcome is decided by its PREPARE record. When that is durable the markers go out; when all of these are durable
the COMPLETE record follows. Until then every request for the id is CONCURRENT_TRANSACTIONS. What could not be written
is tried again, so a decided transaction always ends, after a crash too.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kcon_broker.settings import TransactionSettings
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.transactions import ending
from kcon_broker.state.transactions.journal import Marker, TransactionJournal
from kcon_broker.state.transactions.records import (
    NO_EPOCH,
    NO_PRODUCER_ID,
    TopicPartition,
    TransactionState,
    TransactionValue,
    decode_transaction,
    encode_transaction,
)
from kcon_broker.state.transactions.transaction import (
    Transaction,
    completed,
    fenced,
    initialized,
    is_exhausted,
    prepared,
    with_partitions,
)
from kcon_broker.wire.error_codes import ErrorCode

_RETRY_MS = 1_000
_EXPIRATION = ""
"""The name of the timer that looks for ids nobody uses; no transactional id is empty."""


@dataclass(frozen=True, slots=True)
class ProducerAnswer:
    """A producer id and epoch, or why there is none."""

    error_code: ErrorCode
    producer_id: int = NO_PRODUCER_ID
    producer_epoch: int = NO_EPOCH


class TransactionCoordinator:
    """All transactional ids of the broker; one thread, no waiting, no clock of its own."""

    def __init__(self, settings: TransactionSettings, *, journal: TransactionJournal) -> None:
        self.settings = settings
        self.transactions: dict[str, Transaction] = {}
        self.skipped_record_count = 0
        """Records that replay could not read."""
        self.producer_id_max = -1
        """The largest producer id that replay has seen: ids given later must be larger."""
        self._journal = journal
        self._timers: list[tuple[int, int, str]] = []
        self._serial = 0
        self._ready: list[Callable[[Moment], None]] = []
        self._clock_base: Moment | None = None

    # Requests

    def init_producer(
        self, transactional_id: str, *, timeout_ms: int, expected: tuple[int, int] | None, at: Moment
    ) -> ProducerAnswer:
        """Give a producer its id and epoch, and shut out whoever had the id before (KIP-98, KIP-360).

        `expected` is what a producer that wants its next epoch says it has.
        """
        if not transactional_id:
            return ProducerAnswer(ErrorCode.INVALID_REQUEST)
        if not 0 < timeout_ms <= self.settings.timeout_max_ms:
            return ProducerAnswer(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        if not self._is_available(transactional_id):
            return ProducerAnswer(ErrorCode.NOT_COORDINATOR)
        transaction = self.transactions.get(transactional_id)
        if transaction is None:
            producer_id = self._journal.new_producer_id()
            value = TransactionValue(producer_id=producer_id, producer_epoch=NO_EPOCH, timeout_ms=timeout_ms)
        else:
            value = transaction.value
            is_of_exhausted = (
                expected is not None and expected[0] == value.previous_producer_id and is_exhausted(expected[1])
            )
            if expected is not None and expected[0] != value.producer_id and not is_of_exhausted:
                return ProducerAnswer(ErrorCode.PRODUCER_FENCED)
            if value.state.is_preparing:
                return ProducerAnswer(ErrorCode.CONCURRENT_TRANSACTIONS)
            if value.state is TransactionState.ONGOING:
                self._fence(transaction, at)
                return ProducerAnswer(ErrorCode.CONCURRENT_TRANSACTIONS)
        return self._next_epoch(transactional_id, value, timeout_ms, None if expected is None else expected[1], at)

    def add_partitions(
        self,
        transactional_id: str,
        producer_id: int,
        epoch: int,
        partitions: Iterable[TopicPartition],
        *,
        client_version: int,
        at: Moment,
    ) -> ErrorCode:
        """Take partitions into the transaction; it begins with the first."""
        transaction, error = self._of_producer(transactional_id, producer_id, epoch)
        if transaction is None:
            return error
        value = transaction.value
        added = frozenset(partitions)
        if value.state.is_preparing:
            return ErrorCode.CONCURRENT_TRANSACTIONS
        if value.state is TransactionState.ONGOING and added <= value.partitions:
            return ErrorCode.NONE
        self._write(
            transactional_id,
            with_partitions(value, added, client_version=client_version, wall_ms=at.wall_ms),
            at,
        )
        if value.state is not TransactionState.ONGOING:
            self._limit(transaction, at, value.timeout_ms)
        return ErrorCode.NONE

    def verify_partition(
        self, transactional_id: str, producer_id: int, epoch: int, partition: TopicPartition
    ) -> ErrorCode:
        """Say whether a partition is in the open transaction of this producer (KIP-890)."""
        transaction, error = self._of_producer(transactional_id, producer_id, epoch)
        if transaction is None:
            return error
        if transaction.value.state.is_preparing:
            return ErrorCode.CONCURRENT_TRANSACTIONS
        is_in = transaction.value.state is TransactionState.ONGOING and partition in transaction.value.partitions
        return ErrorCode.NONE if is_in else ErrorCode.TRANSACTION_ABORTABLE

    def end(
        self, transactional_id: str, producer_id: int, epoch: int, *, is_commit: bool, client_version: int, at: Moment
    ) -> ProducerAnswer:
        """Decide the outcome of a transaction; the answer has the producer's next id and epoch."""
        if not transactional_id:
            return ProducerAnswer(ErrorCode.INVALID_REQUEST)
        if not self._is_available(transactional_id):
            return ProducerAnswer(ErrorCode.NOT_COORDINATOR)
        transaction = self.transactions.get(transactional_id)
        if transaction is None:
            return ProducerAnswer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        value = transaction.value
        error = ending.judge(value, producer_id, epoch, is_commit=is_commit, client_version=client_version)
        if error is not None:
            if error is ErrorCode.NONE:
                return ProducerAnswer(error, value.producer_id, value.producer_epoch)
            return ProducerAnswer(error)
        next_id = NO_PRODUCER_ID
        if client_version >= ending.TV2 and is_exhausted(value.producer_epoch):
            next_id = self._journal.new_producer_id()
        after = prepared(
            value, is_commit=is_commit, client_version=client_version, next_producer_id=next_id, wall_ms=at.wall_ms
        )
        self._write(transactional_id, after, at)
        if client_version >= ending.TV2:
            transaction.last_epoch = value.producer_epoch
        self._decided(transaction)
        if next_id != NO_PRODUCER_ID:
            return ProducerAnswer(ErrorCode.NONE, next_id, 0)
        return ProducerAnswer(ErrorCode.NONE, after.producer_id, after.producer_epoch)

    def is_known_in(self, producer_id: int, partition: TopicPartition) -> bool | None:
        """Say whether an undecided transaction of this producer has this partition; None: nobody can tell now."""
        for transaction in self.transactions.values():
            value = transaction.value
            if value.producer_id == producer_id:
                is_open = value.state is TransactionState.ONGOING or value.state.is_preparing
                return is_open and partition in value.partitions
        return None if self._is_any_unavailable() else False

    # Time

    def next_deadline_ms(self) -> int | None:
        """Return the monotonic time at which `expire` has something to do; None: never."""
        if self._ready:
            return 0
        return self._timers[0][0] if self._timers else None

    def expire(self, at: Moment) -> None:
        """Do what has become due: steps of decided transactions, transactions open for too long, unused ids."""
        ready, self._ready = self._ready, []
        for step in ready:
            step(at)
        while self._timers and self._timers[0][0] <= at.now_ms:
            _, _, transactional_id = heapq.heappop(self._timers)
            if transactional_id == _EXPIRATION:
                self._expire_ids(at)
                continue
            transaction = self.transactions.get(transactional_id)
            if transaction is None:
                continue
            if transaction.value.state.is_preparing:
                self._write_markers(transaction, transaction.value, at)
            elif transaction.deadline_ms is not None and transaction.deadline_ms <= at.now_ms:
                if self._is_available(transactional_id):
                    self._fence(transaction, at)
                else:
                    self._schedule(at.now_ms + _RETRY_MS, transactional_id)

    def later(self, step: Callable[[Moment], None]) -> None:
        """Do something in the next round."""
        self._ready.append(step)
        self._journal.request_round()

    # State

    def replay(self, key: bytes | None, value: bytes | None) -> None:
        """Apply one record: the only change of durable state."""
        try:
            transactional_id, decoded = decode_transaction(key, value)
        except UnreadableRecordError:
            self.skipped_record_count += 1
            return
        if decoded is None:
            self.transactions.pop(transactional_id, None)
            return
        self.producer_id_max = max(self.producer_id_max, decoded.producer_id, decoded.next_producer_id)
        transaction = self.transactions.get(transactional_id)
        if transaction is None:
            transaction = self.transactions[transactional_id] = Transaction(transactional_id, decoded)
        transaction.value = decoded
        transaction.unmarked = set(decoded.partitions) if decoded.state.is_preparing else set()
        if decoded.state is not TransactionState.ONGOING:
            transaction.deadline_ms = None

    def loaded(self, at: Moment, partition: int | None = None) -> None:
        """Go on with the transactions that replay brought, of one partition or of all."""
        if self._clock_base is None:
            self._clock_base = at
            self._schedule(at.now_ms + self.settings.id_expiration_check_interval_ms, _EXPIRATION)
        for transaction in self.transactions.values():
            if partition is not None and self._journal.partition_of(transaction.transactional_id) != partition:
                continue
            value = transaction.value
            if value.state is TransactionState.ONGOING:
                # The wall clock may have been set back or forth while the broker was down.
                left_ms = min(max(value.start_ms + value.timeout_ms - at.wall_ms, 0), value.timeout_ms)
                self._limit(transaction, at, left_ms)
            elif value.state.is_preparing:
                self._decided(transaction)

    def unload(self, partition: int) -> None:
        """Forget the ids of a partition of `__transaction_state`."""
        for transactional_id in list(self.transactions):
            if self._journal.partition_of(transactional_id) == partition:
                del self.transactions[transactional_id]

    # Steps

    def _next_epoch(
        self, transactional_id: str, value: TransactionValue, timeout_ms: int, expected_epoch: int | None, at: Moment
    ) -> ProducerAnswer:
        """Give the next epoch, or a new producer id where the epochs are used up."""
        current = value.producer_epoch
        producer_id, epoch, last_epoch = value.producer_id, current + 1, NO_EPOCH
        known = self.transactions.get(transactional_id)
        if is_exhausted(current) and expected_epoch in (None, current):
            producer_id, epoch = self._journal.new_producer_id(), 0
            last_epoch = NO_EPOCH if expected_epoch is None else current
        elif expected_epoch is not None:
            if NO_EPOCH in (current, expected_epoch) or expected_epoch == current:
                last_epoch = current
            elif known is not None and expected_epoch == known.last_epoch:
                # It missed the answer that told it so.
                epoch, last_epoch = current, known.last_epoch
            else:
                return ProducerAnswer(ErrorCode.PRODUCER_FENCED)
        self._write(
            transactional_id,
            initialized(value, producer_id=producer_id, epoch=epoch, timeout_ms=timeout_ms, wall_ms=at.wall_ms),
            at,
        )
        self.transactions[transactional_id].last_epoch = last_epoch
        return ProducerAnswer(ErrorCode.NONE, producer_id, epoch)

    def _fence(self, transaction: Transaction, at: Moment) -> None:
        """Abort an open transaction and shut its producer out."""
        self._write(transaction.transactional_id, fenced(transaction.value, wall_ms=at.wall_ms), at)
        transaction.last_epoch = NO_EPOCH
        self._decided(transaction)

    def _decided(self, transaction: Transaction) -> None:
        """Send the markers out once the decision is durable."""
        value = transaction.value

        def told(is_durable: bool) -> None:
            if is_durable:
                self.later(lambda at: self._write_markers(transaction, value, at))

        self._journal.when_durable(self._journal.partition_of(transaction.transactional_id), told)

    def _write_markers(self, transaction: Transaction, value: TransactionValue, at: Moment) -> None:
        """Write the markers that are not known to be durable; when none is left the transaction is complete."""
        if not self._is_current(transaction, value):
            return
        if not transaction.unmarked:
            self._complete(transaction, value, at)
            return
        marker = Marker(
            value.producer_id,
            value.producer_epoch,
            value.state is TransactionState.PREPARE_COMMIT,
            value.client_version,
        )
        for partition in sorted(transaction.unmarked):
            self._write_marker(transaction, value, partition, marker, at)

    def _write_marker(
        self,
        transaction: Transaction,
        value: TransactionValue,
        partition: TopicPartition,
        marker: Marker,
        at: Moment,
    ) -> None:
        def marked(later: Moment) -> None:
            if self._is_current(transaction, value):
                transaction.unmarked.discard(partition)
                if not transaction.unmarked:
                    self._complete(transaction, value, later)

        def lost(later: Moment) -> None:
            if self._is_current(transaction, value):
                self._schedule(later.now_ms + _RETRY_MS, transaction.transactional_id)

        self._journal.write_marker(
            partition, marker, at.wall_ms, lambda is_durable: self.later(marked if is_durable else lost)
        )

    def _complete(self, transaction: Transaction, value: TransactionValue, at: Moment) -> None:
        if self._is_available(transaction.transactional_id):
            self._write(transaction.transactional_id, completed(value, wall_ms=at.wall_ms), at)
        else:
            self._schedule(at.now_ms + _RETRY_MS, transaction.transactional_id)

    def _expire_ids(self, at: Moment) -> None:
        """Forget the ids without a transaction that nobody has used for long (transactional.id.expiration.ms)."""
        self._schedule(at.now_ms + self.settings.id_expiration_check_interval_ms, _EXPIRATION)
        base = self._clock_base or at
        wall_ms = min(at.wall_ms, base.wall_ms + at.now_ms - base.now_ms)
        for transactional_id, transaction in list(self.transactions.items()):
            value = transaction.value
            is_idle = value.state is TransactionState.EMPTY or value.state.is_complete
            is_old = value.last_update_ms + self.settings.id_expiration_ms <= wall_ms
            if is_idle and is_old and self._is_available(transactional_id):
                self._write(transactional_id, None, at)

    def _of_producer(
        self, transactional_id: str, producer_id: int, epoch: int
    ) -> tuple[Transaction, ErrorCode] | tuple[None, ErrorCode]:
        """Return the transaction of this id, if this producer has it."""
        if not transactional_id:
            return None, ErrorCode.INVALID_REQUEST
        if not self._is_available(transactional_id):
            return None, ErrorCode.NOT_COORDINATOR
        transaction = self.transactions.get(transactional_id)
        if transaction is None or transaction.value.producer_id != producer_id:
            return None, ErrorCode.INVALID_PRODUCER_ID_MAPPING
        if transaction.value.producer_epoch != epoch:
            return None, ErrorCode.PRODUCER_FENCED
        return transaction, ErrorCode.NONE

    def _is_current(self, transaction: Transaction, value: TransactionValue) -> bool:
        return self.transactions.get(transaction.transactional_id) is transaction and transaction.value is value

    def _is_available(self, transactional_id: str) -> bool:
        return self._journal.is_available(self._journal.partition_of(transactional_id))

    def _is_any_unavailable(self) -> bool:
        return not all(self._journal.is_available(index) for index in range(self.settings.state_partitions))

    def _write(self, transactional_id: str, value: TransactionValue | None, at: Moment) -> None:
        record = encode_transaction(transactional_id, value)
        self._journal.append(self._journal.partition_of(transactional_id), record, at.wall_ms)
        self.replay(*record)

    def _limit(self, transaction: Transaction, at: Moment, left_ms: int) -> None:
        transaction.deadline_ms = at.now_ms + left_ms
        self._schedule(transaction.deadline_ms, transaction.transactional_id)

    def _schedule(self, deadline_ms: int, transactional_id: str) -> None:
        self._serial += 1
        heapq.heappush(self._timers, (deadline_ms, self._serial, transactional_id))
