"""`kcon acl`: executes its requests and shows the answers."""

from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.acl import AclCreate, AclDelete, AclExplain, AclList, AclScope
from kcon.commands.request import Request
from kcon.core.acl import AclFilter, AclOperation, AclPattern, AclPermission, explain, parse_word, word
from kcon.core.wire_text import display_safe
from kcon.gate.permit import Operation
from kcon.services.acls import (
    acl_label,
    acl_values,
    filters_of,
    find_acls,
    named_resources,
    new_acls,
    plan_acls,
    preset_acls,
    principal_of,
)
from kcon.services.session import Session

_COLUMNS = (
    Column(key="principal"),
    Column(key="permission"),
    Column(key="operation"),
    Column(key="resource"),
    Column(key="name"),
    Column(key="pattern", drop=2),
    Column(key="host", drop=1),
)


async def run_acl(request: Request, invocation: Invocation) -> int:
    """Execute one request about ACLs."""
    async with invocation.open_session() as session:
        match request:
            case AclList():
                return await _list(request, invocation, session)
            case AclCreate():
                return await _create(request, invocation, session)
            case AclDelete():
                return await _delete(request, invocation, session)
            case AclExplain():
                return await _explain(request, invocation, session)
            case _:
                raise AssertionError(f"not about ACLs: {request.command}")


def _filters(scope: AclScope) -> list[AclFilter]:
    return filters_of(
        named_resources(scope.topics, scope.groups, scope.transactional_ids, scope.users, cluster=scope.cluster),
        principals=scope.principals,
        hosts=scope.hosts,
        operations=[parse_word(AclOperation, each) for each in scope.operations],
        pattern=parse_word(AclPattern, scope.pattern) if scope.pattern else AclPattern.ANY,
        permission=parse_word(AclPermission, scope.permission) if scope.permission else AclPermission.ANY,
    )


async def _list(request: AclList, invocation: Invocation, session: Session) -> int:
    filters = _filters(request.scope)
    async with invocation.deadline():
        found = await find_acls(session, filters)
    return invocation.show(
        Document(
            kind="AclList",
            context=invocation.context.name,
            columns=_COLUMNS,
            items=[acl_values(acl) for acl in found],
        )
    )


async def _create(request: AclCreate, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.ACL_CREATE, request.confirmation)
    scope = request.scope
    pattern = parse_word(AclPattern, scope.pattern or "literal")
    if request.preset is not None:
        acls = preset_acls(
            request.preset,
            topics=scope.topics,
            groups=scope.groups,
            principals=scope.principals,
            hosts=scope.hosts,
            pattern=pattern,
        )
    else:
        acls = new_acls(
            named_resources(scope.topics, scope.groups, scope.transactional_ids, scope.users, cluster=scope.cluster),
            principals=scope.principals,
            hosts=scope.hosts,
            operations=[parse_word(AclOperation, each) for each in scope.operations],
            pattern=pattern,
            permission=parse_word(AclPermission, scope.permission or "allow"),
        )
    shape = Shape(
        kind="AclCreation",
        columns=_COLUMNS,
        question=f"Create {_count(len(acls))}?",
        planned="to be created",
        done="created",
        what="ACLs",
    )
    changes = plan_acls(acls, delete=False)
    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=acl_values)


async def _delete(request: AclDelete, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.ACL_DELETE, request.confirmation)
    filters = _filters(request.scope)
    async with invocation.deadline():
        acls = await find_acls(session, filters)
    shape = Shape(
        kind="AclDeletion",
        columns=_COLUMNS,
        question=f"Delete {_count(len(acls))}?",
        planned="to be deleted",
        done="deleted",
        what="ACLs",
        notes=[] if acls else ["No ACL fits."],
    )
    changes = plan_acls(acls, delete=True)
    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=acl_values)


def _count(count: int) -> str:
    return "1 ACL" if count == 1 else f"{count:,} ACLs"


_EXPLAIN_COLUMNS = (
    Column(key="resource"),
    Column(key="name"),
    Column(key="operation"),
    Column(key="verdict"),
    Column(key="because"),
)


async def _explain(request: AclExplain, invocation: Invocation, session: Session) -> int:
    scope = request.scope
    operations = [parse_word(AclOperation, each) for each in scope.operations] or None
    principal = principal_of(request.principal)
    async with invocation.deadline():
        acls = await find_acls(session, [AclFilter()])
    items: list[Item] = []
    unprotected = False
    for kind, name in named_resources(
        scope.topics, scope.groups, scope.transactional_ids, scope.users, cluster=scope.cluster
    ):
        for host in scope.hosts or (None,):
            verdicts = explain(acls, principal=principal, resource=kind, name=name, host=host, operations=operations)
            for verdict in verdicts:
                unprotected = unprotected or verdict.unprotected
                items.append(
                    {
                        "principal": principal,
                        "host": host,
                        "resource": word(kind),
                        "name": name,
                        "operation": word(verdict.operation),
                        "verdict": "allowed" if verdict.allowed else "denied",
                        "because": [display_safe(acl_label(acl)) for acl in verdict.by] or "no ACL allows it",
                    }
                )
    notes = ["Super users of the brokers' configuration may do everything; they are not visible here."]
    if unprotected:
        notes.append(
            "Without any ACL on a resource, the brokers' allow.everyone.if.no.acl.found decides; false by default."
        )
    return invocation.show(
        Document(
            kind="AclExplanation",
            context=invocation.context.name,
            columns=_EXPLAIN_COLUMNS,
            name_key="operation",
            items=items,
            notes=notes,
        )
    )
