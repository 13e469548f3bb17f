"""What is sent, and does it change the cluster? `ReadRequest` and `WriteRequest`, judged by their content.

The judgement is a default deny: what is not known to be a read is a mutation.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from kcon.admin.apis import Api
from kcon.core.frozen import Frozen
from kcon.errors import RefusedError
from kcon.gate.permit import Operation

Values: TypeAlias = Mapping[str, object]
"""Field values by name, in the newest version's names; nested structs are mappings, arrays are lists."""


class Request(Frozen):
    """One request, independent of its version."""

    api: Api
    values: Values = MappingProxyType({})
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
    raw: bool = False
    """The user wrote its fields, so only a permit for just that covers it."""


class ReadRequest(Request):
    """A request that changes nothing."""


class WriteRequest(Request):
    """A request that changes something, and wants a permit."""


_READS: Final = frozenset(
    {
        Api.FETCH,
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
        Api.DESCRIBE_ACLS,
        Api.DESCRIBE_LOG_DIRS,
        Api.LIST_PARTITION_REASSIGNMENTS,
        Api.DESCRIBE_CLIENT_QUOTAS,
        Api.DESCRIBE_USER_SCRAM_CREDENTIALS,
        Api.DESCRIBE_DELEGATION_TOKEN,
        Api.DESCRIBE_QUORUM,
        Api.DESCRIBE_PRODUCERS,
        Api.DESCRIBE_TRANSACTIONS,
        Api.LIST_TRANSACTIONS,
        Api.LIST_CONFIG_RESOURCES,
        Api.DESCRIBE_TOPIC_PARTITIONS,
        Api.SHARE_GROUP_DESCRIBE,
        Api.STREAMS_GROUP_DESCRIBE,
        Api.DESCRIBE_SHARE_GROUP_OFFSETS,
    }
)

_CHECKS: Final = frozenset(
    {
        Api.CREATE_TOPICS,
        Api.INCREMENTAL_ALTER_CONFIGS,
        Api.CREATE_PARTITIONS,
        Api.ALTER_CLIENT_QUOTAS,
        Api.UPDATE_FEATURES,
    }
)
"""With `validate_only` these change nothing."""


def mutates(request: Request) -> bool:
    """Tell whether the request could change the cluster, by its content and not by its class."""
    if request.api in _READS:
        return False
    if request.api is Api.METADATA:
        # A Metadata request with this flag creates the topics it names. All topics: nothing to create.
        return request.values.get("allow_auto_topic_creation") is not False
    if request.api is Api.FIND_COORDINATOR:
        return not request.offsets_topic_exists
    if request.api in _CHECKS:
        # A version without the field does not check but do; the encoder refuses that, unless the field may go.
        # A caller's mapping decides here, so the hand-written encoder may not speak for it.
        checks_only = request.values.get("validate_only") is True and "validate_only" not in request.droppable
        return not checks_only or request.encode_body is not None
    return True


def operation_of(request: Request, permitted: Operation) -> Operation:
    """Return the operation a mutating request needs a permit for.

    permitted: the operation of the permit at hand; a coordinator look-up rides on any that addresses a group.
    """
    if request.raw:
        return Operation.RAW
    if request.api is Api.FIND_COORDINATOR and permitted in _ON_GROUPS:
        return permitted
    found = _OPERATIONS.get(request.api)
    if found is None:
        raise RefusedError(f"{request.api.title} may change the cluster, and nothing in kcon asks for that.")
    return found


