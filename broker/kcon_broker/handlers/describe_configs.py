"""DescribeConfigs (32), versions 1-4: what are the configs of a topic or of this broker?

- v1: synonyms, the values that would apply in turn (KIP-226); v3: types and documentation (KIP-569).
- Topics are described in full. Of the broker those configs are told that it acts on, all of them read-only.
"""

from kcon_broker.handlers.config_entries import describe_entry
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.topic import topic_name_error
from kcon_broker.state.topic_configs import DEFINITIONS, ConfigSource, ConfigType, names
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)

TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4


@handles(ApiKey.DESCRIBE_CONFIGS, versions=(1, 4))
def handle_describe_configs(ctx: RequestContext, request: DescribeConfigsRequest) -> Answer:
    """Describe each resource, or say why not."""
    results = [_describe(ctx.broker, request, resource) for resource in request.resources]
    return Answer(DescribeConfigsResponse(results=results), after=(ctx.broker.topics_position(),))


def _describe(
    broker: Broker, request: DescribeConfigsRequest, resource: DescribeConfigsResource
) -> DescribeConfigsResult:
    result = DescribeConfigsResult(resource_type=resource.resource_type, resource_name=resource.resource_name)
    match resource.resource_type:
        case 2:
            topic = broker.topics.by_name.get(resource.resource_name)
            if topic is None:
                if (problem := topic_name_error(resource.resource_name)) is not None:
                    result.error_code = ErrorCode.INVALID_TOPIC_EXCEPTION
                    result.error_message = f"Topic name is invalid: {problem}"
                else:
                    result.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                    result.error_message = ""
                return result
            result.configs = [
                describe_entry(
                    broker,
                    topic.configs,
                    name,
                    with_synonyms=request.include_synonyms,
                    with_documentation=request.include_documentation,
                )
                for name in dict.fromkeys(names(resource.configuration_keys))
            ]
        case 4:
            if resource.resource_name == "":
                return result
            if not _names_this_broker(broker, resource.resource_name):
                result.error_code = ErrorCode.INVALID_REQUEST
                result.error_message = (
                    f"Unexpected broker id, expected {broker.node_id} or empty string, but received "
                    f"{resource.resource_name}"
                )
                return result
            wanted = resource.configuration_keys
            result.configs = [entry for entry in _broker_entries(broker) if wanted is None or entry.name in wanted]
        case _:
            result.error_code = ErrorCode.INVALID_REQUEST
            result.error_message = f"Unsupported resource type: {resource.resource_type}"
    return result


def _names_this_broker(broker: Broker, name: str) -> bool:
    try:
        return int(name) == broker.node_id
    except ValueError:
        return False


def _broker_entries(broker: Broker) -> list[DescribeConfigsResourceResult]:
    """Tell what the broker goes by, under Kafka's names."""
    settings = broker.settings
    own = (
        ("auto.create.topics.enable", str(settings.auto_create_topics).lower(), ConfigType.BOOLEAN),
        ("broker.id", str(broker.node_id), ConfigType.INT),
        ("broker.rack", settings.rack, ConfigType.STRING),
        ("connections.max.idle.ms", str(settings.network.idle_timeout_ms), ConfigType.LONG),
        ("default.replication.factor", "1", ConfigType.INT),
        ("log.dirs", str(settings.data_dir), ConfigType.STRING),
        ("max.connections", str(settings.network.connections_max), ConfigType.INT),
        ("max.connections.per.ip", str(settings.network.connections_per_address_max), ConfigType.INT),
        ("node.id", str(broker.node_id), ConfigType.INT),
        ("num.partitions", str(settings.default_partitions), ConfigType.INT),
        ("offsets.retention.minutes", str(settings.groups.offsets_retention_ms // 60_000), ConfigType.INT),
        ("offsets.topic.num.partitions", str(settings.groups.offsets_partitions), ConfigType.INT),
        ("socket.request.max.bytes", str(settings.network.request_bytes_max), ConfigType.INT),
    )
    entries = [
        DescribeConfigsResourceResult(
            name=name, value=value, read_only=True, config_source=ConfigSource.STATIC_BROKER, config_type=kind
        )
        for name, value, kind in own
    ]
    for definition in DEFINITIONS.values():
        if definition.broker_name is not None:
            is_set = definition.name in broker.config_defaults
            entries.append(
                DescribeConfigsResourceResult(
                    name=definition.broker_name,
                    value=broker.config_defaults.get(definition.name, definition.default),
                    read_only=True,
                    config_source=ConfigSource.STATIC_BROKER if is_set else ConfigSource.DEFAULT,
                    config_type=definition.type,
                )
            )
    return entries
