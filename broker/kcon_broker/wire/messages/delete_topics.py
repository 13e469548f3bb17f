"""DeleteTopics (API key 20): request and response, versions 1 to 6, flexible since 4."""

from kcon_broker.wire.schema import EMPTY, ZERO_UUID, ApiMessage, Field, Struct


class DeleteTopicState(Struct):
    __slots__ = ("name", "topic_id")
    FIELDS = (
        Field("name", "string", "6+", nullable="6+"),
        Field("topic_id", "uuid", "6+"),
    )

    def __init__(self, *, name: str | None = None, topic_id: bytes = ZERO_UUID) -> None:
        self.name = name
        self.topic_id = topic_id


class DeleteTopicsRequest(ApiMessage):
    __slots__ = ("timeout_ms", "topic_names", "topics")
    API_KEY = 20
    MIN_VERSION = 1
    MAX_VERSION = 6
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("topic_names", "string", "0-5", array=True),
        Field("topics", DeleteTopicState, "6+", array=True),
        Field("timeout_ms", "int32", "0+"),
    )

    def __init__(
        self, *, topic_names: list[str] = EMPTY, topics: list[DeleteTopicState] = EMPTY, timeout_ms: int = 0
    ) -> None:
        self.topic_names: list[str] = [] if topic_names is EMPTY else topic_names
        self.topics: list[DeleteTopicState] = [] if topics is EMPTY else topics
        self.timeout_ms = timeout_ms


class DeletableTopicResult(Struct):
    __slots__ = ("error_code", "error_message", "name", "topic_id")
    FIELDS = (
        Field("name", "string", "0+", nullable="6+"),
        Field("topic_id", "uuid", "6+"),
        Field("error_code", "int16", "0+"),
        Field("error_message", "string", "5+", nullable="5+"),
    )

    def __init__(
        self,
        *,
        name: str | None = "",
        topic_id: bytes = ZERO_UUID,
        error_code: int = 0,
        error_message: str | None = None,
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.error_code = error_code
        self.error_message = error_message


class DeleteTopicsResponse(ApiMessage):
    __slots__ = ("responses", "throttle_time_ms")
    API_KEY = 20
    MIN_VERSION = 1
    MAX_VERSION = 6
    FLEXIBLE_SINCE = 4
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("responses", DeletableTopicResult, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, responses: list[DeletableTopicResult] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.responses: list[DeletableTopicResult] = [] if responses is EMPTY else responses
