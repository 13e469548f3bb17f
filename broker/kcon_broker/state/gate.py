"""Up to which position is something durable, and who waits for it?

A gate is anything that is appended to and synced later: a partition, or the metadata log. What is below
`high_watermark` may be seen and answered; a waiter is told when the mark reaches its offset, or that the gate failed.
"""

from collections import deque
from typing import Protocol


class Waiter(Protocol):
    """Something that waits for a gate (the server's unanswered requests)."""

    def gate_passed(self, gate: "Gate") -> None:
        """Take note that one of the awaited positions is durable."""

    def gate_failed(self, gate: "Gate") -> None:
        """Take note that the position will never be durable."""


class Gate:
    """A high watermark and the waiters above it."""

    __slots__ = ("high_watermark", "waiters")

    def __init__(self, high_watermark: int = 0) -> None:
        self.high_watermark = high_watermark
        self.waiters: deque[tuple[int, Waiter]] = deque()

    def wait(self, offset: int, waiter: Waiter) -> None:
        """Tell `waiter` when `high_watermark >= offset`; only for offsets above the mark."""
        waiters = self.waiters
        if waiters and waiters[-1][0] > offset:
            # A duplicate of an older batch waits for the sync of the original.
            waiters.append((offset, waiter))
            self.waiters = deque(sorted(waiters, key=lambda entry: entry[0]))
        else:
            waiters.append((offset, waiter))

    def advance(self, high_watermark: int) -> None:
        """Move the mark up and tell everyone it passed."""
        self.high_watermark = high_watermark
        waiters = self.waiters
        while waiters and waiters[0][0] <= high_watermark:
            waiters.popleft()[1].gate_passed(self)

    def fail(self, *, above: int = -1) -> None:
        """Tell the waiters whose position lies above `above` that it is lost."""
        lost = [entry for entry in self.waiters if entry[0] > above]
        self.waiters = deque(entry for entry in self.waiters if entry[0] <= above)
        for _, waiter in lost:
            waiter.gate_failed(self)
