"""StreamsGroupHeartbeat (88) and StreamsGroupDescribe (89) (KIP-1071), version 0, with `streams.version` at 0.

Apache Kafka 4.3 advertises both at that level too, and refuses them with UNSUPPORTED_VERSION; Kafka Streams then uses
classic groups.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.streams_group_describe import (
    DescribedGroup,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
)
from kcon_broker.wire.messages.streams_group_heartbeat import (
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
)

_OFF = ErrorCode.UNSUPPORTED_VERSION


@handles(ApiKey.STREAMS_GROUP_HEARTBEAT, versions=(0, 0))
def handle_streams_group_heartbeat(ctx: RequestContext, request: StreamsGroupHeartbeatRequest) -> Answer:
    """Refuse it."""
    return Answer(StreamsGroupHeartbeatResponse(error_code=_OFF, status=[]))


@handles(ApiKey.STREAMS_GROUP_DESCRIBE, versions=(0, 0))
def handle_streams_group_describe(ctx: RequestContext, request: StreamsGroupDescribeRequest) -> Answer:
    """Refuse each group."""
    groups = [DescribedGroup(group_id=group_id, error_code=_OFF) for group_id in request.group_ids]
    return Answer(StreamsGroupDescribeResponse(groups=groups))
