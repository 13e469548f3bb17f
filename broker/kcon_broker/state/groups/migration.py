"""What becomes of a group with members that goes over to the other group protocol (KIP-848)?

    up      the first member of the new protocol comes to a group of classic consumers: they stay as members, each with
            the partitions that the leader gave it last
    down    the last member of the new protocol is gone, or a classic one takes its place: the classic members that are
            left stay, each with its target as assignment

Both ways are a list of records: the end of the old group and the whole of the new one. Epoch and generation are one
number, so nobody's commits are fenced. `group.consumer.migration.policy` says which ways are open.

Source of the rules: ConsumerGroup.fromClassicGroup and ClassicGroup.fromConsumerGroup of Apache Kafka's group
coordinator.
"""

from collections.abc import Collection, Iterable

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.consumer_group import ConsumerGroup, ConsumerMember, Draft
from kcon_broker.state.groups.consumer_protocol import (
    CONSUMER_PROTOCOL_TYPE,
    encode_assignment,
    read_assignment,
    read_subscription,
)
from kcon_broker.state.groups.consumer_records import (
    ClassicMembership,
    CurrentMemberRecord,
    GroupEpochRecord,
    MemberProgress,
    MemberRecord,
    MemberSubscription,
    PartitionEpochs,
    TargetEpochRecord,
    TargetMemberRecord,
    TopicPartitions,
)
from kcon_broker.state.groups.group import Group, GroupState, Member
from kcon_broker.state.groups.heartbeat_request import RefusedError
from kcon_broker.state.groups.outcome import Moment
from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.groups.records import encode_group
from kcon_broker.state.groups.target_assignment import metadata_hash
from kcon_broker.state.topic import TopicTable
from kcon_broker.wire.error_codes import ErrorCode


def upgraded(group: Group, settings: GroupSettings, topics: TopicTable, at: Moment) -> Draft:
    """Return a classic group as one of the new protocol, with the records that make it so. Raises RefusedError."""
    why_not = None
    if not settings.consumer_migration_policy.allows_upgrade:
        why_not = "online upgrade is disabled"
    elif group.protocol_type != CONSUMER_PROTOCOL_TYPE:
        why_not = "the group does not use the consumer embedded protocol"
    elif len(group.members) > settings.consumer_max_members:
        why_not = "the group size exceeds the consumer group maximum size"
    if why_not is None:
        try:
            return _upgrade(group, topics, at)
        except UnreadableRecordError as error:
            why_not = f"the embedded consumer protocol is malformed: {error}"
    raise RefusedError(
        ErrorCode.GROUP_ID_NOT_FOUND,
        f"Cannot upgrade classic group {group.group_id} to consumer group because {why_not}.",
    )


def _upgrade(group: Group, topics: TopicTable, at: Moment) -> Draft:
    group_id, epoch = group.group_id, group.generation
    draft = Draft(ConsumerGroup(group_id), (encode_group(group_id, None),))
    assigned = {member.member_id: _assigned(member, epoch, topics) for member in group.members.values()}
    for member in group.members.values():
        value = _subscription(member, group.protocol)
        draft.add(MemberRecord(group_id=group_id, member_id=member.member_id, value=value))
    hashed = metadata_hash(draft.group.subscribed_topics(), topics)
    draft.add(GroupEpochRecord(group_id=group_id, epoch=epoch, metadata_hash=hashed))
    for member_id, partitions in assigned.items():
        target = {topic_id: frozenset(indexes) for topic_id, indexes in partitions.items()}
        draft.add(TargetMemberRecord(group_id=group_id, member_id=member_id, value=target))
    draft.add(TargetEpochRecord(group_id=group_id, epoch=epoch, computed_at_ms=at.wall_ms))
    for member_id, partitions in assigned.items():
        progress = MemberProgress(epoch=epoch, previous_epoch=epoch, assigned=partitions)
        draft.add(CurrentMemberRecord(group_id=group_id, member_id=member_id, value=progress))
    return draft


def _subscription(member: Member, protocol: str | None) -> MemberSubscription:
    told = dict(member.protocols).get(protocol or "")
    if told is None:
        raise UnreadableRecordError(f"member {member.member_id} has no subscription yet")
    subscription = read_subscription(told)
    return MemberSubscription(
        instance_id=member.instance_id,
        rack_id=subscription.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        topic_names=subscription.topics,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        classic=ClassicMembership(session_timeout_ms=member.session_timeout_ms, protocols=member.protocols),
    )


def _assigned(member: Member, epoch: int, topics: TopicTable) -> PartitionEpochs:
    """Return what the leader gave a member last; nothing where it never did."""
    if not member.assignment:
        return {}
    given: dict[bytes, dict[int, int]] = {}
    for name, indexes in read_assignment(member.assignment):
        topic = topics.by_name.get(name)
        if topic is not None and indexes:
            given.setdefault(topic.topic_id, {}).update(dict.fromkeys(indexes, epoch))
    return given


def can_downgrade(group: ConsumerGroup, settings: GroupSettings, leaving: Collection[str]) -> bool:
    """Say whether a group goes back to the classic protocol once these members are gone."""
    left = [member for member_id, member in group.members.items() if member_id not in leaving]
    return (
        bool(left)
        and all(member.subscription.classic is not None for member in left)
        and settings.consumer_migration_policy.allows_downgrade
        and len(left) <= settings.max_members
    )


def downgraded(group: ConsumerGroup, members: Iterable[ConsumerMember], topics: TopicTable, at: Moment) -> Group:
    """Return a classic group of members that all use the classic protocol; its metadata is what a record keeps."""
    classic = Group(group.group_id, generation=group.epoch, protocol_type=CONSUMER_PROTOCOL_TYPE)
    for member in members:
        told = member.subscription
        assert told.classic is not None, "only classic members stay"
        joined = Member(
            member_id=member.member_id,
            instance_id=told.instance_id,
            client_id=told.client_id,
            client_host=told.client_host,
            rebalance_timeout_ms=told.rebalance_timeout_ms,
            session_timeout_ms=told.classic.session_timeout_ms,
            protocols=told.classic.protocols,
        )
        classic.add(joined, None)
    classic.protocol = classic.select_protocol()
    classic.transition_to(GroupState.STABLE, at.wall_ms)
    for joined in classic.members.values():
        target = group.target.get(joined.member_id, {})
        joined.assignment = assignment_of(target, joined.metadata(classic.protocol), topics)
    return classic


def assignment_of(partitions: TopicPartitions, subscription: bytes, topics: TopicTable) -> bytes:
    """Return partitions as an assignment for a classic member."""
    named = {
        topics.by_id[topic_id].name: indexes for topic_id, indexes in partitions.items() if topic_id in topics.by_id
    }
    return encode_assignment(named, subscription)
