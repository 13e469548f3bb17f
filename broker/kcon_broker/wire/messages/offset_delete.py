"""OffsetDelete (API key 47): request and response, versions 0 to 0, never flexible."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class OffsetDeleteRequestPartition(Struct):
    __slots__ = ("partition_index",)
    FIELDS = (Field("partition_index", "int32", "0+"),)

    def __init__(self, *, partition_index: int = 0) -> None:
        self.partition_index = partition_index


class OffsetDeleteRequestTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", OffsetDeleteRequestPartition, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[OffsetDeleteRequestPartition] = EMPTY) -> None:
        self.name = name
        self.partitions: list[OffsetDeleteRequestPartition] = [] if partitions is EMPTY else partitions


class OffsetDeleteRequest(ApiMessage):
    __slots__ = ("group_id", "topics")
    API_KEY = 47
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("topics", OffsetDeleteRequestTopic, "0+", array=True),
    )

    def __init__(self, *, group_id: str = "", topics: list[OffsetDeleteRequestTopic] = EMPTY) -> None:
        self.group_id = group_id
        self.topics: list[OffsetDeleteRequestTopic] = [] if topics is EMPTY else topics


class OffsetDeleteResponsePartition(Struct):
    __slots__ = ("error_code", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
    )

    def __init__(self, *, partition_index: int = 0, error_code: int = 0) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class OffsetDeleteResponseTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", OffsetDeleteResponsePartition, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[OffsetDeleteResponsePartition] = EMPTY) -> None:
        self.name = name
        self.partitions: list[OffsetDeleteResponsePartition] = [] if partitions is EMPTY else partitions


class OffsetDeleteResponse(ApiMessage):
    __slots__ = ("error_code", "throttle_time_ms", "topics")
    API_KEY = 47
    MIN_VERSION = 0
    MAX_VERSION = 0
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("throttle_time_ms", "int32", "0+"),
        Field("topics", OffsetDeleteResponseTopic, "0+", array=True),
    )

    def __init__(
        self, *, error_code: int = 0, throttle_time_ms: int = 0, topics: list[OffsetDeleteResponseTopic] = EMPTY
    ) -> None:
        self.error_code = error_code
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[OffsetDeleteResponseTopic] = [] if topics is EMPTY else topics
