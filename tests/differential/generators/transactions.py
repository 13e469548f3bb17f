"""Requests of transactions: AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn, WriteTxnMarkers,
DescribeTransactions, ListTransactions, DescribeProducers.

Every transaction has an id, a topic and a group of its own. What happens after an answer (markers are written when
EndTxn has been answered) is awaited before it is looked at.
"""

from dataclasses import dataclass
from typing import Any, Final

from kcon_broker.batch.records import encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from kcon_broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from kcon_broker.wire.messages.describe_producers import DescribeProducersRequest, TopicRequest
from kcon_broker.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
)
from kcon_broker.wire.messages.end_txn import EndTxnRequest
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from kcon_broker.wire.messages.list_transactions import ListTransactionsRequest
from kcon_broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kcon_broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from kcon_broker.wire.messages.write_txn_markers import WriteTxnMarkersRequest
from tests.differential.generators.batches import records
from tests.differential.generators.draw import INT64_MAX, Draw, Makers, topic
from tests.differential.session import Side, Step

_BROKERS_SINCE: Final = 4
"""AddPartitionsToTxn: the requests of brokers, with several transactions in one."""
_TIMEOUT_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class _Transaction:
    """The names of one transaction's things."""

    draw: Draw
    id: str
    topic: str
    group: str

    def steps(self, *what: str) -> list[Step]:
        """Return steps that prepare: "init", "add", "produce", "offsets", "end"."""
        made = {
            "init": self._init,
            "add": self._add,
            "produce": self._produce,
            "offsets": self._offsets,
            "end": self._end,
        }
        return [made[name]() for name in what]

    def producer(self, side: Side) -> int:
        """Return the producer id that a side gave."""
        producer_id: int = side.values[f"producer of {self.id}"]
        return producer_id

    def look(self) -> list[Step]:
        """Return steps that show what became of the transaction: its state, the log, the offsets."""
        log = FetchRequest(
            replica_id=-1,
            max_bytes=1 << 20,
            isolation_level=1,
            session_epoch=-1,
            topics=[FetchTopic(topic=self.topic, partitions=[FetchPartition(partition_max_bytes=1 << 20)])],
        )
        offsets = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=self.group, topics=None)])
        return [
            self._described(),
            self.draw.other(ApiKey.FETCH, 12, "the log after it", lambda _: log, situations=_LOG),
            self.draw.other(ApiKey.OFFSET_FETCH, 8, "the offsets after it", lambda _: offsets),
        ]

    def _described(self) -> Step:
        return self.draw.other(
            ApiKey.DESCRIBE_TRANSACTIONS,
            0,
            "the transaction after it",
            lambda _: DescribeTransactionsRequest(transactional_ids=[self.id]),
            until=_is_decided,
        )

    def _init(self) -> Step:
        def learn(side: Side, answer: InitProducerIdResponse) -> None:
            side.learn(f"producer of {self.id}", answer.producer_id)

        request = InitProducerIdRequest(
            transactional_id=self.id, transaction_timeout_ms=_TIMEOUT_MS, producer_id=-1, producer_epoch=-1
        )
        return self.draw.other(ApiKey.INIT_PRODUCER_ID, 4, "init", lambda _: request, learn=learn)

    def _add(self) -> Step:
        return self.draw.other(
            ApiKey.ADD_PARTITIONS_TO_TXN,
            3,
            "add a partition",
            lambda side: AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=self.id,
                v3_and_below_producer_id=self.producer(side),
                v3_and_below_topics=[AddPartitionsToTxnTopic(name=self.topic, partitions=[0])],
            ),
        )

    def _produce(self) -> Step:
        def build(side: Side) -> ProduceRequest:
            batch = encode_batch(
                records(self.draw.base_ms),
                producer_id=self.producer(side),
                producer_epoch=0,
                base_sequence=0,
                is_transactional=True,
            )
            data = TopicProduceData(
                name=self.topic, partition_data=[PartitionProduceData(index=0, records=bytes(batch))]
            )
            return ProduceRequest(transactional_id=self.id, acks=-1, timeout_ms=10_000, topic_data=[data])

        return self.draw.other(ApiKey.PRODUCE, 11, "produce", build)

    def _offsets(self) -> Step:
        return self.draw.other(
            ApiKey.ADD_OFFSETS_TO_TXN,
            3,
            "add offsets",
            lambda side: AddOffsetsToTxnRequest(
                transactional_id=self.id, producer_id=self.producer(side), group_id=self.group
            ),
        )

    def _end(self) -> Step:
        step = self.draw.other(
            ApiKey.END_TXN,
            4,
            "end",
            lambda side: EndTxnRequest(transactional_id=self.id, producer_id=self.producer(side), committed=True),
        )
        step.after = [self._described()]
        return step


