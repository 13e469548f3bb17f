"""IncrementalAlterConfigs (44), versions 0-1: change single configs of a resource (KIP-339).

SET gives a value, DELETE goes back to the default, APPEND and SUBTRACT change lists, starting from the resource's own
value, else from a static or default one. Loggers of the broker (KIP-412) change with this request alone.
"""

from collections import Counter
from collections.abc import Mapping

from kcon_broker.handlers.broker_loggers import ROOT, level_problem, set_level
from kcon_broker.handlers.config_changes import (
    ConfigChange,
    ConfigRefusedError,
    check_broker_configs,
    check_broker_name,
    check_keys,
    definition_of,
    inherited_list,
    own_configs,
    store_configs,
)
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.state.configs.values import parse_integer
from kcon_broker.state.gate import Gate
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

_SET, _DELETE, _APPEND, _SUBTRACT = range(4)
_OPERATIONS = {_SET: "SET", _DELETE: "DELETE", _APPEND: "APPEND", _SUBTRACT: "SUBTRACT"}
_RESOURCE_TYPES = frozenset(int(kind) for kind in ResourceType)


@handles(ApiKey.INCREMENTAL_ALTER_CONFIGS, versions=(0, 1))
def handle_incremental_alter_configs(ctx: RequestContext, request: IncrementalAlterConfigsRequest) -> Answer:
    """Change each resource's configs, or say why not."""
    times = Counter((resource.resource_type, resource.resource_name) for resource in request.resources)
    responses = []
    forwarded: list[tuple[AlterConfigsResource, AlterConfigsResourceResponse]] = []
    for resource in request.resources:
        response = AlterConfigsResourceResponse(
            resource_type=resource.resource_type, resource_name=resource.resource_name, error_message=None
        )
        responses.append(response)
        try:
            if times[resource.resource_type, resource.resource_name] > 1:
                # Of a resource named twice neither change is made.
                raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
            if _is_for_controller(ctx.broker, resource, validate_only=request.validate_only):
                forwarded.append((resource, response))
        except ConfigRefusedError as refused:
            response.error_code, response.error_message = refused.error_code, str(refused)
    after = _store(ctx.broker, forwarded, validate_only=request.validate_only)
    return Answer(IncrementalAlterConfigsResponse(responses=responses), after=tuple(after.items()))


def _is_for_controller(broker: Broker, resource: AlterConfigsResource, *, validate_only: bool) -> bool:
    """Do the part of the broker that is asked; tell whether there is more to do. Raises ConfigRefusedError."""
    check_keys(change.name for change in resource.configs)
    for change in resource.configs:
        if change.value is None and change.config_operation != _DELETE:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {change.name}")
    if resource.resource_type not in _RESOURCE_TYPES:
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {resource.resource_type}")
    match ResourceType(resource.resource_type):
        case ResourceType.BROKER_LOGGER:
            _change_loggers(broker, resource, validate_only=validate_only)
            return False
        case ResourceType.BROKER:
            check_broker_name(broker, resource.resource_name)
            _check_broker_changes(broker, resource)
    return True


def _check_broker_changes(broker: Broker, resource: AlterConfigsResource) -> None:
    for change in resource.configs:
        if change.config_operation not in _OPERATIONS:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Unknown operations type {change.config_operation}")
        if change.config_operation in (_APPEND, _SUBTRACT):
            definition = definition_of(ResourceType.BROKER, change.name)
            if definition is None:
                raise ConfigRefusedError(ErrorCode.INVALID_CONFIG, f"Unknown config name: {change.name}")
            if not definition.is_list:
                raise ConfigRefusedError(
                    ErrorCode.INVALID_CONFIG, f"Config value append is not allowed for config key: {change.name}"
                )
    name = resource.resource_name
    wanted = _changed(broker, ResourceType.BROKER, broker.cluster.configs_of(ResourceType.BROKER, name), resource)
    check_broker_configs(broker, name, wanted)


