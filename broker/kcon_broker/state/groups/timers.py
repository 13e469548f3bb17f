"""Which group timer is due next?

A timer is named by its key; to schedule it again moves it. Moving a deadline later, which every heartbeat
does, costs one dictionary write: the queue keeps the old entry and corrects it when it comes up.
"""

import heapq
from enum import Enum
from itertools import count
from typing import NamedTuple


class TimerKind(Enum):
    """What a timer ends."""

    HEARTBEAT = "heartbeat"
    JOIN = "join"
    SYNC = "sync"
    CONSUMER_SESSION = "session of the new protocol"
    CONSUMER_REVOCATION = "revocation of the new protocol"
    CONSUMER_JOIN = "JoinGroup of a classic member in a group of the new protocol"
    CONSUMER_SYNC = "SyncGroup of a classic member in a group of the new protocol"
    CONSUMER_REGEX = "matching of regular expressions"
    OFFSET_RETENTION = "offset retention"


class TimerKey(NamedTuple):
    """Name a timer; fields that its kind does not need stay empty."""

    kind: TimerKind
    group_id: str = ""
    member_id: str = ""


class Timers:
    """Deadlines in monotonic milliseconds by key, earliest first, in order of scheduling among equals."""

    __slots__ = ("_deadlines", "_queue", "_queued_ms", "_sequence")

    def __init__(self) -> None:
        self._deadlines: dict[TimerKey, int] = {}
        self._queue: list[tuple[int, int, TimerKey]] = []
        # When the one valid queue entry of a key comes up: never later than the key's deadline. Other
        # entries of the key are leftovers.
        self._queued_ms: dict[TimerKey, int] = {}
        self._sequence = count()

    def schedule(self, key: TimerKey, deadline_ms: int) -> None:
        """Set a timer, or move it if it is set."""
        self._deadlines[key] = deadline_ms
        queued_ms = self._queued_ms.get(key)
        if queued_ms is None or deadline_ms < queued_ms:
            self._push(key, deadline_ms)

    def cancel(self, key: TimerKey) -> None:
        """Drop a timer if it is set."""
        self._deadlines.pop(key, None)

    def is_set(self, key: TimerKey) -> bool:
        """Say whether a timer is set."""
        return key in self._deadlines

    def next_deadline_ms(self) -> int | None:
        """Return when the earliest timer is due, None without timers."""
        self._settle()
        return self._queue[0][0] if self._queue else None

    def pop_due(self, now_ms: int) -> TimerKey | None:
        """Take the earliest timer out if its time has come."""
        self._settle()
        if not self._queue or self._queue[0][0] > now_ms:
            return None
        key = heapq.heappop(self._queue)[2]
        del self._deadlines[key]
        del self._queued_ms[key]
        return key

    def _push(self, key: TimerKey, deadline_ms: int) -> None:
        heapq.heappush(self._queue, (deadline_ms, next(self._sequence), key))
        self._queued_ms[key] = deadline_ms

    def _settle(self) -> None:
        """Make the queue's head a true deadline: drop what was cancelled, push back what was moved."""
        while self._queue:
            queued_ms, _, key = self._queue[0]
            deadline_ms = self._deadlines.get(key)
            is_valid = self._queued_ms.get(key) == queued_ms
            if is_valid and deadline_ms == queued_ms:
                return
            heapq.heappop(self._queue)
            if not is_valid:
                continue
            del self._queued_ms[key]
            if deadline_ms is not None:
                self._push(key, deadline_ms)
