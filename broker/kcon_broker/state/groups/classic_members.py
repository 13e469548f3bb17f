"""How does a member of the classic protocol live in a group of the new one (KIP-848)?

Its JoinGroup is a heartbeat that tells everything, its SyncGroup fetches the assignment that the broker computed, and
its Heartbeat tells it when to join again: nobody leads. Its generation is its member epoch.

Source of the rules: classicGroupJoinToConsumerGroup and its neighbours in Apache Kafka's group coordinator.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.consumer_group import ConsumerGroup, ConsumerMember
from kcon_broker.state.groups.consumer_heartbeat import Advance, Heartbeater
from kcon_broker.state.groups.consumer_protocol import CONSUMER_PROTOCOL_TYPE, Subscription, read_subscription
from kcon_broker.state.groups.consumer_records import ClassicMembership, MemberState
from kcon_broker.state.groups.consumer_timers import ConsumerTimers
from kcon_broker.state.groups.heartbeat_request import HeartbeatAsk, RefusedError
from kcon_broker.state.groups.migration import assignment_of
from kcon_broker.state.groups.outcome import JoinAnswer, JoinAsk, Moment, Outcome, SyncAnswer, SyncAsk
from kcon_broker.state.groups.record_fields import UnreadableRecordError
from kcon_broker.state.topic import TopicTable
from kcon_broker.wire.error_codes import ErrorCode

_API_VERSION = 1
"""Of the heartbeat that a JoinGroup stands for."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A member that has joined; it may have taken the place of the last one that used the new protocol."""

    advance: Advance
    answer: JoinAnswer
    outcome: Outcome[JoinAnswer]
    replaces_last_of_new_protocol: bool