_LOG: Final = frozenset({"markers"})


def _is_decided(answer: DescribeTransactionsResponse) -> bool:
    return all(not state.transaction_state.startswith("Prepare") for state in answer.transaction_states)


def _transaction(draw: Draw) -> _Transaction:
    return _Transaction(draw, draw.fresh("transaction"), draw.fresh("written"), draw.fresh("group"))


def _finish(step: Step, transaction: _Transaction, *before: str) -> Step:
    step.before = transaction.steps(*before)
    step.after = transaction.look()
    step.topics = [topic(transaction.topic, 2)]
    return step


# InitProducerId


def init_transactional(draw: Draw) -> Step:
    """Take a transactional id, for the first time, again, or after a transaction."""
    transaction = _transaction(draw)
    timeout_ms = draw.pick(_TIMEOUT_MS, 1, 900_000)
    request = InitProducerIdRequest(
        transactional_id=transaction.id, transaction_timeout_ms=timeout_ms, producer_id=-1, producer_epoch=-1
    )
    before = draw.pick((), ("init",), ("init", "add", "produce", "end"))

    def learn(side: Side, answer: InitProducerIdResponse) -> None:
        if not answer.error_code:
            side.learn(f"producer of {transaction.id}", answer.producer_id)

    step = draw.step(f"after {before}, {timeout_ms} ms", lambda _: request, learn=learn)
    return _finish(step, transaction, *before)


def init_bad_timeout(draw: Draw) -> Step:
    """Ask for a timeout that cannot be."""
    timeout_ms = draw.pick(0, -1, 900_001)
    request = InitProducerIdRequest(
        transactional_id=draw.fresh("transaction"),
        transaction_timeout_ms=timeout_ms,
        producer_id=-1,
        producer_epoch=-1,
    )
    return draw.step(f"{timeout_ms} ms", lambda _: request)


# AddPartitionsToTxn


def _add(
    draw: Draw,
    label: str,
    transaction: _Transaction,
    places: dict[str, list[int]],
    *before: str,
    wrong: str = "",
    verify_only: bool = False,
) -> Step:
    def build(side: Side) -> AddPartitionsToTxnRequest:
        transactional_id = "no-such-transaction" if wrong == "id" else transaction.id
        producer_id = INT64_MAX if wrong == "producer" else side.values.get(f"producer of {transaction.id}", 7)
        epoch = 5 if wrong == "epoch" else 0
        topics = [AddPartitionsToTxnTopic(name=name, partitions=indexes) for name, indexes in places.items()]
        if draw.version < _BROKERS_SINCE:
            return AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=transactional_id,
                v3_and_below_producer_id=producer_id,
                v3_and_below_producer_epoch=epoch,
                v3_and_below_topics=topics,
            )
        one = AddPartitionsToTxnTransaction(
            transactional_id=transactional_id,
            producer_id=producer_id,
            producer_epoch=epoch,
            verify_only=verify_only,
            topics=topics,
        )
        return AddPartitionsToTxnRequest(transactions=[one])

    return _finish(draw.step(f"{label} {wrong}, verify {verify_only}", build), transaction, *before)


def _add_some(draw: Draw) -> Step:
    transaction = _transaction(draw)
    return _add(draw, "some", transaction, {transaction.topic: draw.pick([0], [0, 1], [1, 0])}, "init")


def _add_again(draw: Draw) -> Step:
    transaction = _transaction(draw)
    verify = draw.pick(False, True)
    return _add(draw, "again", transaction, {transaction.topic: [0]}, "init", "add", verify_only=verify)


