"""What is configured, and how is it changed? DescribeConfigs and IncrementalAlterConfigs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from kcon.admin.apis import Api
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.decode import decode_response
from kcon.admin.fan_out import Ask, fan_out
from kcon.admin.requests import ReadRequest, WriteRequest
from kcon.core.config_entry import ConfigEdit, ConfigEntry, ConfigOperation, ConfigResource, ResourceType
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import RefusedError
from kcon.gate.permit import Operation, Permit

Configs: TypeAlias = dict[WireText, ConfigEntry]
Edits: TypeAlias = Mapping[str, str | ConfigEdit | None]
"""By name: a value to set, None for the default, or any other edit."""
Changes: TypeAlias = Mapping[ConfigResource, Edits]

Value = TypeVar("Value")

_RESOURCES_PER_REQUEST_MAX: Final = 500
_SOURCES: Final = {
    1: "dynamic-topic",
    2: "dynamic-broker",
    3: "dynamic-default-broker",
    4: "static-broker",
    5: "default",
    6: "dynamic-broker-logger",
    7: "client-metrics",
    8: "group",
}


async def describe_configs(
    cluster: Cluster,
    resources: Collection[ConfigResource],
    deadline: Deadline,
    names: Collection[str] | None = None,
) -> dict[ConfigResource, Configs | KafkaError]:
    """Return the configs of each resource, by name. names: only these; None: every one."""
    wanted = None if names is None else list(names)

    async def ask(broker_id: int, keys: Sequence[ConfigResource]) -> Mapping[ConfigResource, Configs | KafkaError]:
        values = {
            "resources": [
                {"resource_type": int(r.type), "resource_name": r.name.raw, "configuration_keys": wanted} for r in keys
            ]
        }
        to = None if broker_id == NO_BROKER else broker_id
        answer = await cluster.send(ReadRequest(api=Api.DESCRIBE_CONFIGS, values=values), deadline, to)
        told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        results: dict[ConfigResource, Configs | KafkaError] = {}
        for item in told.results:
            error = _error(item)
            results[_resource(item)] = error or {e.name: e for e in map(_entry, item.configs)}
        return results

    return await _fan_out(cluster, resources, ask, deadline, mutating=False, needs="DESCRIBE_CONFIGS")


async def alter_configs(
    cluster: Cluster, changes: Changes, permit: Permit | None, *, validate_only: bool, deadline: Deadline
) -> dict[ConfigResource, KafkaError | None]:
    """Set (or with None: reset) single configs, leaving the others. None: done (or it would be)."""

    async def ask(broker_id: int, keys: Sequence[ConfigResource]) -> Mapping[ConfigResource, bool | KafkaError]:
        values = {
            "resources": [_change_values(key, changes[key]) for key in keys],
            "validate_only": validate_only,
        }
        to = None if broker_id == NO_BROKER else broker_id
        if validate_only:
            read = ReadRequest(api=Api.INCREMENTAL_ALTER_CONFIGS, values=values)
            answer = await cluster.send(read, deadline, to)
        else:
            assert permit is not None
            write = WriteRequest(api=Api.INCREMENTAL_ALTER_CONFIGS, values=values)
            answer = await cluster.send_mutating(write, permit, deadline, to)
        told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        return {_resource(item): _error(item) or True for item in told.responses}

    async def run() -> dict[ConfigResource, KafkaError | None]:
        told = await _fan_out(cluster, list(changes), ask, deadline, mutating=not validate_only, needs="ALTER_CONFIGS")
        return {key: result if isinstance(result, KafkaError) else None for key, result in told.items()}

    if validate_only:
        return await run()
    if permit is None:
        raise RefusedError("Changing configs was not permitted.")
    targets = {resource.target for resource in changes}
    with permit.use(context=cluster.settings.context, operation=Operation.CONFIG_ALTER, targets=targets):
        return await run()


async def _fan_out(
    cluster: Cluster,
    resources: Collection[ConfigResource],
    ask: Ask[ConfigResource, Value],
    deadline: Deadline,
    *,
    mutating: bool,
    needs: str,
) -> dict[ConfigResource, Value | KafkaError]:
    async def route(keys: Sequence[ConfigResource], fresh: bool) -> Mapping[ConfigResource, int | KafkaError]:
        if fresh or cluster.info is None:
            await cluster.refresh(deadline)
        return {key: _broker_of(key) for key in keys}

    return await fan_out(
        list(dict.fromkeys(resources)),
        route=route,
        ask=ask,
        batch_max=_RESOURCES_PER_REQUEST_MAX,
        settings=cluster.settings,
        deadline=deadline,
        mutating=mutating,
        needs=needs,
    )


def _broker_of(resource: ConfigResource) -> int:
    """Only the broker itself knows its own configs; the rest any broker knows."""
    name = resource.name.raw
    own = resource.type in {ResourceType.BROKER, ResourceType.BROKER_LOGGER}
    return int(name) if own and name.isascii() and name.isdigit() else NO_BROKER


def _change_values(resource: ConfigResource, configs: Edits) -> dict[str, object]:
    return {
        "resource_type": int(resource.type),
        "resource_name": resource.name.raw,
        "configs": [
            {"name": name, "config_operation": int(edit.operation), "value": edit.value}
            for name, edit in ((name, _edit(value)) for name, value in configs.items())
        ],
    }


def _edit(value: str | ConfigEdit | None) -> ConfigEdit:
    if isinstance(value, ConfigEdit):
        return value
    return ConfigEdit(ConfigOperation.DELETE if value is None else ConfigOperation.SET, value)


def _resource(item: Any) -> ConfigResource:
    return ConfigResource(ResourceType(item.resource_type), WireText(item.resource_name))


def _error(item: Any) -> KafkaError | None:
    code = int(item.error_code)
    return kafka_error(code, display_safe(item.error_message or "")) if code else None


def _entry(item: Any) -> ConfigEntry:
    return ConfigEntry(
        name=WireText(item.name),
        value=WireText(item.value) if item.value is not None else None,
        source=_SOURCES.get(item.config_source, "unknown"),
        read_only=bool(item.read_only),
        sensitive=bool(item.is_sensitive),
    )
