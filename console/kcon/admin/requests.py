"""What is sent, and does it change the cluster? `ReadRequest` and `WriteRequest`, judged by their content.

The judgement is a default deny: what is not known to be a read is a mutation.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from kcon.admin.apis import Api
from kcon.gate.permit import Operation

Values: TypeAlias = Mapping[str, object]
"""Field values by name, in the newest version's names; nested structs are mappings, arrays are lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, independent of its version."""

    api: Api
    values: Values = field(default_factory=dict)
    droppable: frozenset[str] = frozenset()
    """Fields that an older version lacks and that may be left out there, because it means the same or less."""
    encode_body: Callable[[int], bytes] | None = None
    """Hand-written encoder of the body for a version; None: by the schema from `values`."""
    version_max: int | None = None
    """Speak at most this version."""
    version_min: int | None = None
    """Speak at least this version."""
    offsets_topic_exists: bool = False
    """For FindCoordinator: it creates nothing, because the topic was seen."""


class ReadRequest(Request):
    """A request that changes nothing."""

    __slots__ = ()


class WriteRequest(Request):
    """A request that changes something, and wants a permit."""

    __slots__ = ()


_READS: Final = frozenset(
    {
        Api.LIST_OFFSETS,
        Api.OFFSET_FETCH,
        Api.DESCRIBE_GROUPS,
        Api.LIST_GROUPS,
        Api.API_VERSIONS,
        Api.SASL_HANDSHAKE,
        Api.SASL_AUTHENTICATE,
        Api.DESCRIBE_CONFIGS,
        Api.DESCRIBE_CLUSTER,
        Api.CONSUMER_GROUP_DESCRIBE,
    }
)


def mutates(request: Request) -> bool:
    """Tell whether the request could change the cluster, by its content and not by its class."""
    if request.api in _READS:
        return False
    if request.api is Api.METADATA:
        # A Metadata request with this flag creates the topics it names. All topics: nothing to create.
        return request.values.get("allow_auto_topic_creation") is not False
    if request.api is Api.FIND_COORDINATOR:
        return not request.offsets_topic_exists
    if request.api in {Api.CREATE_TOPICS, Api.INCREMENTAL_ALTER_CONFIGS}:
        # A caller's mapping decides here, so the hand-written encoder may not speak for it.
        return request.values.get("validate_only") is not True or request.encode_body is not None
    return True


def operation_of(request: Request, permitted: Operation) -> Operation:
    """Return the operation a mutating request needs a permit for.

    permitted: the operation of the permit at hand; a coordinator look-up rides on any that addresses a group.
    """
    if request.api is Api.FIND_COORDINATOR and permitted in _ON_GROUPS:
        return permitted
    return _OPERATIONS[request.api]


def targets_of(request: Request) -> frozenset[str]:
    """Return the raw names that a mutating request changes, as a permit names them."""
    values = request.values
    match request.api:
        case Api.CREATE_TOPICS:
            return _names(values["topics"], "name")
        case Api.DELETE_TOPICS:
            return _names(values.get("topics", ()), "name") | frozenset(
                cast("Iterable[str]", values.get("topic_names", ()))
            )
        case Api.DELETE_GROUPS:
            return frozenset(cast("Iterable[str]", values["groups_names"]))
        case Api.OFFSET_COMMIT | Api.OFFSET_DELETE:
            return frozenset({cast("str", values["group_id"])})
        case Api.FIND_COORDINATOR:
            keys = frozenset(cast("Iterable[str]", values.get("coordinator_keys", ())))
            return keys or frozenset({cast("str", values["key"])})
        case Api.INCREMENTAL_ALTER_CONFIGS:
            resources = cast("Iterable[Mapping[str, object]]", values["resources"])
            return frozenset(config_target(cast("int", r["resource_type"]), str(r["resource_name"])) for r in resources)
        case _:
            raise AssertionError(f"{request.api.title} has no known targets")


def config_target(resource_type: int, name: str) -> str:
    """Spell a config resource as a permit names it, e.g. `topic:orders`."""
    return f"{_RESOURCES.get(resource_type, resource_type)}:{name}"


_RESOURCES: Final = {2: "topic", 4: "broker", 8: "broker-logger", 16: "client-metrics", 32: "group"}

_ON_GROUPS: Final = frozenset(
    {Operation.OFFSETS_COMMIT, Operation.OFFSETS_DELETE, Operation.GROUP_DELETE, Operation.GROUP_CONSUME}
)

_OPERATIONS: Final = {
    Api.CREATE_TOPICS: Operation.TOPIC_CREATE,
    Api.DELETE_TOPICS: Operation.TOPIC_DELETE,
    Api.OFFSET_COMMIT: Operation.OFFSETS_COMMIT,
    Api.OFFSET_DELETE: Operation.OFFSETS_DELETE,
    Api.DELETE_GROUPS: Operation.GROUP_DELETE,
    Api.INCREMENTAL_ALTER_CONFIGS: Operation.CONFIG_ALTER,
    Api.METADATA: Operation.TOPIC_CREATE,
    Api.FIND_COORDINATOR: Operation.OFFSETS_COMMIT,
}


def _names(items: object, key: str) -> frozenset[str]:
    return frozenset(cast("str", item[key]) for item in cast("Iterable[Mapping[str, object]]", items))
