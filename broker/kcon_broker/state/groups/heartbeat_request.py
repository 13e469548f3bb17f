"""What does a ConsumerGroupHeartbeat ask, what is it answered, and when is it refused (KIP-848)?

The messages of refusals are those of Apache Kafka: clients log them, and people search for them.
"""

from dataclasses import dataclass

from kcon_broker.state.groups.assignors import ASSIGNORS
from kcon_broker.state.groups.consumer_group import LEFT_EPOCH, STATIC_LEFT_EPOCH, ConsumerGroup, ConsumerMember
from kcon_broker.state.groups.consumer_records import PartitionEpochs
from kcon_broker.state.groups.reconciliation import OwnedPartitions
from kcon_broker.wire.error_codes import ErrorCode

_MEMBER_ID_REQUIRED_SINCE = 1
_TEXT_BYTES_MAX = 2**15 - 1
"""A record's key has 16-bit lengths; compact strings of requests may be longer."""

_JAVA_BLANKS = "".join(map(chr, range(0x21)))
"""What Java's `String.trim` takes off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAsk:
    """What a ConsumerGroupHeartbeat request asks; None: the same as in the last heartbeat."""

    api_version: int
    group_id: str
    member_id: str
    member_epoch: int
    instance_id: str | None
    rack_id: str | None
    rebalance_timeout_ms: int
    topic_names: frozenset[str] | None
    topic_regex: str | None
    server_assignor: str | None
    owned: OwnedPartitions | None
    client_id: str
    client_host: str

    @property
    def is_full(self) -> bool:
        """Say whether the member told everything, and so wants its assignment told."""
        has_subscription = self.topic_names is not None or self.topic_regex is not None
        return self.rebalance_timeout_ms != -1 and has_subscription and self.owned is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatAnswer:
    """What it answers; an assignment of None: the same as in the last answer."""

    error_code: ErrorCode = ErrorCode.NONE
    error_message: str | None = None
    member_id: str | None = None
    member_epoch: int = 0
    heartbeat_interval_ms: int = 0
    assignment: PartitionEpochs | None = None


class RefusedError(Exception):
    """The request is refused; nothing has changed."""

    def __init__(self, error_code: ErrorCode, message: str, *, member_id: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code
        self.message = message
        self.member_id = member_id
        """The id that a JoinGroup was given, to come again with."""

    @property
    def answer(self) -> HeartbeatAnswer:
        """What the client is told."""
        return HeartbeatAnswer(error_code=self.error_code, error_message=self.message)


def check_request(ask: HeartbeatAsk) -> None:
    """Refuse a request that says too little or too much, whatever the group."""
    must_name_member = ask.api_version >= _MEMBER_ID_REQUIRED_SINCE or ask.member_epoch > 0
    must_name_member = must_name_member or ask.member_epoch == LEFT_EPOCH
    problem = None
    if must_name_member and _is_blank(ask.member_id):
        problem = "MemberId can't be empty."
    elif _is_blank(ask.group_id):
        problem = "GroupId can't be empty."
    elif _is_blank(ask.instance_id):
        problem = "InstanceId can't be empty."
    elif _is_blank(ask.rack_id):
        problem = "RackId can't be empty."
    elif ask.member_epoch == 0:
        problem = _problem_of_join(ask)
    elif ask.member_epoch == STATIC_LEFT_EPOCH and ask.instance_id is None:
        problem = "InstanceId can't be null."
    elif ask.member_epoch < STATIC_LEFT_EPOCH:
        problem = "MemberEpoch is invalid."
    if problem is None and any(
        len(text.encode()) > _TEXT_BYTES_MAX for text in (ask.group_id, ask.member_id, ask.topic_regex or "")
    ):
        problem = f"GroupId, MemberId and SubscribedTopicRegex can't be longer than {_TEXT_BYTES_MAX} bytes."
    if problem is not None:
        raise RefusedError(ErrorCode.INVALID_REQUEST, problem)
    if ask.server_assignor is not None and ask.server_assignor not in ASSIGNORS:
        raise RefusedError(
            ErrorCode.UNSUPPORTED_ASSIGNOR,
            f"ServerAssignor {ask.server_assignor} is not supported. Supported assignors: {', '.join(ASSIGNORS)}.",
        )


def _is_blank(text: str | None) -> bool:
    return text is not None and not text.strip(_JAVA_BLANKS)


def _problem_of_join(ask: HeartbeatAsk) -> str | None:
    if ask.rebalance_timeout_ms == -1:
        return "RebalanceTimeoutMs must be provided in first request."
    if ask.owned is None or ask.owned:
        return "TopicPartitions must be empty when (re-)joining."
    if ask.topic_names is None and ask.topic_regex is None:
        return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
    return None


def leaver_of(group: ConsumerGroup, ask: HeartbeatAsk) -> ConsumerMember:
    """Return the member that wants to leave, refuse a stranger."""
    if ask.instance_id is not None:
        return holder_of(group.static_member(ask.instance_id), ask)
    member = group.members.get(ask.member_id)
    if member is None:
        raise unknown_member(group, ask)
    return member


def holder_of(holder: ConsumerMember | None, ask: HeartbeatAsk) -> ConsumerMember:
    """Return the holder of an instance id if it is the one who asks, refuse anybody else."""
    if holder is None:
        raise RefusedError(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {ask.instance_id} is unknown.")
    if holder.member_id != ask.member_id:
        raise RefusedError(
            ErrorCode.FENCED_INSTANCE_ID,
            f"Static member {ask.member_id} with instance id {ask.instance_id} was fenced by member "
            f"{holder.member_id}.",
        )
    return holder


def check_epoch(member: ConsumerMember, ask: HeartbeatAsk) -> None:
    """Refuse a member that is not where the group believes it to be.

    Epoch 0 joins anew; the previous epoch is accepted from a member that owns nothing it may not have, as the
    answer with the newer epoch may have been lost.
    """
    progress = member.progress
    if ask.member_epoch in (0, progress.epoch):
        return
    if ask.member_epoch > progress.epoch:
        relation = "greater"
    elif ask.member_epoch == progress.previous_epoch and _owns_only(ask.owned, progress.assigned):
        return
    else:
        relation = "smaller"
    raise RefusedError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The consumer group member has a {relation} member epoch ({ask.member_epoch}) than the one known by the "
        f"group coordinator ({progress.epoch}). The member must abandon all its partitions and rejoin.",
    )


def _owns_only(owned: OwnedPartitions | None, assigned: PartitionEpochs) -> bool:
    return owned is not None and all(
        topic_id in assigned and all(index in assigned[topic_id] for index in indexes) for topic_id, indexes in owned
    )


def unknown_member(group: ConsumerGroup, ask: HeartbeatAsk) -> RefusedError:
    """Return the refusal of a member id that nobody has."""
    return RefusedError(
        ErrorCode.UNKNOWN_MEMBER_ID, f"Member {ask.member_id} is not a member of group {group.group_id}."
    )
