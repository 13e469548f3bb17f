"""AddOffsetsToTxn (25), versions 0-4: a transaction is going to commit offsets of a group (KIP-98).

The group's partition of `__consumer_offsets` becomes one of the transaction's partitions.

- v2: PRODUCER_FENCED, before it INVALID_PRODUCER_EPOCH (KIP-588).
- v4: TRANSACTION_ABORTABLE is known (KIP-890).
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.handlers.transaction_answers import answer_when_durable, moment, told_error
from kcon_broker.state.topic import OFFSETS_TOPIC
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse

_FENCED_SINCE = 2
_CLIENTS_VERSION = 0


@handles(ApiKey.ADD_OFFSETS_TO_TXN, versions=(0, 4))
def handle_add_offsets_to_txn(ctx: RequestContext, request: AddOffsetsToTxnRequest) -> Answer:
    """Take the group's partition into the transaction."""
    error = ctx.broker.transactions.add_partitions(
        request.transactional_id,
        request.producer_id,
        request.producer_epoch,
        [(OFFSETS_TOPIC, ctx.broker.offsets_partition_of(request.group_id))],
        client_version=_CLIENTS_VERSION,
        at=moment(ctx),
    )
    return answer_when_durable(
        ctx,
        request.transactional_id,
        AddOffsetsToTxnResponse(error_code=told_error(error, knows_fenced=ctx.api_version >= _FENCED_SINCE)),
        failed=AddOffsetsToTxnResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE),
    )
