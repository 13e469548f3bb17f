"""`kcon quota`: executes its requests and shows the answers."""

from collections.abc import Mapping

from kcon.admin.client import Admin
from kcon.admin.requests import quota_target
from kcon.cli.changes import refuse_early
from kcon.cli.document import Column, Document, Item, Value
from kcon.cli.invocation import Invocation
from kcon.cli.item_changes import Shape, carry_out_items
from kcon.commands.quota import DEFAULT_NAME, QuotaAlter, QuotaList, QuotaResolve, QuotaScope
from kcon.commands.request import Request
from kcon.core.kafka_error import KafkaError
from kcon.core.quota import CLIENT_ID, IP, KEYS, USER, QuotaEntity, resolve
from kcon.core.wire_text import WireText
from kcon.gate.permit import Operation, Permit
from kcon.services.item_changes import ItemChanges
from kcon.services.session import Session


async def run_quota(request: Request, invocation: Invocation) -> int:
    """Execute one request about quotas."""
    async with invocation.open_session() as session:
        match request:
            case QuotaList():
                return await _list(request, invocation, session)
            case QuotaResolve():
                return await _resolve(request, invocation, session)
            case QuotaAlter():
                return await _alter(request, invocation, session)
            case _:
                raise AssertionError(f"not about quotas: {request.command}")


def _entity(scope: QuotaScope) -> QuotaEntity:
    parts = {USER: scope.user, CLIENT_ID: scope.client_id, IP: scope.ip}
    return QuotaEntity.of(
        {kind: None if name == DEFAULT_NAME else name for kind, name in parts.items() if name is not None}
    )


def _number(value: Value) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


_LIST_COLUMNS = (
    Column(key="user"),
    Column(key="client_id", header="CLIENT ID"),
    Column(key="ip", header="IP"),
    Column(key="key"),
    Column(key="value", right=True, show=_number),
    Column(key="unit", drop=1),
)


async def _list(request: QuotaList, invocation: Invocation, session: Session) -> int:
    entity = _entity(request.scope)
    async with invocation.deadline():
        quotas = await (await session.admin()).quotas(entity if entity.parts else None)
    items: list[Item] = [
        {**_entity_item(quota.entity), "key": WireText(key), "value": value, "unit": KEYS.get(key)}
        for quota in quotas
        for key, value in quota.values.items()
    ]
    return invocation.show(
        Document(kind="QuotaList", context=invocation.context.name, columns=_LIST_COLUMNS, name_key="key", items=items)
    )


def _entity_item(entity: QuotaEntity) -> dict[str, Value]:
    parts = {kind: DEFAULT_NAME if name is None else WireText(name) for kind, name in entity.parts}
    return {"user": parts.get(USER), "client_id": parts.get(CLIENT_ID), "ip": parts.get(IP)}


_RESOLVE_COLUMNS = (
    Column(key="key"),
    Column(key="value", right=True, show=_number),
    Column(key="unit", drop=1),
    Column(key="set_for", header="SET FOR"),
)


async def _resolve(request: QuotaResolve, invocation: Invocation, session: Session) -> int:
    scope = request.scope
    async with invocation.deadline():
        quotas = await (await session.admin()).quotas()
    won = resolve(quotas, user=scope.user, client_id=scope.client_id, ip=scope.ip)
    return invocation.show(
        Document(
            kind="QuotaResolution",
            context=invocation.context.name,
            columns=_RESOLVE_COLUMNS,
            name_key="key",
            items=[
                {
                    "key": WireText(each.key),
                    "value": each.value,
                    "unit": KEYS.get(each.key),
                    "set_for": WireText(str(each.entity)),
                }
                for each in won
            ],
            notes=[] if won else ["No quota holds for this client."],
        )
    )


_ALTER_COLUMNS = (
    Column(key="user"),
    Column(key="client_id", header="CLIENT ID"),
    Column(key="ip", header="IP"),
    Column(key="keys"),
    Column(key="current"),
    Column(key="new"),
)


async def _alter(request: QuotaAlter, invocation: Invocation, session: Session) -> int:
    refuse_early(session, Operation.QUOTA_ALTER, request.confirmation)
    entity, edits = _entity(request.scope), dict(request.values)
    async with invocation.deadline():
        before = {quota.entity: quota.values for quota in await (await session.admin()).quotas(entity, strict=True)}
    current = before.get(entity, {})

    async def send(admin: Admin, permit: Permit) -> Mapping[QuotaEntity, KafkaError | None]:
        return await admin.alter_quotas({entity: edits}, permit)

    async def check(admin: Admin) -> Mapping[QuotaEntity, KafkaError | None]:
        return await admin.alter_quotas({entity: edits}, None, validate_only=True)

    target = quota_target([{"entity_type": kind, "entity_name": name} for kind, name in entity.parts])
    changes = ItemChanges(
        operation=Operation.QUOTA_ALTER,
        targets=frozenset({target}),
        keys=(entity,),
        label=lambda each: f"quota of {each}",
        send=send,
        check=check,
    )
    item: Item = {
        **_entity_item(entity),
        "keys": list(edits),
        "current": [_shown(current.get(key)) for key in edits],
        "new": [_shown(value) for value in edits.values()],
    }
    shape = Shape(
        kind="QuotaAlteration",
        columns=_ALTER_COLUMNS,
        question=f"Change the quotas of {WireText(str(entity))}?",
        planned="to be changed",
        done="changed",
        what="entities",
        name_key="user",
    )
    return await carry_out_items(invocation, session, request.confirmation, changes, shape, item=lambda _entity: item)


def _shown(value: float | None) -> str:
    return "(none)" if value is None else f"{value:.10g}"
