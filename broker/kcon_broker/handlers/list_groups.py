"""ListGroups (16), versions 0-5: which groups are there?

- v4: states of groups, and a filter by them (KIP-518); names are compared without case.
- v5: types of groups, and a filter by them (KIP-848).
"""

from collections.abc import Iterator

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.groups.consumer_protocol import CONSUMER_PROTOCOL_TYPE
from kcon_broker.state.topic import OFFSETS_TOPIC
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse

_CLASSIC, _CONSUMER = "classic", "consumer"


@handles(ApiKey.LIST_GROUPS, versions=(0, 5))
def handle_list_groups(ctx: RequestContext, request: ListGroupsRequest) -> Answer:
    """List the groups in the wanted states and of the wanted types."""
    states = {state.strip().lower() for state in request.states_filter}
    types = {group_type.strip().lower() for group_type in request.types_filter}
    groups = [
        group
        for group in _groups(ctx)
        if (not types or group.group_type in types) and (not states or group.group_state.lower() in states)
    ]
    topic = ctx.broker.topics.by_name.get(OFFSETS_TOPIC)
    partitions = () if topic is None else topic.touched_partitions()
    return Answer(
        ListGroupsResponse(groups=groups),
        after=tuple((partition, partition.log.log_end_offset) for partition in partitions if partition.log is not None),
        failed=lambda _gate: ListGroupsResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE),
    )


def _groups(ctx: RequestContext) -> Iterator[ListedGroup]:
    for group in ctx.broker.groups.groups.values():
        yield ListedGroup(
            group_id=group.group_id,
            protocol_type=group.protocol_type or "",
            group_state=group.state.value,
            group_type=_CLASSIC,
        )
    for consumer_group in ctx.broker.groups.consumer.by_id.values():
        yield ListedGroup(
            group_id=consumer_group.group_id,
            protocol_type=CONSUMER_PROTOCOL_TYPE,
            group_state=consumer_group.state.value,
            group_type=_CONSUMER,
        )
