"""CreateDelegationToken (38), versions 1-3, Renew (39), 1-2, Expire (40), 1-2, Describe (41), 1-3 (KIP-48, KIP-373).

Tokens are for clients that have logged in, and none has: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as Apache Kafka says
on a connection without authentication.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_delegation_token import (
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)
from kcon_broker.wire.messages.describe_delegation_token import (
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)
from kcon_broker.wire.messages.expire_delegation_token import (
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
)
from kcon_broker.wire.messages.renew_delegation_token import (
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
)

_REFUSED = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
_PRINCIPAL_TYPE, _ANONYMOUS = "User", "ANONYMOUS"
_NEVER_MS = -1


@handles(ApiKey.CREATE_DELEGATION_TOKEN, versions=(1, 3))
def handle_create_delegation_token(ctx: RequestContext, request: CreateDelegationTokenRequest) -> Answer:
    """Refuse it; v3 can be for another owner than the one who asks."""
    error_code, owner = _REFUSED, (_PRINCIPAL_TYPE, _ANONYMOUS)
    if request.owner_principal_name:
        if request.owner_principal_type is None:
            # Apache Kafka fails on a name without a type.
            error_code = ErrorCode.UNKNOWN_SERVER_ERROR
        else:
            owner = request.owner_principal_type, request.owner_principal_name
    return Answer(
        CreateDelegationTokenResponse(
            error_code=error_code,
            principal_type=owner[0],
            principal_name=owner[1],
            token_requester_principal_type=_PRINCIPAL_TYPE,
            token_requester_principal_name=_ANONYMOUS,
            issue_timestamp_ms=_NEVER_MS,
            expiry_timestamp_ms=_NEVER_MS,
            max_timestamp_ms=_NEVER_MS,
        )
    )


@handles(ApiKey.RENEW_DELEGATION_TOKEN, versions=(1, 2))
def handle_renew_delegation_token(ctx: RequestContext, request: RenewDelegationTokenRequest) -> Answer:
    """Refuse it."""
    return Answer(RenewDelegationTokenResponse(error_code=_REFUSED, expiry_timestamp_ms=_NEVER_MS))


@handles(ApiKey.EXPIRE_DELEGATION_TOKEN, versions=(1, 2))
def handle_expire_delegation_token(ctx: RequestContext, request: ExpireDelegationTokenRequest) -> Answer:
    """Refuse it."""
    return Answer(ExpireDelegationTokenResponse(error_code=_REFUSED, expiry_timestamp_ms=_NEVER_MS))


@handles(ApiKey.DESCRIBE_DELEGATION_TOKEN, versions=(1, 3))
def handle_describe_delegation_token(ctx: RequestContext, request: DescribeDelegationTokenRequest) -> Answer:
    """Refuse it."""
    return Answer(DescribeDelegationTokenResponse(error_code=_REFUSED))
