"""DescribeQuorum (API key 55): request and response, versions 0 to 2, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class PartitionData(Struct):
    __slots__ = ("partition_index",)
    FIELDS = (Field("partition_index", "int32", "0+"),)

    def __init__(self, *, partition_index: int = 0) -> None:
        self.partition_index = partition_index


class TopicData(Struct):
    __slots__ = ("partitions", "topic_name")
    FIELDS = (
        Field("topic_name", "string", "0+"),
        Field("partitions", PartitionData, "0+", array=True),
    )

    def __init__(self, *, topic_name: str = "", partitions: list[PartitionData] = EMPTY) -> None:
        self.topic_name = topic_name
        self.partitions: list[PartitionData] = [] if partitions is EMPTY else partitions


class DescribeQuorumRequest(ApiMessage):
    __slots__ = ("topics",)
    API_KEY = 55
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("topics", TopicData, "0+", array=True),)

    def __init__(self, *, topics: list[TopicData] = EMPTY) -> None:
        self.topics: list[TopicData] = [] if topics is EMPTY else topics


class ReplicaState(Struct):
    __slots__ = (
        "last_caught_up_timestamp",
        "last_fetch_timestamp",
        "log_end_offset",
        "replica_directory_id",
        "replica_id",
    )
    FIELDS = (
        Field("replica_id", "int32", "0+"),
        Field("replica_directory_id", "uuid", "2+"),
        Field("log_end_offset", "int64", "0+"),
        Field("last_fetch_timestamp", "int64", "1+"),
        Field("last_caught_up_timestamp", "int64", "1+"),
    )

    def __init__(
        self,
        *,
        replica_id: int = 0,
        replica_directory_id: bytes = ZERO_UUID,
        log_end_offset: int = 0,
        last_fetch_timestamp: int = -1,
        last_caught_up_timestamp: int = -1,
    ) -> None:
        self.replica_id = replica_id
        self.replica_directory_id = replica_directory_id
        self.log_end_offset = log_end_offset
        self.last_fetch_timestamp = last_fetch_timestamp
        self.last_caught_up_timestamp = last_caught_up_timestamp


class DescribeQuorumResponsePartitionData(Struct):
    __slots__ = (
        "current_voters",
        "error_code",
        "error_message",
        "high_watermark",
        "leader_epoch",
        "leader_id",
        "observers",
        "partition_index",
    )
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "2+", nullable="2+"),
        Field("leader_id", "int32", "0+"),
        Field("leader_epoch", "int32", "0+"),
        Field("high_watermark", "int64", "0+"),
        Field("current_voters", ReplicaState, "0+", array=True),
        Field("observers", ReplicaState, "0+", array=True),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        error_message: str | None = "",
        leader_id: int = 0,
        leader_epoch: int = 0,
        high_watermark: int = 0,
        current_voters: list[ReplicaState] = EMPTY,
        observers: list[ReplicaState] = EMPTY,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.error_message = error_message
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch
        self.high_watermark = high_watermark
        self.current_voters: list[ReplicaState] = [] if current_voters is EMPTY else current_voters
        self.observers: list[ReplicaState] = [] if observers is EMPTY else observers


class DescribeQuorumResponseTopicData(Struct):
    __slots__ = ("partitions", "topic_name")
    FIELDS = (
        Field("topic_name", "string", "0+"),
        Field("partitions", DescribeQuorumResponsePartitionData, "0+", array=True),
    )

    def __init__(self, *, topic_name: str = "", partitions: list[DescribeQuorumResponsePartitionData] = EMPTY) -> None:
        self.topic_name = topic_name
        self.partitions: list[DescribeQuorumResponsePartitionData] = [] if partitions is EMPTY else partitions


class Listener(Struct):
    __slots__ = ("host", "name", "port")
    FIELDS = (
        Field("name", "string", "2+"),
        Field("host", "string", "2+"),
        Field("port", "uint16", "2+"),
    )

    def __init__(self, *, name: str = "", host: str = "", port: int = 0) -> None:
        self.name = name
        self.host = host
        self.port = port


class Node(Struct):
    __slots__ = ("listeners", "node_id")
    FIELDS = (
        Field("node_id", "int32", "2+"),
        Field("listeners", Listener, "2+", array=True),
    )

    def __init__(self, *, node_id: int = 0, listeners: list[Listener] = EMPTY) -> None:
        self.node_id = node_id
        self.listeners: list[Listener] = [] if listeners is EMPTY else listeners


class DescribeQuorumResponse(ApiMessage):
    __slots__ = ("error_code", "error_message", "nodes", "topics")
    API_KEY = 55
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "2+", nullable="2+"),
        Field("topics", DescribeQuorumResponseTopicData, "0+", array=True),
        Field("nodes", Node, "2+", array=True),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        error_message: str | None = "",
        topics: list[DescribeQuorumResponseTopicData] = EMPTY,
        nodes: list[Node] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.error_message = error_message
        self.topics: list[DescribeQuorumResponseTopicData] = [] if topics is EMPTY else topics
        self.nodes: list[Node] = [] if nodes is EMPTY else nodes
