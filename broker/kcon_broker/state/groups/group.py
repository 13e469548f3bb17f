"""Who is in a classic group, in which state, and which protocol do its members agree on?

The group holds and answers; when to rebalance is decided in rebalance.py. Generation, protocol, leader,
members and their assignments are durable: a GroupMetadata record brings them back. Who waits for a
rebalance, which ids were handed out but not used yet and all deadlines are not.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from kcon_broker.state.groups.consumer_protocol import CONSUMER_PROTOCOL_TYPE, subscribed_topics
from kcon_broker.state.groups.outcome import JoinAnswer, JoinedMember, PendingAnswer, SyncAnswer
from kcon_broker.state.groups.records import NO_TIMESTAMP, GroupMetadata, MemberMetadata
from kcon_broker.wire.error_codes import ErrorCode

Protocols = tuple[tuple[str, bytes], ...]


class GroupState(Enum):
    """The states of a classic group, under the names that Kafka's answers carry."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


@dataclass(slots=True, kw_only=True)
class Member:
    """One member.

    protocols: what it supports, in its order of preference.
    is_new: it has not been through a rebalance, so the client may not know its id yet.
    join, sync: its parked requests.
    """

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: Protocols
    assignment: bytes = b""
    is_new: bool = False
    join: PendingAnswer[JoinAnswer] | None = None
    sync: PendingAnswer[SyncAnswer] | None = None

    def metadata(self, protocol: str | None) -> bytes:
        """Return the subscription under this protocol, which the member must support."""
        return dict(self.protocols)[protocol or ""]


