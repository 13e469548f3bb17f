"""DescribeProducers (61), version 0: who writes to a partition, and where does its open transaction begin (KIP-664)?"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.topic import topic_name_error
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)


@handles(ApiKey.DESCRIBE_PRODUCERS, versions=(0, 0))
def handle_describe_producers(ctx: RequestContext, request: DescribeProducersRequest) -> Answer:
    """Tell what is known of the producers of each partition."""
    return Answer(
        DescribeProducersResponse(
            topics=[
                TopicResponse(
                    name=topic.name, partitions=[_describe(ctx, topic.name, index) for index in topic.partition_indexes]
                )
                for topic in request.topics
            ]
        )
    )


def _describe(ctx: RequestContext, name: str, index: int) -> PartitionResponse:
    if (problem := topic_name_error(name)) is not None:
        return PartitionResponse(
            partition_index=index,
            error_code=ErrorCode.INVALID_TOPIC_EXCEPTION,
            error_message=f"Topic name is invalid: {problem}",
        )
    topic = ctx.broker.topics.by_name.get(name)
    partition = None if topic is None else topic.partition(index)
    if partition is None:
        return PartitionResponse(
            partition_index=index,
            error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            error_message="This server does not host this topic-partition." if topic is None else None,
        )
    if ctx.broker.log_of(partition) is None:
        return PartitionResponse(partition_index=index, error_code=ErrorCode.KAFKA_STORAGE_ERROR)
    ongoing = partition.producers.transactions.ongoing
    return PartitionResponse(
        partition_index=index,
        active_producers=[
            ProducerState(
                producer_id=producer_id,
                producer_epoch=entry.epoch,
                last_sequence=entry.batches[-1].last_sequence if entry.batches else -1,
                last_timestamp=entry.last_timestamp_ms,
                coordinator_epoch=entry.coordinator_epoch,
                current_txn_start_offset=ongoing.get(producer_id, -1),
            )
            for producer_id, entry in partition.producers.entries.items()
        ],
    )
