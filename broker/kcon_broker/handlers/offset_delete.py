"""OffsetDelete (47), version 0: forget single offsets of a group (KIP-496).

A group with members loses only offsets of topics that no member subscribes to, and only if it is a consumer
group, whose subscriptions can be read.
"""

from kcon_broker.handlers.group_answers import answer_when_durable, moment
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)


@handles(ApiKey.OFFSET_DELETE, versions=(0, 0))
def handle_offset_delete(ctx: RequestContext, request: OffsetDeleteRequest) -> Answer:
    """Delete committed offsets."""
    unknown: set[tuple[str, int]] = set()
    known: dict[tuple[str, int], None] = {}
    for wanted in request.topics:
        topic = ctx.broker.topics.by_name.get(wanted.name)
        for partition in wanted.partitions:
            index = partition.partition_index
            if topic is None or not 0 <= index < topic.partition_count:
                unknown.add((wanted.name, index))
            else:
                known[wanted.name, index] = None
    error_code, partition_errors = ctx.broker.groups.delete_offsets(request.group_id, tuple(known), moment(ctx))
    failed = OffsetDeleteResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
    if error_code is not ErrorCode.NONE:
        return answer_when_durable(ctx, (request.group_id,), OffsetDeleteResponse(error_code=error_code), failed=failed)
    errors = dict(zip(known, partition_errors, strict=True)) | dict.fromkeys(
        unknown, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    )
    # Kafka answers what does not exist first, topic by topic; what is named twice is answered twice.
    indexes: dict[str, list[int]] = {}
    for is_unknown in (True, False):
        for wanted in request.topics:
            chosen = [
                partition.partition_index
                for partition in wanted.partitions
                if ((wanted.name, partition.partition_index) in unknown) is is_unknown
            ]
            if chosen or (is_unknown and wanted.name not in ctx.broker.topics.by_name):
                indexes.setdefault(wanted.name, []).extend(chosen)
    response = OffsetDeleteResponse(
        topics=[
            OffsetDeleteResponseTopic(
                name=name,
                partitions=[
                    OffsetDeleteResponsePartition(partition_index=index, error_code=errors[name, index])
                    for index in partitions
                ],
            )
            for name, partitions in indexes.items()
        ]
    )
    return answer_when_durable(ctx, (request.group_id,), response, failed=failed)
