"""OffsetFetch (API key 9): request and response, versions 1 to 10, flexible since 6."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class OffsetFetchRequestTopic(Struct):
    __slots__ = ("name", "partition_indexes")
    FIELDS = (
        Field("name", "string", "0-7"),
        Field("partition_indexes", "int32", "0-7", array=True),
    )

    def __init__(self, *, name: str = "", partition_indexes: list[int] = EMPTY) -> None:
        self.name = name
        self.partition_indexes: list[int] = [] if partition_indexes is EMPTY else partition_indexes


class OffsetFetchRequestTopics(Struct):
    __slots__ = ("name", "partition_indexes", "topic_id")
    FIELDS = (
        Field("name", "string", "8-9"),
        Field("topic_id", "uuid", "10+"),
        Field("partition_indexes", "int32", "8+", array=True),
    )

    def __init__(self, *, name: str = "", topic_id: bytes = ZERO_UUID, partition_indexes: list[int] = EMPTY) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_indexes: list[int] = [] if partition_indexes is EMPTY else partition_indexes


class OffsetFetchRequestGroup(Struct):
    __slots__ = ("group_id", "member_epoch", "member_id", "topics")
    FIELDS = (
        Field("group_id", "string", "8+"),
        Field("member_id", "string", "9+", nullable="9+"),
        Field("member_epoch", "int32", "9+"),
        Field("topics", OffsetFetchRequestTopics, "8+", array=True, nullable="8+"),
    )

    def __init__(
        self,
        *,
        group_id: str = "",
        member_id: str | None = None,
        member_epoch: int = -1,
        topics: list[OffsetFetchRequestTopics] | None = EMPTY,
    ) -> None:
        self.group_id = group_id
        self.member_id = member_id
        self.member_epoch = member_epoch
        self.topics: list[OffsetFetchRequestTopics] | None = [] if topics is EMPTY else topics


class OffsetFetchRequest(ApiMessage):
    __slots__ = ("group_id", "groups", "require_stable", "topics")
    API_KEY = 9
    MIN_VERSION = 1
    MAX_VERSION = 10
    FLEXIBLE_SINCE = 6
    FIELDS = (
        Field("group_id", "string", "0-7"),
        Field("topics", OffsetFetchRequestTopic, "0-7", array=True, nullable="2-7"),
        Field("groups", OffsetFetchRequestGroup, "8+", array=True),
        Field("require_stable", "bool", "7+"),
    )

    def __init__(
        self,
        *,
        group_id: str = "",
        topics: list[OffsetFetchRequestTopic] | None = EMPTY,
        groups: list[OffsetFetchRequestGroup] = EMPTY,
        require_stable: bool = False,
    ) -> None:
        self.group_id = group_id
        self.topics: list[OffsetFetchRequestTopic] | None = [] if topics is EMPTY else topics
        self.groups: list[OffsetFetchRequestGroup] = [] if groups is EMPTY else groups
        self.require_stable = require_stable


class OffsetFetchResponsePartition(Struct):
    __slots__ = ("committed_leader_epoch", "committed_offset", "error_code", "metadata", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0-7"),
        Field("committed_offset", "int64", "0-7"),
        Field("committed_leader_epoch", "int32", "5-7"),
        Field("metadata", "string", "0-7", nullable="0-7"),
        Field("error_code", "int16", "0-7"),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        metadata: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.metadata = metadata
        self.error_code = error_code


class OffsetFetchResponseTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0-7"),
        Field("partitions", OffsetFetchResponsePartition, "0-7", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[OffsetFetchResponsePartition] = EMPTY) -> None:
        self.name = name
        self.partitions: list[OffsetFetchResponsePartition] = [] if partitions is EMPTY else partitions


class OffsetFetchResponsePartitions(Struct):
    __slots__ = ("committed_leader_epoch", "committed_offset", "error_code", "metadata", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "8+"),
        Field("committed_offset", "int64", "8+"),
        Field("committed_leader_epoch", "int32", "8+"),
        Field("metadata", "string", "8+", nullable="8+"),
        Field("error_code", "int16", "8+"),
    )

    def __init__(
        self,
        *,
        partition_index: int = 0,
        committed_offset: int = 0,
        committed_leader_epoch: int = -1,
        metadata: str | None = "",
        error_code: int = 0,
    ) -> None:
        self.partition_index = partition_index
        self.committed_offset = committed_offset
        self.committed_leader_epoch = committed_leader_epoch
        self.metadata = metadata
        self.error_code = error_code


class OffsetFetchResponseTopics(Struct):
    __slots__ = ("name", "partitions", "topic_id")
    FIELDS = (
        Field("name", "string", "8-9"),
        Field("topic_id", "uuid", "10+"),
        Field("partitions", OffsetFetchResponsePartitions, "8+", array=True),
    )

    def __init__(
        self, *, name: str = "", topic_id: bytes = ZERO_UUID, partitions: list[OffsetFetchResponsePartitions] = EMPTY
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions: list[OffsetFetchResponsePartitions] = [] if partitions is EMPTY else partitions


class OffsetFetchResponseGroup(Struct):
    __slots__ = ("error_code", "group_id", "topics")
    FIELDS = (
        Field("group_id", "string", "8+"),
        Field("topics", OffsetFetchResponseTopics, "8+", array=True),
        Field("error_code", "int16", "8+"),
    )

    def __init__(
        self, *, group_id: str = "", topics: list[OffsetFetchResponseTopics] = EMPTY, error_code: int = 0
    ) -> None:
        self.group_id = group_id
        self.topics: list[OffsetFetchResponseTopics] = [] if topics is EMPTY else topics
        self.error_code = error_code


class OffsetFetchResponse(ApiMessage):
    __slots__ = ("error_code", "groups", "throttle_time_ms", "topics")
    API_KEY = 9
    MIN_VERSION = 1
    MAX_VERSION = 10
    FLEXIBLE_SINCE = 6
    FIELDS = (
        Field("throttle_time_ms", "int32", "3+"),
        Field("topics", OffsetFetchResponseTopic, "0-7", array=True),
        Field("error_code", "int16", "2-7"),
        Field("groups", OffsetFetchResponseGroup, "8+", array=True),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        topics: list[OffsetFetchResponseTopic] = EMPTY,
        error_code: int = 0,
        groups: list[OffsetFetchResponseGroup] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[OffsetFetchResponseTopic] = [] if topics is EMPTY else topics
        self.error_code = error_code
        self.groups: list[OffsetFetchResponseGroup] = [] if groups is EMPTY else groups
