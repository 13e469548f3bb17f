"""How do batches get from a consumer's thread to an event loop without growing? A queue bounded by bytes.

One thread puts, one event loop gets. `put` blocks the thread while the queue is full; `get` suspends the task
while it is empty. Either side may close it.
"""

import asyncio
import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEFERRED_WAKE_S = 0.5
"""The longest `put` waits before it looks again whether it should stop."""


class ByteQueue(Generic[Item]):
    """A queue between one thread and one loop. Made on the loop."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._items: deque[tuple[Item, int]] = deque()
        self._size_bytes = 0
        self._changed = threading.Condition()
        self._loop = asyncio.get_running_loop()
        self._readable = asyncio.Event()
        self._closed_by_reader = False
        self._ended = False
        self._error: BaseException | None = None

    @property
    def size_bytes(self) -> int:
        """Return what waits in it."""
        return self._size_bytes

    def put(self, item: Item, size_bytes: int) -> bool:
        """Add an item; block while it does not fit. One larger than the bound enters when the queue is empty.

        Returns False when the reader is gone. Worker thread.
        """
        with self._changed:
            while self._items and self._size_bytes + size_bytes > self._bytes_max and not self._closed_by_reader:
                self._changed.wait(DEFERRED_WAKE_S)
            if self._closed_by_reader:
                return False
            self._items.append((item, size_bytes))
            self._size_bytes += size_bytes
        self._wake_reader()
        return True

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes; `error` is raised by `get` after the last item. Worker thread."""
        with self._changed:
            self._ended = True
            self._error = error
        self._wake_reader()

    def close(self) -> None:
        """Turn the writer away and drop what waits. Loop."""
        with self._changed:
            self._closed_by_reader = True
            self._items.clear()
            self._size_bytes = 0
            self._changed.notify_all()

    async def get(self) -> Item | None:
        """Return the next item, or None at the end. Loop."""
        while True:
            with self._changed:
                if self._items:
                    item, size_bytes = self._items.popleft()
                    self._size_bytes -= size_bytes
                    self._changed.notify_all()
                    return item
                if self._error is not None:
                    raise self._error
                if self._ended or self._closed_by_reader:
                    return None
                self._readable.clear()
            await self._readable.wait()

    def _wake_reader(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._readable.set)
        except RuntimeError:
            # The loop was closed without closing the queue: there is nobody to wake.
            with self._changed:
                self._closed_by_reader = True
