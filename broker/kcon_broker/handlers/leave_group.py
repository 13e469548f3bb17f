"""LeaveGroup (13), versions 0-5: end memberships.

- v0-v2: one member, whose error is the answer's.
- v3: several members, each with its own error; static ones by group instance id (KIP-345).
- v5: the client gives a reason, which is not kept (KIP-800).
"""

from kcon_broker.handlers.group_answers import answer_when_durable, moment
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.groups.leave import Leaver
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)

_MEMBERS_SINCE = 3


@handles(ApiKey.LEAVE_GROUP, versions=(0, 5))
def handle_leave_group(ctx: RequestContext, request: LeaveGroupRequest) -> Answer:
    """Remove members from a group, which then rebalances once."""
    has_members = ctx.api_version >= _MEMBERS_SINCE
    members = request.members if has_members else [MemberIdentity(member_id=request.member_id)]
    answer = ctx.broker.groups.leave(
        request.group_id,
        tuple(Leaver(member_id=member.member_id, instance_id=member.group_instance_id) for member in members),
        moment(ctx),
    )
    if has_members:
        response = LeaveGroupResponse(
            error_code=answer.error_code,
            members=[
                MemberResponse(
                    member_id=member.member_id, group_instance_id=member.group_instance_id, error_code=error_code
                )
                for member, error_code in zip(members, answer.member_errors, strict=False)
            ],
        )
    else:
        response = LeaveGroupResponse(error_code=answer.error_code or answer.member_errors[0])
    failed = LeaveGroupResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return answer_when_durable(ctx, (request.group_id,), response, failed=failed)
