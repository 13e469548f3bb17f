"""DescribeClientQuotas (48), versions 0-1: which quotas do users, client ids and addresses have (KIP-546)?

Components of a filter all have to match; a strict filter leaves out entities with types that it does not name.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.client_quotas import CLIENT_ID, IP, USER, Entity
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)

_EXACT, _DEFAULT, _SPECIFIED = range(3)
_PROBLEM_OF_MATCH = {
    _EXACT: "Request specified MATCH_TYPE_EXACT, but set match string to null.",
    _DEFAULT: "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.",
    _SPECIFIED: "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.",
}


@handles(ApiKey.DESCRIBE_CLIENT_QUOTAS, versions=(0, 1))
def handle_describe_client_quotas(ctx: RequestContext, request: DescribeClientQuotasRequest) -> Answer:
    """Tell the quotas of the entities that the filter means."""
    if (refusal := _refusal(request.components)) is not None:
        return Answer(DescribeClientQuotasResponse(error_code=refusal[0], error_message=refusal[1], entries=None))
    entries = [
        EntryData(
            entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
            values=[ValueData(key=key, value=value) for key, value in values.items()],
        )
        for entity, values in ctx.broker.cluster.quotas.by_entity.items()
        if _is_meant(entity, request)
    ]
    return Answer(
        DescribeClientQuotasResponse(error_message="", entries=entries), after=(ctx.broker.topics_position(),)
    )


def _refusal(components: list[ComponentData]) -> tuple[ErrorCode, str] | None:
    """Say what is wrong with a filter; None: nothing."""
    types: set[str] = set()
    for component in components:
        kind = component.entity_type
        if not kind:
            return ErrorCode.INVALID_REQUEST, "Invalid empty entity type."
        if kind in types:
            return ErrorCode.INVALID_REQUEST, f"Entity type {kind} cannot appear more than once in the filter."
        if kind not in (USER, CLIENT_ID, IP):
            return ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}"
        types.add(kind)
        if component.match_type not in _PROBLEM_OF_MATCH:
            return ErrorCode.INVALID_REQUEST, f"Unknown match type {component.match_type}"
        if (component.match is None) == (component.match_type == _EXACT):
            return ErrorCode.INVALID_REQUEST, _PROBLEM_OF_MATCH[component.match_type]
    if IP in types and len(types) > 1:
        return ErrorCode.INVALID_REQUEST, "A filter of ip cannot be combined with one of user or client-id."
    return None


def _is_meant(entity: Entity, request: DescribeClientQuotasRequest) -> bool:
    names = dict(entity)
    if request.strict and len(names) != len(request.components):
        return False
    for component in request.components:
        if component.entity_type not in names:
            return False
        name = names[component.entity_type]
        if component.match_type == _EXACT and name != component.match:
            return False
        if component.match_type == _DEFAULT and name is not None:
            return False
    return True
