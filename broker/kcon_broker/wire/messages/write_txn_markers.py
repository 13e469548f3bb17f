"""WriteTxnMarkers (API key 27): request and response, versions 1 to 2, flexible since 1."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class WritableTxnMarkerTopic(Struct):
    __slots__ = ("name", "partition_indexes")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partition_indexes", "int32", "0+", array=True),
    )

    def __init__(self, *, name: str = "", partition_indexes: list[int] = EMPTY) -> None:
        self.name = name
        self.partition_indexes: list[int] = [] if partition_indexes is EMPTY else partition_indexes


class WritableTxnMarker(Struct):
    __slots__ = (
        "coordinator_epoch",
        "producer_epoch",
        "producer_id",
        "topics",
        "transaction_result",
        "transaction_version",
    )
    FIELDS = (
        Field("producer_id", "int64", "0+"),
        Field("producer_epoch", "int16", "0+"),
        Field("transaction_result", "bool", "0+"),
        Field("topics", WritableTxnMarkerTopic, "0+", array=True),
        Field("coordinator_epoch", "int32", "0+"),
        Field("transaction_version", "int8", "2+"),
    )

    def __init__(
        self,
        *,
        producer_id: int = 0,
        producer_epoch: int = 0,
        transaction_result: bool = False,
        topics: list[WritableTxnMarkerTopic] = EMPTY,
        coordinator_epoch: int = 0,
        transaction_version: int = 0,
    ) -> None:
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.transaction_result = transaction_result
        self.topics: list[WritableTxnMarkerTopic] = [] if topics is EMPTY else topics
        self.coordinator_epoch = coordinator_epoch
        self.transaction_version = transaction_version


class WriteTxnMarkersRequest(ApiMessage):
    __slots__ = ("markers",)
    API_KEY = 27
    MIN_VERSION = 1
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 1
    FIELDS = (Field("markers", WritableTxnMarker, "0+", array=True),)

    def __init__(self, *, markers: list[WritableTxnMarker] = EMPTY) -> None:
        self.markers: list[WritableTxnMarker] = [] if markers is EMPTY else markers


class WritableTxnMarkerPartitionResult(Struct):
    __slots__ = ("error_code", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
    )

    def __init__(self, *, partition_index: int = 0, error_code: int = 0) -> None:
        self.partition_index = partition_index
        self.error_code = error_code


class WritableTxnMarkerTopicResult(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", WritableTxnMarkerPartitionResult, "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[WritableTxnMarkerPartitionResult] = EMPTY) -> None:
        self.name = name
        self.partitions: list[WritableTxnMarkerPartitionResult] = [] if partitions is EMPTY else partitions


class WritableTxnMarkerResult(Struct):
    __slots__ = ("producer_id", "topics")
    FIELDS = (
        Field("producer_id", "int64", "0+"),
        Field("topics", WritableTxnMarkerTopicResult, "0+", array=True),
    )

    def __init__(self, *, producer_id: int = 0, topics: list[WritableTxnMarkerTopicResult] = EMPTY) -> None:
        self.producer_id = producer_id
        self.topics: list[WritableTxnMarkerTopicResult] = [] if topics is EMPTY else topics


class WriteTxnMarkersResponse(ApiMessage):
    __slots__ = ("markers",)
    API_KEY = 27
    MIN_VERSION = 1
    MAX_VERSION = 2
    FLEXIBLE_SINCE = 1
    FIELDS = (Field("markers", WritableTxnMarkerResult, "0+", array=True),)

    def __init__(self, *, markers: list[WritableTxnMarkerResult] = EMPTY) -> None:
        self.markers: list[WritableTxnMarkerResult] = [] if markers is EMPTY else markers
