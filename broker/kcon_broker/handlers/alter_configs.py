"""AlterConfigs (33), versions 0-2: replace all configs of a topic at once.

What the request does not name goes back to its default; that is why KIP-339 prefers IncrementalAlterConfigs.
"""

from kcon_broker.handlers.config_changes import ConfigRefusedError, change_topic, check_resource
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.gate import Gate
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)


@handles(ApiKey.ALTER_CONFIGS, versions=(0, 2))
def handle_alter_configs(ctx: RequestContext, request: AlterConfigsRequest) -> Answer:
    """Replace each topic's configs, or say why not."""
    after: dict[Gate, int] = {}
    seen: set[tuple[int, str]] = set()
    responses = []
    for resource in request.resources:
        response = AlterConfigsResourceResponse(
            resource_type=resource.resource_type, resource_name=resource.resource_name, error_message=None
        )
        responses.append(response)
        try:
            topic = check_resource(ctx.broker, resource.resource_type, resource.resource_name, seen)
            change_topic(ctx.broker, topic, _wanted(resource), after, validate_only=request.validate_only)
        except ConfigRefusedError as refused:
            response.error_code = refused.error_code
            response.error_message = str(refused)
    return Answer(AlterConfigsResponse(responses=responses), after=tuple(after.items()))


def _wanted(resource: AlterConfigsResource) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for config in resource.configs:
        if config.name in wanted:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Duplicate config entry: {config.name}")
        if config.value is None:
            raise ConfigRefusedError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {config.name}")
        wanted[config.name] = config.value
    return wanted
