"""Which ACLs does the user mean? Filters and new ACLs from words, and the plans to create and delete them."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from kcon.admin.client import Admin
from kcon.admin.requests import acl_target
from kcon.core.acl import (
    CLUSTER_NAME,
    WILDCARD,
    Acl,
    AclFilter,
    AclOperation,
    AclPattern,
    AclPermission,
    AclResource,
    consumer_acls,
    producer_acls,
    word,
)
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import UsageError
from kcon.gate.permit import Operation, Permit
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session

Resources = Sequence[tuple[AclResource, str]]


def principal_of(text: str) -> str:
    """Return the principal with its kind: `alice` is `User:alice`."""
    return text if ":" in text else f"User:{text}"


async def find_acls(session: Session, filters: Sequence[AclFilter]) -> list[Acl]:
    """Return the ACLs that any of the filters matches, without repeats."""
    admin = await session.admin()
    found: dict[Acl, None] = {}
    for wanted in filters:
        found |= dict.fromkeys(await admin.acls(wanted))
    return list(found)


def filters_of(
    resources: Resources,
    *,
    principals: Sequence[str],
    hosts: Sequence[str],
    operations: Sequence[AclOperation],
    pattern: AclPattern,
    permission: AclPermission,
) -> list[AclFilter]:
    """Return a filter for each combination; nothing given for a part means anything."""
    whom: list[str | None] = [principal_of(each) for each in principals]
    anywhere: list[str | None] = list(hosts)
    named: Sequence[tuple[AclResource, str | None]] = list(resources) or [(AclResource.ANY, None)]
    return [
        AclFilter(kind, name, pattern, principal, host, operation, permission)
        for (kind, name), principal, host, operation in product(
            named, whom or [None], anywhere or [None], operations or [AclOperation.ANY]
        )
    ]


def new_acls(
    resources: Resources,
    *,
    principals: Sequence[str],
    hosts: Sequence[str],
    operations: Sequence[AclOperation],
    pattern: AclPattern,
    permission: AclPermission,
) -> list[Acl]:
    """Return the ACLs for each combination. UsageError when a part is missing."""
    if not resources:
        raise UsageError("Name a resource: --topic, --group, --transactional-id, --user or --cluster.")
    made = [
        Acl(
            kind,
            WireText(name),
            AclPattern.LITERAL if kind is AclResource.CLUSTER else pattern,
            WireText(principal_of(principal)),
            WireText(host),
            operation,
            permission,
        )
        for (kind, name), principal, host, operation in product(resources, principals, hosts or [WILDCARD], operations)
    ]
    return list(dict.fromkeys(made))


def preset_acls(
    preset: str,
    *,
    topics: Sequence[str],
    groups: Sequence[str],
    principals: Sequence[str],
    hosts: Sequence[str],
    pattern: AclPattern,
) -> list[Acl]:
    """Return the ACLs that a producer or a consumer needs."""
    if not topics:
        raise UsageError(f"Name the topics of the {preset} with --topic.")
    if preset == "consumer" and not groups:
        raise UsageError("Name the groups of the consumer with --group.")
    made: list[Acl] = []
    for principal, topic, host in product(principals, topics, hosts or [WILDCARD]):
        whom = principal_of(principal)
        if preset == "producer":
            made += producer_acls(whom, topic, pattern, host)
        for group in groups if preset == "consumer" else ():
            made += consumer_acls(whom, topic, group, pattern, host)
    return list(dict.fromkeys(made))


def named_resources(
    topics: Sequence[str],
    groups: Sequence[str],
    transactional_ids: Sequence[str],
    users: Sequence[str],
    *,
    cluster: bool,
) -> list[tuple[AclResource, str]]:
    """Return the resources in one list."""
    found = [(AclResource.TOPIC, name) for name in topics]
    found += [(AclResource.GROUP, name) for name in groups]
    found += [(AclResource.TRANSACTIONAL_ID, name) for name in transactional_ids]
    found += [(AclResource.USER, principal_of(name)) for name in users]
    return [*found, (AclResource.CLUSTER, CLUSTER_NAME)] if cluster else found


def plan_acls(acls: Sequence[Acl], *, delete: bool) -> ItemChanges[Acl]:
    """Plan to create or delete exactly these."""

    async def send(admin: Admin, permit: Permit) -> Mapping[Acl, KafkaError | None]:
        return await (admin.delete_acls(acls, permit) if delete else admin.create_acls(acls, permit))

    return ItemChanges(
        operation=Operation.ACL_DELETE if delete else Operation.ACL_CREATE,
        targets=frozenset(acl_target(int(acl.resource), acl.name.raw) for acl in acls),
        keys=tuple(acls),
        label=acl_label,
        send=send,
        by_pattern=delete,
    )


def acl_label(acl: Acl) -> str:
    """Name an ACL in one line, raw."""
    return (
        f"{word(acl.permission)} {acl.principal.raw} {word(acl.operation)} "
        f"{word(acl.resource)} {acl.name.raw} ({word(acl.pattern)}) from {acl.host.raw}"
    )


def acl_values(acl: Acl) -> dict[str, Any]:
    """Return an ACL as an item of an answer."""
    return {
        "principal": acl.principal,
        "permission": word(acl.permission),
        "operation": word(acl.operation),
        "resource": word(acl.resource),
        "name": acl.name,
        "pattern": word(acl.pattern),
        "host": acl.host,
    }
