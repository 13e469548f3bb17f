"""AlterReplicaLogDirs (34), versions 1-2: move partitions to another folder of the broker (KIP-113).

There is one folder: to move a partition there is done at once, any other is LOG_DIR_NOT_FOUND. Of a partition that is
named twice the last folder counts.
"""

from pathlib import Path

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)

_FOLDER_NAME_CHARS_MAX = 255
_FUTURE_SUFFIX_CHARS = len(".") + 32 + len("-future")
"""Kafka moves a partition by way of a folder of this name, `<topic>-<partition>.<32 digits>-future`."""


@handles(ApiKey.ALTER_REPLICA_LOG_DIRS, versions=(1, 2))
def handle_alter_replica_log_dirs(ctx: RequestContext, request: AlterReplicaLogDirsRequest) -> Answer:
    """Say of each partition whether it is in the folder."""
    folders = {
        (topic.name, index): folder.path
        for folder in request.dirs
        for topic in folder.topics
        for index in topic.partitions
    }
    topics: dict[str, AlterReplicaLogDirTopicResult] = {}
    for (name, index), path in folders.items():
        topic = topics.setdefault(name, AlterReplicaLogDirTopicResult(topic_name=name))
        error_code = _error(ctx.broker, name, index, path)
        topic.partitions.append(AlterReplicaLogDirPartitionResult(partition_index=index, error_code=error_code))
    return Answer(AlterReplicaLogDirsResponse(results=list(topics.values())))


def _error(broker: Broker, name: str, index: int, path: str) -> ErrorCode:
    if len(f"{name}-{index}") + _FUTURE_SUFFIX_CHARS > _FOLDER_NAME_CHARS_MAX:
        return ErrorCode.INVALID_TOPIC_EXCEPTION
    if path != str(Path(broker.settings.data_dir).absolute()):
        return ErrorCode.LOG_DIR_NOT_FOUND
    topic = broker.topics.by_name.get(name)
    if topic is None or not 0 <= index < topic.partition_count:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE
