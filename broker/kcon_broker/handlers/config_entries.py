"""How is a topic's config told: its value, where it comes from, and what would apply without it?"""

from kcon_broker.state.broker import Broker
from kcon_broker.state.topic_configs import DEFINITIONS, ConfigSource, ConfigType
from kcon_broker.wire.messages.describe_configs import DescribeConfigsResourceResult, DescribeConfigsSynonym

_ELR_CONFIG = "min.insync.replicas"
"""Where eligible leader replicas are tracked (KIP-966) it is set for all brokers, to its default."""
_DYNAMIC_DEFAULT_BROKER = 3


def source_of(broker: Broker, own: dict[str, str], name: str) -> tuple[str, int]:
    """Return the value that applies to a topic with these own configs, and its source."""
    if name in own:
        return own[name], ConfigSource.DYNAMIC_TOPIC
    if name == _ELR_CONFIG:
        return DEFINITIONS[name].default, _DYNAMIC_DEFAULT_BROKER
    if name in broker.config_defaults:
        return broker.config_defaults[name], ConfigSource.STATIC_BROKER
    return DEFINITIONS[name].default, ConfigSource.DEFAULT


def canonical(name: str, text: str) -> str:
    """Return a valid value as Apache Kafka tells it: parsed, and printed again."""
    text = text.strip()
    match DEFINITIONS[name].type:
        case ConfigType.LIST:
            return ",".join(entry.strip() for entry in text.split(",")) if text else ""
        case ConfigType.BOOLEAN:
            return text.lower()
        case ConfigType.INT | ConfigType.LONG:
            return str(int(text))
        case ConfigType.DOUBLE:
            return repr(float(text))
        case _:
            return text


def describe_entry(
    broker: Broker, own: dict[str, str], name: str, *, with_synonyms: bool, with_documentation: bool
) -> DescribeConfigsResourceResult:
    """Describe one config of a topic."""
    definition = DEFINITIONS[name]
    value, source = source_of(broker, own, name)
    synonyms = []
    if with_synonyms:
        if name in own:
            synonyms.append(
                DescribeConfigsSynonym(name=name, value=canonical(name, own[name]), source=ConfigSource.DYNAMIC_TOPIC)
            )
        if definition.broker_name is not None:
            below = {key: text for key, text in own.items() if key != name}
            inherited, inherited_source = source_of(broker, below, name)
            synonyms.append(
                DescribeConfigsSynonym(name=definition.broker_name, value=inherited, source=inherited_source)
            )
        if name == _ELR_CONFIG:
            below_all = DescribeConfigsSynonym(name=name, value=DEFINITIONS[name].default, source=ConfigSource.DEFAULT)
            synonyms.append(below_all)
    return DescribeConfigsResourceResult(
        name=name,
        value=canonical(name, value),
        config_source=source,
        synonyms=synonyms,
        config_type=definition.type,
        documentation=definition.documentation if with_documentation else None,
    )
