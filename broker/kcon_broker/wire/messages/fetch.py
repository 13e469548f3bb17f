"""Fetch (API key 1): request and response, versions 4 to 18, flexible since 12."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Buffer, Field, Struct
from kcon_broker.wire.stored_bytes import StoredBytes


class FetchPartition(Struct):
    __slots__ = (
        "current_leader_epoch",
        "fetch_offset",
        "high_watermark",
        "last_fetched_epoch",
        "log_start_offset",
        "partition",
        "partition_max_bytes",
        "replica_directory_id",
    )
    FIELDS = (
        Field("partition", "int32", "0+"),
        Field("current_leader_epoch", "int32", "9+"),
        Field("fetch_offset", "int64", "0+"),
        Field("last_fetched_epoch", "int32", "12+"),
        Field("log_start_offset", "int64", "5+"),
        Field("partition_max_bytes", "int32", "0+"),
        Field("replica_directory_id", "uuid", "17+", tag=0),
        Field("high_watermark", "int64", "18+", tag=1),
    )

    def __init__(
        self,
        *,
        partition: int = 0,
        current_leader_epoch: int = -1,
        fetch_offset: int = 0,
        last_fetched_epoch: int = -1,
        log_start_offset: int = -1,
        partition_max_bytes: int = 0,
        replica_directory_id: bytes = ZERO_UUID,
        high_watermark: int = 9223372036854775807,
    ) -> None:
        self.partition = partition
        self.current_leader_epoch = current_leader_epoch
        self.fetch_offset = fetch_offset
        self.last_fetched_epoch = last_fetched_epoch
        self.log_start_offset = log_start_offset
        self.partition_max_bytes = partition_max_bytes
        self.replica_directory_id = replica_directory_id
        self.high_watermark = high_watermark


class FetchTopic(Struct):
    __slots__ = ("partitions", "topic", "topic_id")
    FIELDS = (
        Field("topic", "string", "0-12"),
        Field("topic_id", "uuid", "13+"),
        Field("partitions", FetchPartition, "0+", array=True),
    )

    def __init__(
        self, *, topic: str = "", topic_id: bytes = ZERO_UUID, partitions: list[FetchPartition] = EMPTY
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions: list[FetchPartition] = [] if partitions is EMPTY else partitions


class ForgottenTopic(Struct):
    __slots__ = ("partitions", "topic", "topic_id")
    FIELDS = (
        Field("topic", "string", "7-12"),
        Field("topic_id", "uuid", "13+"),
        Field("partitions", "int32", "7+", array=True),
    )

    def __init__(self, *, topic: str = "", topic_id: bytes = ZERO_UUID, partitions: list[int] = EMPTY) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class ReplicaState(Struct):
    __slots__ = ("replica_epoch", "replica_id")
    FIELDS = (
        Field("replica_id", "int32", "15+"),
        Field("replica_epoch", "int64", "15+"),
    )

    def __init__(self, *, replica_id: int = -1, replica_epoch: int = -1) -> None:
        self.replica_id = replica_id
        self.replica_epoch = replica_epoch


class FetchRequest(ApiMessage):
    __slots__ = (
        "cluster_id",
        "forgotten_topics_data",
        "isolation_level",
        "max_bytes",
        "max_wait_ms",
        "min_bytes",
        "rack_id",
        "replica_id",
        "replica_state",
        "session_epoch",
        "session_id",
        "topics",
    )
    API_KEY = 1
    MIN_VERSION = 4
    MAX_VERSION = 18
    FLEXIBLE_SINCE = 12
    FIELDS = (
        Field("cluster_id", "string", "12+", nullable="12+", tag=0),
        Field("replica_id", "int32", "0-14"),
        Field("replica_state", ReplicaState, "15+", tag=1),
        Field("max_wait_ms", "int32", "0+"),
        Field("min_bytes", "int32", "0+"),
        Field("max_bytes", "int32", "0+"),
        Field("isolation_level", "int8", "0+"),
        Field("session_id", "int32", "7+"),
        Field("session_epoch", "int32", "7+"),
        Field("topics", FetchTopic, "0+", array=True),
        Field("forgotten_topics_data", ForgottenTopic, "7+", array=True),
        Field("rack_id", "string", "11+"),
    )

    def __init__(
        self,
        *,
        cluster_id: str | None = None,
        replica_id: int = -1,
        replica_state: ReplicaState | None = None,
        max_wait_ms: int = 0,
        min_bytes: int = 0,
        max_bytes: int = 2147483647,
        isolation_level: int = 0,
        session_id: int = 0,
        session_epoch: int = -1,
        topics: list[FetchTopic] = EMPTY,
        forgotten_topics_data: list[ForgottenTopic] = EMPTY,
        rack_id: str = "",
    ) -> None:
        self.cluster_id = cluster_id
        self.replica_id = replica_id
        self.replica_state = replica_state
        self.max_wait_ms = max_wait_ms
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes
        self.isolation_level = isolation_level
        self.session_id = session_id
        self.session_epoch = session_epoch
        self.topics: list[FetchTopic] = [] if topics is EMPTY else topics
        self.forgotten_topics_data: list[ForgottenTopic] = (
            [] if forgotten_topics_data is EMPTY else forgotten_topics_data
        )
        self.rack_id = rack_id


class AbortedTransaction(Struct):
    __slots__ = ("first_offset", "producer_id")
    FIELDS = (
        Field("producer_id", "int64", "0+"),
        Field("first_offset", "int64", "0+"),
    )

    def __init__(self, *, producer_id: int = 0, first_offset: int = 0) -> None:
        self.producer_id = producer_id
        self.first_offset = first_offset


class EpochEndOffset(Struct):
    __slots__ = ("end_offset", "epoch")
    FIELDS = (
        Field("epoch", "int32", "12+"),
        Field("end_offset", "int64", "12+"),
    )

    def __init__(self, *, epoch: int = -1, end_offset: int = -1) -> None:
        self.epoch = epoch
        self.end_offset = end_offset


class LeaderIdAndEpoch(Struct):
    __slots__ = ("leader_epoch", "leader_id")
    FIELDS = (
        Field("leader_id", "int32", "12+"),
        Field("leader_epoch", "int32", "12+"),
    )

    def __init__(self, *, leader_id: int = -1, leader_epoch: int = -1) -> None:
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch


class SnapshotId(Struct):
    __slots__ = ("end_offset", "epoch")
    FIELDS = (
        Field("end_offset", "int64", "12+"),
        Field("epoch", "int32", "12+"),
    )

    def __init__(self, *, end_offset: int = -1, epoch: int = -1) -> None:
        self.end_offset = end_offset
        self.epoch = epoch


class PartitionData(Struct):
    __slots__ = (
        "aborted_transactions",
        "current_leader",
        "diverging_epoch",
        "error_code",
        "high_watermark",
        "last_stable_offset",
        "log_start_offset",
        "partition_index",
        "preferred_read_replica",
        "records",
        "snapshot_id",
    )
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("high_watermark", "int64", "0+"),
        Field("last_stable_offset", "int64", "0+"),
        Field("log_start_offset", "int64", "5+"),
        Field("diverging_epoch", EpochEndOffset, "12+", tag=0),
        Field("current_leader", LeaderIdAndEpoch, "12+", tag=1),
        Field("snapshot_id", SnapshotId, "12+", tag=2),
        Field("aborted_transactions", AbortedTransaction, "0+", array=True, nullable="0+"),
        Field("preferred_read_replica", "int32", "11+"),
        Field("records", "records", "0+", nullable="0+"),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        error_code: int = 0,
        high_watermark: int = 0,
        last_stable_offset: int = -1,
        log_start_offset: int = -1,
        diverging_epoch: EpochEndOffset | None = None,
        current_leader: LeaderIdAndEpoch | None = None,
        snapshot_id: SnapshotId | None = None,
        aborted_transactions: list[AbortedTransaction] | None = EMPTY,
        preferred_read_replica: int = -1,
        records: Buffer | list[memoryview | StoredBytes] | None = None,
    ) -> None:
        self.partition_index = partition_index
        self.error_code = error_code
        self.high_watermark = high_watermark
        self.last_stable_offset = last_stable_offset
        self.log_start_offset = log_start_offset
        self.diverging_epoch = diverging_epoch
        self.current_leader = current_leader
        self.snapshot_id = snapshot_id
        self.aborted_transactions: list[AbortedTransaction] | None = (
            [] if aborted_transactions is EMPTY else aborted_transactions
        )
        self.preferred_read_replica = preferred_read_replica
        self.records = records


class FetchableTopicResponse(Struct):
    __slots__ = ("partitions", "topic", "topic_id")
    FIELDS = (
        Field("topic", "string", "0-12"),
        Field("topic_id", "uuid", "13+"),
        Field("partitions", PartitionData, "0+", array=True),
    )

    def __init__(
        self, *, topic: str = "", topic_id: bytes = ZERO_UUID, partitions: list[PartitionData] = EMPTY
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partitions: list[PartitionData] = [] if partitions is EMPTY else partitions


class NodeEndpoint(Struct):
    __slots__ = ("host", "node_id", "port", "rack")
    FIELDS = (
        Field("node_id", "int32", "16+"),
        Field("host", "string", "16+"),
        Field("port", "int32", "16+"),
        Field("rack", "string", "16+", nullable="16+"),
    )

    def __init__(self, *, node_id: int = 0, host: str = "", port: int = 0, rack: str | None = None) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.rack = rack


class FetchResponse(ApiMessage):
    __slots__ = ("error_code", "node_endpoints", "responses", "session_id", "throttle_time_ms")
    API_KEY = 1
    MIN_VERSION = 4
    MAX_VERSION = 18
    FLEXIBLE_SINCE = 12
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "7+"),
        Field("session_id", "int32", "7+"),
        Field("responses", FetchableTopicResponse, "0+", array=True),
        Field("node_endpoints", NodeEndpoint, "16+", array=True, tag=0),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        session_id: int = 0,
        responses: list[FetchableTopicResponse] = EMPTY,
        node_endpoints: list[NodeEndpoint] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.session_id = session_id
        self.responses: list[FetchableTopicResponse] = [] if responses is EMPTY else responses
        self.node_endpoints: list[NodeEndpoint] = [] if node_endpoints is EMPTY else node_endpoints
