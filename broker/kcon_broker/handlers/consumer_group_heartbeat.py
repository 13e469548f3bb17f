"""ConsumerGroupHeartbeat (68), versions 0-1: join, keep and leave a group of the new protocol (KIP-848).

- v0: a member that joins may come without an id and is given one.
- v1: the member makes its id itself (KIP-1082), and may subscribe by a regular expression.

With the feature `group.version` at 0 there is no new protocol: UNSUPPORTED_VERSION (KIP-1022).
"""

from kcon_broker.handlers.group_answers import answer_when_durable, moment
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.features import GROUP_VERSION
from kcon_broker.state.groups.consumer_records import PartitionEpochs
from kcon_broker.state.groups.heartbeat_request import HeartbeatAnswer, HeartbeatAsk
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.consumer_group_heartbeat import (
    Assignment,
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitions,
)


@handles(ApiKey.CONSUMER_GROUP_HEARTBEAT, versions=(0, 1))
def handle_consumer_group_heartbeat(ctx: RequestContext, request: ConsumerGroupHeartbeatRequest) -> Answer:
    """Take a member's news, and tell what it may have."""
    if not ctx.broker.cluster.features.levels[GROUP_VERSION]:
        return Answer(ConsumerGroupHeartbeatResponse(error_code=ErrorCode.UNSUPPORTED_VERSION))
    names, owned = request.subscribed_topic_names, request.topic_partitions
    ask = HeartbeatAsk(
        api_version=ctx.api_version,
        group_id=request.group_id,
        member_id=request.member_id,
        member_epoch=request.member_epoch,
        instance_id=request.instance_id,
        rack_id=request.rack_id,
        rebalance_timeout_ms=request.rebalance_timeout_ms,
        topic_names=None if names is None else frozenset(names),
        topic_regex=request.subscribed_topic_regex,
        server_assignor=request.server_assignor,
        owned=None if owned is None else [(topic.topic_id, topic.partitions) for topic in owned],
        client_id=ctx.client_id or "",
        client_host=f"/{ctx.client_host}",
    )
    answer = ctx.broker.groups.consumer_heartbeat(ask, moment(ctx))
    failed = ConsumerGroupHeartbeatResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return answer_when_durable(ctx, (request.group_id,), _response(answer), failed=failed)


def _response(answer: HeartbeatAnswer) -> ConsumerGroupHeartbeatResponse:
    return ConsumerGroupHeartbeatResponse(
        error_code=answer.error_code,
        error_message=answer.error_message,
        member_id=answer.member_id,
        member_epoch=answer.member_epoch,
        heartbeat_interval_ms=answer.heartbeat_interval_ms,
        assignment=None if answer.assignment is None else _assignment(answer.assignment),
    )


def _assignment(partitions: PartitionEpochs) -> Assignment:
    return Assignment(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, partitions=sorted(indexes))
            for topic_id, indexes in sorted(partitions.items())
        ]
    )
