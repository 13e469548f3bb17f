"""AlterClientQuotas (49), versions 0-1: set and remove quotas of users, client ids and addresses (KIP-546, KIP-612).

Each entity is judged alone, and changed as a whole or not at all. Quotas are kept and told, nothing is throttled.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.broker import Broker
from kcon_broker.state.client_quotas import Entity, InvalidQuotaError, QuotaAltered, check_quota, entity_of
from kcon_broker.state.gate import Gate
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    AlterClientQuotasResponseEntryData,
    EntityData,
    OpData,
)


@handles(ApiKey.ALTER_CLIENT_QUOTAS, versions=(0, 1))
def handle_alter_client_quotas(ctx: RequestContext, request: AlterClientQuotasRequest) -> Answer:
    """Change each entity's quotas, or say why not."""
    # Of a type that is named twice the last name counts.
    named = [
        tuple(sorted({one.entity_type: one.entity_name for one in entry.entity}.items())) for entry in request.entries
    ]
    after: dict[Gate, int] = {}
    results: dict[Entity, AlterClientQuotasResponseEntryData] = {}
    for pairs, entry in zip(named, request.entries, strict=True):
        if pairs in results:
            # The first change was made, and yet the answer is a refusal, as in Apache Kafka.
            results[pairs].error_code = ErrorCode.INVALID_REQUEST
            results[pairs].error_message = "An entity is named more than once."
            continue
        result = results[pairs] = AlterClientQuotasResponseEntryData(
            error_message=None, entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in pairs]
        )
        try:
            if len({op.key for op in entry.ops}) < len(entry.ops):
                raise InvalidQuotaError("A quota of an entity is named more than once.")
            change = _change(ctx.broker, entity_of(pairs), entry.ops)
        except InvalidQuotaError as error:
            result.error_code, result.error_message = ErrorCode.INVALID_REQUEST, str(error)
            continue
        if change is not None and not request.validate_only:
            gate, position = ctx.broker.change_cluster(change)
            after[gate] = position
    return Answer(AlterClientQuotasResponse(entries=list(results.values())), after=tuple(after.items()))


def _change(broker: Broker, entity: Entity, ops: list[OpData]) -> QuotaAltered | None:
    """Return what changes for an entity; None: nothing."""
    before = broker.cluster.quotas.by_entity.get(entity, {})
    values = dict(before)
    for op in ops:
        if op.remove:
            values.pop(op.key, None)
        else:
            check_quota(entity, op.key, op.value)
            values[op.key] = op.value
    return None if values == before else QuotaAltered(entity=entity, values=values)
