"""AlterUserScramCredentials (51), version 0: give users credentials for SCRAM, or take them away (KIP-554).

A user may appear once in a request. Users are judged alone; of one that is refused nothing changes.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.gate import Gate
from kcon_broker.state.scram_credentials import (
    ScramCredentialDeleted,
    ScramCredentialSet,
    is_mechanism,
    iterations_problem,
    make_credential,
)
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)

_TWICE = "A user credential cannot be altered twice in the same request"


class _RefusedError(Exception):
    def __init__(self, error_code: ErrorCode, message: str | None) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.message = message


@handles(ApiKey.ALTER_USER_SCRAM_CREDENTIALS, versions=(0, 0))
def handle_alter_user_scram_credentials(ctx: RequestContext, request: AlterUserScramCredentialsRequest) -> Answer:
    """Change each user's credentials, or say why not."""
    changes: dict[str, ScramCredentialDeleted | ScramCredentialSet] = {}
    refusals: dict[str, _RefusedError] = {}
    asked: list[ScramCredentialDeletion | ScramCredentialUpsertion] = [*request.deletions, *request.upsertions]
    for one in asked:
        if one.name in refusals:
            continue
        try:
            if changes.pop(one.name, None) is not None:
                raise _RefusedError(ErrorCode.DUPLICATE_RESOURCE, _TWICE)
            changes[one.name] = (
                _deletion(ctx.broker, one) if isinstance(one, ScramCredentialDeletion) else _upsertion(one)
            )
        except _RefusedError as refused:
            refusals[one.name] = refused
    after: dict[Gate, int] = {}
    results = []
    for name, change in changes.items():
        gate, position = ctx.broker.change_cluster(change)
        after[gate] = position
        results.append(AlterUserScramCredentialsResult(user=name, error_message=None))
    for name, refusal in refusals.items():
        results.append(
            AlterUserScramCredentialsResult(user=name, error_code=refusal.error_code, error_message=refusal.message)
        )
    return Answer(AlterUserScramCredentialsResponse(results=results), after=tuple(after.items()))


def _check(name: str, mechanism: int) -> None:
    if not name:
        raise _RefusedError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if not is_mechanism(mechanism):
        raise _RefusedError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")


def _deletion(broker: Broker, deletion: ScramCredentialDeletion) -> ScramCredentialDeleted:
    _check(deletion.name, deletion.mechanism)
    if not broker.cluster.credentials.has(deletion.name, deletion.mechanism):
        raise _RefusedError(ErrorCode.RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist")
    return ScramCredentialDeleted(user=deletion.name, mechanism=deletion.mechanism)


def _upsertion(upsertion: ScramCredentialUpsertion) -> ScramCredentialSet:
    _check(upsertion.name, upsertion.mechanism)
    if (problem := iterations_problem(upsertion.iterations)) is not None:
        raise _RefusedError(ErrorCode.UNACCEPTABLE_CREDENTIAL, problem)
    if not upsertion.salted_password:
        # Apache Kafka's controller fails on a key without bytes.
        raise _RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, None)
    return make_credential(
        upsertion.name,
        upsertion.mechanism,
        iterations=upsertion.iterations,
        salt=bytes(upsertion.salt),
        salted_password=bytes(upsertion.salted_password),
    )
