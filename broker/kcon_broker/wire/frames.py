"""Cut what a socket delivers into frames: a size of four bytes, then that many bytes.

The socket receives straight into `get_buffer()`. Small frames are cut out of a staging buffer, which all readers of one
thread may share: between two calls a reader keeps only the bytes of a frame that is not complete, an idle one nothing.
A large frame gets its own memory that grows as its bytes arrive, never to the size that was only claimed. Every frame
handed out is a writable view of memory that nobody else uses, so that a handler can keep and patch it.

Must not do: no I/O. Refuses sizes below zero or above the limit with WireError, before any byte of them is kept.
"""

from collections.abc import Callable
from struct import Struct as Packer
from typing import Final

from kcon_broker.wire.schema import WireError

FRAME_BYTES_MAX: Final = 100 * 1024 * 1024
"""Kafka's default of socket.request.max.bytes."""

STAGING_BYTES: Final = 64 * 1024
_FIRST_BYTES: Final = 256 * 1024
_GROWTH: Final = 8
"""A frame that filled its memory gets so much more at once: a producer's full batch is moved only one time."""

_SIZE: Final = Packer(">i")


def fresh_buffer(size: int) -> memoryview:
    """Return memory of its own."""
    return memoryview(bytearray(size))


class FrameReader:
    """The receiving side of one connection. `limit` may be changed at any time, such as after authentication."""

    __slots__ = ("_large", "_large_filled", "_large_size", "_rest", "_staging", "_take_buffer", "limit")

    def __init__(
        self,
        limit: int = FRAME_BYTES_MAX,
        *,
        take_buffer: Callable[[int], memoryview] = fresh_buffer,
        staging: bytearray | None = None,
    ) -> None:
        """Read frames of up to `limit` bytes.

        `take_buffer` gives writable memory of a size, of any content. `staging`, of STAGING_BYTES, may be shared with
        readers that do nothing between a `get_buffer` of this one and its `received`; None: memory of its own.
        """
        self.limit = limit
        self._staging = bytearray(STAGING_BYTES) if staging is None else staging
        self._take_buffer = take_buffer
        self._rest = b""
        """The beginning of a small frame."""
        self._large: memoryview | None = None
        self._large_size = 0
        self._large_filled = 0

    @property
    def pending_bytes(self) -> int:
        """Return the bytes of a frame that is not complete yet; 0 between frames."""
        return self._large_filled if self._large is not None else len(self._rest)

    def get_buffer(self) -> memoryview:
        """Return where the next bytes are to be received. Release it before the next call."""
        large = self._large
        if large is None:
            have = len(self._rest)
            if have:
                self._staging[:have] = self._rest
            return memoryview(self._staging)[have:]
        if self._large_filled == len(large):
            larger = self._take_buffer(min(self._large_size, _GROWTH * len(large)))
            larger[: len(large)] = large
            large = self._large = larger
        return large[self._large_filled :]

    def received(self, count: int) -> list[memoryview]:
        """Take note of `count` bytes received into the buffer; return the frames they complete."""
        if self._large is None:
            return self._cut(len(self._rest) + count)
        self._large_filled += count
        if self._large_filled < self._large_size:
            return []
        frame, self._large = self._large, None
        return [frame]

    def feed(self, data: bytes | bytearray | memoryview) -> list[memoryview]:
        """Take bytes that were received elsewhere; return the frames they complete."""
        frames: list[memoryview] = []
        rest = memoryview(data)
        while rest:
            with self.get_buffer() as room:
                count = min(len(room), len(rest))
                room[:count] = rest[:count]
            frames += self.received(count)
            rest = rest[count:]
        return frames

    def _cut(self, filled: int) -> list[memoryview]:
        frames: list[memoryview] = []
        staging, start = self._staging, 0
        self._rest = b""
        while filled - start >= _SIZE.size:
            (size,) = _SIZE.unpack_from(staging, start)
            if not 0 <= size <= self.limit:
                raise WireError(f"a frame claims {size} bytes, the limit is {self.limit}")
            body = start + _SIZE.size
            if filled - body < size:
                if size > STAGING_BYTES - _SIZE.size:
                    self._start_large(size, body, filled)
                    return frames
                break
            frames.append(memoryview(staging[body : body + size]))
            start = body + size
        if start < filled:
            self._rest = bytes(memoryview(staging)[start:filled])
        return frames

    def _start_large(self, size: int, body: int, filled: int) -> None:
        have = filled - body
        self._large = self._take_buffer(min(size, _FIRST_BYTES))
        self._large[:have] = memoryview(self._staging)[body:filled]
        self._large_size = size
        self._large_filled = have
