"""What do the configs of this broker say now, where does each value come from, and what would apply without it?

From above to below: set for this broker, set for all brokers, given at the start, Kafka's default (KIP-226). Topics
and groups take their defaults from here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kcon_broker.state.configs.definitions import (
    ConfigDefinition,
    ConfigSource,
    ConfigType,
    Scope,
    broker_definitions,
    topic_definitions,
)
from kcon_broker.state.configs.values import canonical

ELR_CONFIG = "min.insync.replicas"
"""Where eligible leader replicas are tracked (KIP-966) it is set for all brokers, to its default."""

_SYNONYMS = (
    ("log.roll.ms", "log.roll.hours"),
    ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
)
_FLUSH = ("log.flush.interval.ms", "log.flush.scheduler.interval.ms")
_SYNONYMS_OF = {name: names for names in _SYNONYMS for name in names} | {_FLUSH[0]: _FLUSH}
_FACTOR_MS = {"hours": 3_600_000, "minutes": 60_000, "ms": 1}
_LISTENER = re.compile(r"listener\.name\.[^.]*\.(.*)")
_MECHANISM_CONFIGS = (
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
)
"""They stand behind a listener and a mechanism: listener.name.<listener>.<mechanism>.<config>."""


@dataclass(frozen=True, slots=True)
class Synonym:
    """One value of a config or of one that stands in for it."""

    name: str
    value: str | None
    """None: it is not to be shown."""
    source: ConfigSource


class BrokerConfigs:
    """All values of one broker's configs. What is set dynamically is changed by the owner of the state."""

    def __init__(self, static: Mapping[str, str]) -> None:
        self.static = dict(static)
        self.per_broker: Mapping[str, str] = {}
        """Set for this broker while it ran."""
        self.cluster_wide: Mapping[str, str] = {ELR_CONFIG: "1"}
        """Set for all brokers."""
        self._synonyms: dict[str, list[Synonym]] = {}
        """What `synonyms` found since the last change."""

    def change(
        self,
        *,
        static: Mapping[str, str] | None = None,
        cluster_wide: Mapping[str, str] | None = None,
        per_broker: Mapping[str, str] | None = None,
    ) -> None:
        """Replace the values of a level; None: they stay."""
        self.static = self.static if static is None else dict(static)
        self.cluster_wide = self.cluster_wide if cluster_wide is None else cluster_wide
        self.per_broker = self.per_broker if per_broker is None else per_broker
        self._synonyms.clear()

    def value(self, name: str) -> str | None:
        """Return the text that applies to a config; None: there is no value."""
        for values in (self.per_broker, self.cluster_wide, self.static):
            if name in values:
                return values[name]
        definition = broker_definitions().get(name)
        return None if definition is None else definition.default

    def synonyms(self, name: str) -> list[Synonym]:
        """Return the values that apply to a config in turn; the first counts (`ConfigHelper.configSynonyms`)."""
        found = self._synonyms.get(name)
        if found is None:
            found = self._synonyms[name] = self._find_synonyms(name)
        return found

    def _find_synonyms(self, name: str) -> list[Synonym]:
        names = synonym_names(name)
        is_shown = not is_sensitive(name)
        found = [
            Synonym(each, values[each] if is_shown else None, source)
            for values, source in (
                (self.per_broker, ConfigSource.DYNAMIC_BROKER),
                (self.cluster_wide, ConfigSource.DYNAMIC_DEFAULT_BROKER),
                (self.static, ConfigSource.STATIC_BROKER),
            )
            for each in names
            if each in values
        ]
        for each in names:
            definition = broker_definitions().get(each)
            if definition is not None and definition.default is not None and definition.scope is not Scope.UNLISTED:
                found.append(Synonym(each, definition.default if is_shown else None, ConfigSource.DEFAULT))
        while found and found[0].name != name:
            # An override of one listener says nothing of the config itself.
            del found[0]
        return found

    def topic_default(self, topic_config: ConfigDefinition) -> str | None:
        """Return what this broker says for a topic's config; None: nothing beyond Kafka's default."""
        name = topic_config.broker_name
        if name is None:
            return None
        for each in synonym_names(name):
            value = self.value(each)
            if value is None:
                continue
            unit = each.rsplit(".", 1)[-1] if each != name else ""
            return str(int(value) * _FACTOR_MS[unit]) if unit else canonical(topic_config, value)
        return None

    def topic_defaults(self) -> dict[str, str]:
        """Return what this broker says for the configs of topics, by their topic config names."""
        defaults = {name: self.topic_default(definition) for name, definition in topic_definitions().items()}
        return {name: value for name, value in defaults.items() if value is not None}

    def dynamic(self) -> dict[str, str]:
        """Return the valid values that were set while the broker ran."""
        return {**self.cluster_wide, **self.per_broker}

    def listed(self) -> list[str]:
        """Return the names that are told of this broker: all it knows, and what else was set for it."""
        known = [
            name
            for name, definition in broker_definitions().items()
            if definition.scope not in (Scope.INTERNAL, Scope.UNLISTED)
        ]
        return list(dict.fromkeys((*known, *self.cluster_wide, *self.per_broker)))


def listener_base_name(name: str) -> str | None:
    """Return the config that `listener.name.<listener>.<config>` sets for one listener; None: it is not one."""
    found = _LISTENER.fullmatch(name)
    return None if found is None else found[1]


def synonym_names(name: str) -> tuple[str, ...]:
    """Return the names that are asked for a config's value in turn (`DynamicBrokerConfig.brokerConfigSynonyms`)."""
    if name in _SYNONYMS_OF:
        return _SYNONYMS_OF[name]
    base = listener_base_name(name)
    if base is None:
        return (name,)
    mechanism_config = next((config for config in _MECHANISM_CONFIGS if base.endswith(config)), base)
    return name, mechanism_config


def config_type(name: str) -> ConfigType:
    """Return the type of a broker's config, UNKNOWN for a name that Kafka does not know."""
    definitions = broker_definitions()
    definition = definitions.get(name)
    if definition is not None:
        return definition.type
    below = definitions.get(synonym_names(name)[-1])
    return ConfigType.UNKNOWN if below is None or below.scope is Scope.UNLISTED else below.type


def is_sensitive(name: str) -> bool:
    """Tell whether a value is never shown: a password, or a config that nobody knows."""
    return config_type(name) in (ConfigType.PASSWORD, ConfigType.UNKNOWN)
