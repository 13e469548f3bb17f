"""ConsumerGroupDescribe (69), versions 0-1: state, epochs, members and assignments of groups of the new protocol.

- v1: the protocol that each member uses (KIP-1099); all members here use the new one.

An empty id is INVALID_GROUP_ID; a group that is not there, or is classic, is GROUP_ID_NOT_FOUND, and clients then
ask DescribeGroups (KIP-848). With the feature `group.version` at 0 each is UNSUPPORTED_VERSION.
"""

from collections.abc import Iterable, Mapping

from kcon_broker.handlers.describe_groups import GROUP_OPERATIONS
from kcon_broker.handlers.group_answers import answer_when_durable
from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.state.features import GROUP_VERSION
from kcon_broker.state.groups.assignors import DEFAULT_ASSIGNOR
from kcon_broker.state.groups.consumer_group import ConsumerGroup, ConsumerMember
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.consumer_group_describe import (
    Assignment,
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
    Member,
    TopicPartitions,
)

_USES_CLASSIC_PROTOCOL = 0
_USES_CONSUMER_PROTOCOL = 1


@handles(ApiKey.CONSUMER_GROUP_DESCRIBE, versions=(0, 1))
def handle_consumer_group_describe(ctx: RequestContext, request: ConsumerGroupDescribeRequest) -> Answer:
    """Describe groups, each with its own error."""
    if not ctx.broker.cluster.features.levels[GROUP_VERSION]:
        off = ErrorCode.UNSUPPORTED_VERSION
        refused = [DescribedGroup(error_code=off, group_id=group_id) for group_id in request.group_ids]
        return Answer(ConsumerGroupDescribeResponse(groups=refused))
    groups: list[DescribedGroup] = []
    for group_id in request.group_ids:
        group = ctx.broker.groups.consumer.by_id.get(group_id)
        described = _not_found(ctx, group_id) if group is None else _describe(ctx, group)
        if request.include_authorized_operations and not described.error_code:
            described.authorized_operations = GROUP_OPERATIONS
        groups.append(described)
    error_code = ErrorCode.COORDINATOR_NOT_AVAILABLE
    failed = [DescribedGroup(error_code=error_code, group_id=group_id) for group_id in request.group_ids]
    return answer_when_durable(
        ctx,
        request.group_ids,
        ConsumerGroupDescribeResponse(groups=groups),
        failed=ConsumerGroupDescribeResponse(groups=failed),
    )


def _not_found(ctx: RequestContext, group_id: str) -> DescribedGroup:
    if not group_id:
        return DescribedGroup(error_code=ErrorCode.INVALID_GROUP_ID)
    problem = "is not a consumer group" if group_id in ctx.broker.groups.groups else "not found"
    return DescribedGroup(
        group_id=group_id,
        error_code=ErrorCode.GROUP_ID_NOT_FOUND,
        error_message=f"Group {group_id} {problem}.",
    )


def _describe(ctx: RequestContext, group: ConsumerGroup) -> DescribedGroup:
    return DescribedGroup(
        group_id=group.group_id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.target_epoch,
        assignor_name=group.preferred_assignor(DEFAULT_ASSIGNOR),
        members=[_member(ctx, group, member) for member in group.members.values()],
    )


def _member(ctx: RequestContext, group: ConsumerGroup, member: ConsumerMember) -> Member:
    subscription = member.subscription
    return Member(
        member_id=member.member_id,
        instance_id=subscription.instance_id,
        rack_id=subscription.rack_id,
        member_epoch=member.progress.epoch,
        client_id=subscription.client_id,
        client_host=subscription.client_host,
        subscribed_topic_names=sorted(subscription.topic_names),
        subscribed_topic_regex=subscription.topic_regex,
        assignment=_assignment(ctx, member.owned()),
        target_assignment=_assignment(ctx, group.target.get(member.member_id, {})),
        member_type=_USES_CONSUMER_PROTOCOL if subscription.classic is None else _USES_CLASSIC_PROTOCOL,
    )


def _assignment(ctx: RequestContext, partitions: Mapping[bytes, Iterable[int]]) -> Assignment:
    """Return partitions of topics that still have a name."""
    topics = ctx.broker.topics.by_id
    return Assignment(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, topic_name=topics[topic_id].name, partitions=sorted(indexes))
            for topic_id, indexes in sorted(partitions.items())
            if topic_id in topics
        ]
    )
