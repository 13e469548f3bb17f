"""ListGroups (16), versions 0-5: which groups are there?

- v4: states of groups, and a filter by them (KIP-518); names are compared without case.
- v5: types of groups, and a filter by them (KIP-848); all groups here are classic.
"""

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.topic import OFFSETS_TOPIC
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse

_GROUP_TYPE = "classic"


@handles(ApiKey.LIST_GROUPS, versions=(0, 5))
def handle_list_groups(ctx: RequestContext, request: ListGroupsRequest) -> Answer:
    """List the groups in the wanted states and of the wanted types."""
    states = {state.strip().lower() for state in request.states_filter}
    types = {group_type.strip().lower() for group_type in request.types_filter}
    groups: list[ListedGroup] = []
    if not types or _GROUP_TYPE in types:
        groups = [
            ListedGroup(
                group_id=group.group_id,
                protocol_type=group.protocol_type or "",
                group_state=group.state.value,
                group_type=_GROUP_TYPE,
            )
            for group in ctx.broker.groups.groups.values()
            if not states or group.state.value.lower() in states
        ]
    topic = ctx.broker.topics.by_name.get(OFFSETS_TOPIC)
    partitions = () if topic is None else topic.touched_partitions()
    return Answer(
        ListGroupsResponse(groups=groups),
        after=tuple((partition, partition.log.log_end_offset) for partition in partitions if partition.log is not None),
        failed=lambda _gate: ListGroupsResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE),
    )
