"""DescribeTransactions (API key 65): request and response, versions 0 to 0, flexible since 0."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class DescribeTransactionsRequest(ApiMessage):
    __slots__ = ("transactional_ids",)
    API_KEY = 65
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (Field("transactional_ids", "string", "0+", array=True),)

    def __init__(self, *, transactional_ids: list[str] = EMPTY) -> None:
        self.transactional_ids: list[str] = [] if transactional_ids is EMPTY else transactional_ids


class TopicData(Struct):
    __slots__ = ("partitions", "topic")
    FIELDS = (
        Field("topic", "string", "0+"),
        Field("partitions", "int32", "0+", array=True),
    )

    def __init__(self, *, topic: str = "", partitions: list[int] = EMPTY) -> None:
        self.topic = topic
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class TransactionState(Struct):
    __slots__ = (
        "error_code",
        "producer_epoch",
        "producer_id",
        "topics",
        "transaction_start_time_ms",
        "transaction_state",
        "transaction_timeout_ms",
        "transactional_id",
    )
    FIELDS = (
        Field("error_code", "int16", "0+"),
        Field("transactional_id", "string", "0+"),
        Field("transaction_state", "string", "0+"),
        Field("transaction_timeout_ms", "int32", "0+"),
        Field("transaction_start_time_ms", "int64", "0+"),
        Field("producer_id", "int64", "0+"),
        Field("producer_epoch", "int16", "0+"),
        Field("topics", TopicData, "0+", array=True),
    )

    def __init__(
        self,
        *,
        error_code: int = 0,
        transactional_id: str = "",
        transaction_state: str = "",
        transaction_timeout_ms: int = 0,
        transaction_start_time_ms: int = 0,
        producer_id: int = 0,
        producer_epoch: int = 0,
        topics: list[TopicData] = EMPTY,
    ) -> None:
        self.error_code = error_code
        self.transactional_id = transactional_id
        self.transaction_state = transaction_state
        self.transaction_timeout_ms = transaction_timeout_ms
        self.transaction_start_time_ms = transaction_start_time_ms
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.topics: list[TopicData] = [] if topics is EMPTY else topics


class DescribeTransactionsResponse(ApiMessage):
    __slots__ = ("throttle_time_ms", "transaction_states")
    API_KEY = 65
    MIN_VERSION = 0
    MAX_VERSION = 0
    FLEXIBLE_SINCE = 0
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("transaction_states", TransactionState, "0+", array=True),
    )

    def __init__(self, *, throttle_time_ms: int = 0, transaction_states: list[TransactionState] = EMPTY) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.transaction_states: list[TransactionState] = [] if transaction_states is EMPTY else transaction_states
