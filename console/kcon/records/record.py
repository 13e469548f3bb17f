"""What is one record, read or about to be written? Plain values; the payloads are the exact bytes."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from kcon.core.ids import TopicName, TopicPartition
from kcon.core.wire_text import WireText

NO_TIMESTAMP_MS = -1
"""What a record of the oldest message formats has for a time."""

RECORD_OVERHEAD_BYTES = 200
"""What one record costs in memory beside its payload; queues are bounded by this plus the payload."""


class TimestampType(IntEnum):
    """Who set a record's timestamp. The numbers are librdkafka's."""

    NOT_AVAILABLE = 0
    CREATE_TIME = 1
    LOG_APPEND_TIME = 2


Headers = tuple[tuple[WireText, bytes | None], ...]


class Record(NamedTuple):
    """One record as it was read. A named tuple and not a data class: hundreds of thousands are made a second.

    key and value tell null (None) from empty (b"").
    """

    topic: TopicName
    partition: int
    offset: int
    timestamp_ms: int
    timestamp_type: TimestampType
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def size_bytes(self) -> int:
        """Return the bytes of key, value and headers."""
        size_bytes = len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size_bytes += len(name.raw) + len(value or b"")
        return size_bytes

    @property
    def topic_partition(self) -> TopicPartition:
        """Return where it lies."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """One record to write."""

    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    timestamp_ms: int | None = None
    """None: the time of sending."""
    partition: int | None = None
    """None: chosen from the key's murmur2 hash as Java clients do, or at random without a key."""
