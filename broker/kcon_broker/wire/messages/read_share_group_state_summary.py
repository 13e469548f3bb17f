"""ReadShareGroupStateSummary (API key 87): request and response, versions 0 to 1, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class PartitionData(Struct):
    __slots__ = ("leader_epoch", "partition")
    FIELDS = (
        Field("partition", "int32", "0+"),
        Field("leader_epoch", "int32", "0+"),
    )

    def __init__(self, *, partition: int = 0, leader_epoch: int = 0) -> None:
        self.partition = partition
        self.leader_epoch = leader_epoch


class ReadStateSummaryData(Struct):
    __slots__ = ("partitions", "topic_id")
    FIELDS = (
        Field("topic_id", "uuid", "0+"),
        Field("partitions", PartitionData, "0+", array=True),
    )

    def __init__(self, *, topic_id: bytes = ZERO_UUID, partitions: list[PartitionData] = EMPTY) -> None:
        self.topic_id = topic_id
        self.partitions: list[PartitionData] = [] if partitions is EMPTY else partitions


class ReadShareGroupStateSummaryRequest(ApiMessage):
    __slots__ = ("group_id", "topics")
    API_KEY = 87
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("topics", ReadStateSummaryData, "0+", array=True),
    )

    def __init__(self, *, group_id: str = "", topics: list[ReadStateSummaryData] = EMPTY) -> None:
        self.group_id = group_id
        self.topics: list[ReadStateSummaryData] = [] if topics is EMPTY else topics


class PartitionResult(Struct):
    __slots__ = (
        "delivery_complete_count",
        "error_code",
        "error_message",
        "leader_epoch",
        "partition",
        "start_offset",
        "state_epoch",
    )
    FIELDS = (
        Field("partition", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("state_epoch", "int32", "0+"),
        Field("leader_epoch", "int32", "0+"),
        Field("start_offset", "int64", "0+"),
        Field("delivery_complete_count", "int32", "1+"),
    )

    def __init__(
        self,
        *,
        partition: int = 0,
        error_code: int = 0,
        error_message: str | None = None,
        state_epoch: int = 0,
        leader_epoch: int = 0,
        start_offset: int = 0,
        delivery_complete_count: int = -1,
    ) -> None:
        self.partition = partition
        self.error_code = error_code
        self.error_message = error_message
        self.state_epoch = state_epoch
        self.leader_epoch = leader_epoch
        self.start_offset = start_offset
        self.delivery_complete_count = delivery_complete_count


class ReadStateSummaryResult(Struct):
    __slots__ = ("partitions", "topic_id")
    FIELDS = (
        Field("topic_id", "uuid", "0+"),
        Field("partitions", PartitionResult, "0+", array=True),
    )

    def __init__(self, *, topic_id: bytes = ZERO_UUID, partitions: list[PartitionResult] = EMPTY) -> None:
        self.topic_id = topic_id
        self.partitions: list[PartitionResult] = [] if partitions is EMPTY else partitions


class ReadShareGroupStateSummaryResponse(ApiMessage):
    __slots__ = ("results",)
    API_KEY = 87
    MIN_VERSION = 0
    MAX_VERSION = 1
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("results", ReadStateSummaryResult, "0+", array=True),)

    def __init__(self, *, results: list[ReadStateSummaryResult] = EMPTY) -> None:
        self.results: list[ReadStateSummaryResult] = [] if results is EMPTY else results
