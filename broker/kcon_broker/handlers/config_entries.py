"""How is a config told: its value, where it comes from, and what would apply without it?"""

from collections.abc import Iterable, Mapping

from kcon_broker.state.broker import Broker
from kcon_broker.state.configs.broker_configs import Synonym, config_type, is_sensitive
from kcon_broker.state.configs.definitions import (
    ConfigDefinition,
    ConfigSource,
    Scope,
    broker_definitions,
    client_metrics_definitions,
    group_definitions,
    topic_definitions,
)
from kcon_broker.state.configs.values import canonical
from kcon_broker.wire.messages.describe_configs import DescribeConfigsResourceResult, DescribeConfigsSynonym

Entries = list[DescribeConfigsResourceResult]


def topic_value(broker: Broker, own: Mapping[str, str], definition: ConfigDefinition) -> tuple[str, ConfigSource]:
    """Return the value that applies to a topic with these own configs, and its source."""
    name = definition.name
    if name in own:
        return own[name], ConfigSource.TOPIC
    synonyms = _topic_synonyms(broker, definition)
    value = broker.config_defaults.get(name, definition.default)
    assert value is not None
    return value, synonyms[0].source if synonyms else ConfigSource.DEFAULT


def topic_entries(broker: Broker, own: Mapping[str, str]) -> Entries:
    """Describe every config of a topic with these own ones."""
    entries = []
    for name, definition in topic_definitions().items():
        value, source = topic_value(broker, own, definition)
        shown = canonical(definition, value)
        synonyms = [Synonym(name, shown, ConfigSource.TOPIC)] if name in own else []
        synonyms += _topic_synonyms(broker, definition)
        entries.append(_entry(definition, shown, source, synonyms))
    return entries


def _topic_synonyms(broker: Broker, definition: ConfigDefinition) -> list[Synonym]:
    return [] if definition.broker_name is None else broker.configs.synonyms(definition.broker_name)


def broker_entries(broker: Broker, names: Iterable[str]) -> Entries:
    """Describe these configs of this broker."""
    return [_broker_entry(name, broker.configs.value(name), broker.configs.synonyms(name)) for name in names]


def cluster_wide_entries(broker: Broker) -> Entries:
    """Describe what was set for all brokers, as it was written: no broker has read it."""
    source = ConfigSource.DYNAMIC_DEFAULT_BROKER
    entries = []
    for name, value in broker.configs.cluster_wide.items():
        synonyms = [one for one in broker.configs.synonyms(name) if one.source is source]
        entry = _broker_entry(name, value, synonyms)
        if entry.value is not None:
            entry.value = value
        entries.append(entry)
    return entries


def _broker_entry(name: str, value: str | None, synonyms: list[Synonym]) -> DescribeConfigsResourceResult:
    definition = broker_definitions().get(name)
    is_known = definition is not None and definition.scope is not Scope.UNLISTED
    is_dynamic = definition is not None and definition.scope not in (Scope.READ_ONLY, Scope.INTERNAL)
    if is_sensitive(name) or value is None:
        value = None
    elif definition is not None:
        value = canonical(definition, value)
    return DescribeConfigsResourceResult(
        name=name,
        value=value,
        read_only=not is_dynamic,
        config_source=synonyms[0].source if synonyms else ConfigSource.DEFAULT,
        is_sensitive=is_sensitive(name),
        synonyms=_told(synonyms),
        config_type=config_type(name),
        documentation=definition.documentation if definition is not None and is_known else None,
    )


def group_entries(broker: Broker, own: Mapping[str, str]) -> Entries:
    """Describe every config of a group with these own ones."""
    entries = []
    for name, definition in group_definitions().items():
        if definition.broker_name is None:
            assert definition.default is not None
            value = definition.default
            synonyms = [Synonym(name, value, ConfigSource.DEFAULT)]
        else:
            synonyms = broker.configs.synonyms(definition.broker_name)
            value = broker.configs.value(definition.broker_name) or ""
        if name in own:
            value = canonical(definition, own[name])
            synonyms = [Synonym(name, value, ConfigSource.GROUP), *synonyms]
        entries.append(_entry(definition, value, synonyms[0].source, synonyms))
    return entries


def client_metrics_entries(own: Mapping[str, str]) -> Entries:
    """Describe every config of a subscription with these own ones."""
    entries = []
    for name, definition in client_metrics_definitions().items():
        value = canonical(definition, own.get(name) or definition.default or "")
        synonyms = [Synonym(name, value, ConfigSource.CLIENT_METRICS)] if name in own else []
        source = ConfigSource.CLIENT_METRICS if name in own else ConfigSource.DEFAULT
        entries.append(_entry(definition, value, source, synonyms))
    return entries


def _entry(
    definition: ConfigDefinition, value: str, source: ConfigSource, synonyms: list[Synonym]
) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=definition.name,
        value=value,
        config_source=source,
        synonyms=_told(synonyms),
        config_type=definition.type,
        documentation=definition.documentation,
    )


def _told(synonyms: list[Synonym]) -> list[DescribeConfigsSynonym]:
    return [DescribeConfigsSynonym(name=one.name, value=one.value, source=one.source) for one in synonyms]