class ClassicMembers:
    """Answer JoinGroup, SyncGroup and Heartbeat of a group of the new protocol."""

    def __init__(
        self,
        settings: GroupSettings,
        topics: TopicTable,
        timers: ConsumerTimers,
        heartbeater: Heartbeater,
        new_uuid: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._timers = timers
        self._heartbeater = heartbeater
        self._new_uuid = new_uuid

    def join(self, group: ConsumerGroup, ask: JoinAsk, at: Moment) -> Joined:
        """Take a member in, or its news. Raises RefusedError."""
        member_id = ask.member_id or self._new_uuid()
        is_known = member_id in group.members
        if len(group.members) >= self._settings.consumer_max_members and not is_known:
            raise RefusedError(ErrorCode.GROUP_MAX_SIZE_REACHED, "The group is full.")
        if not _supports(group, ask):
            raise RefusedError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "The group does not support the protocols.")
        if not ask.member_id and ask.instance_id is None and ask.member_id_is_required:
            raise RefusedError(ErrorCode.MEMBER_ID_REQUIRED, "Come again with the id.", member_id=member_id)
        try:
            subscription = read_subscription(ask.protocols[0][1])
        except UnreadableRecordError as error:
            raise RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, f"The subscription is malformed: {error}.") from error
        classic = ClassicMembership(session_timeout_ms=ask.session_timeout_ms, protocols=ask.protocols)
        holder = None if ask.instance_id is None else group.static_member(ask.instance_id)
        told = self._heartbeat_of(ask, member_id, subscription)
        advance = self._heartbeater.advance(group, told, at, classic=classic)
        answer = JoinAnswer(
            member_id=advance.member.member_id,
            generation=advance.member.progress.epoch,
            protocol_type=CONSUMER_PROTOCOL_TYPE,
            protocol=ask.protocols[0][0],
        )

        def finish() -> JoinAnswer:
            advance.finish()
            self._timers.joined(group.group_id, advance.member, at)
            return answer

        replaces_last = holder is not None and self._is_last_of_new_protocol(group, holder)
        return Joined(advance, answer, Outcome(advance.records, finish), replaces_last)

    def sync(self, group: ConsumerGroup, ask: SyncAsk, at: Moment) -> SyncAnswer:
        """Give a member the assignment of its epoch."""
        member = _member(group, ask.member_id, ask.instance_id)
        if isinstance(member, ErrorCode):
            return SyncAnswer(error_code=member)
        classic = member.subscription.classic
        assert classic is not None
        name, subscription = classic.protocols[0]
        if ask.generation != member.progress.epoch:
            return SyncAnswer(error_code=ErrorCode.ILLEGAL_GENERATION)
        if ask.protocol_type not in (None, CONSUMER_PROTOCOL_TYPE) or ask.protocol not in (None, name):
            return SyncAnswer(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        is_revoking = member.progress.state is MemberState.UNREVOKED_PARTITIONS
        if group.epoch > member.progress.epoch and not is_revoking:
            self._timers.await_join(group.group_id, member, at)
            return SyncAnswer(error_code=ErrorCode.REBALANCE_IN_PROGRESS)
        self._timers.synced(group.group_id, member.member_id)
        assigned = {topic_id: frozenset(indexes) for topic_id, indexes in member.progress.assigned.items()}
        return SyncAnswer(
            protocol_type=ask.protocol_type,
            protocol=ask.protocol,
            assignment=assignment_of(assigned, subscription, self._topics),
        )

    def heartbeat(
        self, group: ConsumerGroup, member_id: str, instance_id: str | None, generation: int, at: Moment
    ) -> ErrorCode:
        """Keep a member's session, and say whether it has to join again."""
        member = _member(group, member_id, instance_id)
        if isinstance(member, ErrorCode):
            return member
        if generation != member.progress.epoch:
            return ErrorCode.ILLEGAL_GENERATION
        self._timers.keep_session(group.group_id, member, at)
        state = member.progress.state
        can_go_on = state is MemberState.UNRELEASED_PARTITIONS and not _waits(group, member)
        if member.progress.epoch < group.epoch or state is MemberState.UNREVOKED_PARTITIONS or can_go_on:
            self._timers.await_join(group.group_id, member, at)
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def _heartbeat_of(self, ask: JoinAsk, member_id: str, subscription: Subscription) -> HeartbeatAsk:
        """Return a JoinGroup as the heartbeat that says the same."""
        owned = []
        for name, indexes in subscription.owned:
            topic = self._topics.by_name.get(name)
            if topic is not None:
                owned.append((topic.topic_id, indexes))
        return HeartbeatAsk(
            api_version=_API_VERSION,
            group_id=ask.group_id,
            member_id=member_id,
            member_epoch=0,
            instance_id=ask.instance_id,
            rack_id=subscription.rack_id,
            rebalance_timeout_ms=ask.rebalance_timeout_ms,
            topic_names=subscription.topics,
            topic_regex=None,
            server_assignor=None,
            owned=owned,
            client_id=ask.client_id,
            client_host=ask.client_host,
        )

    def _is_last_of_new_protocol(self, group: ConsumerGroup, holder: ConsumerMember) -> bool:
        others = [member for member in group.members.values() if member is not holder]
        return (
            all(member.subscription.classic is not None for member in others)
            and self._settings.consumer_migration_policy.allows_downgrade
            and len(group.members) <= self._settings.max_members
        )


def _supports(group: ConsumerGroup, ask: JoinAsk) -> bool:
    """Say whether all classic members have one of these protocols in common."""
    if ask.protocol_type != CONSUMER_PROTOCOL_TYPE or not ask.protocols:
        return False
    told = [member.subscription.classic for member in group.members.values()]
    supported = [dict(classic.protocols) for classic in told if classic is not None]
    return any(all(name in protocols for protocols in supported) for name, _ in ask.protocols)


def _member(group: ConsumerGroup, member_id: str, instance_id: str | None) -> ConsumerMember | ErrorCode:
    """Return the classic member that asks, or why it is none."""
    if instance_id is None:
        member = group.members.get(member_id)
    else:
        member = group.static_member(instance_id)
        if member is not None and member.member_id != member_id:
            return ErrorCode.FENCED_INSTANCE_ID
    if member is None or member.subscription.classic is None:
        return ErrorCode.UNKNOWN_MEMBER_ID
    return member


def _waits(group: ConsumerGroup, member: ConsumerMember) -> bool:
    """Say whether something of the member's target is still with another member."""
    for topic_id, indexes in group.target.get(member.member_id, {}).items():
        has = member.progress.assigned.get(topic_id, {})
        if any(index not in has and (topic_id, index) in group.owners for index in indexes):
            return True
    return False
