"""OffsetForLeaderEpoch (API key 23): request and response, versions 2 to 4, flexible since 4."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class OffsetForLeaderPartition(Struct):
    __slots__ = ("current_leader_epoch", "leader_epoch", "partition")
    FIELDS = (
        Field("partition", "int32", "0+"),
        Field("current_leader_epoch", "int32", "0+"),
        Field("leader_epoch", "int32", "0+"),
    )

    def __init__(self, *, partition: int = 0, current_leader_epoch: int = -1, leader_epoch: int = 0) -> None:
        self.partition = partition
        self.current_leader_epoch = current_leader_epoch
        self.leader_epoch = leader_epoch


class OffsetForLeaderTopic(Struct):
    __slots__ = ("partitions", "topic")
    FIELDS = (
        Field("topic", "string", "0+"),
        Field("partitions", OffsetForLeaderPartition, "0+", array=True),
    )

    def __init__(self, *, topic: str = "", partitions: list[OffsetForLeaderPartition] = EMPTY) -> None:
        self.topic = topic
        self.partitions: list[OffsetForLeaderPartition] = [] if partitions is EMPTY else partitions


class OffsetForLeaderEpochRequest(ApiMessage):
    __slots__ = ("replica_id", "topics")
    API_KEY = 23
    MIN_VERSION = 2
    MAX_VERSION = 4
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("replica_id", "int32", "3+"),
        Field("topics", OffsetForLeaderTopic, "0+", array=True),
    )

    def __init__(self, *, replica_id: int = -2, topics: list[OffsetForLeaderTopic] = EMPTY) -> None:
        self.replica_id = replica_id
        self.topics: list[OffsetForLeaderTopic] = [] if topics is EMPTY else topics


class EpochEndOffset(Struct):
    __slots__ = ("end_offset", "error_code", "leader_epoch", "partition")
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("partition", "int32", "0+"),
        Field("leader_epoch", "int32", "0+"),
        Field("end_offset", "int64", "0+"),
    )

    def __init__(
        self, *, error_code: int = 0, partition: int = 0, leader_epoch: int = -1, end_offset: int = -1
    ) -> None:
        self.error_code = error_code
        self.partition = partition
        self.leader_epoch = leader_epoch
        self.end_offset = end_offset


class OffsetForLeaderTopicResult(Struct):
    __slots__ = ("partitions", "topic")
    FIELDS = (
        Field("topic", "string", "0+"),
        Field("partitions", EpochEndOffset, "0+", array=True),
    )

    def __init__(self, *, topic: str = "", partitions: list[EpochEndOffset] = EMPTY) -> None:
        self.topic = topic
        self.partitions: list[EpochEndOffset] = [] if partitions is EMPTY else partitions


class OffsetForLeaderEpochResponse(ApiMessage):
    __slots__ = ("throttle_time_ms", "topics")
    API_KEY = 23
    MIN_VERSION = 2
    MAX_VERSION = 4
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("topics", OffsetForLeaderTopicResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, topics: list[OffsetForLeaderTopicResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[OffsetForLeaderTopicResult] = [] if topics is EMPTY else topics
