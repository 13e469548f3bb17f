"""Which partitions does an incremental fetch mean, and which of them have something new to say (KIP-227)?

A session remembers what its client fetches, so that a request names only what changed and an answer tells only the
partitions with news. Sessions are few and bounded: when the table is full, the one unused for longest gives way if it
has been idle for a while; else the client is given no session and goes on with full requests.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kcon_broker.wire.error_codes import ErrorCode

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
_EPOCH_MAX = (1 << 31) - 1

PartitionKey = tuple[str | bytes, int]
"""Topic name, or from v13 on topic id; then the partition."""


@dataclass(slots=True)
class FetchWish:
    """One partition that a client fetches."""

    topic: str | bytes
    index: int
    fetch_offset: int
    max_bytes: int
    current_leader_epoch: int
    last_fetched_epoch: int
    told_high_watermark: int = -1
    told_log_start_offset: int = -1


class FetchSession:
    """What one client fetches."""

    __slots__ = ("epoch", "last_used_ms", "session_id", "uses_topic_ids", "wishes")

    def __init__(self, session_id: int, *, uses_topic_ids: bool, now_ms: int) -> None:
        self.session_id = session_id
        self.epoch = INITIAL_EPOCH + 1
        self.uses_topic_ids = uses_topic_ids
        self.last_used_ms = now_ms
        self.wishes: OrderedDict[PartitionKey, FetchWish] = OrderedDict()

    def update(self, wishes: Iterable[FetchWish], forgotten: Iterable[PartitionKey]) -> None:
        """Take new and changed partitions in, and forget others."""
        for wish in wishes:
            known = self.wishes.get((wish.topic, wish.index))
            if known is None:
                self.wishes[wish.topic, wish.index] = wish
                continue
            known.fetch_offset = wish.fetch_offset
            known.max_bytes = wish.max_bytes
            known.current_leader_epoch = wish.current_leader_epoch
            known.last_fetched_epoch = wish.last_fetched_epoch
        for key in forgotten:
            self.wishes.pop(key, None)

    def had_news(self, wish: FetchWish) -> None:
        """Put a partition that was told last in the row, so that none starves behind it."""
        key = (wish.topic, wish.index)
        if key in self.wishes:
            self.wishes.move_to_end(key)


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What one request fetches."""

    wishes: list[FetchWish]
    session: FetchSession | None
    is_incremental: bool
    error_code: ErrorCode = ErrorCode.NONE


class FetchSessionTable:
    """All sessions, the one used last at the end."""

    def __init__(self, *, sessions_max: int, min_idle_ms: int, new_session_id: Callable[[], int]) -> None:
        self._sessions: OrderedDict[int, FetchSession] = OrderedDict()
        self._sessions_max = sessions_max
        self._min_idle_ms = min_idle_ms
        self._new_session_id = new_session_id

    def __len__(self) -> int:
        return len(self._sessions)

    def open(
        self,
        *,
        session_id: int,
        epoch: int,
        uses_topic_ids: bool,
        wishes: list[FetchWish],
        forgotten: Iterable[PartitionKey],
        now_ms: int,
    ) -> FetchContext:
        """Return what a request means, and note its changes in its session."""
        if epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(session_id, None)
            if epoch == FINAL_EPOCH:
                return FetchContext(wishes, None, False)
            session = self._create(uses_topic_ids, now_ms) if wishes else None
            if session is not None:
                session.update(wishes, ())
            return FetchContext(wishes, session, False)
        session = self._sessions.get(session_id)
        if session is None:
            return FetchContext([], None, False, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != epoch:
            return FetchContext([], None, False, ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_topic_ids != uses_topic_ids:
            return FetchContext([], None, False, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        session.update(wishes, forgotten)
        session.epoch = 1 if epoch == _EPOCH_MAX else epoch + 1
        session.last_used_ms = now_ms
        self._sessions.move_to_end(session_id)
        if not session.wishes:
            # A session of nothing ends; the client learns it from session id 0.
            del self._sessions[session_id]
            return FetchContext([], None, False)
        return FetchContext(list(session.wishes.values()), session, True)

    def _create(self, uses_topic_ids: bool, now_ms: int) -> FetchSession | None:
        if len(self._sessions) >= self._sessions_max:
            oldest = next(iter(self._sessions.values()), None)
            if oldest is None or now_ms - oldest.last_used_ms < self._min_idle_ms:
                return None
            del self._sessions[oldest.session_id]
        session_id = self._new_session_id()
        while session_id == NO_SESSION or session_id in self._sessions:
            session_id = self._new_session_id()
        session = self._sessions[session_id] = FetchSession(session_id, uses_topic_ids=uses_topic_ids, now_ms=now_ms)
        return session
