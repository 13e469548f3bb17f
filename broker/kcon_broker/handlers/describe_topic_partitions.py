"""DescribeTopicPartitions (75), version 0: the partitions of topics, page by page (KIP-966).

Topics come sorted by name. A page ends after `response_partition_limit` partitions; the cursor names the first
partition of the next. No topics asks for all.
"""

from kcon_broker.handlers.metadata import TOPIC_OPERATIONS
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.topic import topic_name_error
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)

_PAGE_PARTITIONS_MAX = 2_000
"""max.request.partition.size.limit of Kafka."""


@handles(ApiKey.DESCRIBE_TOPIC_PARTITIONS, versions=(0, 0))
def handle_describe_topic_partitions(ctx: RequestContext, request: DescribeTopicPartitionsRequest) -> Answer:
    """Tell one page."""
    broker = ctx.broker
    names = sorted({topic.name for topic in request.topics}) if request.topics else sorted(broker.topics.by_name)
    if request.cursor is not None and (
        request.cursor.partition_index < 0 or (request.topics and request.cursor.topic_name not in names)
    ):
        return Answer(DescribeTopicPartitionsResponse(topics=[_refused(name) for name in names]))
    if "" in names:
        # Apache Kafka's handler fails on it, and all topics with it.
        error = ErrorCode.UNKNOWN_SERVER_ERROR
        return Answer(DescribeTopicPartitionsResponse(topics=[_refused(name, error) for name in names]))
    first_partition = 0
    if request.cursor is not None:
        names = [name for name in names if name >= request.cursor.topic_name]
        if names and names[0] == request.cursor.topic_name:
            first_partition = max(0, request.cursor.partition_index)
    room = max(1, min(request.response_partition_limit, _PAGE_PARTITIONS_MAX))
    response = DescribeTopicPartitionsResponse()
    for name in names:
        if room == 0:
            response.next_cursor = Cursor(topic_name=name, partition_index=0)
            break
        described, end = _describe(ctx, name, first_partition, room)
        response.topics.append(described)
        room -= len(described.partitions)
        topic = broker.topics.by_name.get(name)
        if topic is not None and end < topic.partition_count:
            response.next_cursor = Cursor(topic_name=name, partition_index=end)
            break
        first_partition = 0
    return Answer(response, after=(broker.topics_position(),))


def _refused(name: str, error_code: ErrorCode = ErrorCode.INVALID_REQUEST) -> DescribeTopicPartitionsResponseTopic:
    return DescribeTopicPartitionsResponseTopic(error_code=error_code, name=name)


def _describe(
    ctx: RequestContext, name: str, first: int, room: int
) -> tuple[DescribeTopicPartitionsResponseTopic, int]:
    broker = ctx.broker
    topic = broker.topics.by_name.get(name)
    if topic is None:
        error = (
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            if topic_name_error(name) is None
            else ErrorCode.INVALID_TOPIC_EXCEPTION
        )
        return (
            DescribeTopicPartitionsResponseTopic(
                error_code=error, name=name, topic_authorized_operations=TOPIC_OPERATIONS
            ),
            0,
        )
    end = min(topic.partition_count, first + room)
    replicas = [broker.node_id]
    epoch = broker.leader_epoch(topic)
    partitions = [
        DescribeTopicPartitionsResponsePartition(
            partition_index=index,
            leader_id=broker.node_id,
            leader_epoch=epoch,
            replica_nodes=replicas,
            isr_nodes=replicas,
            eligible_leader_replicas=[],
            last_known_elr=[],
        )
        for index in range(first, end)
    ]
    return (
        DescribeTopicPartitionsResponseTopic(
            name=name,
            topic_id=topic.topic_id,
            is_internal=topic.is_internal,
            partitions=partitions,
            topic_authorized_operations=TOPIC_OPERATIONS,
        ),
        end,
    )
