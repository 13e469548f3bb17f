"""IncrementalAlterConfigs (44), versions 0-1: change single configs of a topic (KIP-339).

SET gives a value, DELETE goes back to the default, APPEND and SUBTRACT change lists, starting from the value that
applies, be it the topic's own or a default.
"""

from collections import Counter

from kcon_broker.handlers.config_changes import ConfigRefusedError, change_topic, check_resource
from kcon_broker.handlers.config_entries import source_of
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.gate import Gate
from kcon_broker.state.topic import Topic
from kcon_broker.state.topic_configs import DEFINITIONS, is_list_config
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

_SET, _DELETE, _APPEND, _SUBTRACT = range(4)
_RESOURCE_TYPES = frozenset((2, 4, 8, 16, 32))
"""Topics, brokers, their loggers, client metrics and groups (ConfigResource.Type)."""
_OPERATIONS = frozenset((_SET, _DELETE, _APPEND, _SUBTRACT))


@handles(ApiKey.INCREMENTAL_ALTER_CONFIGS, versions=(0, 1))
def handle_incremental_alter_configs(ctx: RequestContext, request: IncrementalAlterConfigsRequest) -> Answer:
    """Change each topic's configs, or say why not."""
    times = Counter((resource.resource_type, resource.resource_name) for resource in request.resources)
    operations = {
        change.config_operation
        for resource in request.resources
        if resource.resource_type in _RESOURCE_TYPES
        and times[resource.resource_type, resource.resource_name] == 1
        and all(change.value is not None or change.config_operation == _DELETE for change in resource.configs)
        for change in resource.configs
    }
    if not operations <= _OPERATIONS:
        # Apache Kafka's handler fails on it, and all resources with it.
        return Answer(_refused(request, ErrorCode.UNKNOWN_SERVER_ERROR))
    after: dict[Gate, int] = {}
    responses = []
    for resource in request.resources:
        response = AlterConfigsResourceResponse(
            resource_type=resource.resource_type, resource_name=resource.resource_name, error_message=None
        )
        responses.append(response)
        try:
            named = (resource.resource_type, resource.resource_name)
            if times[named] == 1:
                _check_changes(resource.configs)
            # Of a resource named twice neither change is made.
            topic = check_resource(ctx.broker, *named, {named} if times[named] > 1 else set())
            wanted = _changed(ctx.broker, topic, resource.configs)
            change_topic(ctx.broker, topic, wanted, after, validate_only=request.validate_only)
        except ConfigRefusedError as refused:
            response.error_code = refused.error_code
            response.error_message = str(refused)
    return Answer(IncrementalAlterConfigsResponse(responses=responses), after=tuple(after.items()))


def _refused(request: IncrementalAlterConfigsRequest, error_code: ErrorCode) -> IncrementalAlterConfigsResponse:
    return IncrementalAlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error_code=error_code,
                error_message=None,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
            for resource in request.resources
        ]
    )


def _check_changes(changes: list[AlterableConfig]) -> None:
    """Refuse what is wrong whatever the resource is."""
    seen: set[str] = set()
    for change in changes:
        if change.name in seen:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Error due to duplicate config keys: {change.name}")
        seen.add(change.name)
        if change.value is None and change.config_operation != _DELETE:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {change.name}")


def _changed(broker: Broker, topic: Topic, changes: list[AlterableConfig]) -> dict[str, str]:
    """Return the topic's own configs after the changes."""
    configs = dict(topic.configs)
    for change in changes:
        name, value = change.name, change.value
        if name not in DEFINITIONS and change.config_operation != _DELETE:
            raise ConfigRefusedError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
        match change.config_operation:
            case 0:
                configs[name] = value or ""
            case 1:
                configs.pop(name, None)
            case _:
                if not is_list_config(name):
                    raise ConfigRefusedError(
                        ErrorCode.INVALID_CONFIG,
                        f"Can't {'APPEND' if change.config_operation == _APPEND else 'SUBTRACT'} to key {name} because "
                        "its type is not LIST.",
                    )
                current, _ = source_of(broker, configs, name)
                configs[name] = _list_change(current, value or "", adds=change.config_operation == _APPEND)
    return configs


def _list_change(current: str, value: str, *, adds: bool) -> str:
    entries = [entry for entry in current.split(",") if entry]
    changes = [entry for entry in value.split(",") if entry]
    if adds:
        entries += [entry for entry in changes if entry not in entries]
    else:
        entries = [entry for entry in entries if entry not in changes]
    return ",".join(entries)
