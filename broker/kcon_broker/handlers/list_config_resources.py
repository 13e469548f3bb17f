"""ListConfigResources (74), versions 0-1: what has configs?

- v0, ListClientMetricsResources (KIP-714): subscriptions to clients' metrics.
- v1 (KIP-1142): of the types named, or of all: topics, brokers and their loggers as they exist, groups and
  subscriptions that have configs of their own.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)


@handles(ApiKey.LIST_CONFIG_RESOURCES, versions=(0, 1))
def handle_list_config_resources(ctx: RequestContext, request: ListConfigResourcesRequest) -> Answer:
    """List them."""
    known = {int(kind) for kind in ResourceType}
    wanted = {ResourceType.CLIENT_METRICS.value} if ctx.api_version == 0 else set(request.resource_types) or known
    if not wanted <= known:
        return Answer(ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION))
    resources = [
        ConfigResource(resource_name=name, resource_type=kind)
        for kind in ResourceType
        if kind in wanted
        for name in _names(ctx.broker, kind)
    ]
    return Answer(ListConfigResourcesResponse(config_resources=resources), after=(ctx.broker.topics_position(),))


def _names(broker: Broker, kind: ResourceType) -> list[str]:
    match kind:
        case ResourceType.TOPIC:
            return list(broker.topics.by_name)
        case ResourceType.BROKER | ResourceType.BROKER_LOGGER:
            return [str(broker.node_id)]
        case _:
            return broker.cluster.names_with_configs(kind)
