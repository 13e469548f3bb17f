"""AlterPartitionReassignments (45), versions 0-1: move partitions to other brokers (KIP-455).

There is one broker: a partition is where it shall be, or cannot be there. v1: whether the number of copies may change
(KIP-860), which on one node it cannot.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)


@handles(ApiKey.ALTER_PARTITION_REASSIGNMENTS, versions=(0, 1))
def handle_alter_partition_reassignments(ctx: RequestContext, request: AlterPartitionReassignmentsRequest) -> Answer:
    """Say of each partition whether it is where it shall be."""
    if not request.topics:
        return Answer(AlterPartitionReassignmentsResponse())
    is_late = request.timeout_ms <= 0
    if is_late:
        response = AlterPartitionReassignmentsResponse(error_code=ErrorCode.REQUEST_TIMED_OUT, error_message=None)
    else:
        response = AlterPartitionReassignmentsResponse(
            allow_replication_factor_change=request.allow_replication_factor_change, error_message=None
        )
    for topic in request.topics:
        told = ReassignableTopicResponse(name=topic.name)
        response.responses.append(told)
        for partition in topic.partitions:
            error_code, message = (
                (ErrorCode.REQUEST_TIMED_OUT, None) if is_late else _judge(ctx.broker, topic.name, partition)
            )
            told.partitions.append(
                ReassignablePartitionResponse(
                    partition_index=partition.partition_index, error_code=error_code, error_message=message
                )
            )
    return Answer(response)


def _judge(broker: Broker, name: str, partition: ReassignablePartition) -> tuple[ErrorCode, str | None]:
    topic = broker.topics.by_name.get(name)
    if topic is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find a topic named {name}."
    if not 0 <= partition.partition_index < topic.partition_count:
        message = f"Unable to find partition {name}:{partition.partition_index}."
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message
    replicas = partition.replicas
    if replicas is None:
        return ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, None
    if not replicas:
        return (
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "The manual partition assignment includes an empty replica list.",
        )
    ordered = sorted(replicas)
    for replica, next_replica in zip(ordered, [*ordered[1:], None], strict=True):
        if replica == next_replica:
            return (
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"The manual partition assignment includes the broker {replica} more than once.",
            )
        if replica != broker.node_id:
            return (
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"The manual partition assignment includes broker {replica}, but no such broker is registered.",
            )
    return ErrorCode.NONE, None
