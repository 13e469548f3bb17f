"""DeleteAcls (31), versions 1-3: forget the access rules that filters mean.

- v1: the pattern type (KIP-290); v3: rules on users (KIP-373). Without an authorizer: SECURITY_DISABLED.
- A rule that several filters mean is told with each of them.
"""

from kcon_broker.handlers.acl_codes import (
    NO_AUTHORIZER,
    are_known,
    filter_codes,
    has_authorizer,
    read_filter,
    refuse_unknown,
)
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.acls import AclBinding, AclsDeleted
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_acls import (
    DeleteAclsFilterResult,
    DeleteAclsMatchingAcl,
    DeleteAclsRequest,
    DeleteAclsResponse,
)


@handles(ApiKey.DELETE_ACLS, versions=(1, 3))
def handle_delete_acls(ctx: RequestContext, request: DeleteAclsRequest) -> Answer:
    """Delete what each filter means, and tell it."""
    for fields in request.filters:
        refuse_unknown(filter_codes(fields))
    if not has_authorizer(ctx):
        disabled = DeleteAclsFilterResult(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
        return Answer(DeleteAclsResponse(filter_results=[disabled for _ in request.filters]))
    deleted: dict[AclBinding, None] = {}
    results = []
    for fields in request.filters:
        if not are_known(filter_codes(fields)):
            results.append(
                DeleteAclsFilterResult(
                    error_code=ErrorCode.INVALID_REQUEST, error_message="A code of the filter stands for nothing."
                )
            )
            continue
        found = ctx.broker.cluster.acls.matching(read_filter(fields))
        deleted.update(dict.fromkeys(found))
        results.append(DeleteAclsFilterResult(error_message=None, matching_acls=[_told(binding) for binding in found]))
    response = DeleteAclsResponse(filter_results=results)
    if not deleted:
        return Answer(response, after=(ctx.broker.topics_position(),))
    return Answer(response, after=(ctx.broker.change_cluster(AclsDeleted(bindings=tuple(deleted))),))


def _told(binding: AclBinding) -> DeleteAclsMatchingAcl:
    return DeleteAclsMatchingAcl(
        error_message=None,
        resource_type=binding.resource_type,
        resource_name=binding.resource_name,
        pattern_type=binding.pattern_type,
        principal=binding.principal,
        host=binding.host,
        operation=binding.operation,
        permission_type=binding.permission_type,
    )