def targets_of(request: Request) -> frozenset[str]:
    """Return the raw names that a mutating request changes, as a permit names them."""
    values = request.values
    if request.raw:
        return frozenset({request.api.title})
    match request.api:
        case Api.CREATE_TOPICS:
            return _names(values["topics"], "name")
        case Api.DELETE_TOPICS:
            return _names(values.get("topics", ()), "name") | frozenset(
                cast("Iterable[str]", values.get("topic_names", ()))
            )
        case Api.DELETE_GROUPS:
            return frozenset(cast("Iterable[str]", values["groups_names"]))
        case (
            Api.OFFSET_COMMIT
            | Api.OFFSET_DELETE
            | Api.LEAVE_GROUP
            | Api.ALTER_SHARE_GROUP_OFFSETS
            | Api.DELETE_SHARE_GROUP_OFFSETS
        ):
            return frozenset({cast("str", values["group_id"])})
        case Api.FIND_COORDINATOR:
            keys = frozenset(cast("Iterable[str]", values.get("coordinator_keys", ())))
            return keys or frozenset({cast("str", values["key"])})
        case Api.INCREMENTAL_ALTER_CONFIGS:
            resources = cast("Iterable[Mapping[str, object]]", values["resources"])
            return frozenset(config_target(cast("int", r["resource_type"]), str(r["resource_name"])) for r in resources)
        case Api.CREATE_PARTITIONS | Api.DELETE_RECORDS | Api.ALTER_PARTITION_REASSIGNMENTS:
            return _names(values["topics"], "name")
        case Api.ELECT_LEADERS:
            return _names(values["topic_partitions"], "topic")
        case Api.CREATE_ACLS:
            return _acl_targets(values["creations"], "resource_type", "resource_name")
        case Api.DELETE_ACLS:
            return _acl_targets(values["filters"], "resource_type_filter", "resource_name_filter")
        case Api.ALTER_CLIENT_QUOTAS:
            entries = cast("Iterable[Mapping[str, object]]", values["entries"])
            return frozenset(quota_target(cast("Iterable[Mapping[str, object]]", e["entity"])) for e in entries)
        case Api.ALTER_USER_SCRAM_CREDENTIALS:
            users = _names(values["deletions"], "name") | _names(values["upsertions"], "name")
            return frozenset(f"user:{name}" for name in users)
        case Api.CREATE_DELEGATION_TOKEN:
            kind, name = values.get("owner_principal_type"), values.get("owner_principal_name")
            return frozenset({token_target(owner=f"{kind}:{name}" if name else "")})
        case Api.RENEW_DELEGATION_TOKEN | Api.EXPIRE_DELEGATION_TOKEN:
            return frozenset({token_target(token_id=cast("str", values["token_id"]))})
        case Api.INIT_PRODUCER_ID:
            return frozenset({cast("str", values["transactional_id"])})
        case Api.ALTER_REPLICA_LOG_DIRS:
            dirs = cast("Iterable[Mapping[str, object]]", values["dirs"])
            return frozenset(name for each in dirs for name in _names(each["topics"], "name"))
        case Api.UNREGISTER_BROKER:
            return frozenset({broker_target(cast("int", values["broker_id"]))})
        case Api.ADD_RAFT_VOTER | Api.REMOVE_RAFT_VOTER:
            return frozenset({voter_target(cast("int", values["voter_id"]))})
        case Api.UPDATE_FEATURES:
            return frozenset(feature_target(name) for name in _names(values["feature_updates"], "feature"))
        case Api.WRITE_TXN_MARKERS:
            markers = cast("Iterable[Mapping[str, object]]", values["markers"])
            return frozenset(name for marker in markers for name in _names(marker["topics"], "name"))
        case _:
            raise RefusedError(f"{request.api.title} may change the cluster, and nothing in kcon asks for that.")


def config_target(resource_type: int, name: str) -> str:
    """Spell a config resource as a permit names it, e.g. `topic:orders`."""
    return f"{_RESOURCES.get(resource_type, resource_type)}:{name}"


def quota_target(entity: Iterable[Mapping[str, object]]) -> str:
    """Spell who a quota is for as a permit names it, e.g. `quota:user=alice,client-id=<default>`."""
    parts = [(str(part["entity_type"]), part.get("entity_name")) for part in entity]
    return "quota:" + ",".join(
        f"{kind}={'<default>' if name is None else name}" for kind, name in sorted(parts, key=_KIND)
    )


def acl_target(resource_type: int, name: str) -> str:
    """Spell the resource of an ACL as a permit names it, e.g. `acl:topic:orders`."""
    return f"acl:{_ACL_RESOURCES.get(resource_type, resource_type)}:{name}"


def broker_target(broker_id: int) -> str:
    """Spell a broker as a permit names it, e.g. `broker:4`."""
    return f"broker:{broker_id}"


