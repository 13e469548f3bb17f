"""What do SyncGroup and Heartbeat do?

SyncGroup ends a rebalance: followers wait until the leader brings the assignment, which becomes a record, and
its replay makes the group Stable. Heartbeat keeps a member's session and tells it of the next rebalance.
"""

from dataclasses import replace

from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.outcome import Moment, Outcome, PendingAnswer, SyncAnswer, SyncAsk, answered
from kcon_broker.state.groups.rebalance import Rebalancer
from kcon_broker.state.groups.records import encode_group
from kcon_broker.state.groups.timers import TimerKey, TimerKind
from kcon_broker.wire.error_codes import ErrorCode

SyncOutcome = Outcome[SyncAnswer]


def sync(groups: dict[str, Group], rebalancer: Rebalancer, ask: SyncAsk, at: Moment) -> SyncOutcome:
    """Take the leader's assignment, or give a member its own."""
    if not ask.group_id:
        return _refused(ErrorCode.INVALID_GROUP_ID)
    group = groups.get(ask.group_id)
    if group is None or group.state is GroupState.EMPTY:
        return _refused(ErrorCode.UNKNOWN_MEMBER_ID)
    error = _validate(group, ask)
    if error is not ErrorCode.NONE:
        return _refused(error)
    if group.state is GroupState.PREPARING_REBALANCE:
        return _refused(ErrorCode.REBALANCE_IN_PROGRESS)
    group.pending_sync_members.discard(ask.member_id)
    if not group.pending_sync_members:
        rebalancer.timers.cancel(TimerKey(TimerKind.SYNC, group.group_id))
    if group.state is GroupState.STABLE:
        return answered(_synced(group, ask.member_id))
    return _sync_in_rebalance(group, rebalancer, ask, at)


def heartbeat(
    groups: dict[str, Group],
    rebalancer: Rebalancer,
    *,
    group_id: str,
    member_id: str,
    instance_id: str | None,
    generation: int,
    at: Moment,
) -> ErrorCode:
    """Keep a member's session; the answer says whether it has to join again."""
    if not group_id:
        return ErrorCode.INVALID_GROUP_ID
    group = groups.get(group_id)
    if group is None:
        return ErrorCode.UNKNOWN_MEMBER_ID
    error = group.validate_member(member_id, instance_id)
    if error is not ErrorCode.NONE:
        return error
    if generation != group.generation:
        return ErrorCode.ILLEGAL_GENERATION
    rebalancer.keep_session(group, group.members[member_id], at)
    if group.state is GroupState.PREPARING_REBALANCE:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return ErrorCode.NONE


def _validate(group: Group, ask: SyncAsk) -> ErrorCode:
    error = group.validate_member(ask.member_id, ask.instance_id)
    if error is not ErrorCode.NONE:
        return error
    if ask.generation != group.generation:
        return ErrorCode.ILLEGAL_GENERATION
    if ask.protocol_type is not None and ask.protocol_type != group.protocol_type:
        return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    if ask.protocol is not None and ask.protocol != group.protocol:
        return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    return ErrorCode.NONE


def _sync_in_rebalance(group: Group, rebalancer: Rebalancer, ask: SyncAsk, at: Moment) -> SyncOutcome:
    member = group.members[ask.member_id]
    # The request of a client that gave up and came again takes the place of its first one.
    group.answer_sync(member, SyncAnswer(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
    if group.leader != ask.member_id:
        member.sync = pending = rebalancer.pending_sync(group)
        return Outcome((), lambda: pending)
    assignments = dict(ask.assignments)
    metadata = group.durable_metadata()
    metadata = replace(
        metadata,
        members=tuple(replace(known, assignment=assignments.get(known.member_id, b"")) for known in metadata.members),
    )

    def finish() -> SyncAnswer | PendingAnswer[SyncAnswer]:
        # The replay has made the group Stable and given out the assignment.
        for known in group.members.values():
            if group.answer_sync(known, _synced(group, known.member_id)):
                rebalancer.keep_session(group, known, at)
        rebalancer.keep_session(group, group.members[ask.member_id], at)
        return _synced(group, ask.member_id)

    return Outcome((encode_group(group.group_id, metadata),), finish)


def _synced(group: Group, member_id: str) -> SyncAnswer:
    return SyncAnswer(
        protocol_type=group.protocol_type,
        protocol=group.protocol,
        assignment=group.members[member_id].assignment,
    )


def _refused(error_code: ErrorCode) -> SyncOutcome:
    return answered(SyncAnswer(error_code=error_code))
