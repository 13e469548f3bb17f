"""How does a case play an idempotent or a transactional producer?"""

from typing import Any

from kcon_broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from kcon_broker.wire.messages.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from kcon_broker.wire.messages.describe_transactions import DescribeTransactionsRequest, TransactionState
from kcon_broker.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from kcon_broker.wire.messages.produce import PartitionProduceResponse
from kcon_broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tests.semantics.batches import batch_of
from tests.semantics.kafka import Kafka

TV1_PRODUCE, TV2_PRODUCE = 11, 12
"""Produce from version 12 on adds partitions to the transaction by itself (KIP-890)."""
TV1_END, TV2_END = 4, 5
"""EndTxn from version 5 on raises the producer epoch at every end."""
TV1_OFFSETS, TV2_OFFSETS = 4, 5


class Producer:
    """A producer id with its epoch, and the next sequence of each partition."""

    def __init__(self, kafka: Kafka, transactional_id: str | None = None) -> None:
        self._kafka = kafka
        self.transactional_id = transactional_id
        self.producer_id = -1
        self.epoch = -1
        self._sequences: dict[tuple[str, int], int] = {}

    def init(
        self, *, timeout_ms: int = 60_000, producer_id: int = -1, epoch: int = -1, version: int = 5
    ) -> InitProducerIdResponse:
        """Ask for a producer id, or with the present one for a higher epoch; note what comes."""
        request = InitProducerIdRequest(
            transactional_id=self.transactional_id,
            transaction_timeout_ms=timeout_ms,
            producer_id=producer_id,
            producer_epoch=epoch,
        )
        answer = self._kafka.ask(request, version)
        assert isinstance(answer, InitProducerIdResponse)
        if not answer.error_code:
            self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch
            self._sequences.clear()
        return answer

    def ready(self) -> "Producer":
        """Get a producer id, once a transaction before is over."""
        answer = self._kafka.until(self.init, lambda answer: answer.error_code not in (51, 14, 15, 16))
        assert not answer.error_code, answer
        return self

    def send(
        self,
        topic: str,
        *values: bytes,
        sequence: int | None = None,
        epoch: int | None = None,
        partition: int = 0,
        transactional: bool | None = None,
        version: int = TV1_PRODUCE,
    ) -> PartitionProduceResponse:
        """Produce one batch, with the next sequence unless told otherwise."""
        wanted = self._sequences.get((topic, partition), 0) if sequence is None else sequence
        batch = batch_of(
            *values,
            producer_id=self.producer_id,
            epoch=self.epoch if epoch is None else epoch,
            sequence=wanted,
            transactional=self.transactional_id is not None if transactional is None else transactional,
        )
        answer = self._kafka.produce(
            topic, batch=batch, partition=partition, transactional_id=self.transactional_id, version=version
        )
        if not answer.error_code:
            self._sequences[topic, partition] = wanted + len(values)
        return answer

    def add(self, topic: str, *partitions: int, **fields: Any) -> int:
        """Add partitions to the transaction; return the first one's error code."""
        wanted: dict[str, Any] = {
            "v3_and_below_transactional_id": self.transactional_id,
            "v3_and_below_producer_id": self.producer_id,
            "v3_and_below_producer_epoch": self.epoch,
            "v3_and_below_topics": [AddPartitionsToTxnTopic(name=topic, partitions=list(partitions or (0,)))],
            **fields,
        }

        def ask() -> int:
            answer = self._kafka.ask(AddPartitionsToTxnRequest(**wanted), 3)
            code: int = answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code
            return code

        # The markers of the transaction before may still be on their way.
        return self._kafka.until(ask, lambda code: code != 51)

    def add_offsets(self, group: str, **fields: Any) -> int:
        """Add a group to the transaction; return the error code."""
        wanted: dict[str, Any] = {
            "transactional_id": self.transactional_id,
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
            "group_id": group,
            **fields,
        }
        code: int = self._kafka.until(
            lambda: self._kafka.ask(AddOffsetsToTxnRequest(**wanted), 3).error_code, lambda code: code != 51
        )
        return code

    def commit_offset(
        self, group: str, topic: str, offset: int, *, partition: int = 0, version: int = TV1_OFFSETS, **fields: Any
    ) -> int:
        """Commit an offset in the transaction; return its error code."""
        wanted = TxnOffsetCommitRequestPartition(
            partition_index=partition, committed_offset=offset, committed_leader_epoch=-1, committed_metadata=""
        )
        request: dict[str, Any] = {
            "transactional_id": self.transactional_id,
            "group_id": group,
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
            "generation_id": -1,
            "member_id": "",
            "topics": [TxnOffsetCommitRequestTopic(name=topic, partitions=[wanted])],
            **fields,
        }
        code: int = self._kafka.ask(TxnOffsetCommitRequest(**request), version).topics[0].partitions[0].error_code
        return code

    def end(self, *, commit: bool, version: int = TV1_END, epoch: int | None = None) -> EndTxnResponse:
        """End the transaction; note the epoch that version 5 gives."""
        request = EndTxnRequest(
            transactional_id=self.transactional_id or "",
            producer_id=self.producer_id,
            producer_epoch=self.epoch if epoch is None else epoch,
            committed=commit,
        )
        answer = self._kafka.until(lambda: self._kafka.ask(request, version), lambda found: found.error_code != 51)
        assert isinstance(answer, EndTxnResponse)
        if not answer.error_code and version >= TV2_END:
            self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch
            self._sequences.clear()
        return answer

    def commit(self) -> None:
        """Commit as TV1 does, and wait until the markers are out."""
        assert not self.end(commit=True).error_code
        self.over()

    def abort(self) -> None:
        """Abort as TV1 does, and wait until the markers are out."""
        assert not self.end(commit=False).error_code
        self.over()

    def described(self) -> TransactionState:
        """Return the state that DescribeTransactions tells."""
        request = DescribeTransactionsRequest(transactional_ids=[self.transactional_id or ""])
        found: TransactionState = self._kafka.ask(request, 0).transaction_states[0]
        return found

    def over(self) -> None:
        """Wait until the markers are out."""
        state = self._kafka.until(self.described, lambda state: not state.transaction_state.startswith("Prepare"))
        assert not state.transaction_state.startswith("Prepare"), state
