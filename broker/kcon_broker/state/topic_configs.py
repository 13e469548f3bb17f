"""Which configs does a topic have, what may their values be, and what do they say for one topic?

The table lists what Apache Kafka 4.3 knows for topics (`TopicConfig`, `LogConfig`): name, type, default, the broker
config a default comes from, and what a value must satisfy. CreateTopics, AlterConfigs and DescribeConfigs all read it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

LONG_MAX = (1 << 63) - 1
INT_MAX = (1 << 31) - 1


class ConfigType(IntEnum):
    """Types as DescribeConfigs v3 numbers them (`ConfigDef.Type` on the wire)."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    LONG = 5
    DOUBLE = 6
    LIST = 7


class ConfigSource(IntEnum):
    """Where a value comes from, as DescribeConfigs numbers it."""

    DYNAMIC_TOPIC = 1
    STATIC_BROKER = 4
    DEFAULT = 5


class InvalidConfigError(Exception):
    """A config has an unknown name or an impossible value; the message is for the client."""


Check = Callable[[str, int | float | str | list[str]], str | None]
"""Say what a parsed value must be, None when it is."""


def _between(low: float, high: float) -> Check:
    def check(name: str, value: int | float | str | list[str]) -> str | None:
        assert isinstance(value, int | float)
        if value < low:
            return f"Value must be at least {low}"
        return f"Value must be no more than {high}" if value > high else None

    return check


def _at_least(low: int) -> Check:
    return _between(low, LONG_MAX)


def _one_of(*allowed: str) -> Check:
    def check(name: str, value: int | float | str | list[str]) -> str | None:
        return None if value in allowed else f"String must be one of: {', '.join(allowed)}"

    return check


def _list_of(*allowed: str) -> Check:
    def check(name: str, value: int | float | str | list[str]) -> str | None:
        assert isinstance(value, list)
        if any(entry not in allowed for entry in value):
            return f"String must be one of: {', '.join(allowed)}"
        return "Entries must not repeat" if len(set(value)) != len(value) else None

    return check


def _gzip_level(name: str, value: int | float | str | list[str]) -> str | None:
    assert isinstance(value, int)
    return None if value == -1 or 1 <= value <= 9 else "Value must be between 1 and 9 or equal to -1"


def _throttled_replicas(name: str, value: int | float | str | list[str]) -> str | None:
    assert isinstance(value, list)
    if value in ([], ["*"]):
        return None
    for entry in value:
        partition, separator, broker = entry.partition(":")
        if not (separator and partition.isdigit() and broker.isdigit()):
            return "must be the literal '*' or a list of replicas in the form [partitionId]:[brokerId],..."
    return None


def _only_false(name: str, value: int | float | str | list[str]) -> str | None:
    return None if value == "false" else "Tiered Storage functionality is disabled in the broker"


@dataclass(frozen=True, slots=True)
class TopicConfigDef:
    """One config a topic may have."""

    name: str
    type: ConfigType
    default: str
    broker_name: str | None
    """The broker config that its default comes from, as DescribeConfigs lists it; None: it lists none."""
    check: Check | None
    documentation: str


_T = ConfigType
_LONG = str(LONG_MAX)
_DAY_MS = 86_400_000

