"""OffsetForLeaderEpoch (23), versions 2-4: where did an epoch's records end (KIP-320)?

A consumer that finds its own position beyond that end knows that the log was truncated. What is not durable yet is
not told: the end is at most the high watermark.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.topic import Topic
from kcon_broker.storage.log import Log
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)

NO_EPOCH = -1
"""Stands for an epoch that the client does not know. Any other negative number is an epoch before all others."""


@handles(ApiKey.OFFSET_FOR_LEADER_EPOCH, versions=(2, 4))
def handle_offset_for_leader_epoch(ctx: RequestContext, request: OffsetForLeaderEpochRequest) -> Answer:
    """Look each partition up."""
    topics = []
    for wished in request.topics:
        topic = ctx.broker.topics.by_name.get(wished.topic)
        topics.append(
            OffsetForLeaderTopicResult(
                topic=wished.topic, partitions=[_look_up(ctx, topic, wish) for wish in wished.partitions]
            )
        )
    return Answer(OffsetForLeaderEpochResponse(topics=topics))


def _look_up(ctx: RequestContext, topic: Topic | None, wish: OffsetForLeaderPartition) -> EpochEndOffset:
    answer = EpochEndOffset(partition=wish.partition)
    partition = None if topic is None else topic.partition(wish.partition)
    if topic is None or partition is None:
        answer.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return answer
    epoch = ctx.broker.leader_epoch(topic)
    if wish.current_leader_epoch not in (NO_EPOCH, epoch):
        is_old = wish.current_leader_epoch < epoch
        answer.error_code = ErrorCode.FENCED_LEADER_EPOCH if is_old else ErrorCode.UNKNOWN_LEADER_EPOCH
        return answer
    log = ctx.broker.log_of(partition)
    if log is None:
        answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
        return answer
    answer.leader_epoch, end_offset = end_of_epoch(log, wish.leader_epoch, current_epoch=epoch)
    answer.end_offset = min(end_offset, partition.high_watermark)
    return answer


def end_of_epoch(log: Log, epoch: int, *, current_epoch: int) -> tuple[int, int]:
    """Return the largest epoch up to `epoch` and where it ended; (-1, -1): there never was such an epoch.

    As Kafka's LeaderEpochFileCache.endOffsetFor, for which the current epoch begins with the leader and not with its
    first record. Below all known epochs the asked one ended where the first known begins.
    """
    if epoch == NO_EPOCH or epoch > current_epoch:
        return -1, -1
    if epoch == current_epoch:
        return epoch, log.log_end_offset
    found = log.end_offset_for_epoch(epoch)
    if found is not None:
        return found
    if not log.epochs.start_offsets:
        return epoch, log.log_end_offset
    return epoch, max(log.log_start_offset, log.epochs.start_offsets[0])
