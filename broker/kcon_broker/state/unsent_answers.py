"""How many bytes of answers are kept in memory for clients, and how large may the next one be?

The limit is one for all connections. A Fetch may take half of what is left of it, so that a few greedy clients leave
something to the others; above the limit it gets SMALL_ANSWER_BYTES, or waits until there is room (`handlers/fetch`).
Other answers are as large as they are: above twice the limit the connections that keep the most are closed
(`server/dispatch`). What is sent from the page cache takes no memory and is not counted.
"""

from collections.abc import Callable, Hashable

SMALL_ANSWER_BYTES = 64 * 1024
"""Everybody gets so much, and every connection keeps no more than one such answer above the limit."""


class UnsentAnswers:
    """The count; also the key that those wait for who want room."""

    def __init__(self, limit_bytes: int, *, on_room: Callable[[Hashable], None]) -> None:
        """`on_room` is called with this object when there is room again after somebody was told to wait."""
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._on_room = on_room
        self._is_awaited = False

    @property
    def is_full(self) -> bool:
        """Nobody is given a large answer, or a second one before the first has left."""
        return self.held_bytes >= self.limit_bytes

    @property
    def is_overfull(self) -> bool:
        """Twice the limit is kept: the greediest must go, or there is no memory for anybody."""
        return self.held_bytes > 2 * self.limit_bytes

    @property
    def answer_bytes_max(self) -> int:
        """Return what the next answer may hold."""
        return max((self.limit_bytes - self.held_bytes) // 2, SMALL_ANSWER_BYTES)

    def may_hold(self, size: int) -> bool:
        """Tell whether an answer with so many bytes, be it of a single batch, may be kept."""
        return not self.is_full or size <= SMALL_ANSWER_BYTES

    def hold(self, size: int) -> None:
        """Count bytes in; never refuses."""
        self.held_bytes += size

    def release(self, size: int) -> None:
        """Count bytes out: they were sent, or dropped."""
        self.held_bytes -= size
        # A quarter is to be free, or everybody would be asked again for every byte that leaves.
        if self._is_awaited and self.held_bytes <= self.limit_bytes - self.limit_bytes // 4:
            self._is_awaited = False
            self._on_room(self)

    def await_room(self) -> Hashable:
        """Return the key that is woken when there is room."""
        self._is_awaited = True
        return self
