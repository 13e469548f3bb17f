"""DeleteRecords (21), versions 0-2: move the start of a partition up (KIP-107).

Offset -1 means the high watermark. A topic that is only compacted cannot lose records from its start. A new start is
told when no crash can bring the records back.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import INTERNAL_TOPICS, Topic
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

_HIGH_WATERMARK = -1


@handles(ApiKey.DELETE_RECORDS, versions=(0, 2))
def handle_delete_records(ctx: RequestContext, request: DeleteRecordsRequest) -> Answer:
    """Move each start, or say why not."""
    topics = []
    moved: list[tuple[DeleteRecordsPartitionResult, tuple[Gate, int]]] = []
    for name, wishes in _wishes(request).items():
        topic = ctx.broker.topics.by_name.get(name)
        results = [_delete(ctx, name, topic, wish, moved) for wish in wishes.values()]
        topics.append(DeleteRecordsTopicResult(name=name, partitions=results))
    response = DeleteRecordsResponse(topics=topics)

    def failed(gate: Gate) -> DeleteRecordsResponse:
        for result, position in moved:
            if position[0] is gate:
                result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
                result.low_watermark = -1
        return response

    return Answer(response, after=[position for _, position in moved[-1:]], failed=failed)


def _wishes(request: DeleteRecordsRequest) -> dict[str, dict[int, DeleteRecordsPartition]]:
    """Return the wishes by topic and partition: of a partition named twice, the last one."""
    wishes: dict[str, dict[int, DeleteRecordsPartition]] = {}
    for topic in request.topics:
        for wish in topic.partitions:
            wishes.setdefault(topic.name, {})[wish.partition_index] = wish
    return wishes


def _delete(
    ctx: RequestContext,
    name: str,
    topic: Topic | None,
    wish: DeleteRecordsPartition,
    moved: list[tuple[DeleteRecordsPartitionResult, tuple[Gate, int]]],
) -> DeleteRecordsPartitionResult:
    result = DeleteRecordsPartitionResult(partition_index=wish.partition_index, low_watermark=-1)
    partition = None if topic is None else topic.partition(wish.partition_index)
    if topic is None or partition is None:
        result.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return result
    if name in INTERNAL_TOPICS:
        result.error_code = ErrorCode.INVALID_TOPIC_EXCEPTION
        return result
    if not ctx.broker.config_of(topic).is_deleted_by_age_or_size:
        result.error_code = ErrorCode.POLICY_VIOLATION
        return result
    log = ctx.broker.log_of(partition)
    if log is None:
        result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        return result
    offset = partition.high_watermark if wish.offset == _HIGH_WATERMARK else wish.offset
    if not 0 <= offset <= partition.high_watermark:
        result.error_code = ErrorCode.OFFSET_OUT_OF_RANGE
        return result
    if offset > log.log_start_offset:
        try:
            moved.append((result, ctx.broker.move_log_start(partition, offset)))
        except OSError as error:
            ctx.broker.report(f"deleting records of {partition.folder} failed: {error}")
            result.error_code = ErrorCode.KAFKA_STORAGE_ERROR
            return result
    result.low_watermark = log.log_start_offset
    return result