def _add_wrong(draw: Draw) -> Step:
    transaction = _transaction(draw)
    wrong = draw.pick("id", "producer", "epoch")
    return _add(draw, "wrong", transaction, {transaction.topic: [0]}, "init", wrong=wrong)


def _add_missing(draw: Draw) -> Step:
    transaction = _transaction(draw)
    places = draw.pick({draw.fresh("missing"): [0], transaction.topic: [0]}, {transaction.topic: [0, 9]})
    return _add(draw, "missing", transaction, places, "init")


def _add_unknown(draw: Draw) -> Step:
    transaction = _transaction(draw)
    return _add(draw, "without init", transaction, {transaction.topic: [0]}, verify_only=draw.pick(False, True))


# AddOffsetsToTxn


def _add_offsets(draw: Draw, label: str, transaction: _Transaction, *before: str, **changed: Any) -> Step:
    def build(side: Side) -> AddOffsetsToTxnRequest:
        fields = {
            "transactional_id": transaction.id,
            "producer_id": side.values.get(f"producer of {transaction.id}", 7),
            "producer_epoch": 0,
            "group_id": transaction.group,
        }
        return AddOffsetsToTxnRequest(**{**fields, **changed})

    return _finish(draw.step(f"{label} {changed}", build), transaction, *before)


def _add_offsets_good(draw: Draw) -> Step:
    return _add_offsets(draw, "good", _transaction(draw), *draw.pick(("init",), ("init", "offsets"), ("init", "add")))


def _add_offsets_bad(draw: Draw) -> Step:
    changed: dict[str, Any] = draw.pick(
        {"transactional_id": "no-such-transaction"},
        {"transactional_id": ""},
        {"producer_id": INT64_MAX},
        {"producer_epoch": 3},
        {"producer_epoch": -1},
    )
    return _add_offsets(draw, "bad", _transaction(draw), "init", **changed)


# TxnOffsetCommit


def _commit(draw: Draw, label: str, transaction: _Transaction, *before: str, **changed: Any) -> Step:
    name = changed.pop("topic", draw.shared("plain"))
    index = changed.pop("index", 0)
    metadata = changed.pop("metadata", "note")

    def build(side: Side) -> TxnOffsetCommitRequest:
        fields = {
            "transactional_id": transaction.id,
            "group_id": transaction.group,
            "producer_id": side.values.get(f"producer of {transaction.id}", 7),
            "producer_epoch": 0,
            "generation_id": -1,
            "member_id": "",
            "topics": [
                TxnOffsetCommitRequestTopic(
                    name=name,
                    partitions=[
                        TxnOffsetCommitRequestPartition(
                            partition_index=index, committed_offset=5, committed_metadata=metadata
                        )
                    ],
                )
            ],
        }
        return TxnOffsetCommitRequest(**{**fields, **changed})

    return _finish(draw.step(f"{label} {name} {changed}", build), transaction, *before)


def _commit_good(draw: Draw) -> Step:
    return _commit(draw, "good", _transaction(draw), "init", "offsets", metadata=draw.pick("note", "", None))


def _commit_bad(draw: Draw) -> Step:
    choices: list[dict[str, Any]] = [
        {"topic": "no-such-topic"},
        {"index": 9},
        {"metadata": "x" * 4_097},
        {"transactional_id": "no-such-transaction"},
        {"producer_epoch": 3},
        {"producer_id": INT64_MAX},
    ]
    if draw.version >= 3:
        choices += [{"generation_id": 1, "member_id": "stranger"}, {"group_instance_id": "i"}]
    changed = draw.pick(*choices)
    return _commit(draw, "bad", _transaction(draw), "init", "offsets", **changed)


# EndTxn


def _end(draw: Draw, label: str, transaction: _Transaction, *before: str, **changed: Any) -> Step:
    committed = draw.pick(True, False)

    def build(side: Side) -> EndTxnRequest:
        fields = {
            "transactional_id": transaction.id,
            "producer_id": side.values.get(f"producer of {transaction.id}", 7),
            "producer_epoch": 0,
            "committed": committed,
        }
        return EndTxnRequest(**{**fields, **changed})

    return _finish(draw.step(f"{label} {before} {changed}, {committed}", build), transaction, *before)


