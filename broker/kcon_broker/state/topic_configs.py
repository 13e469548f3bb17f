"""May a topic have these configs, and what do they and the broker's defaults say for it?

Which configs there are stands in `configs/topic.tsv` (`TopicConfig` and `LogConfig` of Apache Kafka 4.3). CreateTopics
and both requests that alter configs ask here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kcon_broker.state.configs.definitions import topic_definitions
from kcon_broker.state.configs.values import InvalidConfigError, check_value

_TIERED = "remote.storage.enable"


def check_config(name: str, text: str | None) -> None:
    """Raise InvalidConfigError when a topic cannot have this config or this value."""
    definition = topic_definitions().get(name)
    if definition is None:
        raise InvalidConfigError(f"Unknown topic config name: {name}")
    if text is None:
        raise InvalidConfigError(f"Null value not supported for topic configs: {name}")
    if check_value(definition, text) == "true" and name == _TIERED:
        raise InvalidConfigError("Tiered Storage functionality is disabled in the broker")


def check_configs(configs: Mapping[str, str | None], broker_defaults: Mapping[str, str] | None = None) -> None:
    """Raise InvalidConfigError when a topic cannot have these configs above these defaults."""
    for name, text in configs.items():
        check_config(name, text)
    low, high = (
        int(configs.get(name) or (broker_defaults or {}).get(name) or _default(name))
        for name in ("min.compaction.lag.ms", "max.compaction.lag.ms")
    )
    if low > high:
        raise InvalidConfigError(
            f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
        )


def _default(name: str) -> str:
    """Return Kafka's own default of a config that has one."""
    default = topic_definitions()[name].default
    assert default is not None
    return default


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicConfig:
    """What a topic's configs, and the broker's defaults below them, say: the ones the broker acts on, parsed."""

    cleanup_policy: frozenset[str]
    max_message_bytes: int
    timestamp_is_append_time: bool
    timestamp_before_max_ms: int
    timestamp_after_max_ms: int
    segment_bytes: int
    segment_ms: int
    index_interval_bytes: int
    index_bytes_max: int
    retention_bytes: int
    retention_ms: int
    file_delete_delay_ms: int
    compression_type: str
    min_cleanable_dirty_ratio: float
    min_compaction_lag_ms: int
    max_compaction_lag_ms: int
    delete_retention_ms: int

    @property
    def is_compacted(self) -> bool:
        """Keys are required, and the newest record of each is kept."""
        return "compact" in self.cleanup_policy

    @property
    def is_deleted_by_age_or_size(self) -> bool:
        """Retention applies."""
        return "delete" in self.cleanup_policy


def effective_config(own: Mapping[str, str], broker_defaults: Mapping[str, str]) -> TopicConfig:
    """Return what a topic with these own configs goes by; the values are valid (`check_configs`)."""

    def text(name: str) -> str:
        return own.get(name) or broker_defaults.get(name) or _default(name)

    def number(name: str) -> int:
        return int(text(name))

    cleanup_policy = frozenset(entry.strip() for entry in text("cleanup.policy").split(","))
    segment_ms = number("segment.ms")
    if "compact" in cleanup_policy:
        # Only sealed segments are compacted (Kafka: LogConfig.maxSegmentMs).
        segment_ms = min(segment_ms, number("max.compaction.lag.ms"))
    return TopicConfig(
        cleanup_policy=cleanup_policy,
        max_message_bytes=number("max.message.bytes"),
        timestamp_is_append_time=text("message.timestamp.type") == "LogAppendTime",
        timestamp_before_max_ms=number("message.timestamp.before.max.ms"),
        timestamp_after_max_ms=number("message.timestamp.after.max.ms"),
        segment_bytes=number("segment.bytes"),
        segment_ms=segment_ms,
        index_interval_bytes=number("index.interval.bytes"),
        index_bytes_max=number("segment.index.bytes"),
        retention_bytes=number("retention.bytes"),
        retention_ms=number("retention.ms"),
        file_delete_delay_ms=number("file.delete.delay.ms"),
        compression_type=text("compression.type"),
        min_cleanable_dirty_ratio=float(text("min.cleanable.dirty.ratio")),
        min_compaction_lag_ms=number("min.compaction.lag.ms"),
        max_compaction_lag_ms=number("max.compaction.lag.ms"),
        delete_retention_ms=number("delete.retention.ms"),
    )
