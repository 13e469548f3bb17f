"""AddPartitionsToTxn (API key 24): request and response, versions 0 to 5, flexible since 3."""

from kcon_broker.wire.schema import EMPTY, ApiMessage, Field, Struct


class AddPartitionsToTxnTopic(Struct):
    __slots__ = ("name", "partitions")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("partitions", "int32", "0+", array=True),
    )

    def __init__(self, *, name: str = "", partitions: list[int] = EMPTY) -> None:
        self.name = name
        self.partitions: list[int] = [] if partitions is EMPTY else partitions


class AddPartitionsToTxnTransaction(Struct):
    __slots__ = ("producer_epoch", "producer_id", "topics", "transactional_id", "verify_only")
    FIELDS = (
        Field("transactional_id", "string", "4+"),
        Field("producer_id", "int64", "4+"),
        Field("producer_epoch", "int16", "4+"),
        Field("verify_only", "bool", "4+"),
        Field("topics", AddPartitionsToTxnTopic, "4+", array=True),
    )

    def __init__(
        self,
        *,
        transactional_id: str = "",
        producer_id: int = 0,
        producer_epoch: int = 0,
        verify_only: bool = False,
        topics: list[AddPartitionsToTxnTopic] = EMPTY,
    ) -> None:
        self.transactional_id = transactional_id
        self.producer_id = producer_id
        self.producer_epoch = producer_epoch
        self.verify_only = verify_only
        self.topics: list[AddPartitionsToTxnTopic] = [] if topics is EMPTY else topics


class AddPartitionsToTxnRequest(ApiMessage):
    __slots__ = (
        "transactions",
        "v3_and_below_producer_epoch",
        "v3_and_below_producer_id",
        "v3_and_below_topics",
        "v3_and_below_transactional_id",
    )
    API_KEY = 24
    MIN_VERSION = 0
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 3
    FIELDS = (
        Field("v3_and_below_transactional_id", "string", "0-3"),
        Field("v3_and_below_producer_id", "int64", "0-3"),
        Field("v3_and_below_producer_epoch", "int16", "0-3"),
        Field("v3_and_below_topics", AddPartitionsToTxnTopic, "0-3", array=True),
        Field("transactions", AddPartitionsToTxnTransaction, "4+", array=True),
    )

    def __init__(
        self,
        *,
        v3_and_below_transactional_id: str = "",
        v3_and_below_producer_id: int = 0,
        v3_and_below_producer_epoch: int = 0,
        v3_and_below_topics: list[AddPartitionsToTxnTopic] = EMPTY,
        transactions: list[AddPartitionsToTxnTransaction] = EMPTY,
    ) -> None:
        self.v3_and_below_transactional_id = v3_and_below_transactional_id
        self.v3_and_below_producer_id = v3_and_below_producer_id
        self.v3_and_below_producer_epoch = v3_and_below_producer_epoch
        self.v3_and_below_topics: list[AddPartitionsToTxnTopic] = (
            [] if v3_and_below_topics is EMPTY else v3_and_below_topics
        )
        self.transactions: list[AddPartitionsToTxnTransaction] = [] if transactions is EMPTY else transactions


class AddPartitionsToTxnPartitionResult(Struct):
    __slots__ = ("partition_error_code", "partition_index")
    FIELDS = (
        Field("partition_index", "int32", "0+"),
        Field("partition_error_code", "int16", "0+"),
    )

    def __init__(self, *, partition_index: int = 0, partition_error_code: int = 0) -> None:
        self.partition_index = partition_index
        self.partition_error_code = partition_error_code


class AddPartitionsToTxnTopicResult(Struct):
    __slots__ = ("name", "results_by_partition")
    FIELDS = (
        Field("name", "string", "0+"),
        Field("results_by_partition", AddPartitionsToTxnPartitionResult, "0+", array=True),
    )

    def __init__(
        self, *, name: str = "", results_by_partition: list[AddPartitionsToTxnPartitionResult] = EMPTY
    ) -> None:
        self.name = name
        self.results_by_partition: list[AddPartitionsToTxnPartitionResult] = (
            [] if results_by_partition is EMPTY else results_by_partition
        )


class AddPartitionsToTxnResult(Struct):
    __slots__ = ("topic_results", "transactional_id")
    FIELDS = (
        Field("transactional_id", "string", "4+"),
        Field("topic_results", AddPartitionsToTxnTopicResult, "4+", array=True),
    )

    def __init__(
        self, *, transactional_id: str = "", topic_results: list[AddPartitionsToTxnTopicResult] = EMPTY
    ) -> None:
        self.transactional_id = transactional_id
        self.topic_results: list[AddPartitionsToTxnTopicResult] = [] if topic_results is EMPTY else topic_results


class AddPartitionsToTxnResponse(ApiMessage):
    __slots__ = ("error_code", "results_by_topic_v3_and_below", "results_by_transaction", "throttle_time_ms")
    API_KEY = 24
    MIN_VERSION = 0
    MAX_VERSION = 5
    FLEXIBLE_SINCE = 3
    FIELDS = (
        Field("throttle_time_ms", "int32", "0+"),
        Field("results_by_topic_v3_and_below", AddPartitionsToTxnTopicResult, "0-3", array=True),
        Field("error_code", "int16", "4+"),
        Field("results_by_transaction", AddPartitionsToTxnResult, "4+", array=True),
    )

    def __init__(
        self,
        *,
        throttle_time_ms: int = 0,
        results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = EMPTY,
        error_code: int = 0,
        results_by_transaction: list[AddPartitionsToTxnResult] = EMPTY,
    ) -> None:
        self.throttle_time_ms = throttle_time_ms
        self.results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = (
            [] if results_by_topic_v3_and_below is EMPTY else results_by_topic_v3_and_below
        )
        self.error_code = error_code
        self.results_by_transaction: list[AddPartitionsToTxnResult] = (
            [] if results_by_transaction is EMPTY else results_by_transaction
        )
