"""Which ACLs are there, and how are they made and removed? DescribeAcls, CreateAcls, DeleteAcls."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, TypeVar

from kcon.admin.apis import Api
from kcon.admin.calls import ask_whole, change, item_error, none_when_done, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest, WriteRequest, acl_target
from kcon.core.acl import Acl, AclFilter, AclOperation, AclPattern, AclPermission, AclResource
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import NO_BROKER
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit

_ACLS_PER_REQUEST_MAX: Final = 500
_Code = TypeVar("_Code", bound=IntEnum)


async def list_acls(cluster: Cluster, wanted: AclFilter, deadline: Deadline) -> list[Acl]:
    """Return the ACLs that a filter matches, sorted. KconError: SECURITY_DISABLED where there is no authorizer."""
    told = await ask_whole(cluster, ReadRequest(api=Api.DESCRIBE_ACLS, values=_filter_values(wanted)), deadline)
    found = [acl for resource in told.resources for item in resource.acls if (acl := _acl(resource, item))]
    return sorted(found, key=acl_order)


def acl_order(acl: Acl) -> tuple[object, ...]:
    """Sort by resource first, as people look for them."""
    return (acl.resource, acl.name.raw, acl.pattern, acl.principal.raw, acl.operation, acl.permission, acl.host.raw)


async def create_acls(
    cluster: Cluster, acls: Sequence[Acl], permit: Permit, deadline: Deadline
) -> dict[Acl, KafkaError | None]:
    """Create ACLs. None: it is there now, and may have been before."""

    async def ask(broker_id: int, keys: Sequence[Acl]) -> Mapping[Acl, bool | KafkaError]:
        request = WriteRequest(api=Api.CREATE_ACLS, values={"creations": [_creation_values(acl) for acl in keys]})
        told = await change(cluster, request, permit, deadline, None if broker_id == NO_BROKER else broker_id)
        return {acl: item_error(item) or True for acl, item in zip(keys, told.results, strict=False)}

    with permit.use(context=cluster.settings.context, operation=Operation.ACL_CREATE, targets=_targets(acls)):
        return none_when_done(await on_controller(cluster, acls, ask, deadline, batch_max=_ACLS_PER_REQUEST_MAX))


async def delete_acls(
    cluster: Cluster, acls: Sequence[Acl], permit: Permit, deadline: Deadline
) -> dict[Acl, KafkaError | None]:
    """Delete exactly these ACLs. None: it is gone, and may not have been there."""

    async def ask(broker_id: int, keys: Sequence[Acl]) -> Mapping[Acl, bool | KafkaError]:
        filters = [_filter_values(AclFilter(*_exactly(acl))) for acl in keys]
        request = WriteRequest(api=Api.DELETE_ACLS, values={"filters": filters})
        told = await change(cluster, request, permit, deadline, None if broker_id == NO_BROKER else broker_id)
        results: dict[Acl, bool | KafkaError] = {}
        for acl, item in zip(keys, told.filter_results, strict=False):
            errors = (error for each in (item, *item.matching_acls) if (error := item_error(each)))
            results[acl] = next(errors, True)
        return results

    with permit.use(context=cluster.settings.context, operation=Operation.ACL_DELETE, targets=_targets(acls)):
        return none_when_done(await on_controller(cluster, acls, ask, deadline, batch_max=_ACLS_PER_REQUEST_MAX))


def _targets(acls: Sequence[Acl]) -> frozenset[str]:
    return frozenset(acl_target(int(acl.resource), acl.name.raw) for acl in acls)


def _exactly(acl: Acl) -> tuple[Any, ...]:
    return (acl.resource, acl.name.raw, acl.pattern, acl.principal.raw, acl.host.raw, acl.operation, acl.permission)


def _filter_values(wanted: AclFilter) -> dict[str, object]:
    return {
        "resource_type_filter": int(wanted.resource),
        "resource_name_filter": wanted.name,
        "pattern_type_filter": int(wanted.pattern),
        "principal_filter": wanted.principal,
        "host_filter": wanted.host,
        "operation": int(wanted.operation),
        "permission_type": int(wanted.permission),
    }


def _creation_values(acl: Acl) -> dict[str, object]:
    return {
        "resource_type": int(acl.resource),
        "resource_name": acl.name.raw,
        "resource_pattern_type": int(acl.pattern),
        "principal": acl.principal.raw,
        "host": acl.host.raw,
        "operation": int(acl.operation),
        "permission_type": int(acl.permission),
    }


def _acl(resource: Any, item: Any) -> Acl | None:
    """Return None for an ACL with a word that is newer than kcon: half of it would mislead."""
    kind, pattern = _known(AclResource, resource.resource_type), _known(AclPattern, resource.pattern_type)
    operation, permission = _known(AclOperation, item.operation), _known(AclPermission, item.permission_type)
    if kind is None or pattern is None or operation is None or permission is None:
        return None
    return Acl(
        kind,
        WireText(resource.resource_name),
        pattern,
        WireText(item.principal),
        WireText(item.host),
        operation,
        permission,
    )


def _known(kind: type[_Code], code: int) -> _Code | None:
    return kind(code) if code in kind._value2member_map_ else None
