"""Which partitions are not well? Sorted by what is wrong with them, from one picture of the cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kcon.core.ids import TopicPartition
from kcon.core.snapshot import NO_BROKER, PartitionInfo, TopicInfo


@dataclass(frozen=True, slots=True)
class PartitionHealth:
    """Partitions by what is wrong with them; one may be in several lists."""

    total: int = 0
    offline: list[TopicPartition] = field(default_factory=list)
    """Without a leader: neither written nor read."""
    under_min_isr: list[TopicPartition] = field(default_factory=list)
    """They have a leader, and refuse writes with acks=all."""
    under_replicated: list[TopicPartition] = field(default_factory=list)
    uncertain: list[TopicPartition] = field(default_factory=list)
    """Replicas are missing, and the topic's min.insync.replicas could not be read."""
    suspects: dict[int, int] = field(default_factory=dict)
    """By broker: of how many partitions its replica is not in sync."""


def partition_health(topics: Iterable[TopicInfo], minimums: Mapping[str, int | None]) -> PartitionHealth:
    """Sort partitions. minimums: `min.insync.replicas` by topic, None: unknown; no entry: nothing can be missing."""
    total = 0
    health = PartitionHealth()
    for topic in topics:
        minimum = minimums.get(topic.name.raw, 1)
        total += len(topic.partitions)
        for part in topic.partitions:
            if part.leader_id != NO_BROKER and not part.is_under_replicated:
                continue
            _sort_in(health, TopicPartition(topic.name, part.partition), part, minimum)
    return PartitionHealth(
        total, health.offline, health.under_min_isr, health.under_replicated, health.uncertain, health.suspects
    )


def _sort_in(health: PartitionHealth, where: TopicPartition, part: PartitionInfo, minimum: int | None) -> None:
    if part.leader_id == NO_BROKER:
        health.offline.append(where)
        missing = set(part.replicas)  # The last one in sync is still named in the ISR, though it is not there.
    else:
        missing = set(part.replicas) - set(part.isr)
        if minimum is None:
            health.uncertain.append(where)
        elif len(part.isr) < effective_min_isr(minimum, part):
            health.under_min_isr.append(where)
    if part.is_under_replicated:
        health.under_replicated.append(where)
    for broker_id in missing:
        health.suspects[broker_id] = health.suspects.get(broker_id, 0) + 1


def effective_min_isr(minimum: int, part: PartitionInfo) -> int:
    """Return how many replicas must be in sync: never more than there are (KIP-966, Partition.effectiveMinIsr)."""
    return min(minimum, len(part.replicas))
