"""Which groups of the new protocol (KIP-848) are there, and what may be asked of them beside a heartbeat?

A group id belongs to one protocol at a time. A group goes over to this one with its offsets when its first member of
it comes, and back when the last one goes; what becomes of the members is said in migration.py. Members that still use
the classic protocol are served by classic_members.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kcon_broker.state.groups.classic_members import ClassicMembers
from kcon_broker.state.groups.consumer_group import (
    LEFT_EPOCH,
    STATIC_LEFT_EPOCH,
    ConsumerGroup,
    ConsumerMember,
)
from kcon_broker.state.groups.consumer_heartbeat import Heartbeater, HeartbeatOutcome
from kcon_broker.state.groups.consumer_records import ConsumerRecord, GroupEpochRecord, encode_consumer_record
from kcon_broker.state.groups.consumer_timers import MEMBER_KINDS, ConsumerTimers
from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.group_configs import GroupConfigs
from kcon_broker.state.groups.heartbeat_request import (
    HeartbeatAnswer,
    HeartbeatAsk,
    RefusedError,
    check_request,
    leaver_of,
)
from kcon_broker.state.groups.leave import LeaveAnswer, Leaver
from kcon_broker.state.groups.migration import can_downgrade, downgraded, upgraded
from kcon_broker.state.groups.offsets import CommitAsk
from kcon_broker.state.groups.outcome import (
    JoinAnswer,
    JoinAsk,
    Moment,
    Outcome,
    Records,
    SyncAnswer,
    SyncAsk,
    answered,
)
from kcon_broker.state.groups.rebalance import Rebalancer
from kcon_broker.state.groups.records import encode_group
from kcon_broker.state.groups.timers import TimerKind, Timers
from kcon_broker.state.topic import TopicTable
from kcon_broker.wire.error_codes import ErrorCode

_COMMIT_WITH_EPOCH_SINCE = 9


class ConsumerGroups:
    """All groups of the new protocol."""

    def __init__(
        self,
        configs: GroupConfigs,
        topics: TopicTable,
        timers: Timers,
        new_uuid: Callable[[], str],
        *,
        classic: dict[str, Group],
        rebalancer: Rebalancer,
    ) -> None:
        """Begin without groups; `classic` are those of the older protocol, where a group that goes back turns up."""
        self.by_id: dict[str, ConsumerGroup] = {}
        self._settings = settings = configs.settings
        self._topics = topics
        self._timers = ConsumerTimers(configs, timers)
        self._heartbeater = Heartbeater(configs, topics, self._timers, new_uuid)
        self._classic = classic
        self._rebalancer = rebalancer
        self._classic_members = ClassicMembers(settings, topics, self._timers, self._heartbeater, new_uuid)

    # Membership

    def heartbeat(self, ask: HeartbeatAsk, classic: Group | None, group_count: int, at: Moment) -> HeartbeatOutcome:
        """Answer a heartbeat; `classic` is the group of this id in the older protocol."""
        try:
            check_request(ask)
            if ask.member_epoch in (LEFT_EPOCH, STATIC_LEFT_EPOCH):
                return self._leave(self._existing(ask.group_id, classic), ask, at)
            if classic is not None and ask.member_epoch == 0 and classic.state is not GroupState.EMPTY:
                return self._upgrade(classic, ask, at)
            group, before = self._joinable(ask, classic, group_count)
            return self._heartbeater.heartbeat(group, ask, at, before)
        except RefusedError as refused:
            return answered(refused.answer)

    def join(self, group: ConsumerGroup, ask: JoinAsk, at: Moment) -> Outcome[JoinAnswer]:
        """Answer JoinGroup of a member that uses the classic protocol in a group of this one."""
        try:
            joined = self._classic_members.join(group, ask, at)
        except RefusedError as refused:
            return answered(JoinAnswer(error_code=refused.error_code, member_id=refused.member_id or ask.member_id))
        if not joined.replaces_last_of_new_protocol:
            return joined.outcome
        after = joined.advance.group
        down = self._downgrade(after, tuple(after.members.values()), at, rebalances=False)

        def finish() -> JoinAnswer:
            down.finish()
            return joined.answer

        return Outcome(joined.advance.records + down.records, finish)

    def sync(self, group: ConsumerGroup, ask: SyncAsk, at: Moment) -> SyncAnswer:
        """Answer SyncGroup of such a member."""
        return self._classic_members.sync(group, ask, at)

    def classic_heartbeat(
        self, group: ConsumerGroup, member_id: str, instance_id: str | None, generation: int, at: Moment
    ) -> ErrorCode:
        """Answer Heartbeat of such a member."""
        return self._classic_members.heartbeat(group, member_id, instance_id, generation, at)

    def remove(self, group: ConsumerGroup, leavers: tuple[Leaver, ...], at: Moment) -> Outcome[LeaveAnswer]:
        """Remove members by LeaveGroup: classic ones that leave, or any for an administrator (KIP-345)."""
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
        fenced = self.fence(group, tuple(removed.values()), at)

        def finish() -> LeaveAnswer:
            fenced.finish()
            return LeaveAnswer(member_errors=tuple(errors))

        return Outcome(fenced.records, finish)

    def fence(self, group: ConsumerGroup, members: tuple[ConsumerMember, ...], at: Moment) -> Outcome[None]:
        """Put members out; if only classic ones are left the group goes back to their protocol."""
        leaving = {member.member_id for member in members}
        if members and can_downgrade(group, self._settings, leaving):
            left = [member for member_id, member in group.members.items() if member_id not in leaving]
            return self._downgrade(group, left, at, rebalances=True)
        return Outcome(self._heartbeater.fence(group, members), lambda: None)

    def time_is_over(self, kind: TimerKind, group_id: str, member_id: str, at: Moment) -> Outcome[None]:
        """Put out a member that did not come in time, or match the regular expressions that wait for it."""
        nothing: Outcome[None] = Outcome((), lambda: None)
        group = self.by_id.get(group_id)
        if group is not None and kind is TimerKind.CONSUMER_REGEX:
            return Outcome(self._heartbeater.resolve_regexes(group, at), lambda: None)
        assert kind in (*MEMBER_KINDS, TimerKind.CONSUMER_REGEX)
        member = None if group is None else group.members.get(member_id)
        if group is None or member is None:
            return nothing
        if kind in (TimerKind.CONSUMER_JOIN, TimerKind.CONSUMER_SYNC) and member.subscription.classic is None:
            return nothing
        if kind is TimerKind.CONSUMER_REVOCATION and member.progress.epoch == STATIC_LEFT_EPOCH:
            # It stopped while it had to give something back: its session decides.
            return nothing
        return self.fence(group, (member,), at)

    def begin_deadlines(self, group: ConsumerGroup, at: Moment) -> None:
        """Give every member that a log brought its full time."""
        for member in group.members.values():
            self._timers.keep_session(group.group_id, member, at)
            self._timers.watch_revocation(group.group_id, member, at)
        if group.subscribed_regexes() - set(group.regexes):
            self._timers.resolve_soon(group.group_id, at)

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
        is_classic = member.subscription.classic is not None
        if ask.api_version < _COMMIT_WITH_EPOCH_SINCE and not is_classic:
            return ErrorCode.UNSUPPORTED_VERSION
        if ask.generation == member.progress.epoch:
            return ErrorCode.NONE
        if is_classic:
            return ErrorCode.ILLEGAL_GENERATION
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
        if member_epoch == member.progress.epoch:
            return ErrorCode.NONE
        is_classic = member.subscription.classic is not None
        return ErrorCode.ILLEGAL_GENERATION if is_classic else ErrorCode.STALE_MEMBER_EPOCH

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
        return ConsumerGroup(group_id), (encode_group(group_id, None),)

    # Between the protocols

    def _leave(self, group: ConsumerGroup, ask: HeartbeatAsk, at: Moment) -> HeartbeatOutcome:
        if ask.instance_id is not None and ask.member_epoch == STATIC_LEFT_EPOCH:
            return self._heartbeater.leave_for_a_while(group, ask)
        fenced = self.fence(group, (leaver_of(group, ask),), at)

        def finish() -> HeartbeatAnswer:
            fenced.finish()
            return HeartbeatAnswer(member_id=ask.member_id, member_epoch=ask.member_epoch)

        return Outcome(fenced.records, finish)

    def _upgrade(self, classic: Group, ask: HeartbeatAsk, at: Moment) -> HeartbeatOutcome:
        """Take a group with members over, together with the one that comes."""
        draft = upgraded(classic, self._settings, self._topics, at)
        moved = dict(draft.group.members)
        outcome = self._heartbeater.heartbeat(draft.group, ask, at, tuple(draft.records))

        def finish() -> HeartbeatAnswer:
            for member in classic.members.values():
                again = JoinAnswer(error_code=ErrorCode.REBALANCE_IN_PROGRESS, member_id=member.member_id)
                classic.answer_join(member, again)
                classic.answer_sync(member, SyncAnswer(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
            for member_id, came in moved.items():
                if member_id in self.by_id[ask.group_id].members:
                    self._timers.keep_session(ask.group_id, came, at)
            answer = outcome.finish()
            assert isinstance(answer, HeartbeatAnswer), "a heartbeat does not wait"
            return answer

        return replace(outcome, finish=finish)

    def _downgrade(
        self, group: ConsumerGroup, members: Sequence[ConsumerMember], at: Moment, *, rebalances: bool
    ) -> Outcome[None]:
        """Give a group with only classic members left back to their protocol."""
        classic = downgraded(group, members, self._topics, at)
        group_id = group.group_id
        end = tuple(map(encode_consumer_record, group.tombstones()))

        def finish() -> None:
            for member_id in group.members:
                self._timers.cancel(group_id, member_id)
            came = self._classic[group_id]
            for member in classic.members.values():
                known = came.members[member.member_id]
                # The record keeps the subscription under one protocol only.
                came.update(known, member.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
                self._rebalancer.keep_session(came, known, at)
            if rebalances:
                records = self._rebalancer.prepare(came, at)
                assert not records, "nobody has joined yet"

        return Outcome((*end, encode_group(group_id, classic.durable_metadata())), finish)
