"""What does the transaction coordinator need of the broker around it?

Records go to `__transaction_state`, markers to the partitions of a transaction. Both become durable later, off the
coordinator's way: it is told through a callback, remembers that, and goes on in the next round.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from kcon_broker.state.transactions.records import TopicPartition, TransactionRecord

Told = Callable[[bool], None]
"""Called with True once something is durable, with False when it never will be."""


class Marker(NamedTuple):
    """The end of a transaction, as it is written into each of its partitions."""

    producer_id: int
    producer_epoch: int
    is_commit: bool
    transaction_version: int


class TransactionJournal(Protocol):
    """The broker's side of the transaction coordinator."""

    def partition_of(self, transactional_id: str) -> int:
        """Return the partition of `__transaction_state` that keeps this id."""
        ...

    def is_available(self, partition: int) -> bool:
        """Say whether this partition of `__transaction_state` takes records now."""
        ...

    def append(self, partition: int, record: TransactionRecord, wall_ms: int) -> None:
        """Queue a record; a failure that shows later must unload the partition."""
        ...

    def when_durable(self, partition: int, told: Told) -> None:
        """Tell when all that was appended to this partition of `__transaction_state` is durable."""
        ...

    def write_marker(self, partition: TopicPartition, marker: Marker, wall_ms: int, told: Told) -> None:
        """Write a marker and tell when it is durable; a partition that is gone needs none and is told at once."""
        ...

    def new_producer_id(self) -> int:
        """Return a producer id that was never given before."""
        ...

    def request_round(self) -> None:
        """See to it that `TransactionCoordinator.expire` is called soon."""
        ...
