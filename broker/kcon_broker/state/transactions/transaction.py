"""What does the coordinator know of one transactional id, and how does it step from state to state?

    Empty ── partition added ──> Ongoing ── EndTxn, timeout, fencing ──> PrepareCommit or PrepareAbort
      ^                             ^                                        │ all markers are durable
      └── InitProducerId ── CompleteCommit, CompleteAbort <──────────────────┘

A step is a new `TransactionValue`; it counts when its record is replayed. Epochs are 16 bits: the last two values are
kept for fencing, and a producer whose epoch is used up gets a new producer id.
"""

from dataclasses import replace

from kcon_broker.state.transactions.records import (
    NO_EPOCH,
    NO_PRODUCER_ID,
    NO_TIMESTAMP,
    TopicPartition,
    TransactionState,
    TransactionValue,
)

EPOCH_MAX = (1 << 15) - 1
TV2 = 2
"""The transaction version in which the epoch rises with each transaction (KIP-890)."""


class Transaction:
    """One transactional id. `value` changes by replay only; the rest is not durable."""

    __slots__ = ("deadline_ms", "last_epoch", "transactional_id", "unmarked", "value")

    def __init__(self, transactional_id: str, value: TransactionValue) -> None:
        self.transactional_id = transactional_id
        self.value = value
        self.last_epoch = NO_EPOCH
        """The epoch before the last rise: a producer that repeats its request with it has missed the answer."""
        self.deadline_ms: int | None = None
        """When the open transaction is aborted, by the monotonic clock."""
        self.unmarked: set[TopicPartition] = set()
        """The partitions whose marker is not durable yet, while preparing."""


def is_exhausted(epoch: int) -> bool:
    """Say whether a producer with this epoch needs a new producer id."""
    return epoch >= EPOCH_MAX - 1


def initialized(
    value: TransactionValue, *, producer_id: int, epoch: int, timeout_ms: int, wall_ms: int
) -> TransactionValue:
    """Return the state after a producer was given an id and epoch."""
    previous = value.producer_id if producer_id != value.producer_id else value.previous_producer_id
    return TransactionValue(
        producer_id=producer_id,
        producer_epoch=epoch,
        timeout_ms=timeout_ms,
        last_update_ms=wall_ms,
        previous_producer_id=previous,
        client_version=value.client_version,
    )


def with_partitions(
    value: TransactionValue, partitions: frozenset[TopicPartition], *, client_version: int, wall_ms: int
) -> TransactionValue:
    """Return the state with more partitions in the transaction, which begins with the first."""
    is_ongoing = value.state is TransactionState.ONGOING
    return replace(
        value,
        state=TransactionState.ONGOING,
        partitions=value.partitions | partitions if is_ongoing else partitions,
        last_update_ms=wall_ms,
        start_ms=value.start_ms if is_ongoing else wall_ms,
        client_version=client_version,
    )


def prepared(
    value: TransactionValue, *, is_commit: bool, client_version: int, next_producer_id: int, wall_ms: int
) -> TransactionValue:
    """Return the state in which the outcome is decided; in version 2 the epoch rises, and with it the markers'."""
    rises = client_version >= TV2
    is_ongoing = value.state is TransactionState.ONGOING
    return replace(
        value,
        state=TransactionState.PREPARE_COMMIT if is_commit else TransactionState.PREPARE_ABORT,
        producer_epoch=min(value.producer_epoch + 1, EPOCH_MAX) if rises else value.producer_epoch,
        partitions=value.partitions if is_ongoing else frozenset(),
        next_producer_id=next_producer_id,
        last_update_ms=wall_ms,
        start_ms=value.start_ms if is_ongoing else wall_ms,
        client_version=client_version,
    )


def fenced(value: TransactionValue, *, wall_ms: int) -> TransactionValue:
    """Return the state in which an open transaction is aborted and its producer is shut out."""
    return replace(
        value,
        state=TransactionState.PREPARE_ABORT,
        producer_epoch=min(value.producer_epoch + 1, EPOCH_MAX),
        last_update_ms=wall_ms,
    )


def completed(value: TransactionValue, *, wall_ms: int) -> TransactionValue:
    """Return the state after all markers."""
    is_commit = value.state is TransactionState.PREPARE_COMMIT
    done = replace(
        value,
        state=TransactionState.COMPLETE_COMMIT if is_commit else TransactionState.COMPLETE_ABORT,
        partitions=frozenset(),
        last_update_ms=wall_ms,
    )
    if value.next_producer_id == NO_PRODUCER_ID:
        return done
    return replace(
        done,
        previous_producer_id=value.producer_id,
        producer_id=value.next_producer_id,
        producer_epoch=0,
        next_producer_id=NO_PRODUCER_ID,
    )


def age_ms(value: TransactionValue, wall_ms: int) -> int:
    """Return for how long the transaction has been open; -1: none is."""
    return -1 if value.start_ms == NO_TIMESTAMP else wall_ms - value.start_ms
