"""What does the broker know? The root of all state.

One thread owns it, the event loop's. Nothing here waits, and nothing here knows the time: it is handed in.
"""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from kcon_broker.settings import BrokerSettings
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import OFFSETS_TOPIC, TopicTable

if TYPE_CHECKING:
    from kcon_broker.state.groups.coordinator import GroupCoordinator


class Broker:
    """Settings, topics, groups, producers: everything a handler may read and change."""

    def __init__(
        self, settings: BrokerSettings, *, cluster_id: str, groups: "GroupCoordinator", wake: Callable[[Hashable], None]
    ) -> None:
        self.settings = settings
        self.cluster_id = cluster_id
        self.node_id = settings.node_id
        self.topics = TopicTable()
        self.groups = groups
        self.wake = wake
        """Ask every parked request again that waits for this key: a Partition, or ("group", group_id)."""

    def offsets_partition_of(self, group_id: str) -> int:
        """Return the partition of `__consumer_offsets` that keeps this group (Kafka: abs of Java's string hash)."""
        topic = self.topics.by_name.get(OFFSETS_TOPIC)
        count = self.settings.groups.offsets_partitions if topic is None else topic.partition_count
        return java_string_hash(group_id) % count

    def coordinator_position(self, group_id: str) -> tuple[Gate, int] | None:
        """Return the position that must be durable before anything about this group may be told; None: nothing is."""
        topic = self.topics.by_name.get(OFFSETS_TOPIC)
        partition = None if topic is None else topic.partition(self.offsets_partition_of(group_id))
        if partition is None or partition.log is None:
            return None
        return partition, partition.log.log_end_offset


def java_string_hash(text: str) -> int:
    """Return `Utils.abs(text.hashCode())` as Java computes it, over UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for index in range(0, len(units), 2):
        value = (value * 31 + (units[index] << 8 | units[index + 1])) & 0xFFFFFFFF
    if value >= 0x80000000:
        value = 0x100000000 - value
    return 0 if value == 0x80000000 else value
