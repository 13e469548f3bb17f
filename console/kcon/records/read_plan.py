"""Which records are read? Absolute positions for each partition; the offsets mini-language is resolved by then."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from kcon.core.ids import GroupId, TopicName, TopicPartition

BUFFER_BYTES: Final = 16 * 1024 * 1024
PREFETCH_BYTES: Final = 32 * 1024 * 1024
BATCH_RECORDS_MAX: Final = 2_000
STALL_TIMEOUT_S: Final = 30.0


class Isolation(Enum):
    """Which records of transactions are seen. The values are Kafka's."""

    READ_COMMITTED = "read_committed"
    READ_UNCOMMITTED = "read_uncommitted"


class Order(Enum):
    """In which order records of several partitions come; within one partition it is always by offset."""

    ARRIVAL = "arrival"
    """As brokers answer: fastest."""
    TIME = "time"
    """Merged by timestamp. A partition that was read to its end does not hold the others back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRange:
    """The offsets [start_offset, end_offset) of one partition; end_offset None is "for ever"."""

    partition: TopicPartition
    start_offset: int
    end_offset: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing lies in it."""
        return self.end_offset is not None and self.end_offset <= self.start_offset


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """Everything a consumer needs to know. Either ranges, or a group with topics."""

    ranges: tuple[PartitionRange, ...] = ()
    group: GroupId | None = None
    """Join this group and commit what was handed out; needs a permit."""
    topics: tuple[TopicName, ...] = ()
    """What the group subscribes to; empty without a group."""
    group_reset: Literal["earliest", "latest", "error"] = "earliest"
    """Where a group starts in a partition that has no commit."""
    stop_at_end: bool = False
    """With a group: end when every assigned partition was read to its end."""
    limit: int | None = None
    isolation: Isolation = Isolation.READ_COMMITTED
    order: Order = Order.ARRIVAL
    buffer_bytes: int = BUFFER_BYTES
    """How much may wait between the consumer's thread and whoever reads; then the consumer stops fetching."""
    prefetch_bytes: int = PREFETCH_BYTES
    """What the client may read ahead, in all partitions together; `buffer_bytes` comes on top."""
    batch_records_max: int = BATCH_RECORDS_MAX
    """The most records handed over at once; with a group also how fine its commits are."""
    exact: bool = False
    """For records that are written again: one that cannot be read whole (a header name that is not UTF-8) ends the
    read with an error; otherwise it comes without its headers, and a notice says so."""
    stall_timeout_s: float = STALL_TIMEOUT_S
    """A bounded read that gets nothing for so long fails."""

    @property
    def is_bounded(self) -> bool:
        """It ends by itself."""
        if self.group is not None:
            return self.stop_at_end
        return all(part.end_offset is not None for part in self.ranges)

    @property
    def records_max(self) -> int | None:
        """Return the most records that can come, or None when nobody knows."""
        if self.group is not None or not self.is_bounded:
            return self.limit
        spans = sum(max(0, (part.end_offset or 0) - part.start_offset) for part in self.ranges)
        return spans if self.limit is None else min(spans, self.limit)
