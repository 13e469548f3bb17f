"""DescribeQuorum (55), versions 0-2: who keeps the metadata, and how far is each (KIP-595, KIP-836, KIP-853)?

This node alone keeps it. Offsets count the bytes of its metadata log's records, in this run.
v1: when a voter last asked and caught up; v2: messages, voters' folders and the addresses of controllers.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.features import KRAFT_VERSION
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumResponsePartitionData,
    DescribeQuorumResponseTopicData,
    Listener,
    Node,
    ReplicaState,
)
from kcon_broker.wire.schema import ZERO_UUID

METADATA_TOPIC = "__cluster_metadata"
CONTROLLER_LISTENER = "CONTROLLER"
_NOT_HERE = "This server does not host this topic-partition."


@handles(ApiKey.DESCRIBE_QUORUM, versions=(0, 2))
def handle_describe_quorum(ctx: RequestContext, request: DescribeQuorumRequest) -> Answer:
    """Tell of the one voter, when asked for its log and for nothing else."""
    asked = [(topic.topic_name, part.partition_index) for topic in request.topics for part in topic.partitions]
    is_asked_right = asked == [(METADATA_TOPIC, 0)] and len(request.topics) == 1
    topics = [
        DescribeQuorumResponseTopicData(
            topic_name=topic.topic_name,
            partitions=[
                _describe(ctx) if is_asked_right else _unknown(partition.partition_index)
                for partition in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    response = DescribeQuorumResponse(error_message="", topics=topics)
    if is_asked_right:
        host, port = ctx.broker.advertised
        listener = Listener(name=CONTROLLER_LISTENER, host=host, port=port)
        response.nodes = [Node(node_id=ctx.broker.node_id, listeners=[listener])]
    return Answer(response)


def _unknown(index: int) -> DescribeQuorumResponsePartitionData:
    return DescribeQuorumResponsePartitionData(
        partition_index=index, error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, error_message=_NOT_HERE
    )


def _describe(ctx: RequestContext) -> DescribeQuorumResponsePartitionData:
    _, end_offset = ctx.broker.topics_position()
    has_times = ctx.api_version >= 1
    voter = ReplicaState(
        replica_id=ctx.broker.node_id,
        replica_directory_id=directory_id(ctx.broker),
        log_end_offset=end_offset,
        last_fetch_timestamp=ctx.wall_ms if has_times else -1,
        last_caught_up_timestamp=ctx.wall_ms if has_times else -1,
    )
    return DescribeQuorumResponsePartitionData(
        error_message="",
        leader_id=ctx.broker.node_id,
        leader_epoch=ctx.broker.start_epoch,
        high_watermark=end_offset,
        current_voters=[voter],
    )


def directory_id(broker: Broker) -> bytes:
    """Return the id of the voter's folder; it has none before kraft.version 1 (KIP-853)."""
    return broker.directory_id if broker.cluster.features.levels[KRAFT_VERSION] else ZERO_UUID
