"""DescribeLogDirs (35), versions 1-5: how much do partitions take on the disk (KIP-113)?

There is one folder, and no replica lags. v3: an error for the whole request; v4: the size of the disk and what is
left of it (KIP-827); v5: whether the folder is cordoned, which it never is (KIP-1066).
Partitions that do not exist are left out, as in Apache Kafka.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.topic import Topic
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)


@handles(ApiKey.DESCRIBE_LOG_DIRS, versions=(1, 5))
def handle_describe_log_dirs(ctx: RequestContext, request: DescribeLogDirsRequest) -> Answer:
    """Tell the sizes of the partitions asked for, or of all."""
    broker = ctx.broker
    total_bytes, usable_bytes = broker.disk_space()
    result = DescribeLogDirsResult(
        error_code=ErrorCode.NONE,
        log_dir=str(broker.settings.data_dir.absolute()),
        total_bytes=total_bytes,
        usable_bytes=usable_bytes,
    )
    if request.topics is None:
        wanted = [(topic, range(topic.partition_count)) for topic in broker.topics.by_name.values()]
        result.topics = [_describe(ctx, topic, list(indexes)) for topic, indexes in wanted]
    else:
        for wish in request.topics:
            topic = broker.topics.by_name.get(wish.topic)
            described = None if topic is None else _describe(ctx, topic, wish.partitions)
            if described is not None and described.partitions:
                result.topics.append(described)
    return Answer(DescribeLogDirsResponse(results=[result]))


def _describe(ctx: RequestContext, topic: Topic, indexes: list[int]) -> DescribeLogDirsTopic:
    described = DescribeLogDirsTopic(name=topic.name)
    for index in indexes:
        partition = topic.partition(index)
        log = None if partition is None else ctx.broker.log_of(partition)
        if log is not None:
            described.partitions.append(DescribeLogDirsPartition(partition_index=index, partition_size=log.size_bytes))
    return described
