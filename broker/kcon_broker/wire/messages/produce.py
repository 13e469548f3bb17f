"""Produce (API key 0): request and response, versions 3 to 13, flexible since 9."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Buffer, Field, Struct


class PartitionProduceData(Struct):
    __slots__ = ("index", "records")
    FIELDS = (
        Field("index", "int32", "0+"),
        Field("records", "records", "0+", nullable="0+"),
    )

    def __init__(self, *, index: int = 0, records: Buffer | None = None) -> None:
        self.index = index
        self.records = records


class TopicProduceData(Struct):
    __slots__ = ("name", "partition_data", "topic_id")
    FIELDS = (
        Field("name", "string", "0-12"),
        Field("topic_id", "uuid", "13+"),
        Field("partition_data", PartitionProduceData, "0+", array=True),
    )

    def __init__(
        self, *, name: str = "", topic_id: bytes = ZERO_UUID, partition_data: list[PartitionProduceData] = EMPTY
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_data: list[PartitionProduceData] = [] if partition_data is EMPTY else partition_data


class ProduceRequest(ApiMessage):
    __slots__ = ("acks", "timeout_ms", "topic_data", "transactional_id")
    API_KEY = 0
    MIN_VERSION = 3
    MAX_VERSION = 13
    FLEXIBLE_SINCE = 9
    FIELDS = (
        Field("transactional_id", "string", "0+", nullable="0+"),
        Field("acks", "int16", "0+"),
        Field("timeout_ms", "int32", "0+"),
        Field("topic_data", TopicProduceData, "0+", array=True),
    )

    def __init__(
        self,
        *,
        transactional_id: str | None = None,
        acks: int = 0,
        timeout_ms: int = 0,
        topic_data: list[TopicProduceData] = EMPTY,
    ) -> None:
        self.transactional_id = transactional_id
        self.acks = acks
        self.timeout_ms = timeout_ms
        self.topic_data: list[TopicProduceData] = [] if topic_data is EMPTY else topic_data


class BatchIndexAndErrorMessage(Struct):
    __slots__ = ("batch_index", "batch_index_error_message")
    FIELDS = (
        Field("batch_index", "int32", "8+"),
        Field("batch_index_error_message", "string", "8+", nullable="8+"),
    )

    def __init__(self, *, batch_index: int = 0, batch_index_error_message: str | None = None) -> None:
        self.batch_index = batch_index
        self.batch_index_error_message = batch_index_error_message


class LeaderIdAndEpoch(Struct):
    __slots__ = ("leader_epoch", "leader_id")
    FIELDS = (
        Field("leader_id", "int32", "10+"),
        Field("leader_epoch", "int32", "10+"),
    )

    def __init__(self, *, leader_id: int = -1, leader_epoch: int = -1) -> None:
        self.leader_id = leader_id
        self.leader_epoch = leader_epoch


class PartitionProduceResponse(Struct):
    __slots__ = (
        "base_offset",
        "current_leader",
        "error_code",
        "error_message",
        "index",
        "log_append_time_ms",
        "log_start_offset",
        "record_errors",
    )
    FIELDS = (
        Field("index", "int32", "0+"),
        Field("error_code", "int16", "0+"),
        Field("base_offset", "int64", "0+"),
        Field("log_append_time_ms", "int64", "0+"),
        Field("log_start_offset", "int64", "5+"),
        Field("record_errors", BatchIndexAndErrorMessage, "8+", array=True),
        Field("error_message", "string", "8+", nullable="8+"),
        Field("current_leader", LeaderIdAndEpoch, "10+", tag=0),
    )

    def __init__(
        self,
        *,
        index: int = 0,
        error_code: int = 0,
        base_offset: int = 0,
        log_append_time_ms: int = -1,
        log_start_offset: int = -1,
        record_errors: list[BatchIndexAndErrorMessage] = EMPTY,
        error_message: str | None = None,
        current_leader: LeaderIdAndEpoch | None = None,
    ) -> None:
        self.index = index
        self.error_code = error_code
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self.log_start_offset = log_start_offset
        self.record_errors: list[BatchIndexAndErrorMessage] = [] if record_errors is EMPTY else record_errors
        self.error_message = error_message
        self.current_leader = current_leader


class TopicProduceResponse(Struct):
    __slots__ = ("name", "partition_responses", "topic_id")
    FIELDS = (
        Field("name", "string", "0-12"),
        Field("topic_id", "uuid", "13+"),
        Field("partition_responses", PartitionProduceResponse, "0+", array=True),
    )

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        partition_responses: list[PartitionProduceResponse] = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partition_responses: list[PartitionProduceResponse] = (
            [] if partition_responses is EMPTY else partition_responses
        )


class NodeEndpoint(Struct):
    __slots__ = ("host", "node_id", "port", "rack")
    FIELDS = (
        Field("node_id", "int32", "10+"),
        Field("host", "string", "10+"),
        Field("port", "int32", "10+"),
        Field("rack", "string", "10+", nullable="10+"),
    )

    def __init__(self, *, node_id: int = 0, host: str = "", port: int = 0, rack: str | None = None) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.rack = rack


class ProduceResponse(ApiMessage):
    __slots__ = ("node_endpoints", "responses", "throttle_time_ms")
    API_KEY = 0
    MIN_VERSION = 3
    MAX_VERSION = 13
    FLEXIBLE_SINCE = 9
    FIELDS = (
        Field("responses", TopicProduceResponse, "0+", array=True),
        Field("throttle_time_ms", "int32", "0+"),
        Field("node_endpoints", NodeEndpoint, "10+", array=True, tag=0),
    )

    def __init__(
        self,
        *,
        responses: list[TopicProduceResponse] = EMPTY,
        throttle_time_ms: int = 0,
        node_endpoints: list[NodeEndpoint] = EMPTY,
    ) -> None:
        self.responses: list[TopicProduceResponse] = [] if responses is EMPTY else responses
        self.throttle_time_ms = throttle_time_ms
        self.node_endpoints: list[NodeEndpoint] = [] if node_endpoints is EMPTY else node_endpoints