def _end_good(draw: Draw) -> Step:
    before = draw.pick(("init", "add", "produce"), ("init", "add"), ("init", "offsets"))
    return _end(draw, "good", _transaction(draw), *before)


def _end_bad(draw: Draw) -> Step:
    changed: dict[str, Any] = draw.pick(
        {"transactional_id": "no-such-transaction"},
        {"transactional_id": ""},
        {"producer_id": INT64_MAX},
        {"producer_epoch": 3},
        {"producer_epoch": -1},
    )
    return _end(draw, "bad", _transaction(draw), "init", "add", **changed)


def _end_nothing(draw: Draw) -> Step:
    return _end(draw, "nothing", _transaction(draw), *draw.pick(("init",), ("init", "add", "produce", "end")))


# Descriptions


def _describe_transactions(draw: Draw) -> Step:
    transaction = _transaction(draw)
    before = draw.pick(("init",), ("init", "add"), ("init", "add", "produce", "end"), ("init", "offsets"))
    request = DescribeTransactionsRequest(transactional_ids=[transaction.id])
    return _finish(draw.step(f"{before}", lambda _: request), transaction, *before)


def _describe_unknown(draw: Draw) -> Step:
    ids = draw.pick([draw.fresh("no")], [""], [draw.fresh("no"), draw.fresh("no")])
    return draw.step(f"{ids}", lambda _: DescribeTransactionsRequest(transactional_ids=ids))


def _list_transactions(draw: Draw) -> Step:
    transaction = _transaction(draw)
    before = draw.pick(("init",), ("init", "add"))
    states: list[str] = draw.pick([], ["Ongoing"], ["Empty", "Ongoing"], ["CompleteCommit"])

    def build(side: Side) -> ListTransactionsRequest:
        # Others' transactions are none of ours.
        return ListTransactionsRequest(
            state_filters=states, producer_id_filters=[transaction.producer(side)], duration_filter=-1
        )

    return _finish(draw.step(f"{before}, {states}", build), transaction, *before)


def _list_unknown(draw: Draw) -> Step:
    states = draw.pick(["Nonsense"], ["", "Ongoing", "nonsense"])
    request = ListTransactionsRequest(state_filters=states, producer_id_filters=[INT64_MAX], duration_filter=-1)
    return draw.step(f"{states}", lambda _: request)


def _describe_producers(draw: Draw) -> Step:
    transaction = _transaction(draw)
    before = draw.pick(("init",), ("init", "add", "produce"))
    request = DescribeProducersRequest(topics=[TopicRequest(name=transaction.topic, partition_indexes=[0, 1])])
    return _finish(draw.step(f"{before}", lambda _: request), transaction, *before)


def _describe_producers_missing(draw: Draw) -> Step:
    place = draw.pick((draw.fresh("missing"), [0]), (draw.shared("plain"), [9]), ("", [0]), ("a b", [0]))
    request = DescribeProducersRequest(topics=[TopicRequest(name=place[0], partition_indexes=place[1])])
    return draw.step(f"{place}", lambda _: request)


# WriteTxnMarkers


def _no_markers(draw: Draw) -> Step:
    return draw.step("none", lambda _: WriteTxnMarkersRequest(markers=[]))


MAKERS: Final = {
    ApiKey.ADD_PARTITIONS_TO_TXN: Makers((_add_some, _add_again), (_add_wrong, _add_missing, _add_unknown)),
    ApiKey.ADD_OFFSETS_TO_TXN: Makers((_add_offsets_good,), (_add_offsets_bad,)),
    ApiKey.TXN_OFFSET_COMMIT: Makers((_commit_good,), (_commit_bad,)),
    ApiKey.END_TXN: Makers((_end_good,), (_end_bad, _end_nothing)),
    ApiKey.WRITE_TXN_MARKERS: Makers((_no_markers,), ()),
    ApiKey.DESCRIBE_TRANSACTIONS: Makers((_describe_transactions,), (_describe_unknown,)),
    ApiKey.LIST_TRANSACTIONS: Makers((_list_transactions,), (_list_unknown,)),
    ApiKey.DESCRIBE_PRODUCERS: Makers((_describe_producers,), (_describe_producers_missing,)),
}
