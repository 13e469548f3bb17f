"""DescribeTopicPartitions (API key 75): request and response, versions 0 to 0, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class TopicRequest(Struct):
    __slots__ = ("name",)
    FIELDS = (Field("name", "string", "0+"),)

    def __init__(self, *, name: str = "") -> None:
        self.name = name


class Cursor(Struct):
    __slots__ = ("partition_index", "topic_name")
    FIELDS = (
        Field("topic_name", "string", "0+"),
        Field("partition_index", "int32", "0+"),
    )

    def __init__(self, *, topic_name: str = "", partition_index: int = 0) -> None:
        self.topic_name = topic_name
        self.partition_index = partition_index


class DescribeTopicPartitionsRequest(ApiMessage):
    __slots__ = ("cursor", "response_partition_limit", "topics")
    API_KEY = 75
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("topics", TopicRequest, "0+", array=True),
        Field("response_partition_limit", "int32", "0+"),
        Field("cursor", Cursor, "0+", nullable="0+"),
    )

    def __init__(
        self, *, topics: list[TopicRequest] = EMPTY, response_partition_limit: int = 2000, cursor: Cursor | None = None
    ) -> None:
        self.topics: list[TopicRequest] = [] if topics is EMPTY else topics
        self.response_partition_limit = response_partition_limit
        self.cursor = cursor


class DescribeTopicPartitionsResponsePartition(Struct):
    __slots__ = (
        "eligible_leader_replicas",
        "error_code",
        "isr_nodes",
        "last_known_elr",
        "leader_epoch",
        "leader_id",
        "offline_replicas",
        "partition_index",
        "replica_nodes",
    )
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("partition_index", "int32", "0+"),
        Field("leader_id", "int32", "0+"),
        Field("leader_epoch", "int32", "0+"),
        Field("replica_nodes", "int32", "0+", array=True),
        Field("isr_nodes", "int32", "0+", array=True),
        Field("eligible_leader_replicas", "int32", "0+", array=True, nullable="0+"),
        Field("last_known_elr", "int32", "0+", array=True, nullable="0+"),
        Field("offline_replicas", "int32", "0+", array=True),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        partition_index: int = 0,
        leader_id: int = 0,
        leader_epoch: int = -1,
        replica_nodes: list[int] = EMPTY,
        isr_nodes: list[int] = EMPTY,
        eligible_leader_replicas: list[int] | None = None,
        last_known_elr: list[int] | None = None,
        offline_replicas: list[int] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.partition_index = partition_index
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.replica_nodes: list[int] = [] if replica_nodes is EMPTY else replica_nodes
        self.isr_nodes: list[int] = [] if isr_nodes is EMPTY else isr_nodes
        self.eligible_leader_replicas = eligible_leader_replicas
        self.last_known_elr = last_known_elr
        self.offline_replicas: list[int] = [] if offline_replicas is EMPTY else offline_replicas


class DescribeTopicPartitionsResponseTopic(Struct):
    __slots__ = ("error_code", "is_internal", "name", "partitions", "topic_authorized_operations", "topic_id")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("name", "string", "0+", nullable="0+"),
        Field("topic_id", "uuid", "0+"),
        Field("is_internal", "bool", "0+"),
        Field("partitions", DescribeTopicPartitionsResponsePartition, "0+", array=True),
        Field("topic_authorized_operations", "int32", "0+"),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        name: str | None = "",
        topic_id: bytes = ZERO_UUID,
        is_internal: bool = False,
        partitions: list[DescribeTopicPartitionsResponsePartition] = EMPTY,
        topic_authorized_operations: int = -2147483648,
    ) -> None:
        self.error_code = error_code
        self.name = name
        self.topic_id = topic_id
        self.is_internal = is_internal
        self.partitions: list[DescribeTopicPartitionsResponsePartition] = [] if partitions is EMPTY else partitions
        self.topic_authorized_operations = topic_authorized_operations


class DescribeTopicPartitionsResponse(ApiMessage):
    __slots__ = ("next_cursor", "throttle_time_ms", "topics")
    API_KEY = 75
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("topics", DescribeTopicPartitionsResponseTopic, "0+", array=True),
        Field("next_cursor", Cursor, "0+", nullable="0+"),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[DescribeTopicPartitionsResponseTopic] = EMPTY,
        next_cursor: Cursor | None = None,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[DescribeTopicPartitionsResponseTopic] = [] if topics is EMPTY else topics
        self.next_cursor = next_cursor
