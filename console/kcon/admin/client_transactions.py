"""What can be asked about transactions, and how is one ended by force? A part of `Admin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kcon.admin.client_calls import AdminCalls

if TYPE_CHECKING:
    from collections.abc import Collection

    from kcon.admin.transactions import TransactionsListed
    from kcon.core.ids import TopicPartition
    from kcon.core.kafka_error import KafkaError
    from kcon.core.transaction import ProducerState, TransactionDescription
    from kcon.gate.permit import Permit


class TransactionCalls(AdminCalls):
    """Calls about transactions."""

    async def transactions(
        self, *, states: Collection[str] = (), producer_ids: Collection[int] = (), open_for_ms: int | None = None
    ) -> TransactionsListed:
        """Return the transactional ids of every broker. open_for_ms: whose transaction runs for longer (3.8)."""
        from kcon.admin.transactions import list_transactions

        deadline = self._cluster.deadline()
        return await list_transactions(
            self._cluster, states=states, producer_ids=producer_ids, open_for_ms=open_for_ms, deadline=deadline
        )

    async def describe_transactions(self, ids: Collection[str]) -> dict[str, TransactionDescription | KafkaError]:
        """Describe transactional ids."""
        from kcon.admin.transactions import describe_transactions

        return await describe_transactions(self._cluster, ids, self._cluster.deadline())

    async def producers(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, tuple[ProducerState, ...] | KafkaError]:
        """Return the producers that the leaders of these partitions know."""
        from kcon.admin.transactions import describe_producers

        return await describe_producers(self._cluster, self._routes, partitions, self._cluster.deadline())

    async def abort_transaction(self, producer: ProducerState, permit: Permit) -> KafkaError | None:
        """Write an abort marker for a hanging transaction. None: done. permit: TXN_ABORT on the topic."""
        from kcon.admin.transactions import abort_transaction

        return await abort_transaction(self._cluster, self._routes, producer, permit, self._cluster.deadline())

    async def fence_producers(self, ids: Collection[str], permit: Permit) -> dict[str, KafkaError | None]:
        """Give transactional ids a new epoch, which ends what their producers have open; None for each that has one.

        permit: PRODUCER_FENCE on the ids. TRANSACTIONAL_ID_NOT_FOUND for one that no broker lists.
        """
        from kcon.admin.transactions import fence_producers

        return await fence_producers(self._cluster, ids, permit, self._cluster.deadline())
