"""AlterReplicaLogDirs (API key 34): request and response, versions 1 to 2, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class AlterReplicaLogDirTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", "int32", "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[int] = EMPTY) -> None:
        self.name = name
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class AlterReplicaLogDir(Struct):
    __slots__ = ("path", "topics")
    FIELDS = (
        Field("path", "string", "0+"),
        Field("topics", AlterReplicaLogDirTopic, "0+", array=True),
    )

    def __init__(self, *, path: str = "", topics: list[AlterReplicaLogDirTopic] = EMPTY) -> None:
        self.path = path
        self.topics: list[AlterReplicaLogDirTopic] = [] if topics is EMPTY else topics


class AlterReplicaLogDirsRequest(ApiMessage):
    __slots__ = ("dirs",)
    API_KEY = 34
    MIN_VERSION = 1
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (Field("dirs", AlterReplicaLogDir, "0+", array=True),)

    def __init__(self, *, dirs: list[AlterReplicaLogDir] = EMPTY) -> None:
        self.dirs: list[AlterReplicaLogDir] = [] if dirs is EMPTY else dirs


class AlterReplicaLogDirPartitionResult(Struct):
    __slots__ = ("error_code", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
    )

    def __init__(self, *, partition_index: int = 0, error_code: int = 0) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class AlterReplicaLogDirTopicResult(Struct):
    __slots__ = ("partitions", "topic_name")
    FIELDS = (
        Field("topic_name", "string", "0+"),
        Field("partitions", AlterReplicaLogDirPartitionResult, "0+", array=True),
    )

    def __init__(self, *, topic_name: str = "", partitions: list[AlterReplicaLogDirPartitionResult] = EMPTY) -> None:
        self.topic_name = topic_name
        self.partitions: list[AlterReplicaLogDirPartitionResult] = [] if partitions is EMPTY else partitions


class AlterReplicaLogDirsResponse(ApiMessage):
    __slots__ = ("results", "throttle_time_ms")
    API_KEY = 34
    MIN_VERSION = 1
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results", AlterReplicaLogDirTopicResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, results: list[AlterReplicaLogDirTopicResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results: list[AlterReplicaLogDirTopicResult] = [] if results is EMPTY else results
