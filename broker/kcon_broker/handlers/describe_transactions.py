"""DescribeTransactions (65), version 0: where do these transactional ids stand (KIP-664)?"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.transactions.records import TransactionState as State
from kcon_broker.state.transactions.records import by_topic
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)


@handles(ApiKey.DESCRIBE_TRANSACTIONS, versions=(0, 0))
def handle_describe_transactions(ctx: RequestContext, request: DescribeTransactionsRequest) -> Answer:
    """Describe each, once all that is told is durable."""
    after: dict[Gate, int] = {}
    for transactional_id in request.transactional_ids:
        after.update(ctx.broker.transaction_positions(transactional_id))
    return Answer(
        DescribeTransactionsResponse(
            transaction_states=[_describe(ctx, transactional_id) for transactional_id in request.transactional_ids]
        ),
        after=tuple(after.items()),
        failed=lambda _gate: DescribeTransactionsResponse(
            transaction_states=[
                TransactionState(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE, transactional_id=transactional_id)
                for transactional_id in request.transactional_ids
            ]
        ),
    )


def _describe(ctx: RequestContext, transactional_id: str) -> TransactionState:
    if not transactional_id:
        return TransactionState(error_code=ErrorCode.INVALID_REQUEST)
    known = ctx.broker.transactions.transactions.get(transactional_id)
    if known is None:
        return TransactionState(error_code=ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, transactional_id=transactional_id)
    value = known.value
    is_open = value.state is State.ONGOING or value.state.is_preparing
    return TransactionState(
        transactional_id=transactional_id,
        transaction_state=value.state.told_name,
        transaction_timeout_ms=value.timeout_ms,
        transaction_start_time_ms=value.start_ms,
        producer_id=value.producer_id,
        producer_epoch=value.producer_epoch,
        topics=[TopicData(topic=topic, partitions=indexes) for topic, indexes in by_topic(value.partitions).items()]
        if is_open
        else [],
    )
