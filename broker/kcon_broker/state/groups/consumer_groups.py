"""Which groups of the new protocol (KIP-848) are there, and what may be asked of them beside a heartbeat?

A group id belongs to one protocol at a time. An empty group goes over to the other protocol with its offsets when
its first member of that protocol comes; a group with members does not: moving a live group is refused as Apache
Kafka refuses it where `group.consumer.migration.policy` is "disabled".
"""

from collections.abc import Callable

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.consumer_group import (
    LEFT_EPOCH,
    STATIC_LEFT_EPOCH,
    ConsumerGroup,
    ConsumerMember,
)
from kcon_broker.state.groups.consumer_heartbeat import Heartbeater, HeartbeatOutcome
from kcon_broker.state.groups.consumer_records import ConsumerRecord, GroupEpochRecord, encode_consumer_record
from kcon_broker.state.groups.consumer_timers import ConsumerTimers
from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.heartbeat_request import HeartbeatAsk, RefusedError, check_request
from kcon_broker.state.groups.leave import LeaveAnswer, Leaver
from kcon_broker.state.groups.offsets import CommitAsk
from kcon_broker.state.groups.outcome import Moment, Outcome, Records, answered
from kcon_broker.state.groups.records import encode_group
from kcon_broker.state.groups.timers import TimerKind, Timers
from kcon_broker.state.topic import TopicTable
from kcon_broker.wire.error_codes import ErrorCode

_COMMIT_WITH_EPOCH_SINCE = 9


