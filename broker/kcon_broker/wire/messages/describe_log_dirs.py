"""DescribeLogDirs (API key 35): request and response, versions 1 to 5, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class DescribableLogDirTopic(Struct):
    __slots__ = ("partitions", "topic")
    FIELDS = (
        Field("topic", "string", "0+"),
        Field("partitions", "int32", "0+", array=True),
    )

    def __init__(self, *, topic: str = "", partitions: list[int] = EMPTY) -> None:
        self.topic = topic
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class DescribeLogDirsRequest(ApiMessage):
    __slots__ = ("topics",)
    API_KEY = 35
    MIN_VERSION = 1
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 2
    FIELDS = (Field("topics", DescribableLogDirTopic, "0+", array=True, nullable="0+"),)

    def __init__(self, *, topics: list[DescribableLogDirTopic] | None = EMPTY) -> None:
        self.topics: list[DescribableLogDirTopic] | None = [] if topics is EMPTY else topics


class DescribeLogDirsPartition(Struct):
    __slots__ = ("is_future_key", "offset_lag", "partition_index", "partition_size")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("partition_size", "int64", "0+"),
        Field("offset_lag", "int64", "0+"),
        Field("is_future_key", "bool", "0+"),
    )

    def __init__(
        self, *, partition_index: int = 0, partition_size: int = 0, offset_lag: int = 0, is_future_key: bool = False
    ) -> None:
        self.partition_index = partition_index
        self.partition_size = partition_size
        self.offset_lag = offset_lag
        self.is_future_key = is_future_key


class DescribeLogDirsTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", DescribeLogDirsPartition, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[DescribeLogDirsPartition] = EMPTY) -> None:
        self.name = name
        self.partitions: list[DescribeLogDirsPartition] = [] if partitions is EMPTY else partitions


class DescribeLogDirsResult(Struct):
    __slots__ = ("error_code", "is_cordoned", "log_dir", "topics", "total_bytes", "usable_bytes")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("log_dir", "string", "0+"),
        Field("topics", DescribeLogDirsTopic, "0+", array=True),
        Field("total_bytes", "int64", "4+"),
        Field("usable_bytes", "int64", "4+"),
        Field("is_cordoned", "bool", "5+"),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        log_dir: str = "",
        topics: list[DescribeLogDirsTopic] = EMPTY,
        total_bytes: int = -1,
        usable_bytes: int = -1,
        is_cordoned: bool = False,
    ) -> None:
        self.error_code = error_code
        self.log_dir = log_dir
        self.topics: list[DescribeLogDirsTopic] = [] if topics is EMPTY else topics
        self.total_bytes = total_bytes
        self.usable_bytes = usable_bytes
        self.is_cordoned = is_cordoned


class DescribeLogDirsResponse(ApiMessage):
    __slots__ = ("error_code", "results", "throttle_time_ms")
    API_KEY = 35
    MIN_VERSION = 1
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "3+"),
        Field("results", DescribeLogDirsResult, "0+", array=True),
    )

    def __init__(
        self, *, throttle_time_ms: int = 0, error_code: int = 0, results: list[DescribeLogDirsResult] = EMPTY
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.results: list[DescribeLogDirsResult] = [] if results is EMPTY else results
