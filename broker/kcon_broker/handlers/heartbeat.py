"""Heartbeat (12), versions 0-4: keep a membership, and learn whether the group rebalances.

- v3: static members by group instance id (KIP-345).

The answer tells nothing that is kept, so it waits for nothing.
"""

from kcon_broker.handlers.group_answers import moment
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse


@handles(ApiKey.HEARTBEAT, versions=(0, 4))
def handle_heartbeat(ctx: RequestContext, request: HeartbeatRequest) -> Answer:
    """Begin the member's session timeout anew."""
    error_code = ctx.broker.groups.heartbeat(
        group_id=request.group_id,
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id,
        at=moment(ctx),
    )
    return Answer(HeartbeatResponse(error_code=error_code))
