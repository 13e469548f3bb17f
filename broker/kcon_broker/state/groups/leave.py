"""What does LeaveGroup do?

A member leaves by its id; an administrator removes static members by their instance id alone (KIP-345). All
members of one request go before the group rebalances once.
"""

from dataclasses import dataclass

from kcon_broker.state.groups.group import Group, GroupState
from kcon_broker.state.groups.outcome import Moment, Outcome, Records, answered
from kcon_broker.state.groups.rebalance import Rebalancer
from kcon_broker.wire.error_codes import ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """Who is to leave: a member id, or an empty one and an instance id."""

    member_id: str
    instance_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveAnswer:
    """One error for the request, and one for each of those who were to leave, in their order."""

    error_code: ErrorCode = ErrorCode.NONE
    member_errors: tuple[ErrorCode, ...] = ()


def leave(
    groups: dict[str, Group], rebalancer: Rebalancer, group_id: str, leavers: tuple[Leaver, ...], at: Moment
) -> Outcome[LeaveAnswer]:
    """Remove members from a group."""
    if not group_id:
        return answered(LeaveAnswer(error_code=ErrorCode.INVALID_GROUP_ID))
    group = groups.get(group_id)
    if group is None:
        return answered(LeaveAnswer(member_errors=(ErrorCode.UNKNOWN_MEMBER_ID,) * len(leavers)))
    answer = LeaveAnswer(member_errors=tuple(_leave_one(group, rebalancer, leaver) for leaver in leavers))
    records: Records = ()
    if ErrorCode.NONE in answer.member_errors:
        if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
            records = rebalancer.prepare(group, at)
        else:
            records = rebalancer.complete_join_if_ready(group, at)
    return Outcome(records, lambda: answer)


def _leave_one(group: Group, rebalancer: Rebalancer, leaver: Leaver) -> ErrorCode:
    member_id = leaver.member_id
    if member_id in group.pending_members:
        rebalancer.forget_member(group, member_id)
        return ErrorCode.NONE
    if not member_id:
        member_id = group.static_members.get(leaver.instance_id or "", "")
    error = group.validate_member(member_id, leaver.instance_id)
    if error is ErrorCode.NONE:
        rebalancer.dismiss(group, group.members[member_id])
    return error