def _store(
    broker: Broker,
    forwarded: list[tuple[AlterConfigsResource, AlterConfigsResourceResponse]],
    *,
    validate_only: bool,
) -> dict[Gate, int]:
    """Do the controller's part; return what the answer waits for."""
    after: dict[Gate, int] = {}
    operations = {change.config_operation for resource, _ in forwarded for change in resource.configs}
    if not operations <= _OPERATIONS.keys():
        # Apache Kafka's controller fails on it, and all resources of the request with it.
        for _, response in forwarded:
            response.error_code = ErrorCode.UNKNOWN_SERVER_ERROR
        return after
    for resource, response in forwarded:
        resource_type, name = ResourceType(resource.resource_type), resource.resource_name
        try:
            wanted = _changed(broker, resource_type, own_configs(broker, resource_type, name), resource)
            change = ConfigChange(resource_type, name, wanted, [change.name for change in resource.configs])
            store_configs(broker, change, after, validate_only=validate_only)
        except ConfigRefusedError as refused:
            response.error_code, response.error_message = refused.error_code, str(refused)
    return after


def _changed(
    broker: Broker, resource_type: ResourceType, own: Mapping[str, str], resource: AlterConfigsResource
) -> dict[str, str]:
    """Return a resource's own configs after the changes."""
    configs = dict(own)
    for change in resource.configs:
        name, value = change.name, change.value or ""
        match change.config_operation:
            case 0:
                configs[name] = value
            case 1:
                configs.pop(name, None)
            case _:
                definition = definition_of(resource_type, name)
                # Subscriptions of clients' metrics have lists, and yet they cannot be appended to.
                if definition is None or not definition.is_list or resource_type is ResourceType.CLIENT_METRICS:
                    raise ConfigRefusedError(
                        ErrorCode.INVALID_CONFIG,
                        f"Can't {_OPERATIONS[change.config_operation]} to key {name} because its type is not LIST.",
                    )
                current = configs[name] if name in configs else inherited_list(broker, resource_type, definition)
                configs[name] = _list_change(current, value, adds=change.config_operation == _APPEND)
    return configs


def _list_change(current: str, value: str, *, adds: bool) -> str:
    entries = [entry for entry in current.split(",") if entry]
    changes = [entry for entry in value.split(",") if entry]
    if adds:
        entries += [entry for entry in changes if entry not in entries]
    else:
        entries = [entry for entry in entries if entry not in changes]
    return ",".join(entries)


def _change_loggers(broker: Broker, resource: AlterConfigsResource, *, validate_only: bool) -> None:
    """Change how much is logged; all changes are judged before the first is made."""
    name = resource.resource_name
    try:
        node_id = parse_integer(name)
    except ValueError:
        message = f"Node id must be an integer, but it is: {name}"
        raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, message) from None
    if node_id != broker.node_id:
        raise ConfigRefusedError(
            ErrorCode.INVALID_REQUEST, f"Unexpected node id. Expected {broker.node_id}, but received {name}"
        )
    for change in resource.configs:
        _check_logger_change(change)
    if not validate_only:
        for change in resource.configs:
            set_level(change.value or "")


def _check_logger_change(change: AlterableConfig) -> None:
    match change.config_operation:
        case 0 | 1:
            if change.name != ROOT:
                raise ConfigRefusedError(ErrorCode.INVALID_CONFIG, f"Logger {change.name} does not exist!")
            if change.config_operation == _DELETE:
                raise ConfigRefusedError(
                    ErrorCode.INVALID_REQUEST, "Removing the log level of the root logger is not allowed"
                )
            if (problem := level_problem(change.value or "")) is not None:
                raise ConfigRefusedError(
                    ErrorCode.INVALID_CONFIG, f"Cannot set the log level of {change.name}: {problem}"
                )
        case _:
            operation = _OPERATIONS.get(change.config_operation, str(change.config_operation))
            raise ConfigRefusedError(
                ErrorCode.INVALID_REQUEST, f"{operation} operation is not allowed for the BROKER_LOGGER resource"
            )
