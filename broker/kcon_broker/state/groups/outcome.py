"""How does an operation on a group hand over its records, its answer and those who wait?

An operation runs in three steps: it looks and decides, its records are appended and replayed, and then
`finish` changes what is not durable and answers. What only a record may change is thus never changed by an
operation whose record was not appended.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from kcon_broker.state.groups.records import CoordinatorRecord
from kcon_broker.wire.error_codes import ErrorCode

AnswerT = TypeVar("AnswerT")

WakeKey = tuple[Hashable, ...]
Records = tuple[CoordinatorRecord, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks.

    now_ms: monotonic, for every deadline.
    wall_ms: wall clock, only for the timestamps that records carry.
    """

    now_ms: int
    wall_ms: int


class PendingAnswer(Generic[AnswerT]):
    """An answer that is still to come; its key is woken when it is there."""

    __slots__ = ("_woken", "answer", "key")

    def __init__(self, key: WakeKey, woken: list[WakeKey]) -> None:
        self.key = key
        self.answer: AnswerT | None = None
        self._woken = woken

    def resolve(self, answer: AnswerT) -> None:
        """Give the answer; the first one counts."""
        if self.answer is None:
            self.answer = answer
            self._woken.append(self.key)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[AnswerT]):
    """Records to append and replay, then the step that answers or leaves it pending."""

    records: Records
    finish: Callable[[], "AnswerT | PendingAnswer[AnswerT]"]


def answered(answer: AnswerT) -> Outcome[AnswerT]:
    """Answer at once, without records."""
    return Outcome((), lambda: answer)


class Journal(Protocol):
    """Where records go and from where parked requests are woken: the broker's side of the coordinator."""

    def partition_of(self, group_id: str) -> int:
        """Return the partition of `__consumer_offsets` that keeps this group."""
        ...

    def is_available(self, partition: int) -> bool:
        """Say whether this partition of `__consumer_offsets` takes records now."""
        ...

    def append(self, partition: int, records: Records, wall_ms: int) -> None:
        """Queue the records as one batch; a failure that shows later must unload the partition."""
        ...

    def wake(self, key: WakeKey) -> None:
        """Let the request that is parked under this key look for its answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAsk:
    """What a JoinGroup request asks.

    member_id_is_required: from v4 on an unknown dynamic member is given an id and must come again (KIP-394).
    can_skip_assignment: from v9 on a returning static leader may be told to skip the assignment (KIP-814).
    """

    group_id: str
    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: tuple[tuple[str, bytes], ...]
    member_id_is_required: bool
    can_skip_assignment: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedMember:
    """A member as the leader sees it."""

    member_id: str
    instance_id: str | None
    metadata: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAnswer:
    """What JoinGroup answers; members only to the leader."""

    error_code: ErrorCode = ErrorCode.NONE
    member_id: str = ""
    generation: int = -1
    protocol_type: str | None = None
    protocol: str | None = None
    leader: str = ""
    skip_assignment: bool = False
    members: tuple[JoinedMember, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAsk:
    """What a SyncGroup request asks; a protocol type or name of None is not compared."""

    group_id: str
    generation: int
    member_id: str
    instance_id: str | None
    protocol_type: str | None
    protocol: str | None
    assignments: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAnswer:
    """What SyncGroup answers."""

    error_code: ErrorCode = ErrorCode.NONE
    protocol_type: str | None = None
    protocol: str | None = None
    assignment: bytes = b""
