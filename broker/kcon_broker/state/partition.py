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

    __slots__ = ("index", "is_fenced", "log", "producers", "topic", "written")

    def __init__(self, topic: "Topic", index: int) -> None:
        super().__init__()
        self.topic = topic
        self.index = index
        self.log: Log | None = None
        self.written = Gate()
        """Its mark is the offset up to which records are written, synced or not: what acks=1 waits for."""
        self.producers = ProducerTable()
        self.is_fenced = False
        """A sync failed: nobody can tell what is on the disk, so nothing is served until a new start."""

    def __repr__(self) -> str:
        return f"Partition({self.folder})"

    @property
    def last_stable_offset(self) -> int:
        """Return up to where a reader of committed records may read."""
        return self.producers.transactions.last_stable_offset(self.high_watermark)

    @property
    def folder(self) -> str:
        """The name of the partition's folder, as Kafka names it."""
        return f"{self.topic.name}-{self.index}"
