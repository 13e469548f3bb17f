"""Which requests wait for something to happen, and which of them shall be asked again?

A parked request waits for its deadline or for the first of its keys to be woken, whichever comes first. Waking only
marks: the dispatcher asks the marked ones again in its next round, each once.
"""

import heapq
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from kcon_broker.handlers.registry import HandlerResult, Park, RequestContext

if TYPE_CHECKING:
    from kcon_broker.server.exchange import Exchange


class Parked:
    """One request that waits."""

    __slots__ = ("context", "exchange", "is_waiting", "park")

    def __init__(self, exchange: "Exchange", context: RequestContext, park: Park) -> None:
        self.exchange = exchange
        self.context = context
        self.park = park
        self.is_waiting = True

    def retry(self) -> HandlerResult:
        """Ask the handler again."""
        return self.park.retry(self.context)


class ParkedTable:
    """All parked requests, by key and by deadline."""

    def __init__(self, on_wake: Callable[[], None]) -> None:
        self._by_key: dict[Hashable, dict[Parked, None]] = {}
        self._deadlines: list[tuple[int, int, Parked]] = []
        self._woken: dict[Parked, None] = {}
        self._on_wake = on_wake
        self._serial = 0
        self.count = 0

    def add(self, exchange: "Exchange", context: RequestContext, park: Park) -> None:
        """Let a request wait."""
        parked = Parked(exchange, context, park)
        exchange.parked = parked
        self.count += 1
        for key in park.wake_on:
            self._by_key.setdefault(key, {})[parked] = None
        self._serial += 1
        heapq.heappush(self._deadlines, (park.until_ms, self._serial, parked))

    def wake(self, key: Hashable) -> None:
        """Mark everyone who waits for this key."""
        waiting = self._by_key.get(key)
        if waiting:
            if not self._woken:
                self._on_wake()
            self._woken.update(waiting)

    def remove(self, parked: Parked) -> None:
        """Forget one: it is being asked again, or its connection is gone."""
        if not parked.is_waiting:
            return
        parked.is_waiting = False
        parked.exchange.parked = None
        self.count -= 1
        self._woken.pop(parked, None)
        for key in parked.park.wake_on:
            waiting = self._by_key.get(key)
            if waiting is not None:
                waiting.pop(parked, None)
                if not waiting:
                    del self._by_key[key]
        if len(self._deadlines) > 64 and len(self._deadlines) > 4 * self.count:
            self._deadlines = [entry for entry in self._deadlines if entry[2].is_waiting]
            heapq.heapify(self._deadlines)

    def take_due(self, now_ms: int) -> list[Parked]:
        """Take out everyone who was woken or whose deadline has come."""
        due = list(self._woken)
        self._woken.clear()
        while self._deadlines and (self._deadlines[0][0] <= now_ms or not self._deadlines[0][2].is_waiting):
            parked = heapq.heappop(self._deadlines)[2]
            if parked.is_waiting and parked not in due:
                due.append(parked)
        for parked in due:
            self.remove(parked)
        return due

    def next_deadline_ms(self) -> int | None:
        """Return when the next of them must be asked again; None: nobody waits."""
        while self._deadlines and not self._deadlines[0][2].is_waiting:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None
