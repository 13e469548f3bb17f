"""DeleteShareGroupState (API key 86): request and response, versions 0 to 0, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class PartitionData(Struct):
    __slots__ = ("partition",)
    FIELDS = (Field("partition", "int32", "0+"),)

    def __init__(self, *, partition: int = 0) -> None:
        self.partition = partition


class DeleteStateData(Struct):
    __slots__ = ("partitions", "topic_id")
    FIELDS = (
        Field("topic_id", "uuid", "0+"),
        Field("partitions", PartitionData, "0+", array=True),
    )

    def __init__(self, *, topic_id: bytes = ZERO_UUID, partitions: list[PartitionData] = EMPTY) -> None:
        self.topic_id = topic_id
        self.partitions: list[PartitionData] = [] if partitions is EMPTY else partitions


class DeleteShareGroupStateRequest(ApiMessage):
    __slots__ = ("group_id", "topics")
    API_KEY = 86
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("group_id", "string", "0+"),
        Field("topics", DeleteStateData, "0+", array=True),
    )

    def __init__(self, *, group_id: str = "", topics: list[DeleteStateData] = EMPTY) -> None:
        self.group_id = group_id
        self.topics: list[DeleteStateData] = [] if topics is EMPTY else topics


class PartitionResult(Struct):
    __slots__ = ("error_code", "error_message", "partition")
    FIELDS = (
        Field("partition", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, partition: int = 0, error_code: int = 0, error_message: str | None = None) -> None:
        self.partition = partition
        self.error_code = error_code
        self.error_message = error_message


class DeleteStateResult(Struct):
    __slots__ = ("partitions", "topic_id")
    FIELDS = (
        Field("topic_id", "uuid", "0+"),
        Field("partitions", PartitionResult, "0+", array=True),
    )

    def __init__(self, *, topic_id: bytes = ZERO_UUID, partitions: list[PartitionResult] = EMPTY) -> None:
        self.topic_id = topic_id
        self.partitions: list[PartitionResult] = [] if partitions is EMPTY else partitions


class DeleteShareGroupStateResponse(ApiMessage):
    __slots__ = ("results",)
    API_KEY = 86
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("results", DeleteStateResult, "0+", array=True),)

    def __init__(self, *, results: list[DeleteStateResult] = EMPTY) -> None:
        self.results: list[DeleteStateResult] = [] if results is EMPTY else results
