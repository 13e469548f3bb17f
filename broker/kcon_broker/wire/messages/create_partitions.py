"""CreatePartitions (API key 37): request and response, versions 0 to 3, flexible since 2."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class CreatePartitionsAssignment(Struct):
    __slots__ = ("broker_ids",)
    FIELDS = (Field("broker_ids", "int32", "0+", array=True),)

    def __init__(self, *, broker_ids: list[int] = EMPTY) -> None:
        self.broker_ids: list[int] = [] if broker_ids is EMPTY else broker_ids


class CreatePartitionsTopic(Struct):
    __slots__ = ("assignments", "count", "name")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("count", "int32", "0+"),
        Field("assignments", CreatePartitionsAssignment, "0+", array=True, nullable="0+"),
    )

    def __init__(
        self, *, name: str = "", count: int = 0, assignments: list[CreatePartitionsAssignment] | None = EMPTY
    ) -> None:
        self.name = name
        self.count = count
        self.assignments: list[CreatePartitionsAssignment] | None = [] if assignments is EMPTY else assignments


class CreatePartitionsRequest(ApiMessage):
    __slots__ = ("timeout_ms", "topics", "validate_only")
    API_KEY = 37
    MIN_VERSION = 0
    MAX_VERSION = 3
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("topics", CreatePartitionsTopic, "0+", array=True),
        Field("timeout_ms", "int32", "0+"),
        Field("validate_only", "bool", "0+"),
    )

    def __init__(
        self, *, topics: list[CreatePartitionsTopic] = EMPTY, timeout_ms: int = 0, validate_only: bool = False
    ) -> None:
        self.topics: list[CreatePartitionsTopic] = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms
        self.validate_only = validate_only


class CreatePartitionsTopicResult(Struct):
    __slots__ = ("error_code", "error_message", "name")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "0+", nullable="0+"),
    )

    def __init__(self, *, name: str = "", error_code: int = 0, error_message: str | None = None) -> None:
        self.name = name
        self.error_code = error_code
        self.error_message = error_message


class CreatePartitionsResponse(ApiMessage):
    __slots__ = ("results", "throttle_time_ms")
    API_KEY = 37
    MIN_VERSION = 0
    MAX_VERSION = 3
    FLEXIBLE_SINCE = 2
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results", CreatePartitionsTopicResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, results: list[CreatePartitionsTopicResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results: list[CreatePartitionsTopicResult] = [] if results is EMPTY else results
