"""JoinGroup (11), versions 0-9: become a member of a group and wait for its next generation.

- v0: the session timeout is the rebalance timeout too.
- v4: an unknown dynamic member is given an id and must come again with it (KIP-394).
- v5: static members by group instance id (KIP-345).
- v7: the answer names the protocol type, and the protocol may be null (KIP-559).
- v8: the client gives a reason, which is not kept (KIP-800).
- v9: a returning static leader is told to skip the assignment (KIP-814).
"""

from kcon_broker.handlers.group_answers import answer_or_park, moment
from kcon_broker.handlers.registry import HandlerResult, RequestContext, handles
from kcon_broker.state.groups.outcome import JoinAnswer, JoinAsk
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember

_KNOWN_MEMBER_ID_SINCE = 4
_NULL_PROTOCOL_SINCE = 7
_SKIP_ASSIGNMENT_SINCE = 9


@handles(ApiKey.JOIN_GROUP, versions=(0, 9))
def handle_join_group(ctx: RequestContext, request: JoinGroupRequest) -> HandlerResult:
    """Join, and wait until the other members have."""
    version = ctx.api_version
    ask = JoinAsk(
        group_id=request.group_id,
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        client_id=ctx.client_id or "",
        client_host=f"/{ctx.client_host}",
        session_timeout_ms=request.session_timeout_ms,
        rebalance_timeout_ms=request.session_timeout_ms if version == 0 else request.rebalance_timeout_ms,
        protocol_type=request.protocol_type,
        protocols=tuple((protocol.name, bytes(protocol.metadata)) for protocol in request.protocols),
        member_id_is_required=version >= _KNOWN_MEMBER_ID_SINCE,
        can_skip_assignment=version >= _SKIP_ASSIGNMENT_SINCE,
    )
    return answer_or_park(
        ctx,
        request.group_id,
        ctx.broker.groups.join(ask, moment(ctx)),
        respond=lambda answer: _response(answer, version),
        failed=_refusal(request, ErrorCode.COORDINATOR_NOT_AVAILABLE, version),
        gave_up=_refusal(request, ErrorCode.REBALANCE_IN_PROGRESS, version),
    )


def _refusal(request: JoinGroupRequest, error_code: ErrorCode, version: int) -> JoinGroupResponse:
    return _response(JoinAnswer(error_code=error_code, member_id=request.member_id), version)


def _response(answer: JoinAnswer, version: int) -> JoinGroupResponse:
    return JoinGroupResponse(
        error_code=answer.error_code,
        generation_id=answer.generation,
        protocol_type=answer.protocol_type,
        protocol_name=answer.protocol if version >= _NULL_PROTOCOL_SINCE else answer.protocol or "",
        leader=answer.leader,
        skip_assignment=answer.skip_assignment,
        member_id=answer.member_id,
        members=[
            JoinGroupResponseMember(
                member_id=member.member_id, group_instance_id=member.instance_id, metadata=member.metadata
            )
            for member in answer.members
        ],
    )
