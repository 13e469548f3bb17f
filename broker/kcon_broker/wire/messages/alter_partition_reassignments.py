"""AlterPartitionReassignments (API key 45): request and response, versions 0 to 1, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class ReassignablePartition(Struct):
    __slots__ = ("partition_index", "replicas")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("replicas", "int32", "0+", array=True, nullable="0+"),
    )

    def __init__(self, *, partition_index: int = 0, replicas: list[int] | None = None) -> None:
        self.partition_index = partition_index
        self.replicas = replicas


class ReassignableTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", ReassignablePartition, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[ReassignablePartition] = EMPTY) -> None:
        self.name = name
        self.partitions: list[ReassignablePartition] = [] if partitions is EMPTY else partitions


class AlterPartitionReassignmentsRequest(ApiMessage):
    __slots__ = ("allow_replication_factor_change", "timeout_ms", "topics")
    API_KEY = 45
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("timeout_ms", "int32", "0+"),
        Field("allow_replication_factor_change", "bool", "1+"),
        Field("topics", ReassignableTopic, "0+", array=True),
    )

    def __init__(
        self,
        *,
        timeout_ms: int = 60000,
        allow_replication_factor_change: bool = True,
        topics: list[ReassignableTopic] = EMPTY,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.allow_replication_factor_change = allow_replication_factor_change
        self.topics: list[ReassignableTopic] = [] if topics is EMPTY else topics


class ReassignablePartitionResponse(Struct):
    __slots__ = ("error_code", "error_message", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, partition_index: int = 0, error_code: int = 0, error_message: str | None = "") -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message


class ReassignableTopicResponse(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", ReassignablePartitionResponse, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[ReassignablePartitionResponse] = EMPTY) -> None:
        self.name = name
        self.partitions: list[ReassignablePartitionResponse] = [] if partitions is EMPTY else partitions


class AlterPartitionReassignmentsResponse(ApiMessage):
    __slots__ = ("allow_replication_factor_change", "error_code", "error_message", "responses", "throttle_time_ms")
    API_KEY = 45
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("allow_replication_factor_change", "bool", "1+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("responses", ReassignableTopicResponse, "0+", array=True),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        allow_replication_factor_change: bool = True,
        error_code: int = 0,
        error_message: str | None = "",
        responses: list[ReassignableTopicResponse] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.allow_replication_factor_change = allow_replication_factor_change
        self.error_code = error_code
        self.error_message = error_message
        self.responses: list[ReassignableTopicResponse] = [] if responses is EMPTY else responses