def voter_target(voter_id: int) -> str:
    """Spell a voter of the metadata quorum as a permit names it, e.g. `voter:2`."""
    return f"voter:{voter_id}"


def feature_target(name: str) -> str:
    """Spell a feature as a permit names it, e.g. `feature:metadata.version`."""
    return f"feature:{name}"


def token_target(*, token_id: str = "", owner: str = "") -> str:
    """Spell a delegation token as a permit names it: `token:ID`, or a new one by its owner, `token-of:User:alice`."""
    if token_id:
        return f"token:{token_id}"
    return f"token-of:{owner if ':' in owner or not owner else f'User:{owner}'}"


_KIND: Final = itemgetter(0)
_ACL_RESOURCES: Final = {2: "topic", 3: "group", 4: "cluster", 5: "transactional-id", 6: "delegation-token", 7: "user"}
_RESOURCES: Final = {2: "topic", 4: "broker", 8: "broker-logger", 16: "client-metrics", 32: "group"}

_ON_GROUPS: Final = frozenset(
    {
        Operation.OFFSETS_COMMIT,
        Operation.OFFSETS_DELETE,
        Operation.GROUP_DELETE,
        Operation.GROUP_CONSUME,
        Operation.MEMBERS_REMOVE,
    }
)

_OPERATIONS: Final = {
    Api.CREATE_TOPICS: Operation.TOPIC_CREATE,
    Api.DELETE_TOPICS: Operation.TOPIC_DELETE,
    Api.OFFSET_COMMIT: Operation.OFFSETS_COMMIT,
    Api.OFFSET_DELETE: Operation.OFFSETS_DELETE,
    Api.DELETE_GROUPS: Operation.GROUP_DELETE,
    Api.INCREMENTAL_ALTER_CONFIGS: Operation.CONFIG_ALTER,
    Api.CREATE_PARTITIONS: Operation.PARTITIONS_ADD,
    Api.DELETE_RECORDS: Operation.RECORDS_DELETE,
    Api.ELECT_LEADERS: Operation.LEADERS_ELECT,
    Api.ALTER_PARTITION_REASSIGNMENTS: Operation.REASSIGN,
    Api.CREATE_ACLS: Operation.ACL_CREATE,
    Api.DELETE_ACLS: Operation.ACL_DELETE,
    Api.ALTER_CLIENT_QUOTAS: Operation.QUOTA_ALTER,
    Api.ALTER_USER_SCRAM_CREDENTIALS: Operation.USER_ALTER,
    Api.CREATE_DELEGATION_TOKEN: Operation.DELEGATION_ALTER,
    Api.RENEW_DELEGATION_TOKEN: Operation.DELEGATION_ALTER,
    Api.EXPIRE_DELEGATION_TOKEN: Operation.DELEGATION_ALTER,
    Api.WRITE_TXN_MARKERS: Operation.TXN_ABORT,
    Api.INIT_PRODUCER_ID: Operation.PRODUCER_FENCE,
    Api.ALTER_REPLICA_LOG_DIRS: Operation.REPLICAS_MOVE,
    Api.LEAVE_GROUP: Operation.MEMBERS_REMOVE,
    Api.ALTER_SHARE_GROUP_OFFSETS: Operation.OFFSETS_COMMIT,
    Api.DELETE_SHARE_GROUP_OFFSETS: Operation.OFFSETS_DELETE,
    Api.UNREGISTER_BROKER: Operation.BROKER_UNREGISTER,
    Api.ADD_RAFT_VOTER: Operation.QUORUM_CHANGE,
    Api.REMOVE_RAFT_VOTER: Operation.QUORUM_CHANGE,
    Api.UPDATE_FEATURES: Operation.FEATURES_UPDATE,
    Api.METADATA: Operation.TOPIC_CREATE,
    Api.FIND_COORDINATOR: Operation.OFFSETS_COMMIT,
}


def _acl_targets(items: object, kind: str, name: str) -> frozenset[str]:
    found = cast("Iterable[Mapping[str, object]]", items)
    return frozenset(acl_target(cast("int", item[kind]), str(item[name])) for item in found)


def _names(items: object, key: str) -> frozenset[str]:
    return frozenset(cast("str", item[key]) for item in cast("Iterable[Mapping[str, object]]", items))
