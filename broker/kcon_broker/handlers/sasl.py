"""SaslHandshake (17), versions 0-1, and SaslAuthenticate (36), 0-2, on a listener without SASL.

Authentication happens before a connection reaches the handlers; here it is over, so both are ILLEGAL_SASL_STATE, and
the connection stays open (kafka.server.KafkaApis).
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from kcon_broker.wire.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse


@handles(ApiKey.SASL_HANDSHAKE, versions=(0, 1))
def handle_sasl_handshake(ctx: RequestContext, request: SaslHandshakeRequest) -> Answer:
    """Refuse it and offer no mechanism."""
    return Answer(SaslHandshakeResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE))


@handles(ApiKey.SASL_AUTHENTICATE, versions=(0, 2))
def handle_sasl_authenticate(ctx: RequestContext, request: SaslAuthenticateRequest) -> Answer:
    """Refuse it."""
    message = "SaslAuthenticate request received after successful authentication"
    return Answer(SaslAuthenticateResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE, error_message=message))
