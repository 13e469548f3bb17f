"""DescribeUserScramCredentials (50), version 0: which users have which credentials for SCRAM (KIP-554)?

The mechanism and its iterations are told, never what makes a login. Without names every user is told.
"""

from collections import Counter

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.scram_credentials import ScramCredentialTable
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)


@handles(ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS, versions=(0, 0))
def handle_describe_user_scram_credentials(ctx: RequestContext, request: DescribeUserScramCredentialsRequest) -> Answer:
    """Tell of each user, or of all."""
    table = ctx.broker.cluster.credentials
    times = Counter(user.name for user in request.users) if request.users else Counter(list(table.by_user))
    return Answer(
        DescribeUserScramCredentialsResponse(
            error_message="", results=[_describe(table, name, count) for name, count in times.items()]
        ),
        after=(ctx.broker.topics_position(),),
    )


def _describe(table: ScramCredentialTable, name: str, count: int) -> DescribeUserScramCredentialsResult:
    result = DescribeUserScramCredentialsResult(user=name, error_message="")
    if count > 1:
        result.error_code = ErrorCode.DUPLICATE_RESOURCE
        result.error_message = f"Cannot describe SCRAM credentials for the same user twice in a single request: {name}"
    elif name not in table.by_user:
        result.error_code = ErrorCode.RESOURCE_NOT_FOUND
        result.error_message = f"Attempt to describe a user credential that does not exist: {name}"
    else:
        result.credential_infos = [
            CredentialInfo(mechanism=mechanism, iterations=credential.iterations)
            for mechanism, credential in sorted(table.by_user[name].items())
        ]
    return result
