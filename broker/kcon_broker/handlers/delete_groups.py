"""DeleteGroups (42), versions 0-2: delete groups without members, with their offsets (KIP-229)."""

from kcon_broker.handlers.group_answers import answer_when_durable, moment
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)


@handles(ApiKey.DELETE_GROUPS, versions=(0, 2))
def handle_delete_groups(ctx: RequestContext, request: DeleteGroupsRequest) -> Answer:
    """Delete each group once, however often it is named."""
    group_ids = list(dict.fromkeys(request.groups_names))
    errors = {group_id: ctx.broker.groups.delete_group(group_id, moment(ctx)) for group_id in group_ids}
    failed = dict.fromkeys(group_ids, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return answer_when_durable(ctx, group_ids, _response(errors), failed=_response(failed))


def _response(errors: dict[str, ErrorCode]) -> DeleteGroupsResponse:
    return DeleteGroupsResponse(
        results=[
            DeletableGroupResult(group_id=group_id, error_code=error_code) for group_id, error_code in errors.items()
        ]
    )