class ConsumerGroups:
    """All groups of the new protocol."""

    def __init__(
        self, settings: GroupSettings, topics: TopicTable, timers: Timers, new_uuid: Callable[[], str]
    ) -> None:
        self.by_id: dict[str, ConsumerGroup] = {}
        self._settings = settings
        self._timers = ConsumerTimers(settings, timers)
        self._heartbeater = Heartbeater(settings, topics, self._timers, new_uuid)

    # Membership

    def heartbeat(self, ask: HeartbeatAsk, classic: Group | None, group_count: int, at: Moment) -> HeartbeatOutcome:
        """Answer a heartbeat; `classic` is the group of this id in the older protocol."""
        try:
            check_request(ask)
            if ask.member_epoch in (LEFT_EPOCH, STATIC_LEFT_EPOCH):
                return self._heartbeater.leave(self._existing(ask.group_id, classic), ask)
            group, before = self._joinable(ask, classic, group_count)
            return self._heartbeater.heartbeat(group, ask, at, before)
        except RefusedError as refused:
            return answered(refused.answer)

    def remove(self, group: ConsumerGroup, leavers: tuple[Leaver, ...]) -> Outcome[LeaveAnswer]:
        """Remove members for an administrator who sends LeaveGroup (KIP-345)."""
        removed: dict[str, ConsumerMember] = {}
        errors: list[ErrorCode] = []
        for leaver in leavers:
            if leaver.instance_id is None:
                member = group.members.get(leaver.member_id)
            else:
                member = group.static_member(leaver.instance_id)
            if member is None:
                errors.append(ErrorCode.UNKNOWN_MEMBER_ID)
            elif leaver.instance_id is not None and leaver.member_id not in ("", member.member_id):
                errors.append(ErrorCode.FENCED_INSTANCE_ID)
            else:
                removed[member.member_id] = member
                errors.append(ErrorCode.NONE)
        answer = LeaveAnswer(member_errors=tuple(errors))
        return Outcome(self._heartbeater.fence(group, tuple(removed.values())), lambda: answer)

    def time_is_over(self, kind: TimerKind, group_id: str, member_id: str) -> Records:
        """Put out a member that was silent, or that did not give back its partitions."""
        assert kind in (TimerKind.CONSUMER_SESSION, TimerKind.CONSUMER_REVOCATION)
        group = self.by_id.get(group_id)
        member = None if group is None else group.members.get(member_id)
        if group is None or member is None:
            return ()
        if kind is TimerKind.CONSUMER_REVOCATION and member.progress.epoch == STATIC_LEFT_EPOCH:
            # It stopped while it had to give something back: its session decides.
            return ()
        return self._heartbeater.fence(group, (member,))

    def begin_deadlines(self, group: ConsumerGroup, at: Moment) -> None:
        """Give every member that a log brought its full time."""
        for member in group.members.values():
            self._timers.keep_session(group.group_id, member.member_id, at)
            self._timers.watch_revocation(group.group_id, member.member_id, member.progress, member.subscription, at)

    # Offsets

    def commit_error(self, group: ConsumerGroup, ask: CommitAsk) -> ErrorCode:
        """Say why a commit is refused, NONE if it is not; one partition refused is all refused.

        A member that has not heard of its newer epoch may go on committing what it has had since (KIP-1251).
        """
        if ask.generation < 0 and not group.members:
            return ErrorCode.NONE
        member = group.members.get(ask.member_id)
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if ask.api_version < _COMMIT_WITH_EPOCH_SINCE:
            return ErrorCode.UNSUPPORTED_VERSION
        if ask.generation == member.progress.epoch:
            return ErrorCode.NONE
        epochs = [member.assignment_epoch(commit.topic_id, commit.partition) for commit in ask.commits]
        has_had_all = all(epoch is not None and epoch <= ask.generation for epoch in epochs)
        is_behind = ask.generation < member.progress.epoch
        return ErrorCode.NONE if is_behind and has_had_all else ErrorCode.STALE_MEMBER_EPOCH

    def fetch_error(self, group_id: str, member_id: str | None, member_epoch: int) -> ErrorCode:
        """Say whether who names itself as a member may fetch offsets; others always may."""
        group = self.by_id.get(group_id)
        if group is None or (member_id is None and member_epoch < 0):
            return ErrorCode.NONE
        member = group.members.get(member_id or "")
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return ErrorCode.NONE if member_epoch == member.progress.epoch else ErrorCode.STALE_MEMBER_EPOCH

    # State

    def tombstones(self, group_id: str) -> Records:
        """Return the records that end a group; none where there is no such group."""
        group = self.by_id.get(group_id)
        return () if group is None else tuple(map(encode_consumer_record, group.tombstones()))

    def replay(self, record: ConsumerRecord, *, is_tombstone: bool) -> None:
        """Apply one record."""
        if isinstance(record, GroupEpochRecord) and record.epoch is None:
            self.forget(record.group_id)
            return
        group = self.by_id.get(record.group_id)
        if group is None:
            if is_tombstone:
                return
            group = self.by_id[record.group_id] = ConsumerGroup(record.group_id)
        group.apply(record)

    def forget(self, group_id: str) -> None:
        """Drop a group from memory, with its deadlines."""
        group = self.by_id.pop(group_id, None)
        if group is not None:
            self._heartbeater.forget_group(group_id)
            for member_id in group.members:
                self._timers.cancel(group_id, member_id)

    def _existing(self, group_id: str, classic: Group | None) -> ConsumerGroup:
        group = self.by_id.get(group_id)
        if group is None:
            problem = "not found" if classic is None else "is not a consumer group"
            raise RefusedError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} {problem}.")
        return group

    def _joinable(self, ask: HeartbeatAsk, classic: Group | None, group_count: int) -> tuple[ConsumerGroup, Records]:
        """Return the group of a heartbeat, and the records that end an empty group of the older protocol."""
        group_id = ask.group_id
        group = self.by_id.get(group_id)
        if group is not None:
            return group, ()
        if ask.member_epoch != 0:
            if classic is None:
                raise RefusedError(ErrorCode.GROUP_ID_NOT_FOUND, f"Consumer group {group_id} not found.")
            raise RefusedError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group.")
        if classic is None:
            if group_count >= self._settings.max_groups:
                raise RefusedError(
                    ErrorCode.POLICY_VIOLATION, f"The broker keeps {self._settings.max_groups} groups and no more."
                )
            return ConsumerGroup(group_id), ()
        if classic.state is not GroupState.EMPTY:
            raise RefusedError(
                ErrorCode.GROUP_ID_NOT_FOUND,
                f"Cannot upgrade classic group {group_id} to consumer group because online upgrade is disabled.",
            )
        return ConsumerGroup(group_id), (encode_group(group_id, None),)
