"""SyncGroup (14), versions 0-5: bring the assignment of a generation as its leader, or wait for one's own.

- v3: static members by group instance id (KIP-345).
- v5: protocol type and name must be there and be the group's (KIP-559).
"""

from kcon_broker.handlers.group_answers import answer_or_park, moment
from kcon_broker.handlers.registry import Answer, HandlerResult, RequestContext, handles
from kcon_broker.state.groups.outcome import SyncAnswer, SyncAsk
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse

_PROTOCOL_REQUIRED_SINCE = 5


@handles(ApiKey.SYNC_GROUP, versions=(0, 5))
def handle_sync_group(ctx: RequestContext, request: SyncGroupRequest) -> HandlerResult:
    """Give a member its assignment, once the leader has brought it."""
    if ctx.api_version >= _PROTOCOL_REQUIRED_SINCE and (request.protocol_type is None or request.protocol_name is None):
        return Answer(SyncGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL))
    ask = SyncAsk(
        group_id=request.group_id,
        generation=request.generation_id,
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        protocol_type=request.protocol_type,
        protocol=request.protocol_name,
        assignments=tuple((given.member_id, bytes(given.assignment)) for given in request.assignments),
    )
    return answer_or_park(
        ctx,
        request.group_id,
        ctx.broker.groups.sync(ask, moment(ctx)),
        respond=_response,
        failed=SyncGroupResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE),
        gave_up=SyncGroupResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS),
    )


def _response(answer: SyncAnswer) -> SyncGroupResponse:
    return SyncGroupResponse(
        error_code=answer.error_code,
        protocol_type=answer.protocol_type,
        protocol_name=answer.protocol,
        assignment=answer.assignment,
    )
