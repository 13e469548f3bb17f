"""Which partitions does an incremental fetch mean, and which of them have something new to say (KIP-227)?

A session remembers what its client fetches, so that a request names only what changed and an answer tells only the
partitions with news. Sessions are few and bounded (max.incremental.fetch.session.cache.slots). When the table is full,
one gives way: the one unused for longest if it was idle for a while, else the smallest that is not young and has fewer
partitions than the new one. Where none does, the client is given no session and goes on with full requests
(`FetchSessionCacheShard.tryEvict`).
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kcon_broker.wire.error_codes import ErrorCode

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
_EPOCH_MAX = (1 << 31) - 1
_YOUNG = -1

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
    name: str = ""
    """Of a topic that is asked for by its id: what it was called when it was found last."""


class FetchSession:
    """What one client fetches."""

    __slots__ = ("created_ms", "epoch", "evictable_size", "last_used_ms", "session_id", "uses_topic_ids", "wishes")

    def __init__(self, session_id: int, *, uses_topic_ids: bool, now_ms: int) -> None:
        self.session_id = session_id
        self.epoch = INITIAL_EPOCH + 1
        self.uses_topic_ids = uses_topic_ids
        self.created_ms = now_ms
        self.last_used_ms = now_ms
        self.evictable_size = _YOUNG
        """The partitions it had when last used; `_YOUNG` while a larger session may not take its place."""
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
        self._evictable: list[tuple[int, int]] = []
        """Size and id of the sessions that are not young, the smallest first."""
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
            self._remove(session_id)
            if epoch == FINAL_EPOCH:
                return FetchContext(wishes, None, False)
            session = self._create(wishes, uses_topic_ids, now_ms) if wishes else None
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
        self._touch(session, now_ms)
        if not session.wishes:
            # A session of nothing ends; the client learns it from session id 0.
            self._remove(session_id)
            return FetchContext([], None, False)
        return FetchContext(list(session.wishes.values()), session, True)

    def _create(self, wishes: list[FetchWish], uses_topic_ids: bool, now_ms: int) -> FetchSession | None:
        """Return a new session; None where none gives way to it."""
        if len(self._sessions) >= self._sessions_max and not self._evict(len(wishes), now_ms):
            return None
        session_id = self._new_session_id()
        while session_id == NO_SESSION or session_id in self._sessions:
            session_id = self._new_session_id()
        session = self._sessions[session_id] = FetchSession(session_id, uses_topic_ids=uses_topic_ids, now_ms=now_ms)
        session.update(wishes, ())
        return session

    def _evict(self, size: int, now_ms: int) -> bool:
        """End one session in favour of a new one of so many partitions; tell whether there was one to end."""
        oldest = next(iter(self._sessions.values()), None)
        if oldest is None:
            return False
        if now_ms - oldest.last_used_ms > self._min_idle_ms:
            self._remove(oldest.session_id)
            return True
        if self._evictable and self._evictable[0][0] < size:
            self._remove(self._evictable[0][1])
            return True
        return False

    def _touch(self, session: FetchSession, now_ms: int) -> None:
        """Note that a session is used: its size counts from now on, once it is not young."""
        session.last_used_ms = now_ms
        self._sessions.move_to_end(session.session_id)
        size = len(session.wishes)
        if session.evictable_size != size and now_ms - session.created_ms > self._min_idle_ms:
            self._forget_size(session)
            session.evictable_size = size
            insort(self._evictable, (size, session.session_id))

    def _remove(self, session_id: int) -> None:
        session = self._sessions.pop(session_id, None)
        if session is not None:
            self._forget_size(session)

    def _forget_size(self, session: FetchSession) -> None:
        if session.evictable_size != _YOUNG:
            del self._evictable[bisect_left(self._evictable, (session.evictable_size, session.session_id))]
