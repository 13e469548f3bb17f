"""OffsetCommit (API key 8): request and response, versions 2 to 10, flexible since 8."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class OffsetCommitRequestPartition(Struct):
    __slots__ = ("committed_leader_epoch", "committed_metadata", "committed_offset", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("committed_offset", "int64", "0+"),
        Field("committed_leader_epoch", "int32", "6+"),
        Field("committed_metadata", "string", "0+", nullable="0+"),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        committed_metadata: str | None = "",
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.committed_metadata = committed_metadata


class OffsetCommitRequestTopic(Struct):
    __slots__ = ("name", "partitions", "topic_id")
    FIELDS = (
        Field("name", "string", "0-9"),
        Field("topic_id", "uuid", "10+"),
        Field("partitions", OffsetCommitRequestPartition, "0+", array=True),
    )

    def __init__(
        self, *, name: str = "", topic_id: bytes = ZERO_UUID, partitions: list[OffsetCommitRequestPartition] = EMPTY
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions: list[OffsetCommitRequestPartition] = [] if partitions is EMPTY else partitions


class OffsetCommitRequest(ApiMessage):
    __slots__ = (
        "generation_id_or_member_epoch",
        "group_id",
        "group_instance_id",
        "member_id",
        "retention_time_ms",
        "topics",
    )
    API_KEY = 8
    MIN_VERSION = 2
    MAX_VERSION = 10
    FLEXIBLE_SINCE = 8
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("generation_id_or_member_epoch", "int32", "0+"),
        Field("member_id", "string", "0+"),
        Field("retention_time_ms", "int64", "0-4"),
        Field("group_instance_id", "string", "7+", nullable="7+"),
        Field("topics", OffsetCommitRequestTopic, "0+", array=True),
    )

    def __init__(
        self,
        *,
        group_id: str = "",
        generation_id_or_member_epoch: int = -1,
        member_id: str = "",
        retention_time_ms: int = -1,
        group_instance_id: str | None = None,
        topics: list[OffsetCommitRequestTopic] = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.generation_id_or_member_epoch = generation_id_or_member_epoch
        self.member_id = member_id
        self.retention_time_ms = retention_time_ms
        self.group_instance_id = group_instance_id
        self.topics: list[OffsetCommitRequestTopic] = [] if topics is EMPTY else topics


class OffsetCommitResponsePartition(Struct):
    __slots__ = ("error_code", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
    )

    def __init__(self, *, partition_index: int = 0, error_code: int = 0) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class OffsetCommitResponseTopic(Struct):
    __slots__ = ("name", "partitions", "topic_id")
    FIELDS = (
        Field("name", "string", "0-9"),
        Field("topic_id", "uuid", "10+"),
        Field("partitions", OffsetCommitResponsePartition, "0+", array=True),
    )

    def __init__(
        self, *, name: str = "", topic_id: bytes = ZERO_UUID, partitions: list[OffsetCommitResponsePartition] = EMPTY
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions: list[OffsetCommitResponsePartition] = [] if partitions is EMPTY else partitions


class OffsetCommitResponse(ApiMessage):
    __slots__ = ("throttle_time_ms", "topics")
    API_KEY = 8
    MIN_VERSION = 2
    MAX_VERSION = 10
    FLEXIBLE_SINCE = 8
    FIELDS = (
        Field("throttle_time_ms", "int32", "3+"),
        Field("topics", OffsetCommitResponseTopic, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, topics: list[OffsetCommitResponseTopic] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[OffsetCommitResponseTopic] = [] if topics is EMPTY else topics
