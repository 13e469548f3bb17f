"""May the configs of this resource be changed so, and what comes of it? Shared by both requests that alter configs."""

from kcon_broker.state.broker import Broker
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import Topic, topic_name_error
from kcon_broker.state.topic_configs import InvalidConfigError, check_configs
from kcon_broker.wire.error_codes import ErrorCode

_TOPIC_RESOURCE = 2
_BROKER_RESOURCE = 4


class ConfigRefusedError(Exception):
    """One resource's change is refused; the message is for the client."""

    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


def check_resource(broker: Broker, resource_type: int, name: str, seen: set[tuple[int, str]]) -> Topic:
    """Return the topic that is to change; raises ConfigRefusedError, also for one named twice in a request."""
    if (resource_type, name) in seen:
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
    seen.add((resource_type, name))
    if resource_type == _BROKER_RESOURCE:
        raise ConfigRefusedError(
            ErrorCode.INVALID_REQUEST, "The configs of this broker are set when it starts and cannot be altered."
        )
    if resource_type != _TOPIC_RESOURCE:
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Unsupported resource type: {resource_type}")
    if not name:
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
    if (problem := topic_name_error(name)) is not None:
        raise ConfigRefusedError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {problem}")
    topic = broker.topics.by_name.get(name)
    if topic is None:
        raise ConfigRefusedError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    return topic


def change_topic(
    broker: Broker, topic: Topic, configs: dict[str, str], after: dict[Gate, int], *, validate_only: bool
) -> None:
    """Give the topic exactly these configs; note in `after` what the answer waits for."""
    try:
        check_configs(configs)
    except InvalidConfigError as error:
        raise ConfigRefusedError(ErrorCode.INVALID_CONFIG, str(error)) from error
    if not validate_only and configs != topic.configs:
        gate, position = broker.configure_topic(topic, configs)
        after[gate] = position
