"""EndTxn (26), versions 0-5: commit or abort a transaction (KIP-98).

The answer leaves when the decision is durable; the markers follow. Until they are all durable, what is asked about
the transactional id is CONCURRENT_TRANSACTIONS.

- v2: PRODUCER_FENCED, before it INVALID_PRODUCER_EPOCH (KIP-588).
- v4: TRANSACTION_ABORTABLE is known.
- v5: version 2 of transactions (KIP-890): every decision raises the epoch, and the answer tells the next one.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.handlers.transaction_answers import answer_when_durable, moment, told_error
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.end_txn import EndTxnRequest, EndTxnResponse

_FENCED_SINCE = 2
_V2_SINCE = 5


@handles(ApiKey.END_TXN, versions=(0, 5))
def handle_end_txn(ctx: RequestContext, request: EndTxnRequest) -> Answer:
    """Decide the outcome."""
    ended = ctx.broker.transactions.end(
        request.transactional_id,
        request.producer_id,
        request.producer_epoch,
        is_commit=request.committed,
        client_version=2 if ctx.api_version >= _V2_SINCE else 0,
        at=moment(ctx),
    )
    return answer_when_durable(
        ctx,
        request.transactional_id,
        EndTxnResponse(
            error_code=told_error(ended.error_code, knows_fenced=ctx.api_version >= _FENCED_SINCE),
            producer_id=ended.producer_id,
            producer_epoch=ended.producer_epoch,
        ),
        failed=EndTxnResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE),
    )
