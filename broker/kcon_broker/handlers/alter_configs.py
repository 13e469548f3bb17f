"""AlterConfigs (33), versions 0-2: replace all configs of a resource at once.

What the request does not name goes back to its default; that is why KIP-339 prefers IncrementalAlterConfigs.
"""

from collections import Counter

from kcon_broker.handlers.config_changes import (
    ConfigChange,
    ConfigRefusedError,
    check_broker_configs,
    check_broker_name,
    check_keys,
    store_configs,
)
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.state.gate import Gate
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)

_RESOURCE_TYPES = frozenset(int(kind) for kind in ResourceType if kind is not ResourceType.BROKER_LOGGER)


@handles(ApiKey.ALTER_CONFIGS, versions=(0, 2))
def handle_alter_configs(ctx: RequestContext, request: AlterConfigsRequest) -> Answer:
    """Replace each resource's configs, or say why not."""
    after: dict[Gate, int] = {}
    times = Counter((resource.resource_type, resource.resource_name) for resource in request.resources)
    responses = []
    for resource in request.resources:
        name = resource.resource_name
        response = AlterConfigsResourceResponse(
            resource_type=resource.resource_type, resource_name=name, error_message=None
        )
        responses.append(response)
        try:
            if times[resource.resource_type, name] > 1:
                # Of a resource named twice neither change is made.
                raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
            wanted = _wanted(resource)
            if resource.resource_type not in _RESOURCE_TYPES:
                raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {resource.resource_type}")
            resource_type = ResourceType(resource.resource_type)
            if resource_type is ResourceType.BROKER:
                check_broker_name(ctx.broker, name)
                check_broker_configs(ctx.broker, name, wanted)
            change = ConfigChange(resource_type, name, wanted, wanted)
            store_configs(ctx.broker, change, after, validate_only=request.validate_only)
        except ConfigRefusedError as refused:
            response.error_code, response.error_message = refused.error_code, str(refused)
    return Answer(AlterConfigsResponse(responses=responses), after=tuple(after.items()))


def _wanted(resource: AlterConfigsResource) -> dict[str, str]:
    check_keys(config.name for config in resource.configs)
    wanted: dict[str, str] = {}
    for config in resource.configs:
        if config.value is None:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {config.name}")
        wanted[config.name] = config.value
    return wanted
