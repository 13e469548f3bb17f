"""UnregisterBroker (64), version 0: forget a broker that is gone for good (KIP-631).

There is no other broker, and this one is not gone.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse


@handles(ApiKey.UNREGISTER_BROKER, versions=(0, 0))
def handle_unregister_broker(ctx: RequestContext, request: UnregisterBrokerRequest) -> Answer:
    """Refuse it."""
    if request.broker_id == ctx.broker.node_id:
        return Answer(
            UnregisterBrokerResponse(
                error_code=ErrorCode.INVALID_REQUEST,
                error_message=f"Broker ID {request.broker_id} is the one node there is, and it runs.",
            )
        )
    return Answer(
        UnregisterBrokerResponse(
            error_code=ErrorCode.BROKER_ID_NOT_REGISTERED,
            error_message=f"Broker ID {request.broker_id} is not currently registered",
        )
    )
