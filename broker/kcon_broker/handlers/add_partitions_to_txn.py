"""AddPartitionsToTxn (24), versions 0-5: which partitions does a transaction write to (KIP-98)?

- v2: PRODUCER_FENCED, before it INVALID_PRODUCER_EPOCH (KIP-588).
- v4: from broker to broker: several transactions in one request, which may be asked about only (KIP-890).
- v5: TRANSACTION_ABORTABLE is known (KIP-890).

If one partition does not exist none is added: the others are OPERATION_NOT_ATTEMPTED.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.handlers.transaction_answers import moment, told_error
from kcon_broker.state.gate import Gate
from kcon_broker.state.transactions.records import TopicPartition
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)

_FENCED_SINCE = 2
_TRANSACTIONS_SINCE = 4
_CLIENTS_VERSION = 0
_BROKERS_VERSION = 2
"""The version of transactions of a producer on whose behalf a broker adds partitions."""


@handles(ApiKey.ADD_PARTITIONS_TO_TXN, versions=(0, 5))
def handle_add_partitions_to_txn(ctx: RequestContext, request: AddPartitionsToTxnRequest) -> Answer:
    """Take partitions into transactions, or only look whether they are in."""
    if ctx.api_version >= _TRANSACTIONS_SINCE:
        return _answer_brokers(ctx, request)
    transaction = AddPartitionsToTxnTransaction(
        transactional_id=request.v3_and_below_transactional_id,
        producer_id=request.v3_and_below_producer_id,
        producer_epoch=request.v3_and_below_producer_epoch,
        topics=request.v3_and_below_topics,
    )
    return Answer(
        AddPartitionsToTxnResponse(results_by_topic_v3_and_below=_add(ctx, transaction, _CLIENTS_VERSION)),
        after=ctx.broker.transaction_positions(transaction.transactional_id),
        failed=lambda _gate: AddPartitionsToTxnResponse(results_by_topic_v3_and_below=_lost(transaction.topics)),
    )


def _answer_brokers(ctx: RequestContext, request: AddPartitionsToTxnRequest) -> Answer:
    results: list[AddPartitionsToTxnResult] = []
    after: dict[Gate, int] = {}
    for transaction in request.transactions:
        told = _verify(ctx, transaction) if transaction.verify_only else _add(ctx, transaction, _BROKERS_VERSION)
        results.append(AddPartitionsToTxnResult(transactional_id=transaction.transactional_id, topic_results=told))
        after.update(ctx.broker.transaction_positions(transaction.transactional_id))
    failed = AddPartitionsToTxnResponse(
        results_by_transaction=[
            AddPartitionsToTxnResult(
                transactional_id=transaction.transactional_id, topic_results=_lost(transaction.topics)
            )
            for transaction in request.transactions
        ]
    )
    return Answer(
        AddPartitionsToTxnResponse(results_by_transaction=results),
        after=tuple(after.items()),
        failed=lambda _gate: failed,
    )


def _add(
    ctx: RequestContext, transaction: AddPartitionsToTxnTransaction, client_version: int
) -> list[AddPartitionsToTxnTopicResult]:
    partitions = [(topic.name, index) for topic in transaction.topics for index in topic.partitions]
    unknown = {place for place in partitions if not _exists(ctx, place)}
    if unknown:
        not_there, rest = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.OPERATION_NOT_ATTEMPTED
        return _results({place: not_there if place in unknown else rest for place in partitions})
    error = ctx.broker.transactions.add_partitions(
        transaction.transactional_id,
        transaction.producer_id,
        transaction.producer_epoch,
        partitions,
        client_version=client_version,
        at=moment(ctx),
    )
    return _alike(transaction.topics, told_error(error, knows_fenced=ctx.api_version >= _FENCED_SINCE))


def _verify(ctx: RequestContext, transaction: AddPartitionsToTxnTransaction) -> list[AddPartitionsToTxnTopicResult]:
    verify = ctx.broker.transactions.verify_partition
    return _results(
        {
            place: verify(transaction.transactional_id, transaction.producer_id, transaction.producer_epoch, place)
            for topic in transaction.topics
            for place in ((topic.name, index) for index in topic.partitions)
        }
    )


def _exists(ctx: RequestContext, place: TopicPartition) -> bool:
    topic = ctx.broker.topics.by_name.get(place[0])
    return topic is not None and 0 <= place[1] < topic.partition_count


def _results(errors: dict[TopicPartition, ErrorCode]) -> list[AddPartitionsToTxnTopicResult]:
    """Tell each partition once, and each topic that has one: a request may name them twice, or none of a topic."""
    topics: dict[str, list[AddPartitionsToTxnPartitionResult]] = {}
    for (name, index), error in errors.items():
        result = AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=error)
        topics.setdefault(name, []).append(result)
    return [AddPartitionsToTxnTopicResult(name=name, results_by_partition=results) for name, results in topics.items()]


def _alike(topics: list[AddPartitionsToTxnTopic], error: ErrorCode) -> list[AddPartitionsToTxnTopicResult]:
    """Tell one error of all partitions, in the shape of the request (`errorResponseForTopics`)."""
    return [
        AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=[
                AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=error)
                for index in topic.partitions
            ],
        )
        for topic in topics
    ]


def _lost(topics: list[AddPartitionsToTxnTopic]) -> list[AddPartitionsToTxnTopicResult]:
    return _alike(topics, ErrorCode.COORDINATOR_NOT_AVAILABLE)
