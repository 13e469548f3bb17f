"""CreatePartitions (37), versions 0-3: give topics more partitions (KIP-195)."""

from collections import Counter

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)


@handles(ApiKey.CREATE_PARTITIONS, versions=(0, 3))
def handle_create_partitions(ctx: RequestContext, request: CreatePartitionsRequest) -> Answer:
    """Grow each topic, or say why not."""
    times = Counter(topic.name for topic in request.topics)
    after: dict[Gate, int] = {}
    results: dict[str, CreatePartitionsTopicResult] = {}
    for wish in request.topics:
        if wish.name in results:
            continue
        if times[wish.name] > 1:
            error, message = ErrorCode.INVALID_REQUEST, "Duplicate topic in request."
        else:
            error, message = _judge(ctx, wish)
        if error == ErrorCode.NONE and not request.validate_only:
            gate, position = ctx.broker.grow_topic(ctx.broker.topics.by_name[wish.name], wish.count)
            after[gate] = position
        results[wish.name] = CreatePartitionsTopicResult(
            name=wish.name, error_code=error, error_message=message or None
        )
    return Answer(CreatePartitionsResponse(results=list(results.values())), after=tuple(after.items()))


def _judge(ctx: RequestContext, wish: CreatePartitionsTopic) -> tuple[ErrorCode, str]:
    broker = ctx.broker
    topic = broker.topics.by_name.get(wish.name)
    if topic is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ""
    if wish.count == topic.partition_count:
        return ErrorCode.INVALID_PARTITIONS, f"Topic already has {topic.partition_count} partition(s)."
    if wish.count < topic.partition_count:
        now = f"The topic {wish.name} currently has {topic.partition_count} partition(s)"
        return ErrorCode.INVALID_PARTITIONS, f"{now}; {wish.count} would not be an increase."
    added = wish.count - topic.partition_count
    if wish.assignments is not None:
        if len(wish.assignments) != added:
            return (
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"There are {added} new partition(s), but {len(wish.assignments)} assignment(s) were specified.",
            )
        if any(assignment.broker_ids != [broker.node_id] for assignment in wish.assignments):
            return (
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"The manual partition assignment includes other brokers than the one there is, {broker.node_id}.",
            )
    if not broker.has_room_for(added):
        return (
            ErrorCode.POLICY_VIOLATION,
            f"The broker holds at most {broker.settings.partitions_max} partitions.",
        )
    return ErrorCode.NONE, ""
