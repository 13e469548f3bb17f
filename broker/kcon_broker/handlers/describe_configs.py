"""DescribeConfigs (32), versions 1-4: what are the configs of a topic, a broker, a group, a subscription?

- v1: synonyms, the values that would apply in turn (KIP-226); v3: types and documentation (KIP-569).
- A broker is named by its id; the empty name stands for all brokers, of which only what was set for them is told.
- Groups and subscriptions to clients' metrics (KIP-714) need not exist to have configs.
- A password, and a config that nobody knows, is told without its value.
"""

from kcon_broker.handlers.broker_loggers import describe_loggers
from kcon_broker.handlers.config_entries import (
    Entries,
    broker_entries,
    client_metrics_entries,
    cluster_wide_entries,
    group_entries,
    topic_entries,
)
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.configs.definitions import ResourceType
from kcon_broker.state.configs.values import parse_integer
from kcon_broker.state.topic import topic_name_error
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)


class _RefusedError(Exception):
    def __init__(self, error_code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


@handles(ApiKey.DESCRIBE_CONFIGS, versions=(1, 4))
def handle_describe_configs(ctx: RequestContext, request: DescribeConfigsRequest) -> Answer:
    """Describe each resource, or say why not."""
    kinds = {int(kind) for kind in ResourceType}
    is_unknown = any(resource.resource_type not in kinds for resource in request.resources)
    results = []
    for resource in request.resources:
        result = DescribeConfigsResult(resource_type=resource.resource_type, resource_name=resource.resource_name)
        results.append(result)
        try:
            if is_unknown:
                # One type that nobody knows spoils the request (`ConfigHelper`).
                raise _RefusedError(ErrorCode.INVALID_REQUEST, "A resource of the request has an unknown type.")
            entries = _entries(ctx.broker, resource)
        except _RefusedError as refused:
            result.error_code = refused.error_code
            result.error_message = str(refused)
            continue
        wanted = resource.configuration_keys
        # Asked for no config in particular, a client gets all.
        result.configs = [entry for entry in entries if not wanted or entry.name in wanted]
        for entry in result.configs:
            if not request.include_synonyms:
                entry.synonyms = []
            # A logger has none, which is told as an empty one.
            if not request.include_documentation and entry.documentation:
                entry.documentation = None
    return Answer(DescribeConfigsResponse(results=results), after=(ctx.broker.topics_position(),))


def _entries(broker: Broker, resource: DescribeConfigsResource) -> Entries:
    """Return all configs of a resource."""
    name = resource.resource_name
    match ResourceType(resource.resource_type):
        case ResourceType.TOPIC:
            topic = broker.topics.by_name.get(name)
            if topic is None:
                if (problem := topic_name_error(name)) is not None:
                    raise _RefusedError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {problem}")
                raise _RefusedError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "")
            return topic_entries(broker, topic.configs)
        case ResourceType.BROKER:
            if not name:
                return cluster_wide_entries(broker)
            _check_is_this_broker(broker, name, or_empty=True)
            return broker_entries(broker, broker.configs.listed())
        case ResourceType.BROKER_LOGGER:
            if not name:
                raise _RefusedError(ErrorCode.INVALID_REQUEST, "Broker id must not be empty")
            _check_is_this_broker(broker, name, or_empty=False)
            return describe_loggers()
        case ResourceType.CLIENT_METRICS:
            if not name:
                raise _RefusedError(ErrorCode.INVALID_REQUEST, "Client metrics subscription name must not be empty")
            return client_metrics_entries(broker.cluster.configs_of(ResourceType.CLIENT_METRICS, name))
        case ResourceType.GROUP:
            if not name:
                raise _RefusedError(ErrorCode.INVALID_REQUEST, "Group name must not be empty")
            return group_entries(broker, broker.cluster.configs_of(ResourceType.GROUP, name))


def _check_is_this_broker(broker: Broker, name: str, *, or_empty: bool) -> None:
    try:
        broker_id = parse_integer(name)
    except ValueError:
        raise _RefusedError(ErrorCode.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}") from None
    if broker_id != broker.node_id:
        also = " or empty string," if or_empty else ""
        raise _RefusedError(
            ErrorCode.INVALID_REQUEST, f"Unexpected broker id, expected {broker.node_id}{also} but received {name}"
        )
