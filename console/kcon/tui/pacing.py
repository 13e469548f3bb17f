"""How does work on another thread leave the screen its time? An event loop that rests after each busy turn.

Python runs one thread at a time. Whenever a turn of this loop was busy, the loop sleeps for a multiple of that
before the next one, so that key presses are handled in between.
"""

import asyncio
import selectors
import time
from collections.abc import Mapping
from typing import Any, Final

REST_FACTOR: Final = 2.0
"""Seconds of rest for a second of work."""
REST_MAX_S: Final = 0.05
BUSY_MIN_S: Final = 0.0005
"""A shorter turn needs no rest."""


class PacedSelector(selectors.BaseSelector):
    """A selector that rests before it waits. An event loop asks its selector once a turn."""

    def __init__(self, inner: selectors.BaseSelector | None = None) -> None:
        self._inner = inner or selectors.DefaultSelector()
        self._woke_s = time.thread_time()
        self.is_paced = False
        """Off until the first picture is there: until then there is nothing to disturb."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Rest for what the last turn took, then wait."""
        busy_s = time.thread_time() - self._woke_s
        if self.is_paced and busy_s >= BUSY_MIN_S:
            time.sleep(min(busy_s * REST_FACTOR, REST_MAX_S))
        try:
            return self._inner.select(timeout)
        finally:
            self._woke_s = time.thread_time()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a file."""
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Stop watching a file."""
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch for something else."""
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return what is watched."""
        return self._inner.get_map() or {}

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """Return how a file is watched."""
        return self._inner.get_key(fileobj)

    def close(self) -> None:
        """Close the selector."""
        self._inner.close()


def paced_loop(selector: PacedSelector) -> asyncio.AbstractEventLoop:
    """Return an event loop on this selector."""
    return asyncio.SelectorEventLoop(selector)
