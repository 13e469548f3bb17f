"""What does JoinGroup do?

A dynamic member of a v4+ client comes twice: first without an id, and is given one (KIP-394), then with it. A
static member (KIP-345) keeps its place: a new process with the same instance id takes over the old one's
membership and fences it, without a rebalance if the group is stable and its protocol stays.
"""

from collections.abc import Callable
from dataclasses import replace

from kcon_broker.state.groups.group import Group, GroupState, Member
from kcon_broker.state.groups.outcome import (
    JoinAnswer,
    JoinAsk,
    Moment,
    Outcome,
    PendingAnswer,
    Records,
    SyncAnswer,
    answered,
)
from kcon_broker.state.groups.rebalance import Rebalancer
from kcon_broker.state.groups.records import GroupMetadata, encode_group
from kcon_broker.wire.error_codes import ErrorCode

JoinOutcome = Outcome[JoinAnswer]

NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
"""How long a new member may wait for its first rebalance; Kafka has the same constant."""

TEXT_BYTES_MAX = 2**15 - 1 - len("-00000000-0000-0000-0000-000000000000")
"""The longest group, client or instance id, protocol type or name."""


class Joiner:
    """Answer JoinGroup. `new_uuid` gives the random part of member ids."""

    def __init__(self, groups: dict[str, Group], rebalancer: Rebalancer, new_uuid: Callable[[], str]) -> None:
        self._groups = groups
        self._rebalancer = rebalancer
        self._settings = rebalancer.settings
        self._new_uuid = new_uuid

    def refusal(self, ask: JoinAsk) -> ErrorCode:
        """Say why a request is refused whatever the group, NONE if it is not."""
        settings = self._settings
        if not ask.group_id:
            return ErrorCode.INVALID_GROUP_ID
        if not _can_be_recorded(ask):
            return ErrorCode.INVALID_REQUEST
        if not settings.min_session_timeout_ms <= ask.session_timeout_ms <= settings.max_session_timeout_ms:
            return ErrorCode.INVALID_SESSION_TIMEOUT
        return ErrorCode.NONE

    def join(self, ask: JoinAsk, at: Moment) -> JoinOutcome:
        """Let a member in whose request is not refused, or tell it why not."""
        if ask.group_id in self._groups:
            return self._join(self._groups[ask.group_id], ask, at)
        if ask.member_id:
            return _refused(ErrorCode.UNKNOWN_MEMBER_ID, ask.member_id)
        if len(self._groups) >= self._settings.max_groups:
            return _refused(ErrorCode.POLICY_VIOLATION)
        created = encode_group(ask.group_id, GroupMetadata(state_timestamp_ms=at.wall_ms))
        return Outcome((created,), lambda: self._join_created(ask, at))

    def _join_created(self, ask: JoinAsk, at: Moment) -> JoinAnswer | PendingAnswer[JoinAnswer]:
        outcome = self._join(self._groups[ask.group_id], ask, at)
        assert not outcome.records, "the first member of a group leaves nothing to record"
        return outcome.finish()

    def _join(self, group: Group, ask: JoinAsk, at: Moment) -> JoinOutcome:
        if not self._has_room(group, ask.member_id):
            self._rebalancer.forget_member(group, ask.member_id)
            return _refused(ErrorCode.GROUP_MAX_SIZE_REACHED)
        if not group.supports(ask.protocol_type, ask.protocols):
            return _refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, ask.member_id)
        if ask.member_id:
            return self._join_known(group, ask, at)
        if ask.instance_id is not None:
            if ask.instance_id in group.static_members:
                return self._replace_static(group, ask, at)
            return self._add(group, ask, f"{ask.instance_id}-{self._new_uuid()}", at)
        member_id = f"{ask.client_id}-{self._new_uuid()}"
        if not ask.member_id_is_required:
            return self._add(group, ask, member_id, at)
        group.pending_members.add(member_id)
        self._rebalancer.expect_member(group, member_id, at.now_ms + ask.session_timeout_ms)
        return _refused(ErrorCode.MEMBER_ID_REQUIRED, member_id)

    def _has_room(self, group: Group, member_id: str) -> bool:
        """Say whether the group takes one more.

        While a rebalance is prepared only those who joined count, so that the last to come are left out when
        the limit was lowered. Ids that were handed out count too: they take memory.
        """
        most = self._settings.max_members
        member = group.members.get(member_id)
        if member is None and member_id not in group.pending_members and len(group.pending_members) >= most:
            return False
        match group.state:
            case GroupState.PREPARING_REBALANCE:
                return (member is not None and member.join is not None) or group.joining_count < most
            case GroupState.COMPLETING_REBALANCE | GroupState.STABLE:
                return member is not None or len(group.members) < most
            case _:
                return True

    def _join_known(self, group: Group, ask: JoinAsk, at: Moment) -> JoinOutcome:
        if ask.member_id in group.pending_members:
            if ask.instance_id is not None:
                # The id was given to a dynamic member.
                return _refused(ErrorCode.UNKNOWN_MEMBER_ID, ask.member_id)
            return self._add(group, ask, ask.member_id, at)
        error = group.validate_member(ask.member_id, ask.instance_id)
        if error is not ErrorCode.NONE:
            return _refused(error, ask.member_id)
        member = group.members[ask.member_id]
        is_leader = group.leader == ask.member_id
        match group.state:
            case GroupState.PREPARING_REBALANCE:
                return self._rejoin(group, member, ask, at)
            # A leader that joins a stable group asks for a rebalance, as when topics got more partitions; any
            # other member with unchanged protocols has missed its answer.
            case GroupState.COMPLETING_REBALANCE if member.protocols == ask.protocols:
                return answered(self._rebalancer.joined(group, member))
            case GroupState.STABLE if member.protocols == ask.protocols and not is_leader:
                return answered(self._rebalancer.joined(group, member))
            case GroupState.COMPLETING_REBALANCE | GroupState.STABLE:
                return self._rejoin(group, member, ask, at)
            case _:
                return _refused(ErrorCode.UNKNOWN_MEMBER_ID, ask.member_id)

    def _add(self, group: Group, ask: JoinAsk, member_id: str, at: Moment) -> JoinOutcome:
        pending = self._rebalancer.pending_join(group)
        member = Member(
            member_id=member_id,
            instance_id=ask.instance_id,
            client_id=ask.client_id,
            client_host=ask.client_host,
            rebalance_timeout_ms=ask.rebalance_timeout_ms,
            session_timeout_ms=ask.session_timeout_ms,
            protocols=ask.protocols,
            is_new=True,
        )
        if group.state is GroupState.PREPARING_REBALANCE and group.previous_state is GroupState.EMPTY:
            group.new_member_added = True
        if not group.members:
            group.protocol_type = ask.protocol_type
        group.add(member, pending)
        # A new member cannot send heartbeats before it knows its id, and nothing shows whether its client still
        # waits; so it may wait only so long.
        self._rebalancer.expect_member(group, member_id, at.now_ms + NEW_MEMBER_JOIN_TIMEOUT_MS)
        return _pending(self._rebalancer.prepare_or_complete(group, at), pending)

    def _rejoin(self, group: Group, member: Member, ask: JoinAsk, at: Moment) -> JoinOutcome:
        pending = self._rebalancer.pending_join(group)
        group.update(member, ask.protocols, ask.rebalance_timeout_ms, ask.session_timeout_ms)
        group.await_join(member, pending)
        return _pending(self._rebalancer.prepare_or_complete(group, at), pending)

    # Static members

    def _replace_static(self, group: Group, ask: JoinAsk, at: Moment) -> JoinOutcome:
        """Hand a static member's place to the process that came without an id."""
        assert ask.instance_id is not None
        member_id = f"{ask.instance_id}-{self._new_uuid()}"
        if group.state is GroupState.STABLE and self._keeps_protocol(group, ask):
            return self._replace_in_stable(group, ask, member_id, at)
        member = self._take_over(group, ask, member_id, at)
        pending = self._rebalancer.pending_join(group)
        group.await_join(member, pending)
        if group.state is GroupState.PREPARING_REBALANCE:
            return _pending(self._rebalancer.complete_join_if_ready(group, at), pending)
        # While the leader assigns it may know the old id only: everybody joins again.
        return _pending(self._rebalancer.prepare(group, at), pending)

    def _keeps_protocol(self, group: Group, ask: JoinAsk) -> bool:
        """Say whether the group would choose its protocol again with the newcomer's preferences."""
        member = group.members[group.static_members[ask.instance_id or ""]]
        previous = member.protocols
        group.update(member, ask.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
        selected = group.select_protocol()
        group.update(member, previous, member.rebalance_timeout_ms, member.session_timeout_ms)
        return selected == group.protocol

    def _replace_in_stable(self, group: Group, ask: JoinAsk, member_id: str, at: Moment) -> JoinOutcome:
        """Replace the id in the record first; the generation and its assignment go on."""
        old_id = group.static_members[ask.instance_id or ""]
        old_leader = group.leader or ""
        metadata = group.durable_metadata()
        subscription = dict(ask.protocols)[group.protocol or ""]
        members = tuple(
            replace(
                known,
                member_id=member_id,
                rebalance_timeout_ms=ask.rebalance_timeout_ms,
                session_timeout_ms=ask.session_timeout_ms,
                subscription=subscription,
            )
            if known.member_id == old_id
            else known
            for known in metadata.members
        )
        leader = member_id if old_leader == old_id else old_leader

        def finish() -> JoinAnswer:
            # The replay brought the new member; only what no record holds is left to do.
            member = group.members[member_id]
            group.update(member, ask.protocols, ask.rebalance_timeout_ms, ask.session_timeout_ms)
            self._rebalancer.forget_member(group, old_id)
            self._rebalancer.keep_session(group, member, at)
            is_leader = group.leader == member_id
            if ask.can_skip_assignment:
                return replace(self._rebalancer.joined(group, member), skip_assignment=is_leader)
            # A leader that cannot be told to skip the assignment is told that the old one leads, so that it
            # does not compute an assignment which nobody takes (KAFKA-7862).
            return replace(self._rebalancer.joined(group, member), leader=old_leader, members=())

        return Outcome((encode_group(group.group_id, replace(metadata, leader=leader, members=members)),), finish)

    def _take_over(self, group: Group, ask: JoinAsk, member_id: str, at: Moment) -> Member:
        """Give the old member's place the new id and fence whoever waits under the old one."""
        member = group.members[group.static_members[ask.instance_id or ""]]
        old_id = member.member_id
        group.answer_join(member, JoinAnswer(error_code=ErrorCode.FENCED_INSTANCE_ID, member_id=old_id))
        group.answer_sync(member, SyncAnswer(error_code=ErrorCode.FENCED_INSTANCE_ID))
        group.rename(member, member_id)
        group.update(member, ask.protocols, ask.rebalance_timeout_ms, ask.session_timeout_ms)
        self._rebalancer.forget_member(group, old_id)
        self._rebalancer.keep_session(group, member, at)
        return member


def _can_be_recorded(ask: JoinAsk) -> bool:
    """Say whether every text has room, behind a 16-bit length and with a UUID added, in records and answers."""
    texts = (ask.group_id, ask.client_id, ask.instance_id or "", ask.protocol_type)
    return all(len(text.encode()) <= TEXT_BYTES_MAX for text in (*texts, *(name for name, _ in ask.protocols)))


def _refused(error_code: ErrorCode, member_id: str = "") -> JoinOutcome:
    return answered(JoinAnswer(error_code=error_code, member_id=member_id))


def _pending(records: Records, pending: PendingAnswer[JoinAnswer]) -> JoinOutcome:
    def finish() -> JoinAnswer | PendingAnswer[JoinAnswer]:
        return pending if pending.answer is None else pending.answer

    return Outcome(records, finish)
