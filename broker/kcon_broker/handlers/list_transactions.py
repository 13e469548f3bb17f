"""ListTransactions (66), versions 0-2: which transactional ids are there (KIP-664)?

- v1: those whose transaction has been open for longer than a duration (KIP-994).
- v2: those whose id matches a pattern (KIP-1152). Without the engine for patterns the broker answers
  INVALID_REGULAR_EXPRESSION, as for a pattern that cannot be read.

A state that does not exist is told back as such and filters nothing in.
"""

from collections.abc import Callable

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.topic_regex import TopicRegexError, compile_topic_regex
from kcon_broker.state.transactions.records import TransactionState as State
from kcon_broker.state.transactions.transaction import Transaction
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
    TransactionState,
)

_STATES = {state.told_name: state for state in State}


@handles(ApiKey.LIST_TRANSACTIONS, versions=(0, 2))
def handle_list_transactions(ctx: RequestContext, request: ListTransactionsRequest) -> Answer:
    """List what the filters let through, once all that is told is durable."""
    try:
        lets_through = _filter(ctx, request)
    except TopicRegexError:
        return Answer(ListTransactionsResponse(error_code=ErrorCode.INVALID_REGULAR_EXPRESSION))
    found = [transaction for transaction in ctx.broker.transactions.transactions.values() if lets_through(transaction)]
    after: dict[Gate, int] = {}
    for transaction in found:
        after.update(ctx.broker.transaction_positions(transaction.transactional_id))
    return Answer(
        ListTransactionsResponse(
            unknown_state_filters=list(dict.fromkeys(name for name in request.state_filters if name not in _STATES)),
            transaction_states=[
                TransactionState(
                    transactional_id=transaction.transactional_id,
                    producer_id=transaction.value.producer_id,
                    transaction_state=transaction.value.state.told_name,
                )
                for transaction in found
            ],
        ),
        after=tuple(after.items()),
        failed=lambda _gate: ListTransactionsResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE),
    )


def _filter(ctx: RequestContext, request: ListTransactionsRequest) -> Callable[[Transaction], bool]:
    """Return the test that all filters together make. Raises TopicRegexError."""
    states = {_STATES[name] for name in request.state_filters if name in _STATES}
    producer_ids = set(request.producer_id_filters)
    pattern = compile_topic_regex(request.transactional_id_pattern) if request.transactional_id_pattern else None

    def lets_through(transaction: Transaction) -> bool:
        value = transaction.value
        if (request.state_filters and value.state not in states) or value.state is State.DEAD:
            return False
        if producer_ids and value.producer_id not in producer_ids:
            return False
        # Without an open transaction the start is -1, and the age that of the clock, as in Apache Kafka.
        if request.duration_filter >= 0 and ctx.wall_ms - value.start_ms <= request.duration_filter:
            return False
        return pattern is None or pattern.fullmatch(transaction.transactional_id) is not None

    return lets_through
