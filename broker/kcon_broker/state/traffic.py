"""What went through one topic since the start? Counters that handlers add to: a few additions a request and partition.

They count as Apache Kafka's BrokerTopicMetrics do: a request once for each partition in it.
"""


class Traffic:
    """The counters of one topic. They only grow."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "failed_fetch_requests",
        "failed_produce_requests",
        "fetch_requests",
        "produce_requests",
        "records_in",
    )

    def __init__(self) -> None:
        self.bytes_in = 0
        """Of batches, as they were sent."""
        self.bytes_out = 0
        self.records_in = 0
        self.produce_requests = 0
        self.fetch_requests = 0
        self.failed_produce_requests = 0
        self.failed_fetch_requests = 0