@dataclass(slots=True)
class Group:
    """One classic group.

    protocol_type: None for a group that only commits offsets.
    pending_members: ids handed out to members that have not come back with them.
    pending_sync_members: members of this generation that have not sent SyncGroup.
    new_member_added, initial_remaining_ms: whether and how long the first rebalance may be delayed further.
    topics: what the members of a consumer group subscribe to, None if not known.
    """

    group_id: str
    state: GroupState = GroupState.EMPTY
    previous_state: GroupState = GroupState.DEAD
    generation: int = 0
    protocol_type: str | None = None
    protocol: str | None = None
    leader: str | None = None
    state_timestamp_ms: int = NO_TIMESTAMP
    members: dict[str, Member] = field(default_factory=dict)
    static_members: dict[str, str] = field(default_factory=dict)
    pending_members: set[str] = field(default_factory=set)
    pending_sync_members: set[str] = field(default_factory=set)
    new_member_added: bool = False
    initial_remaining_ms: int = 0
    topics: frozenset[str] | None = None
    _supporters: Counter[str] = field(default_factory=Counter)
    _joining: set[str] = field(default_factory=set)

    # Members

    def add(self, member: Member, join: PendingAnswer[JoinAnswer] | None) -> None:
        """Take a member in; the first one sets the protocol type beforehand and leads."""
        self.members[member.member_id] = member
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.member_id
        if self.leader is None:
            self.leader = member.member_id
        self._supporters.update(name for name, _ in dict(member.protocols).items())
        self.pending_members.discard(member.member_id)
        self.await_join(member, join)

    def remove(self, member_id: str) -> None:
        """Take a member or a member-to-be out; the oldest one left leads."""
        member = self.members.pop(member_id, None)
        if member is not None:
            self._supporters.subtract(name for name, _ in dict(member.protocols).items())
            if member.instance_id is not None:
                self.static_members.pop(member.instance_id, None)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        self._joining.discard(member_id)
        self.pending_members.discard(member_id)
        self.pending_sync_members.discard(member_id)

    def update(self, member: Member, protocols: Protocols, rebalance_timeout_ms: int, session_timeout_ms: int) -> None:
        """Give a member what its newest JoinGroup says."""
        self._supporters.subtract(name for name, _ in dict(member.protocols).items())
        member.protocols = protocols
        self._supporters.update(name for name, _ in dict(protocols).items())
        member.rebalance_timeout_ms = rebalance_timeout_ms
        member.session_timeout_ms = session_timeout_ms

    def rename(self, member: Member, member_id: str) -> None:
        """Give a static member a new id; everything else stays with it."""
        self.members = {
            member_id if known_id == member.member_id else known_id: known for known_id, known in self.members.items()
        }
        if self.leader == member.member_id:
            self.leader = member_id
        for ids in (self._joining, self.pending_sync_members):
            if member.member_id in ids:
                ids.remove(member.member_id)
                ids.add(member_id)
        member.member_id = member_id
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member_id

    def validate_member(self, member_id: str, instance_id: str | None) -> ErrorCode:
        """Say whether this pair names a member (KIP-345: the newest holder of an instance id wins)."""
        if instance_id is not None:
            holder = self.static_members.get(instance_id)
            if holder is None:
                return ErrorCode.UNKNOWN_MEMBER_ID
            if holder != member_id:
                return ErrorCode.FENCED_INSTANCE_ID
        return ErrorCode.NONE if member_id in self.members else ErrorCode.UNKNOWN_MEMBER_ID

    # Parked requests

    def await_join(self, member: Member, join: PendingAnswer[JoinAnswer] | None) -> None:
        """Park a member's JoinGroup; an older one of the same member is sent away."""
        self.answer_join(member, JoinAnswer(error_code=ErrorCode.REBALANCE_IN_PROGRESS, member_id=member.member_id))
        if join is not None:
            member.join = join
            self._joining.add(member.member_id)

    def answer_join(self, member: Member, answer: JoinAnswer) -> None:
        """Answer the parked JoinGroup of a member if there is one."""
        self._joining.discard(member.member_id)
        if member.join is not None:
            member.join.resolve(answer)
            member.join = None

    def answer_sync(self, member: Member, answer: SyncAnswer) -> bool:
        """Answer the parked SyncGroup of a member; say whether there was one."""
        if member.sync is None:
            return False
        member.sync.resolve(answer)
        member.sync = None
        return True

    @property
    def joining_count(self) -> int:
        return len(self._joining)

    def has_all_members_joined(self) -> bool:
        return len(self._joining) == len(self.members) and not self.pending_members

    # Rebalances

    def transition_to(self, state: GroupState, wall_ms: int) -> None:
        self.previous_state = self.state
        self.state = state
        self.state_timestamp_ms = wall_ms

    def rebalance_timeout_ms(self) -> int:
        """Return the longest rebalance timeout of the members, never less than zero."""
        return max((0, *(member.rebalance_timeout_ms for member in self.members.values())))

    def elect_joined_leader(self) -> bool:
        """Keep the leader if it joined, else take the first member that did; False if nobody did."""
        if self.leader is None:
            return False
        if self.leader in self._joining:
            return True
        for member_id in self.members:
            if member_id in self._joining:
                self.leader = member_id
                return True
        return False

    def supports(self, protocol_type: str, protocols: Protocols) -> bool:
        """Say whether a member with these protocols can be in this group."""
        if self.state is GroupState.EMPTY:
            return bool(protocol_type) and bool(protocols)
        member_count = len(self.members)
        return self.protocol_type == protocol_type and any(
            self._supporters[name] == member_count for name, _ in protocols
        )

    def select_protocol(self) -> str:
        """Let each member vote for its first protocol that all support; the most votes win."""
        votes: Counter[str] = Counter()
        member_count = len(self.members)
        for member in self.members.values():
            votes[next(name for name, _ in member.protocols if self._supporters[name] == member_count)] += 1
        return votes.most_common(1)[0][0]

    def start_generation(self, wall_ms: int) -> None:
        """Begin the generation of the members that are here now."""
        self.generation += 1
        self.protocol = self.select_protocol()
        self.topics = self._subscribed_topics()
        self.pending_sync_members.clear()
        self.transition_to(GroupState.COMPLETING_REBALANCE, wall_ms)

    def joined_members(self) -> tuple[JoinedMember, ...]:
        """Return what the leader needs to assign."""
        return tuple(
            JoinedMember(
                member_id=member.member_id,
                instance_id=member.instance_id,
                metadata=member.metadata(self.protocol),
            )
            for member in self.members.values()
        )

    def is_subscribed_to(self, topic: str) -> bool:
        """Say whether a consumer group uses the topic; one whose subscriptions are not known uses all."""
        if self.topics is None:
            return self.protocol_type == CONSUMER_PROTOCOL_TYPE
        return topic in self.topics

    # The durable part

    def durable_metadata(self) -> GroupMetadata:
        """Return the generation as a record keeps it."""
        return GroupMetadata(
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader,
            state_timestamp_ms=self.state_timestamp_ms,
            members=tuple(
                MemberMetadata(
                    member_id=member.member_id,
                    instance_id=member.instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout_ms=member.rebalance_timeout_ms,
                    session_timeout_ms=member.session_timeout_ms,
                    subscription=member.metadata(self.protocol),
                    assignment=member.assignment,
                )
                for member in self.members.values()
            ),
        )

    def restore(self, metadata: GroupMetadata) -> None:
        """Become what the record says; members that are here already keep what no record holds."""
        known = self.members
        self.members = {}
        self.static_members = {}
        self._supporters = Counter()
        self._joining &= {member.member_id for member in metadata.members}
        self.pending_sync_members &= {member.member_id for member in metadata.members}
        for value in metadata.members:
            member = known.get(value.member_id)
            protocols: Protocols = ((metadata.protocol or "", value.subscription),)
            if member is not None and protocols[0] in member.protocols:
                protocols = member.protocols
            self._restore_member(value, protocols, member)
        self.generation = metadata.generation
        self.protocol_type = metadata.protocol_type or None
        self.protocol = metadata.protocol
        self.leader = metadata.leader
        self.topics = self._subscribed_topics()
        self.previous_state = self.state
        self.state = GroupState.STABLE if self.members else GroupState.EMPTY
        self.state_timestamp_ms = metadata.state_timestamp_ms

    def _restore_member(self, value: MemberMetadata, protocols: Protocols, known: Member | None) -> None:
        member = Member(
            member_id=value.member_id,
            instance_id=value.instance_id,
            client_id=value.client_id,
            client_host=value.client_host,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            session_timeout_ms=value.session_timeout_ms,
            protocols=protocols,
            assignment=value.assignment,
        )
        if known is not None:
            member.is_new, member.join, member.sync = known.is_new, known.join, known.sync
        self.members[member.member_id] = member
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.member_id
        self._supporters.update(name for name, _ in dict(protocols).items())

    def _subscribed_topics(self) -> frozenset[str] | None:
        if self.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return None
        if not self.members:
            return frozenset()
        if self.protocol is None:
            return None
        return subscribed_topics(member.metadata(self.protocol) for member in self.members.values())
