"""DescribeAcls (29), versions 1-3: which access rules does a filter mean?

- v1: the pattern type (KIP-290); v3: rules on users (KIP-373). Without an authorizer: SECURITY_DISABLED.
"""

from kcon_broker.handlers.acl_codes import filter_codes, has_authorizer, read_filter, refuse_unknown
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_acls import (
    AclDescription,
    DescribeAclsRequest,
    DescribeAclsResource,
    DescribeAclsResponse,
)


@handles(ApiKey.DESCRIBE_ACLS, versions=(1, 3))
def handle_describe_acls(ctx: RequestContext, request: DescribeAclsRequest) -> Answer:
    """Tell the rules, grouped by what they are about."""
    refuse_unknown(filter_codes(request))
    if not has_authorizer(ctx):
        return Answer(
            DescribeAclsResponse(
                error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured on the broker"
            )
        )
    resources: dict[tuple[int, str, int], DescribeAclsResource] = {}
    for binding in ctx.broker.cluster.acls.matching(read_filter(request)):
        place = binding.resource_type, binding.resource_name, binding.pattern_type
        resource = resources.get(place)
        if resource is None:
            resource = resources[place] = DescribeAclsResource(
                resource_type=place[0], resource_name=place[1], pattern_type=place[2]
            )
        resource.acls.append(
            AclDescription(
                principal=binding.principal,
                host=binding.host,
                operation=binding.operation,
                permission_type=binding.permission_type,
            )
        )
    return Answer(
        DescribeAclsResponse(error_message="", resources=list(resources.values())),
        after=(ctx.broker.topics_position(),),
    )
