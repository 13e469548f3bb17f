"""InitProducerId (22), versions 0-5: an id for an idempotent or transactional producer (KIP-98).

- v3: a producer may name the id and epoch it has and ask for its next epoch (KIP-360); without a transactional id it
  simply gets a new id, as from Apache Kafka.
- v4: PRODUCER_FENCED, before it INVALID_PRODUCER_EPOCH (KIP-588).
- v5: TRANSACTION_ABORTABLE is known (KIP-890).

An id is given once, ever: ids are taken from the metadata log in blocks, and a block is durable before the first of
its ids is told. With a transactional id the epoch rises and whoever had it before is shut out; a transaction that it
left open is aborted first, and until then the answer is CONCURRENT_TRANSACTIONS.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.handlers.transaction_answers import answer_when_durable, moment, told_error
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

_FENCED_SINCE = 4


@handles(ApiKey.INIT_PRODUCER_ID, versions=(0, 5))
def handle_init_producer_id(ctx: RequestContext, request: InitProducerIdRequest) -> Answer:
    """Give the next producer id with epoch 0, or the next epoch of a transactional id."""
    expected = None
    if request.producer_id != -1 or request.producer_epoch != -1:
        if request.producer_id == -1 or request.producer_epoch == -1:
            return Answer(InitProducerIdResponse(error_code=ErrorCode.INVALID_REQUEST, producer_epoch=-1))
        expected = (request.producer_id, request.producer_epoch)
    if request.transactional_id is None:
        producer_id, position = ctx.broker.next_producer_id()
        return Answer(InitProducerIdResponse(producer_id=producer_id, producer_epoch=0), after=(position,))
    given = ctx.broker.transactions.init_producer(
        request.transactional_id, timeout_ms=request.transaction_timeout_ms, expected=expected, at=moment(ctx)
    )
    return answer_when_durable(
        ctx,
        request.transactional_id,
        InitProducerIdResponse(
            error_code=told_error(given.error_code, knows_fenced=ctx.api_version >= _FENCED_SINCE),
            producer_id=given.producer_id,
            producer_epoch=given.producer_epoch,
        ),
        failed=InitProducerIdResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE, producer_epoch=-1),
    )
