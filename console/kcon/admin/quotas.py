"""Who is held to what rate? DescribeClientQuotas and AlterClientQuotas."""

from collections.abc import Mapping, Sequence
from typing import Final

from kcon.admin.apis import Api
from kcon.admin.calls import ask, ask_whole, change, item_error, need, none_when_done, on_controller
from kcon.admin.cluster import Cluster, Deadline
from kcon.admin.requests import ReadRequest, WriteRequest, quota_target
from kcon.core.kafka_error import KafkaError
from kcon.core.quota import Quota, QuotaEntity
from kcon.core.snapshot import NO_BROKER
from kcon.gate.permit import Operation, Permit

_EXACT: Final = 0
_DEFAULT: Final = 1

QuotaEdits = Mapping[QuotaEntity, Mapping[str, float | None]]
"""By entity and key: the new value, or None to take it away."""


async def list_quotas(cluster: Cluster, entity: QuotaEntity | None, *, strict: bool, deadline: Deadline) -> list[Quota]:
    """Return the quotas (entity None: all) sorted by entity. strict: of exactly these kinds, no further ones."""
    components = [] if entity is None else [_component(kind, name) for kind, name in entity.parts]
    values = {"components": components, "strict": strict}
    told = await ask_whole(cluster, ReadRequest(api=Api.DESCRIBE_CLIENT_QUOTAS, values=values), deadline)
    found = [
        Quota(
            QuotaEntity.of({part.entity_type: part.entity_name for part in entry.entity}),
            {value.key: value.value for value in sorted(entry.values)},
        )
        for entry in told.entries or ()
    ]
    return sorted(found, key=lambda quota: str(quota.entity))


def _component(kind: str, name: str | None) -> dict[str, object]:
    if name is None:
        return {"entity_type": kind, "match_type": _DEFAULT, "match": None}
    return {"entity_type": kind, "match_type": _EXACT, "match": name}


async def alter_quotas(
    cluster: Cluster, edits: QuotaEdits, permit: Permit | None, *, validate_only: bool, deadline: Deadline
) -> dict[QuotaEntity, KafkaError | None]:
    """Set and take away quotas, leaving the others, or let the controller check whether it would. None: done."""

    async def send(broker_id: int, keys: Sequence[QuotaEntity]) -> Mapping[QuotaEntity, bool | KafkaError]:
        entries = [{"entity": _entity_values(key), "ops": _op_values(edits[key])} for key in keys]
        values = {"entries": entries, "validate_only": validate_only}
        to = None if broker_id == NO_BROKER else broker_id
        if validate_only:
            told = await ask(cluster, ReadRequest(api=Api.ALTER_CLIENT_QUOTAS, values=values), deadline, to)
        else:
            request = WriteRequest(api=Api.ALTER_CLIENT_QUOTAS, values=values)
            told = await change(cluster, request, need(permit, Operation.QUOTA_ALTER), deadline, to)
        return {
            QuotaEntity.of({part.entity_type: part.entity_name for part in entry.entity}): item_error(entry) or True
            for entry in told.entries
        }

    if validate_only:
        return none_when_done(await on_controller(cluster, list(edits), send, deadline))
    targets = {quota_target(_entity_values(entity)) for entity in edits}
    with need(permit, Operation.QUOTA_ALTER).use(
        context=cluster.settings.context, operation=Operation.QUOTA_ALTER, targets=targets
    ):
        return none_when_done(await on_controller(cluster, list(edits), send, deadline))


def _entity_values(entity: QuotaEntity) -> list[dict[str, object]]:
    return [{"entity_type": kind, "entity_name": name} for kind, name in entity.parts]


def _op_values(edits: Mapping[str, float | None]) -> list[dict[str, object]]:
    return [
        {"key": key, "value": 0.0 if value is None else value, "remove": value is None} for key, value in edits.items()
    ]
