"""What is known of one partition while the broker runs?

A partition is a gate: its high watermark is the offset up to which records are durable (or written, with a laxer
flush mode), and the offset that consumers may read to. Its log is opened at the first touch.
"""

from typing import TYPE_CHECKING

from kcon_broker.state.gate import Gate
from kcon_broker.state.producers import ProducerTable

if TYPE_CHECKING:
    from kcon_broker.state.topic import Topic
    from kcon_broker.storage.log import Log


class Partition(Gate):
    """One partition of one topic."""

    __slots__ = ("fenced", "index", "log", "producers", "syncing_to", "topic", "unsynced")

    def __init__(self, topic: "Topic", index: int) -> None:
        super().__init__()
        self.topic = topic
        self.index = index
        self.log: Log | None = None
        self.producers = ProducerTable()
        self.fenced = False
        """A write or a sync failed: nothing more is accepted until the broker has loaded the log again."""
        self.syncing_to = 0
        """The offset that the running sync will make durable."""
        self.unsynced = False
        """Listed among the broker's unsynced partitions."""

    def __repr__(self) -> str:
        return f"Partition({self.topic.name}-{self.index})"

    @property
    def folder(self) -> str:
        """The name of the partition's folder, as Kafka names it."""
        return f"{self.topic.name}-{self.index}"

    @property
    def is_removed(self) -> bool:
        """Its topic was deleted."""
        return self.topic.is_deleted
