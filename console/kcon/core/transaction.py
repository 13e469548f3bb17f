"""What is a transaction doing, and which one hangs? Frozen values, and the rule that finds the hanging ones."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from kcon.core.ids import TopicPartition
from kcon.core.wire_text import WireText

HANGING_AFTER_MS: Final = 15 * 60 * 1_000
"""Kafka's default of transaction.max.timeout.ms: what is open for longer, its coordinator would have ended."""


class TransactionListing(NamedTuple):
    """One transactional id as its coordinator lists it."""

    transactional_id: WireText
    producer_id: int
    state: str
    """Kafka's word: Empty, Ongoing, PrepareCommit, CompleteAbort, ... made safe."""
    coordinator_id: int


class TransactionDescription(NamedTuple):
    """One transactional id in full."""

    transactional_id: WireText
    state: str
    producer_id: int
    producer_epoch: int
    timeout_ms: int
    start_ms: int | None
    """When the open transaction began; None: none is open."""
    partitions: tuple[TopicPartition, ...]
    coordinator_id: int


class ProducerState(NamedTuple):
    """One producer as a partition's leader knows it."""

    partition: TopicPartition
    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp_ms: int
    coordinator_epoch: int
    txn_start_offset: int | None
    """The first offset of its open transaction; None: none is open."""


class HangingTransaction(NamedTuple):
    """An open transaction that no coordinator will end (KIP-664)."""

    producer: ProducerState
    transactional_id: WireText | None
    """None: no coordinator knows the producer."""


def find_hanging(
    producers: Iterable[ProducerState],
    known: Mapping[int, TransactionDescription],
    *,
    now_ms: int,
    older_than_ms: int = HANGING_AFTER_MS,
) -> list[HangingTransaction]:
    """Return the open transactions that hang. known: by producer id, what the coordinators say.

    One hangs when it is old, and its coordinator does not have the partition in an open transaction of that epoch.
    """
    found = []
    for producer in producers:
        if producer.txn_start_offset is None or now_ms - producer.last_timestamp_ms < older_than_ms:
            continue
        transaction = known.get(producer.producer_id)
        if transaction is None:
            found.append(HangingTransaction(producer, None))
        elif transaction.producer_epoch != producer.producer_epoch or producer.partition not in transaction.partitions:
            found.append(HangingTransaction(producer, transaction.transactional_id))
    return found
