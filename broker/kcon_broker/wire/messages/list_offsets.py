"""ListOffsets (API key 2): request and response, versions 1 to 11, flexible since 6."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class ListOffsetsPartition(Struct):
    __slots__ = ("current_leader_epoch", "partition_index", "timestamp")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("current_leader_epoch", "int32", "4+"),
        Field("timestamp", "int64", "0+"),
    )

    def __init__(self, *, partition_index: int = 0, current_leader_epoch: int = -1, timestamp: int = 0) -> None:
        self.partition_index = partition_index
        self.current_leader_epoch = current_leader_epoch
        self.timestamp = timestamp


class ListOffsetsTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", ListOffsetsPartition, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[ListOffsetsPartition] = EMPTY) -> None:
        self.name = name
        self.partitions: list[ListOffsetsPartition] = [] if partitions is EMPTY else partitions


class ListOffsetsRequest(ApiMessage):
    __slots__ = ("isolation_level", "replica_id", "timeout_ms", "topics")
    API_KEY = 2
    MIN_VERSION = 1
    MAX_VERSION = 11
    FLEXIBLE_SINCE = 6
    FIELDS = (
        Field("replica_id", "int32", "0+"),
        Field("isolation_level", "int8", "2+"),
        Field("topics", ListOffsetsTopic, "0+", array=True),
        Field("timeout_ms", "int32", "10+"),
    )

    def __init__(
        self,
        *,
        replica_id: int = 0,
        isolation_level: int = 0,
        topics: list[ListOffsetsTopic] = EMPTY,
        timeout_ms: int = 0,
    ) -> None:
        self.replica_id = replica_id
        self.isolation_level = isolation_level
        self.topics: list[ListOffsetsTopic] = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms


class ListOffsetsPartitionResponse(Struct):
    __slots__ = ("error_code", "leader_epoch", "offset", "partition_index", "timestamp")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("timestamp", "int64", "0+"),
        Field("offset", "int64", "0+"),
        Field("leader_epoch", "int32", "4+"),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        timestamp: int = -1,
        offset: int = -1,
        leader_epoch: int = -1,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.timestamp = timestamp
        self.offset = offset
        self.leader_epoch = leader_epoch


class ListOffsetsTopicResponse(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", ListOffsetsPartitionResponse, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[ListOffsetsPartitionResponse] = EMPTY) -> None:
        self.name = name
        self.partitions: list[ListOffsetsPartitionResponse] = [] if partitions is EMPTY else partitions


class ListOffsetsResponse(ApiMessage):
    __slots__ = ("throttle_time_ms", "topics")
    API_KEY = 2
    MIN_VERSION = 1
    MAX_VERSION = 11
    FLEXIBLE_SINCE = 6
    FIELDS = (
        Field("throttle_time_ms", "int32", "2+"),
        Field("topics", ListOffsetsTopicResponse, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, topics: list[ListOffsetsTopicResponse] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[ListOffsetsTopicResponse] = [] if topics is EMPTY else topics
