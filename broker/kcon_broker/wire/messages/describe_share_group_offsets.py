"""DescribeShareGroupOffsets (API key 90): request and response, versions 0 to 1, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class DescribeShareGroupOffsetsRequestTopic(Struct):
    __slots__ = ("partitions", "topic_name")
    FIELDS = (
        Field("topic_name", "string", "0+"),
        Field("partitions", "int32", "0+", array=True),
    )

    def __init__(self, *, topic_name: str = "", partitions: list[int] = EMPTY) -> None:
        self.topic_name = topic_name
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class DescribeShareGroupOffsetsRequestGroup(Struct):
    __slots__ = ("group_id", "topics")
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("topics", DescribeShareGroupOffsetsRequestTopic, "0+", array=True, nullable="0+"),
    )

    def __init__(
        self, *, group_id: str = "", topics: list[DescribeShareGroupOffsetsRequestTopic] | None = EMPTY
    ) -> None:
        self.group_id = group_id
        self.topics: list[DescribeShareGroupOffsetsRequestTopic] | None = [] if topics is EMPTY else topics


class DescribeShareGroupOffsetsRequest(ApiMessage):
    __slots__ = ("groups",)
    API_KEY = 90
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("groups", DescribeShareGroupOffsetsRequestGroup, "0+", array=True),)

    def __init__(self, *, groups: list[DescribeShareGroupOffsetsRequestGroup] = EMPTY) -> None:
        self.groups: list[DescribeShareGroupOffsetsRequestGroup] = [] if groups is EMPTY else groups


class DescribeShareGroupOffsetsResponsePartition(Struct):
    __slots__ = ("error_code", "error_message", "lag", "leader_epoch", "partition_index", "start_offset")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("start_offset", "int64", "0+"),
        Field("leader_epoch", "int32", "0+"),
        Field("lag", "int64", "1+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        start_offset: int = 0,
        leader_epoch: int = 0,
        lag: int = -1,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.start_offset = start_offset
        self.leader_epoch = leader_epoch
        self.lag = lag
        self.error_code = error_code
        self.error_message = error_message


class DescribeShareGroupOffsetsResponseTopic(Struct):
    __slots__ = ("partitions", "topic_id", "topic_name")
    FIELDS = (
        Field("topic_name", "string", "0+"),
        Field("topic_id", "uuid", "0+"),
        Field("partitions", DescribeShareGroupOffsetsResponsePartition, "0+", array=True),
    )

    def __init__(
        self,
        *,
        topic_name: str = "",
        topic_id: bytes = ZERO_UUID,
        partitions: list[DescribeShareGroupOffsetsResponsePartition] = EMPTY,
    ) -> None:
        self.topic_name = topic_name
        self.topic_id = topic_id
        self.partitions: list[DescribeShareGroupOffsetsResponsePartition] = [] if partitions is EMPTY else partitions


class DescribeShareGroupOffsetsResponseGroup(Struct):
    __slots__ = ("error_code", "error_message", "group_id", "topics")
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("topics", DescribeShareGroupOffsetsResponseTopic, "0+", array=True),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[DescribeShareGroupOffsetsResponseTopic] = EMPTY,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.group_id = group_id
        self.topics: list[DescribeShareGroupOffsetsResponseTopic] = [] if topics is EMPTY else topics
        self.error_code = error_code
        self.error_message = error_message


class DescribeShareGroupOffsetsResponse(ApiMessage):
    __slots__ = ("groups", "throttle_time_ms")
    API_KEY = 90
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("groups", DescribeShareGroupOffsetsResponseGroup, "0+", array=True),
    )

    def __init__(
        self, *, throttle_time_ms: int = 0, groups: list[DescribeShareGroupOffsetsResponseGroup] = EMPTY
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.groups: list[DescribeShareGroupOffsetsResponseGroup] = [] if groups is EMPTY else groups
