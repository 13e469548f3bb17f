"""DescribeGroups (15), versions 0-6: state, members and assignments of groups.

- v3: authorized operations (KIP-430); without an authorizer that is all of them.
- v4: group instance ids of static members (KIP-345).
- v6: a group that is not there is GROUP_ID_NOT_FOUND with a message (KIP-1043); before it is Dead without error.
  So is a group of the new protocol (KIP-848), which ConsumerGroupDescribe describes.

The subscription of a member is told only while the group is Stable, when it is known which protocol counts.
"""

from kcon_broker.handlers.group_answers import answer_when_durable
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.groups.group import Group, GroupState, Member
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)

GROUP_OPERATIONS = 0b1101_0100_1000
"""READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS as bits (AclOperation's codes)."""
_GROUP_ID_NOT_FOUND_SINCE = 6


@handles(ApiKey.DESCRIBE_GROUPS, versions=(0, 6))
def handle_describe_groups(ctx: RequestContext, request: DescribeGroupsRequest) -> Answer:
    """Describe groups, each with its own error."""
    groups: list[DescribedGroup] = []
    for group_id in request.groups:
        group = ctx.broker.groups.groups.get(group_id)
        described = _not_found(ctx, group_id) if group is None else _describe(group)
        if request.include_authorized_operations and not described.error_code:
            described.authorized_operations = GROUP_OPERATIONS
        groups.append(described)
    error_code = ErrorCode.COORDINATOR_NOT_AVAILABLE
    failed = [DescribedGroup(error_code=error_code, group_id=group_id) for group_id in request.groups]
    return answer_when_durable(
        ctx, request.groups, DescribeGroupsResponse(groups=groups), failed=DescribeGroupsResponse(groups=failed)
    )


def _not_found(ctx: RequestContext, group_id: str) -> DescribedGroup:
    if ctx.api_version < _GROUP_ID_NOT_FOUND_SINCE:
        return DescribedGroup(group_id=group_id, group_state=GroupState.DEAD.value)
    problem = "is not a classic group" if group_id in ctx.broker.groups.consumer.by_id else "not found"
    return DescribedGroup(
        group_id=group_id,
        group_state=GroupState.DEAD.value,
        error_code=ErrorCode.GROUP_ID_NOT_FOUND,
        error_message=f"Group {group_id} {problem}.",
    )


def _describe(group: Group) -> DescribedGroup:
    is_stable = group.state is GroupState.STABLE
    protocol = group.protocol if is_stable else None
    return DescribedGroup(
        group_id=group.group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=protocol or "",
        members=[_describe_member(member, protocol) for member in group.members.values()],
    )


def _describe_member(member: Member, protocol: str | None) -> DescribedGroupMember:
    return DescribedGroupMember(
        member_id=member.member_id,
        group_instance_id=member.instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=b"" if protocol is None else member.metadata(protocol),
        member_assignment=member.assignment,
    )
