"""CreateAcls (30), versions 1-3: keep access rules.

- v1: the pattern type (KIP-290); v3: rules on users (KIP-373).
- Each rule is judged alone. One that exists already is no error. Without an authorizer: SECURITY_DISABLED.
"""

from kcon_broker.handlers.acl_codes import NO_AUTHORIZER, has_authorizer, refuse_unknown
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.acls import CLUSTER_NAME, CLUSTER_RESOURCE, AclBinding, AclsCreated, is_binding_known
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_acls import (
    AclCreation,
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)

_ONLY_OF_FILTERS = ((1,), (1, 2), (1,), (1,))
"""Codes of ANY and MATCH: of a resource, a pattern, an operation and a permission."""


@handles(ApiKey.CREATE_ACLS, versions=(1, 3))
def handle_create_acls(ctx: RequestContext, request: CreateAclsRequest) -> Answer:
    """Keep each rule, or say why not."""
    for creation in request.creations:
        refuse_unknown(_codes(creation))
    if not has_authorizer(ctx):
        disabled = AclCreationResult(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
        return Answer(CreateAclsResponse(results=[disabled for _ in request.creations]))
    if any(_is_of_filters(creation) for creation in request.creations):
        # Apache Kafka's controller fails on it, and on the whole request.
        failed = AclCreationResult(error_code=ErrorCode.UNKNOWN_SERVER_ERROR, error_message=None)
        return Answer(CreateAclsResponse(results=[failed for _ in request.creations]))
    results = []
    bindings: dict[AclBinding, None] = {}
    for creation in request.creations:
        refusal = _refusal(creation)
        if refusal is not None:
            results.append(AclCreationResult(error_code=refusal[0], error_message=refusal[1]))
            continue
        results.append(AclCreationResult(error_code=ErrorCode.NONE))
        binding = _binding(creation)
        if binding not in ctx.broker.cluster.acls:
            bindings[binding] = None
    if not bindings:
        return Answer(CreateAclsResponse(results=results), after=(ctx.broker.topics_position(),))
    position = ctx.broker.change_cluster(AclsCreated(bindings=tuple(bindings)))
    return Answer(CreateAclsResponse(results=results), after=(position,))


def _codes(creation: AclCreation) -> tuple[int, int, int, int]:
    return creation.resource_type, creation.resource_pattern_type, creation.operation, creation.permission_type


def _binding(creation: AclCreation) -> AclBinding:
    return AclBinding(
        creation.resource_type,
        creation.resource_name,
        creation.resource_pattern_type,
        creation.principal,
        creation.host,
        creation.operation,
        creation.permission_type,
    )


def _is_of_filters(creation: AclCreation) -> bool:
    """Tell whether a rule has a code that only filters may have."""
    if _cluster_problem(creation) is not None:
        return False
    return any(code in only for code, only in zip(_codes(creation), _ONLY_OF_FILTERS, strict=True))


def _cluster_problem(creation: AclCreation) -> str | None:
    if creation.resource_type == CLUSTER_RESOURCE and creation.resource_name != CLUSTER_NAME:
        return f"The only valid name for the CLUSTER resource is {CLUSTER_NAME}"
    return None


def _refusal(creation: AclCreation) -> tuple[ErrorCode, str] | None:
    """Say why a rule cannot be; None: it can."""
    if (problem := _cluster_problem(creation)) is not None:
        return ErrorCode.INVALID_REQUEST, problem
    if not creation.resource_name:
        return ErrorCode.INVALID_REQUEST, "Invalid empty resource name"
    if not is_binding_known(_binding(creation)):
        return (
            ErrorCode.INVALID_REQUEST,
            "A code of the rule is none of a resource, a pattern, an operation or a permission.",
        )
    if ":" not in creation.principal:
        problem = "no colon is present separating the principal type from the principal name"
        return ErrorCode.INVALID_REQUEST, f"Could not parse principal from `{creation.principal}` ({problem})"
    return None
