"""May the configs of this resource be changed so, and what comes of it? Shared by both requests that alter configs.

The judgement has two parts, as in Apache Kafka: what the broker that is asked looks at (`ConfigAdminManager`), and
what the controller does (`ConfigurationControlManager`): values first, then whether the resource exists.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from kcon_broker.state.broker import Broker
from kcon_broker.state.cluster_records import ResourceConfigured
from kcon_broker.state.configs.broker_changes import check_broker_change
from kcon_broker.state.configs.broker_configs import ELR_CONFIG, BrokerConfigs
from kcon_broker.state.configs.definitions import (
    ConfigDefinition,
    ResourceType,
    broker_definitions,
    client_metrics_definitions,
    group_definitions,
    topic_definitions,
)
from kcon_broker.state.configs.group_changes import (
    UnfitSubscriptionError,
    check_client_metrics_configs,
    check_group_configs,
)
from kcon_broker.state.configs.values import InvalidConfigError, parse_integer
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import topic_name_error
from kcon_broker.state.topic_configs import check_configs
from kcon_broker.wire.error_codes import ErrorCode

_ELR_FEATURE = "eligible.leader.replicas.version"


class ConfigRefusedError(Exception):
    """One resource's change is refused; the message is for the client."""

    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


def check_keys(names: Iterable[str]) -> None:
    """Refuse a config that is named twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Error due to duplicate config keys: {name}")
        seen.add(name)


def check_broker_name(broker: Broker, name: str) -> None:
    """Refuse a broker that is not this one; the empty name stands for all."""
    if not name:
        return
    try:
        broker_id = parse_integer(name)
    except ValueError:
        message = f"Node id must be an integer, but it is: {name}"
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, message) from None
    if broker_id != broker.node_id:
        raise ConfigRefusedError(
            ErrorCode.INVALID_REQUEST, f"Unexpected broker id, expected {broker.node_id}, but received {name}"
        )


def check_broker_configs(broker: Broker, name: str, wanted: Mapping[str, str]) -> None:
    """Refuse dynamic configs that this broker, or all, cannot have."""
    try:
        check_broker_change(broker.configs, wanted, is_per_broker=bool(name))
    except InvalidConfigError as error:
        # Not INVALID_CONFIG, as for other resources (KAFKA-13609).
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, str(error)) from error


def own_configs(broker: Broker, resource_type: ResourceType, name: str) -> dict[str, str]:
    """Return the configs of a resource itself; nothing for one that does not exist."""
    if resource_type is ResourceType.TOPIC:
        topic = broker.topics.by_name.get(name)
        return {} if topic is None else topic.configs
    return broker.cluster.configs_of(resource_type, name)


def definition_of(resource_type: ResourceType, config: str) -> ConfigDefinition | None:
    """Return what is known of a config of this type of resources."""
    definitions = {
        ResourceType.TOPIC: topic_definitions,
        ResourceType.BROKER: broker_definitions,
        ResourceType.GROUP: group_definitions,
        ResourceType.CLIENT_METRICS: client_metrics_definitions,
    }[resource_type]()
    return definitions.get(config)


def inherited_list(broker: Broker, resource_type: ResourceType, definition: ConfigDefinition) -> str:
    """Return the list that APPEND and SUBTRACT begin with where the resource has none: static or default."""
    if resource_type is ResourceType.TOPIC:
        inherited = BrokerConfigs(broker.configs.static).topic_default(definition)
    else:
        inherited = broker.configs.static.get(definition.name)
    return (definition.default or "") if inherited is None else inherited


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What one resource's own configs shall be."""

    resource_type: ResourceType
    name: str
    wanted: Mapping[str, str]
    named: Collection[str]
    """The configs that the request names."""


def store_configs(broker: Broker, change: ConfigChange, after: dict[Gate, int], *, validate_only: bool) -> None:
    """Give a resource exactly these own configs; note in `after` what the answer waits for.

    Raises ConfigRefusedError.
    """
    resource_type, name, wanted = change.resource_type, change.name, change.wanted
    if resource_type is ResourceType.TOPIC:
        _store_topic_configs(broker, name, wanted, after, validate_only=validate_only)
        return
    try:
        match resource_type:
            case ResourceType.BROKER:
                _check_elr(broker, change)
            case ResourceType.GROUP:
                if not name:
                    raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, "Default group resources are not allowed.")
                check_group_configs(broker.configs, wanted)
            case _:
                check_client_metrics_configs(name, wanted)
    except InvalidConfigError as error:
        raise ConfigRefusedError(ErrorCode.INVALID_CONFIG, str(error)) from error
    except UnfitSubscriptionError as error:
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, str(error)) from error
    if not validate_only and wanted != broker.cluster.configs_of(resource_type, name):
        configured = ResourceConfigured(resource_type=resource_type, name=name, configs=dict(wanted))
        gate, position = broker.change_cluster(configured)
        after[gate] = position


def _store_topic_configs(
    broker: Broker, name: str, wanted: Mapping[str, str], after: dict[Gate, int], *, validate_only: bool
) -> None:
    if not name:
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
    if (problem := topic_name_error(name)) is not None:
        raise ConfigRefusedError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {problem}")
    try:
        check_configs(wanted, broker.config_defaults)
    except InvalidConfigError as error:
        raise ConfigRefusedError(ErrorCode.INVALID_CONFIG, str(error)) from error
    topic = broker.topics.by_name.get(name)
    if topic is None:
        raise ConfigRefusedError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    if not validate_only and wanted != topic.configs:
        gate, position = broker.configure_topic(topic, dict(wanted))
        after[gate] = position


def _check_elr(broker: Broker, change: ConfigChange) -> None:
    """While eligible leader replicas are tracked, min.insync.replicas is one number for all brokers (KIP-966)."""
    if broker.cluster.features.levels[_ELR_FEATURE] == 0:
        return
    if change.name and ELR_CONFIG in change.named:
        raise InvalidConfigError("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
    if not change.name and ELR_CONFIG not in change.wanted:
        raise InvalidConfigError("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
