"""ListOffsets (2), versions 1-11: at which offset is the start, the end, or a time?

Instead of a time, a negative number asks for a place:

    -1  the end: high watermark, or last stable offset with read_committed (v2, KIP-98), with the current leader epoch
        (the other answers tell the record's)
    -2  the start of the log
    -3  the record with the largest timestamp (v7, KIP-734)
    -4  the start of the local log (v8, KIP-405): the same as the start, nothing is tiered
    -5  the end of the tiered log (v9, KIP-1005) and -6 the first record not tiered yet (v11): none, offset -1

By time it is the first offset whose timestamp is at or after the time; -1 without one.
"""

from collections import Counter

from kcon_broker.handlers.offset_for_leader_epoch import NO_EPOCH
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.partition import Partition
from kcon_broker.state.timestamps import first_record_since, latest_record
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)

_LATEST, _EARLIEST, _MAX_TIMESTAMP, _EARLIEST_LOCAL, _LATEST_TIERED, _EARLIEST_PENDING_UPLOAD = range(-1, -7, -1)
_READ_COMMITTED = 1
_ISOLATION_LEVELS = (0, 1)
_FIRST_VERSION = {
    _LATEST: 1,
    _EARLIEST: 1,
    _MAX_TIMESTAMP: 7,
    _EARLIEST_LOCAL: 8,
    _LATEST_TIERED: 9,
    _EARLIEST_PENDING_UPLOAD: 11,
}


@handles(ApiKey.LIST_OFFSETS, versions=(1, 11))
def handle_list_offsets(ctx: RequestContext, request: ListOffsetsRequest) -> Answer:
    """Look each partition up."""
    if request.isolation_level not in _ISOLATION_LEVELS:
        # Apache Kafka's handler fails on it, and all partitions with it.
        return Answer(_refused(request, ErrorCode.UNKNOWN_SERVER_ERROR))
    times = Counter((topic.name, wish.partition_index) for topic in request.topics for wish in topic.partitions)
    reads_committed = request.isolation_level == _READ_COMMITTED
    topics = []
    wishes: dict[str, list[ListOffsetsPartition]] = {}
    for wished_topic in request.topics:
        if wished_topic.partitions:
            wishes.setdefault(wished_topic.name, []).extend(wished_topic.partitions)
    for name, partitions in wishes.items():
        topic = ctx.broker.topics.by_name.get(name)
        answers: list[ListOffsetsPartitionResponse] = []
        for wish in partitions:
            partition = None if topic is None else topic.partition(wish.partition_index)
            if times[name, wish.partition_index] > 1:
                if all(answer.partition_index != wish.partition_index for answer in answers):
                    answers.append(_error(wish, ErrorCode.INVALID_REQUEST))
            elif not _is_known(ctx, wish):
                answers.append(_error(wish, ErrorCode.UNSUPPORTED_VERSION))
            elif partition is None:
                answers.append(_error(wish, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
            else:
                answers.append(_look_up(ctx, partition, wish, reads_committed=reads_committed))
        topics.append(ListOffsetsTopicResponse(name=name, partitions=answers))
    return Answer(ListOffsetsResponse(topics=topics))


def _refused(request: ListOffsetsRequest, error_code: ErrorCode) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name, partitions=[_error(wish, error_code) for wish in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _is_known(ctx: RequestContext, wish: ListOffsetsPartition) -> bool:
    """Tell whether this version knows the place that a negative number asks for."""
    return wish.timestamp >= 0 or ctx.api_version >= _FIRST_VERSION.get(wish.timestamp, 1 << 15)


def _error(wish: ListOffsetsPartition, error_code: ErrorCode) -> ListOffsetsPartitionResponse:
    return ListOffsetsPartitionResponse(
        partition_index=wish.partition_index, error_code=error_code, offset=-1, timestamp=-1, leader_epoch=-1
    )


def _look_up(
    ctx: RequestContext, partition: Partition, wish: ListOffsetsPartition, *, reads_committed: bool
) -> ListOffsetsPartitionResponse:
    epoch = ctx.broker.leader_epoch(partition.topic)
    if wish.current_leader_epoch not in (NO_EPOCH, epoch):
        is_old = wish.current_leader_epoch < epoch
        return _error(wish, ErrorCode.FENCED_LEADER_EPOCH if is_old else ErrorCode.UNKNOWN_LEADER_EPOCH)
    log = ctx.broker.log_of(partition)
    if log is None:
        return _error(wish, ErrorCode.KAFKA_STORAGE_ERROR)
    answer = ListOffsetsPartitionResponse(
        partition_index=wish.partition_index, offset=-1, timestamp=-1, leader_epoch=-1
    )
    # A reader of committed records sees nothing of a transaction that is not decided (KIP-98).
    limit = partition.last_stable_offset if reads_committed else partition.high_watermark
    match wish.timestamp:
        case -1:
            answer.offset, answer.leader_epoch = limit, epoch
        case -2 | -4:
            answer.offset = log.log_start_offset
            start_epoch = log.epochs.epoch_at(log.log_start_offset)
            # Kafka's epoch begins with the leader, not with its first record.
            answer.leader_epoch = epoch if start_epoch is None else start_epoch
        case -5 | -6:
            pass
        case _:
            try:
                found = (
                    latest_record(log, limit_offset=limit)
                    if wish.timestamp == _MAX_TIMESTAMP
                    else first_record_since(log, wish.timestamp, limit_offset=limit)
                )
            except OSError as error:
                ctx.broker.report(f"a look-up in {partition.folder} failed: {error}")
                return _error(wish, ErrorCode.KAFKA_STORAGE_ERROR)
            if found is not None:
                answer.offset, answer.timestamp, answer.leader_epoch = found
    return answer
