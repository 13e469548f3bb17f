"""ElectLeaders (API key 43): request and response, versions 0 to 2, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class TopicPartitions(Struct):
    __slots__ = ("partitions", "topic")
    FIELDS = (
        Field("topic", "string", "0+"),
        Field("partitions", "int32", "0+", array=True),
    )

    def __init__(self, *, topic: str = "", partitions: list[int] = EMPTY) -> None:
        self.topic = topic
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class ElectLeadersRequest(ApiMessage):
    __slots__ = ("election_type", "timeout_ms", "topic_partitions")
    API_KEY = 43
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("election_type", "int8", "1+"),
        Field("topic_partitions", TopicPartitions, "0+", array=True, nullable="0+"),
        Field("timeout_ms", "int32", "0+"),
    )

    def __init__(
        self, *, election_type: int = 0, topic_partitions: list[TopicPartitions] | None = EMPTY, timeout_ms: int = 60000
    ) -> None:
        self.election_type = election_type
        self.topic_partitions: list[TopicPartitions] | None = [] if topic_partitions is EMPTY else topic_partitions
        self.timeout_ms = timeout_ms


class PartitionResult(Struct):
    __slots__ = ("error_code", "error_message", "partition_id")
    FIELDS = (
        Field("partition_id", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, partition_id: int = 0, error_code: int = 0, error_message: str | None = "") -> None:
        self.partition_id = partition_id
        self.error_code = error_code
        self.error_message = error_message


class ReplicaElectionResult(Struct):
    __slots__ = ("partition_result", "topic")
    FIELDS = (
        Field("topic", "string", "0+"),
        Field("partition_result", PartitionResult, "0+", array=True),
    )

    def __init__(self, *, topic: str = "", partition_result: list[PartitionResult] = EMPTY) -> None:
        self.topic = topic
        self.partition_result: list[PartitionResult] = [] if partition_result is EMPTY else partition_result


class ElectLeadersResponse(ApiMessage):
    __slots__ = ("error_code", "replica_election_results", "throttle_time_ms")
    API_KEY = 43
    MIN_VERSION = 0
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("error_code", "int16", "1+"),
        Field("replica_election_results", ReplicaElectionResult, "0+", array=True),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        error_code: int = 0,
        replica_election_results: list[ReplicaElectionResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.error_code = error_code
        self.replica_election_results: list[ReplicaElectionResult] = (
            [] if replica_election_results is EMPTY else replica_election_results
        )
