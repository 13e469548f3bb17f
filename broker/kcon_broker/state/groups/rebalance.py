"""When does a group rebalance, and when is the rebalance over?

A rebalance has two phases. In the first (PreparingRebalance) every member has to send JoinGroup; it ends when
all have, or at the longest rebalance timeout, and who stayed away is dropped. In the second
(CompletingRebalance) every member sends SyncGroup and the leader brings the assignment; who does not come
within the same time is dropped and the next rebalance begins. A group's first rebalance may wait a little for
more members (`initial_rebalance_delay_ms`, KIP-134).

Functions that can leave a group without members return the record that says so; the rest is not durable.
"""

from dataclasses import replace
from itertools import count

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.group import Group, GroupState, Member
from kcon_broker.state.groups.outcome import (
    JoinAnswer,
    Moment,
    PendingAnswer,
    Records,
    SyncAnswer,
    WakeKey,
)
from kcon_broker.state.groups.records import encode_group
from kcon_broker.state.groups.timers import TimerKey, TimerKind, Timers
from kcon_broker.wire.error_codes import ErrorCode

REBALANCED_FROM = (GroupState.STABLE, GroupState.COMPLETING_REBALANCE, GroupState.EMPTY)


class Rebalancer:
    """Drive groups through their rebalances; the owner appends and replays the records it returns."""

    def __init__(self, settings: GroupSettings, timers: Timers) -> None:
        self.settings = settings
        self.timers = timers
        self.woken: list[WakeKey] = []
        self._sequence = count()

    def pending_join(self, group: Group) -> PendingAnswer[JoinAnswer]:
        return PendingAnswer(("group", group.group_id, next(self._sequence)), self.woken)

    def pending_sync(self, group: Group) -> PendingAnswer[SyncAnswer]:
        return PendingAnswer(("group", group.group_id, next(self._sequence)), self.woken)

    # Sessions

    def keep_session(self, group: Group, member: Member, at: Moment) -> None:
        """Begin the member's session timeout anew."""
        self.expect_member(group, member.member_id, at.now_ms + member.session_timeout_ms)

    def expect_member(self, group: Group, member_id: str, deadline_ms: int) -> None:
        """Drop the member unless something moves this deadline."""
        self.timers.schedule(TimerKey(TimerKind.HEARTBEAT, group.group_id, member_id), deadline_ms)

    def forget_member(self, group: Group, member_id: str) -> None:
        """Take a member or member-to-be out of the group and end its session."""
        self.timers.cancel(TimerKey(TimerKind.HEARTBEAT, group.group_id, member_id))
        group.remove(member_id)

    def forget_group(self, group: Group) -> None:
        """Cancel every timer of a group that goes away."""
        for member_id in (*group.members, *group.pending_members):
            self.timers.cancel(TimerKey(TimerKind.HEARTBEAT, group.group_id, member_id))
        self.timers.cancel(TimerKey(TimerKind.JOIN, group.group_id))
        self.timers.cancel(TimerKey(TimerKind.SYNC, group.group_id))

    def drop_member(self, group: Group, member: Member, at: Moment) -> Records:
        """Remove a member that is gone, and rebalance what is left."""
        self.dismiss(group, member)
        if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
            return self.prepare(group, at)
        if group.state is GroupState.PREPARING_REBALANCE and group.has_all_members_joined():
            return self.complete_join(group, at)
        return ()

    def dismiss(self, group: Group, member: Member) -> None:
        """Remove a member and send its parked requests away, so that a live client joins again."""
        group.answer_join(member, JoinAnswer(error_code=ErrorCode.UNKNOWN_MEMBER_ID))
        group.answer_sync(member, SyncAnswer(error_code=ErrorCode.UNKNOWN_MEMBER_ID))
        self.forget_member(group, member.member_id)

    # First phase

    def prepare_or_complete(self, group: Group, at: Moment) -> Records:
        """Start a rebalance, or see whether the one under way may go on."""
        return self.prepare(group, at) if group.state in REBALANCED_FROM else self.complete_join_if_ready(group, at)

    def prepare(self, group: Group, at: Moment) -> Records:
        """Start a rebalance."""
        if group.state is GroupState.COMPLETING_REBALANCE:
            for member in group.members.values():
                member.assignment = b""
                if group.answer_sync(member, SyncAnswer(error_code=ErrorCode.REBALANCE_IN_PROGRESS)):
                    self.keep_session(group, member, at)
        group.pending_sync_members.clear()
        self.timers.cancel(TimerKey(TimerKind.SYNC, group.group_id))
        is_initial = group.state is GroupState.EMPTY
        group.transition_to(GroupState.PREPARING_REBALANCE, at.wall_ms)
        if is_initial:
            return self._delay_initial(group, at)
        if group.has_all_members_joined():
            return self.complete_join(group, at)
        self._end_join_phase_at(group, at.now_ms + group.rebalance_timeout_ms())
        return ()

    def complete_join_if_ready(self, group: Group, at: Moment) -> Records:
        """End the first phase if everybody is there; a first rebalance waits for its delay instead."""
        if (
            group.state is GroupState.PREPARING_REBALANCE
            and group.previous_state is not GroupState.EMPTY
            and group.has_all_members_joined()
        ):
            return self.complete_join(group, at)
        return ()

    def complete_join(self, group: Group, at: Moment) -> Records:
        """End the first phase with the members that joined, and the static ones that did not (KIP-345)."""
        self.timers.cancel(TimerKey(TimerKind.JOIN, group.group_id))
        for member in list(group.members.values()):
            if member.join is None and member.instance_id is None:
                self.dismiss(group, member)
        if not group.members:
            return (self._emptied(group, at),)
        if not group.elect_joined_leader():
            # Only static members are left and none came: their sessions decide.
            self._end_join_phase_at(group, at.now_ms + group.rebalance_timeout_ms())
            return ()
        group.start_generation(at.wall_ms)
        for member in group.members.values():
            group.answer_join(member, self.joined(group, member))
            self.keep_session(group, member, at)
            member.is_new = False
            group.pending_sync_members.add(member.member_id)
        self.timers.schedule(TimerKey(TimerKind.SYNC, group.group_id), at.now_ms + group.rebalance_timeout_ms())
        return ()

    def joined(self, group: Group, member: Member) -> JoinAnswer:
        """Return what a member of the current generation is told."""
        return JoinAnswer(
            member_id=member.member_id,
            generation=group.generation,
            protocol_type=group.protocol_type,
            protocol=group.protocol,
            leader=group.leader or "",
            members=group.joined_members() if group.leader == member.member_id else (),
        )

    # Timers

    def join_phase_is_over(self, group: Group, at: Moment) -> Records:
        """React to the end of the initial delay or of the rebalance timeout."""
        if group.state is not GroupState.PREPARING_REBALANCE:
            return ()
        is_initial = group.previous_state is GroupState.EMPTY
        if is_initial and group.new_member_added and group.initial_remaining_ms > 0:
            group.new_member_added = False
            delay_ms = min(self.settings.initial_rebalance_delay_ms, group.initial_remaining_ms)
            group.initial_remaining_ms -= delay_ms
            self._end_join_phase_at(group, at.now_ms + delay_ms)
            return ()
        return self.complete_join(group, at)

    def sync_phase_is_over(self, group: Group, at: Moment) -> Records:
        """Drop the members that did not send SyncGroup in time."""
        if group.state not in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE) or not group.pending_sync_members:
            return ()
        for member_id in list(group.pending_sync_members):
            self.forget_member(group, member_id)
        return self.prepare(group, at)

    def session_is_over(self, group: Group, member_id: str, at: Moment) -> Records:
        """Drop a member, or a member-to-be, that was silent for its session timeout."""
        if member_id in group.pending_members:
            group.remove(member_id)
            if group.state is GroupState.PREPARING_REBALANCE and group.has_all_members_joined():
                return self.complete_join(group, at)
            return ()
        member = group.members.get(member_id)
        # A member that waits for the broker cannot send heartbeats, unless it is so new that nobody knows
        # whether its client is still there.
        if member is None or (not member.is_new and (member.join is not None or member.sync is not None)):
            return ()
        return self.drop_member(group, member, at)

    def _delay_initial(self, group: Group, at: Moment) -> Records:
        delay_ms = self.settings.initial_rebalance_delay_ms
        group.new_member_added = False
        group.initial_remaining_ms = max(group.rebalance_timeout_ms() - delay_ms, 0)
        if delay_ms == 0:
            return self.complete_join(group, at)
        self._end_join_phase_at(group, at.now_ms + delay_ms)
        return ()

    def _end_join_phase_at(self, group: Group, deadline_ms: int) -> None:
        self.timers.schedule(TimerKey(TimerKind.JOIN, group.group_id), deadline_ms)

    def _emptied(self, group: Group, at: Moment) -> tuple[bytes, bytes | None]:
        """Return the record of the generation without members; its replay makes the group Empty."""
        metadata = replace(
            group.durable_metadata(),
            generation=group.generation + 1,
            protocol=None,
            leader=None,
            state_timestamp_ms=at.wall_ms,
        )
        return encode_group(group.group_id, metadata)
