"""InitProducerId (22), versions 0-5: an id for an idempotent producer (KIP-98, KIP-360).

An id is given once, ever: ids are taken from the metadata log in blocks, and a block is durable before the first of
its ids is told. v3-v4 let a producer ask for its next epoch; as in Apache Kafka a producer without a transactional
id simply gets a new id instead.

Transactions are not served: with a transactional id the answer is NOT_COORDINATOR's final sibling
INVALID_REQUEST, which clients report at once instead of retrying until their timeout.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse

_PRODUCER_TOLD_SINCE = 3


@handles(ApiKey.INIT_PRODUCER_ID, versions=(0, 5))
def handle_init_producer_id(ctx: RequestContext, request: InitProducerIdRequest) -> Answer:
    """Give the next producer id, with epoch 0."""
    if request.transactional_id is not None:
        return Answer(InitProducerIdResponse(error_code=ErrorCode.INVALID_REQUEST, producer_epoch=-1))
    if ctx.api_version >= _PRODUCER_TOLD_SINCE and (request.producer_id == -1) != (request.producer_epoch == -1):
        # An id without its epoch, or the other way round.
        return Answer(InitProducerIdResponse(error_code=ErrorCode.INVALID_REQUEST, producer_epoch=-1))
    producer_id, position = ctx.broker.next_producer_id()
    return Answer(InitProducerIdResponse(producer_id=producer_id, producer_epoch=0), after=(position,))