DEFINITIONS: dict[str, TopicConfigDef] = {
    name: TopicConfigDef(name, kind, default, broker_name, check, documentation)
    for name, kind, default, broker_name, check, documentation in (
        ("cleanup.policy", _T.LIST, "delete", "log.cleanup.policy", _list_of("compact", "delete"),
         "What happens to old segments: delete them, compact them by key, or both."),
        ("compression.gzip.level", _T.INT, "-1", "compression.gzip.level", _gzip_level,
         "The level used when compression.type is gzip."),
        ("compression.lz4.level", _T.INT, "9", "compression.lz4.level", _between(1, 17),
         "The level used when compression.type is lz4."),
        ("compression.type", _T.STRING, "producer", "compression.type",
         _one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
         "The codec of stored batches; producer keeps what was sent."),
        ("compression.zstd.level", _T.INT, "3", "compression.zstd.level", _between(-131_072, 22),
         "The level used when compression.type is zstd."),
        ("delete.retention.ms", _T.LONG, str(_DAY_MS), "log.cleaner.delete.retention.ms", _at_least(0),
         "How long tombstones of a compacted topic stay readable."),
        ("file.delete.delay.ms", _T.LONG, "60000", "log.segment.delete.delay.ms", _at_least(0),
         "How long a deleted segment's files stay on disk."),
        ("flush.messages", _T.LONG, _LONG, "log.flush.interval.messages", _at_least(1),
         "After how many records the log is synced."),
        ("flush.ms", _T.LONG, _LONG, None, _at_least(0), "After what time the log is synced."),
        ("follower.replication.throttled.replicas", _T.LIST, "", None, _throttled_replicas,
         "Follower replicas whose replication is throttled."),
        ("index.interval.bytes", _T.INT, "4096", "log.index.interval.bytes", _between(0, INT_MAX),
         "How many bytes of batches lie between two index entries."),
        ("leader.replication.throttled.replicas", _T.LIST, "", None, _throttled_replicas,
         "Leader replicas whose replication is throttled."),
        ("local.retention.bytes", _T.LONG, "-2", "log.local.retention.bytes", _at_least(-2),
         "The local size limit of a tiered partition; -2 means retention.bytes."),
        ("local.retention.ms", _T.LONG, "-2", "log.local.retention.ms", _at_least(-2),
         "The local time limit of a tiered partition; -2 means retention.ms."),
        ("max.compaction.lag.ms", _T.LONG, _LONG, "log.cleaner.max.compaction.lag.ms", _at_least(1),
         "The longest time a record stays uncompacted."),
        ("max.message.bytes", _T.INT, "1048588", "message.max.bytes", _between(0, INT_MAX),
         "The largest batch that is accepted."),
        ("message.timestamp.after.max.ms", _T.LONG, "3600000", "log.message.timestamp.after.max.ms", _at_least(0),
         "How far a record's timestamp may lie ahead of the broker's clock."),
        ("message.timestamp.before.max.ms", _T.LONG, _LONG, "log.message.timestamp.before.max.ms", _at_least(0),
         "How far a record's timestamp may lie behind the broker's clock."),
        ("message.timestamp.type", _T.STRING, "CreateTime", "log.message.timestamp.type",
         _one_of("CreateTime", "LogAppendTime"), "Whose time a record carries: the producer's or the broker's."),
        ("min.cleanable.dirty.ratio", _T.DOUBLE, "0.5", "log.cleaner.min.cleanable.ratio", _between(0, 1),
         "The share of uncompacted bytes at which compaction begins."),
        ("min.compaction.lag.ms", _T.LONG, "0", "log.cleaner.min.compaction.lag.ms", _at_least(0),
         "The shortest time a record stays uncompacted."),
        ("min.insync.replicas", _T.INT, "1", "min.insync.replicas", _between(1, INT_MAX),
         "How many replicas must have a record of an acks=all request."),
        ("preallocate", _T.BOOLEAN, "false", "log.preallocate", None,
         "Whether a segment's file gets its size at once."),
        ("remote.log.copy.disable", _T.BOOLEAN, "false", None, None, "Whether a tiered topic stops copying segments."),
        ("remote.log.delete.on.disable", _T.BOOLEAN, "false", None, None,
         "Whether tiered data goes when tiering is switched off."),
        ("remote.storage.enable", _T.BOOLEAN, "false", None, _only_false, "Whether the topic is tiered."),
        ("retention.bytes", _T.LONG, "-1", "log.retention.bytes", None,
         "The size a partition may have before its oldest segments go; -1 is no limit."),
        ("retention.ms", _T.LONG, str(7 * _DAY_MS), None, _at_least(-1),
         "How long records stay before their segment goes; -1 is for ever."),
        ("segment.bytes", _T.INT, "1073741824", "log.segment.bytes", _between(1_048_576, INT_MAX),
         "The size at which a new segment begins."),
        ("segment.index.bytes", _T.INT, "10485760", "log.index.size.max.bytes", _between(4, INT_MAX),
         "The largest size of a segment's index."),
        ("segment.jitter.ms", _T.LONG, "0", None, _at_least(0), "By how much segment.ms varies at random."),
        ("segment.ms", _T.LONG, str(7 * _DAY_MS), None, _at_least(1), "The age at which a new segment begins."),
        ("unclean.leader.election.enable", _T.BOOLEAN, "false", "unclean.leader.election.enable", None,
         "Whether a replica that is not in sync may become the leader."),
    )
}  # fmt: skip


def _parse(definition: TopicConfigDef, text: str) -> int | float | str | list[str]:
    """Return the value that a text means; raises ValueError."""
    text = text.strip()
    match definition.type:
        case ConfigType.BOOLEAN:
            if text.lower() not in ("true", "false"):
                raise ValueError("Expected value to be either true or false")
            return text.lower()
        case ConfigType.INT | ConfigType.LONG:
            number = int(text)
            high = INT_MAX if definition.type is ConfigType.INT else LONG_MAX
            if not -high - 1 <= number <= high:
                raise ValueError(f"Not a number of type {definition.type.name}")
            return number
        case ConfigType.DOUBLE:
            return float(text)
        case ConfigType.LIST:
            return [entry.strip() for entry in text.split(",")] if text else []
        case ConfigType.STRING:
            return text


def check_config(name: str, text: str | None) -> None:
    """Raise InvalidConfigError when a topic cannot have this config or this value."""
    definition = DEFINITIONS.get(name)
    if definition is None:
        raise InvalidConfigError(f"Unknown topic config name: {name}")
    if text is None:
        raise InvalidConfigError(f"Null value not supported for topic configs: {name}")
    try:
        value = _parse(definition, text)
    except ValueError as error:
        kind = definition.type.name
        reason = str(error) if "Expected" in str(error) else f"Not a number of type {kind}"
        raise InvalidConfigError(f"Invalid value {text} for configuration {name}: {reason}") from error
    if definition.check is not None and (problem := definition.check(name, value)) is not None:
        raise InvalidConfigError(f"Invalid value {_shown(value, text)} for configuration {name}: {problem}")


def _shown(value: int | float | str | list[str], text: str) -> str:
    """Return a value as Java prints it once parsed."""
    return str(value) if isinstance(value, float) else text


def check_configs(configs: Mapping[str, str | None]) -> None:
    """Raise InvalidConfigError when a topic cannot have these configs."""
    for name, text in configs.items():
        check_config(name, text)
    low, high = (
        int(configs.get(name) or DEFINITIONS[name].default)
        for name in ("min.compaction.lag.ms", "max.compaction.lag.ms")
    )
    if low > high:
        raise InvalidConfigError(
            f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
        )


def is_list_config(name: str) -> bool:
    """Tell whether IncrementalAlterConfigs may append to and subtract from it."""
    definition = DEFINITIONS.get(name)
    return definition is not None and definition.type is ConfigType.LIST


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
        return own.get(name) or broker_defaults.get(name) or DEFINITIONS[name].default

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


def names(wanted: Iterable[str] | None) -> list[str]:
    """Return the known names among the wanted ones; none at all wants all."""
    return [name for name in wanted if name in DEFINITIONS] if wanted else list(DEFINITIONS)
