"""Which of Apache Kafka's configs does this broker act on, and by which of its settings?

The same table serves both directions: what a setting says is told by DescribeConfigs as a static value, and a dynamic
change becomes a change of the setting. Configs of the log are not here: they are defaults of topics
(`configs/topic.tsv` names them).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kcon_broker.settings import BrokerSettings
from kcon_broker.state.configs.definitions import broker_definitions, topic_definitions
from kcon_broker.state.configs.values import canonical

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class ActingConfig:
    """A config, and the setting that holds its value."""

    name: str
    section: str
    """The field of BrokerSettings it is in; empty: BrokerSettings itself."""
    field: str
    unit: int = 1
    """How many of the setting's units make one of the config's."""


ACTING = (
    ActingConfig("auto.create.topics.enable", "", "auto_create_topics"),
    ActingConfig("num.partitions", "", "default_partitions"),
    ActingConfig("authorizer.class.name", "", "authorizer_class_name"),
    ActingConfig("group.min.session.timeout.ms", "groups", "min_session_timeout_ms"),
    ActingConfig("group.max.session.timeout.ms", "groups", "max_session_timeout_ms"),
    ActingConfig("group.initial.rebalance.delay.ms", "groups", "initial_rebalance_delay_ms"),
    ActingConfig("group.max.size", "groups", "max_members"),
    ActingConfig("group.consumer.session.timeout.ms", "groups", "consumer_session_timeout_ms"),
    ActingConfig("group.consumer.heartbeat.interval.ms", "groups", "consumer_heartbeat_interval_ms"),
    ActingConfig("group.consumer.assignment.interval.ms", "groups", "consumer_assignment_interval_ms"),
    ActingConfig("group.consumer.migration.policy", "groups", "consumer_migration_policy"),
    ActingConfig("group.consumer.max.size", "groups", "consumer_max_members"),
    ActingConfig("offset.metadata.max.bytes", "groups", "offset_metadata_bytes_max"),
    ActingConfig("offsets.retention.minutes", "groups", "offsets_retention_ms", _MINUTE_MS),
    ActingConfig("offsets.retention.check.interval.ms", "groups", "offsets_retention_check_interval_ms"),
    ActingConfig("offsets.topic.num.partitions", "groups", "offsets_partitions"),
    ActingConfig("offsets.topic.segment.bytes", "storage", "offsets_segment_bytes_max"),
    ActingConfig("transaction.state.log.num.partitions", "transactions", "state_partitions"),
    ActingConfig("transaction.max.timeout.ms", "transactions", "timeout_max_ms"),
    ActingConfig("transactional.id.expiration.ms", "transactions", "id_expiration_ms"),
    ActingConfig(
        "transaction.remove.expired.transaction.cleanup.interval.ms", "transactions", "id_expiration_check_interval_ms"
    ),
    ActingConfig("socket.request.max.bytes", "network", "request_bytes_max"),
    ActingConfig("connections.max.idle.ms", "network", "idle_timeout_ms"),
    ActingConfig("max.connections", "network", "connections_max"),
    ActingConfig("max.connections.per.ip", "network", "connections_per_address_max"),
    ActingConfig("max.connection.creation.rate", "network", "connections_per_second_max"),
    ActingConfig("fetch.max.bytes", "network", "fetch_response_bytes_max"),
    ActingConfig("max.incremental.fetch.session.cache.slots", "network", "fetch_sessions_max"),
    ActingConfig("producer.id.expiration.ms", "storage", "producer_id_expiration_ms"),
    ActingConfig("log.retention.check.interval.ms", "storage", "retention_check_interval_ms"),
    ActingConfig("log.cleaner.backoff.ms", "storage", "cleaner_interval_ms"),
    ActingConfig("log.cleaner.dedupe.buffer.size", "storage", "cleaner_keys_bytes_max"),
    ActingConfig("log.flush.offset.checkpoint.interval.ms", "storage", "checkpoint_interval_ms"),
)

ACTING_TOPIC_CONFIGS = (
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "index.interval.bytes",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.ms",
)
"""What `topic_configs.effective_config` reads."""
ACTING_GROUP_CONFIGS = (
    "consumer.assignment.interval.ms",
    "consumer.heartbeat.interval.ms",
    "consumer.session.timeout.ms",
)
"""What `groups.group_configs` reads."""


def static_configs(settings: BrokerSettings, *, listening: tuple[str, int]) -> dict[str, str]:
    """Return the configs that this broker was started with, by Kafka's names; what Kafka has as default is left out.

    A single node that holds one copy of everything is both broker and controller.
    """
    host, port = listening
    advertised = f"{settings.advertised_host or host}:{settings.advertised_port or port}"
    configs = {
        "process.roles": "broker,controller",
        "node.id": str(settings.node_id),
        "broker.id": str(settings.node_id),
        "listeners": f"PLAINTEXT://{host}:{port}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"{settings.node_id}@{advertised}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(settings.data_dir.absolute()),
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
    }
    if settings.rack is not None:
        configs["broker.rack"] = settings.rack
    definitions = broker_definitions()
    for acting in ACTING:
        text = _text(_value(settings, acting), acting.unit)
        if text != definitions[acting.name].default:
            configs[acting.name] = text
    for name, text in settings.topic_config_defaults:
        broker_name = topic_definitions()[name].broker_name
        if broker_name is not None:
            configs[broker_name] = canonical(topic_definitions()[name], text)
    return configs


def with_dynamic(settings: BrokerSettings, changed: Mapping[str, str]) -> BrokerSettings:
    """Return the settings after dynamic changes of configs, valid ones; the others stay as they are."""
    sections: dict[str, dict[str, Any]] = {}
    for acting in ACTING:
        if acting.name in changed:
            value = int(changed[acting.name]) * acting.unit
            sections.setdefault(acting.section, {})[acting.field] = value
    whole = sections.pop("", {})
    for section, fields in sections.items():
        whole[section] = replace(getattr(settings, section), **fields)
    return replace(settings, **whole)


def _value(settings: BrokerSettings, acting: ActingConfig) -> int | str | bool:
    holder = getattr(settings, acting.section) if acting.section else settings
    value: int | str | bool = getattr(holder, acting.field)
    return value


def _text(value: int | str | bool, unit: int) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value // unit) if isinstance(value, int) else value
