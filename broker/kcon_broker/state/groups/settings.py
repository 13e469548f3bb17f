"""Which settings govern classic groups and committed offsets?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """Limits and timings of the group coordinator; where a default is not Kafka's, the field says so."""

    partition_count: int = 50
    """offsets.topic.num.partitions; fixed once the topic exists."""
    min_session_timeout_ms: int = 6_000
    """group.min.session.timeout.ms."""
    max_session_timeout_ms: int = 1_800_000
    """group.max.session.timeout.ms."""
    initial_rebalance_delay_ms: int = 0
    """group.initial.rebalance.delay.ms. Kafka's default is 3 s, the server.properties it ships says 0."""
    max_members: int = 10_000
    """group.max.size, members and members-to-be of one group; Kafka sets no bound."""
    max_groups: int = 100_000
    """Groups of the broker; a request that would make one more is refused. Kafka sets no bound."""
    offset_metadata_bytes_max: int = 4_096
    """offset.metadata.max.bytes; like Kafka it is compared with the number of UTF-16 code units."""
    offsets_retention_ms: int = 7 * 24 * 3_600_000
    """offsets.retention.minutes."""
    offsets_retention_check_interval_ms: int = 600_000
    """offsets.retention.check.interval.ms."""
