"""ShareGroupHeartbeat (76), ShareGroupDescribe (77), ShareFetch (78), ShareAcknowledge (79), and the offsets of share
groups: Describe (90), Alter (91), Delete (92) (KIP-932), as a broker answers whose feature `share.version` is at 0.

Apache Kafka 4.3 advertises these APIs at that level too, and refuses each with UNSUPPORTED_VERSION: so clients see the
release they know, without share groups. Which is why the feature is not finalized here.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsResponse,
)
from kcon_broker.wire.messages.delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
)
from kcon_broker.wire.messages.describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
)
from kcon_broker.wire.messages.share_acknowledge import ShareAcknowledgeRequest, ShareAcknowledgeResponse
from kcon_broker.wire.messages.share_fetch import ShareFetchRequest, ShareFetchResponse
from kcon_broker.wire.messages.share_group_describe import (
    DescribedGroup,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
)
from kcon_broker.wire.messages.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse

_OFF = ErrorCode.UNSUPPORTED_VERSION
_OFF_MESSAGE = "The version of API is not supported."


@handles(ApiKey.SHARE_GROUP_HEARTBEAT, versions=(1, 1))
def handle_share_group_heartbeat(ctx: RequestContext, request: ShareGroupHeartbeatRequest) -> Answer:
    """Refuse it."""
    return Answer(ShareGroupHeartbeatResponse(error_code=_OFF))


@handles(ApiKey.SHARE_GROUP_DESCRIBE, versions=(1, 1))
def handle_share_group_describe(ctx: RequestContext, request: ShareGroupDescribeRequest) -> Answer:
    """Refuse each group."""
    groups = [DescribedGroup(group_id=group_id, error_code=_OFF) for group_id in request.group_ids]
    return Answer(ShareGroupDescribeResponse(groups=groups))


@handles(ApiKey.SHARE_FETCH, versions=(1, 2))
def handle_share_fetch(ctx: RequestContext, request: ShareFetchRequest) -> Answer:
    """Refuse it."""
    return Answer(ShareFetchResponse(error_code=_OFF))


@handles(ApiKey.SHARE_ACKNOWLEDGE, versions=(1, 2))
def handle_share_acknowledge(ctx: RequestContext, request: ShareAcknowledgeRequest) -> Answer:
    """Refuse it."""
    return Answer(ShareAcknowledgeResponse(error_code=_OFF))


@handles(ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS, versions=(0, 1))
def handle_describe_share_group_offsets(ctx: RequestContext, request: DescribeShareGroupOffsetsRequest) -> Answer:
    """Refuse each group."""
    groups = [
        DescribeShareGroupOffsetsResponseGroup(group_id=group.group_id, error_code=_OFF) for group in request.groups
    ]
    return Answer(DescribeShareGroupOffsetsResponse(groups=groups))


@handles(ApiKey.ALTER_SHARE_GROUP_OFFSETS, versions=(0, 0))
def handle_alter_share_group_offsets(ctx: RequestContext, request: AlterShareGroupOffsetsRequest) -> Answer:
    """Refuse it."""
    return Answer(AlterShareGroupOffsetsResponse(error_code=_OFF, error_message=_OFF_MESSAGE))


@handles(ApiKey.DELETE_SHARE_GROUP_OFFSETS, versions=(0, 0))
def handle_delete_share_group_offsets(ctx: RequestContext, request: DeleteShareGroupOffsetsRequest) -> Answer:
    """Refuse it."""
    return Answer(DeleteShareGroupOffsetsResponse(error_code=_OFF, error_message=_OFF_MESSAGE))
