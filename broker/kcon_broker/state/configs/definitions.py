"""Which configs does Apache Kafka 4.3 know, of what type, with what default, and who may change them?

The facts are data, a table for each kind of resource beside this module (`broker.tsv`, `topic.tsv`, `group.tsv`,
`client_metrics.tsv`). `tests/tools/generate_config_tables.py` writes them from Kafka's own definitions; the sentences
are ours. A table is read when it is first needed.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache
from pathlib import Path

_NULL = "null"


class ConfigType(IntEnum):
    """Types as DescribeConfigs v3 numbers them (`DescribeConfigsResponse.ConfigType`)."""

    UNKNOWN = 0
    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class ConfigSource(IntEnum):
    """Where a value comes from, as DescribeConfigs numbers it (`DescribeConfigsResponse.ConfigSource`)."""

    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    BROKER_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


class ResourceType(IntEnum):
    """What has configs (`ConfigResource.Type`)."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class Scope(StrEnum):
    """How a config of brokers may change while they run (KIP-226)."""

    READ_ONLY = "read-only"
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"
    """For all brokers at once, and for single ones."""
    INTERNAL = "internal"
    """Read-only, and not told."""
    UNLISTED = "unlisted"
    """Can be set, and is no config of Kafka's own list (quotas of replication)."""


@dataclass(frozen=True, slots=True)
class ConfigDefinition:
    """One config."""

    name: str
    type: ConfigType
    default: str | None
    valid: str
    """What a value must satisfy, as Kafka's documentation says it; empty: nothing beyond the type."""
    importance: str
    place: str
    """Of a broker's config its scope, else the broker's config below it, or nothing."""
    documentation: str

    @property
    def scope(self) -> Scope:
        """Return how a broker's config may change."""
        return Scope(self.place)

    @property
    def broker_name(self) -> str | None:
        """Return the broker's config that the default of this one comes from."""
        return self.place or None

    @property
    def is_list(self) -> bool:
        """IncrementalAlterConfigs may append to it and subtract from it."""
        return self.type is ConfigType.LIST


def broker_definitions() -> dict[str, ConfigDefinition]:
    """Return the configs of brokers by name."""
    return _table("broker")


def topic_definitions() -> dict[str, ConfigDefinition]:
    """Return the configs of topics by name."""
    return _table("topic")


def group_definitions() -> dict[str, ConfigDefinition]:
    """Return the configs of groups by name."""
    return _table("group")


def client_metrics_definitions() -> dict[str, ConfigDefinition]:
    """Return the configs of subscriptions to clients' metrics by name."""
    return _table("client_metrics")


@cache
def _table(kind: str) -> dict[str, ConfigDefinition]:
    definitions = {}
    for line in Path(__file__).with_name(f"{kind}.tsv").read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        name, type_name, default, valid, importance, place, documentation = line.split("\t")
        definitions[name] = ConfigDefinition(
            name,
            ConfigType[type_name],
            None if default == _NULL else default,
            valid,
            importance,
            place,
            documentation,
        )
    return definitions
