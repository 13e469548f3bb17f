"""CreateTopics (API key 19): request and response, versions 2 to 7, flexible since 5."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class CreatableReplicaAssignment(Struct):
    __slots__ = ("broker_ids", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("broker_ids", "int32", "0+", array=True),
    )

    def __init__(self, *, partition_index: int = 0, broker_ids: list[int] = EMPTY) -> None:
        self.partition_index = partition_index
        self.broker_ids: list[int] = [] if broker_ids is EMPTY else broker_ids


class CreatableTopicConfig(Struct):
    __slots__ = ("name", "value")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("value", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, name: str = "", value: str | None = "") -> None:
        self.name = name
        self.value = value


class CreatableTopic(Struct):
    __slots__ = ("assignments", "configs", "name", "num_partitions", "replication_factor")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("num_partitions", "int32", "0+"),
        Field("replication_factor", "int16", "0+"),
        Field("assignments", CreatableReplicaAssignment, "0+", array=True),
        Field("configs", CreatableTopicConfig, "0+", array=True),
    )

    def __init__(
        self,
        *,
        name: str = "",
        num_partitions: int = 0,
        replication_factor: int = 0,
        assignments: list[CreatableReplicaAssignment] = EMPTY,
        configs: list[CreatableTopicConfig] = EMPTY,
    ) -> None:
        self.name = name
        self.num_partitions = num_partitions
        self.replication_factor = replication_factor
        self.assignments: list[CreatableReplicaAssignment] = [] if assignments is EMPTY else assignments
        self.configs: list[CreatableTopicConfig] = [] if configs is EMPTY else configs


class CreateTopicsRequest(ApiMessage):
    __slots__ = ("timeout_ms", "topics", "validate_only")
    API_KEY = 19
    MIN_VERSION = 2
    MAX_VERSION = 7
    FLEXIBLE_SINCE = 5
    FIELDS = (
        Field("topics", CreatableTopic, "0+", array=True),
        Field("timeout_ms", "int32", "0+"),
        Field("validate_only", "bool", "0+"),
    )

    def __init__(
        self, *, topics: list[CreatableTopic] = EMPTY, timeout_ms: int = 60000, validate_only: bool = False
    ) -> None:
        self.topics: list[CreatableTopic] = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms
        self.validate_only = validate_only


class CreatableTopicConfigs(Struct):
    __slots__ = ("config_source", "is_sensitive", "name", "read_only", "value")
    FIELDS = (
        Field("name", "string", "5+"),
        Field("value", "string", "5+", nullable="5+"),
        Field("read_only", "bool", "5+"),
        Field("config_source", "int8", "5+"),
        Field("is_sensitive", "bool", "5+"),
    )

    def __init__(
        self,
        *,
        name: str = "",
        value: str | None = "",
        read_only: bool = False,
        config_source: int = -1,
        is_sensitive: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.read_only = read_only
        self.config_source = config_source
        self.is_sensitive = is_sensitive


class CreatableTopicResult(Struct):
    __slots__ = (
        "configs",
        "error_code",
        "error_message",
        "name",
        "num_partitions",
        "replication_factor",
        "topic_config_error_code",
        "topic_id",
    )
    FIELDS = (
        Field("name", "string", "0+"),
        Field("topic_id", "uuid", "7+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
        Field("topic_config_error_code", "int16", "5+", tag=0),
        Field("num_partitions", "int32", "5+"),
        Field("replication_factor", "int16", "5+"),
        Field("configs", CreatableTopicConfigs, "5+", array=True, nullable="5+"),
    )

    def __init__(
        self,
        *,
        name: str = "",
        topic_id: bytes = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = "",
        topic_config_error_code: int = 0,
        num_partitions: int = -1,
        replication_factor: int = -1,
        configs: list[CreatableTopicConfigs] | None = EMPTY,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message
        self.topic_config_error_code = topic_config_error_code
        self.num_partitions = num_partitions
        self.replication_factor = replication_factor
        self.configs: list[CreatableTopicConfigs] | None = [] if configs is EMPTY else configs


class CreateTopicsResponse(ApiMessage):
    __slots__ = ("throttle_time_ms", "topics")
    API_KEY = 19
    MIN_VERSION = 2
    MAX_VERSION = 7
    FLEXIBLE_SINCE = 5
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("topics", CreatableTopicResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, topics: list[CreatableTopicResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.topics: list[CreatableTopicResult] = [] if topics is EMPTY else topics
