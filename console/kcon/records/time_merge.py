"""Which record comes next when several partitions are shown as one? The one with the smallest timestamp.

Pure: the consumer pushes what it fetched and pops what is settled. A record is settled when every partition that
may still deliver an older one has a record waiting, was read to its end, or is done.
"""

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from kcon.core.ids import TopicPartition
from kcon.records.record import RECORD_OVERHEAD_BYTES, Record


class TimeMerge:
    """Merges partitions by (timestamp, topic, partition); offsets of one partition never change places."""

    def __init__(self, partitions: Iterable[TopicPartition], *, bytes_max: int) -> None:
        self._waiting: dict[TopicPartition, deque[Record]] = {part: deque() for part in partitions}
        self._silent = set(self._waiting)
        """Partitions that have nothing waiting and may still deliver something older."""
        self._released: set[TopicPartition] = set()
        self._heads: list[tuple[int, str, int, TopicPartition]] = []
        self._size_bytes = dict.fromkeys(self._waiting, 0)
        self._share_bytes = max(1, bytes_max // max(1, len(self._waiting)))

    def push(self, record: Record) -> None:
        """Add a fetched record."""
        part = record.topic_partition
        queue = self._waiting[part]
        queue.append(record)
        self._size_bytes[part] += _cost_bytes(record)
        if len(queue) == 1:
            self._silent.discard(part)
            self._add_head(part)

    def release(self, part: TopicPartition) -> None:
        """Stop waiting for a partition: it was read to its end, or is done. It may still push."""
        self._silent.discard(part)
        self._released.add(part)

    def pop_settled(self) -> list[Record]:
        """Remove and return every record that nothing older can precede."""
        settled = []
        while self._heads and not self._silent:
            part = heappop(self._heads)[3]
            queue = self._waiting[part]
            record = queue.popleft()
            self._size_bytes[part] -= _cost_bytes(record)
            settled.append(record)
            if queue:
                self._add_head(part)
            elif part not in self._released:
                self._silent.add(part)
        return settled

    def is_full(self, part: TopicPartition) -> bool:
        """Tell whether a partition has more waiting than its share, so that its fetching should pause."""
        return self._size_bytes[part] > self._share_bytes

    def _add_head(self, part: TopicPartition) -> None:
        # Two heads never tie on the first three, so partitions themselves are not compared.
        heappush(self._heads, (self._waiting[part][0].timestamp_ms, part.topic.raw, part.partition, part))


def _cost_bytes(record: Record) -> int:
    return record.size_bytes + RECORD_OVERHEAD_BYTES
