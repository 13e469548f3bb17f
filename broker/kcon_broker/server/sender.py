"""How do answers get into a socket that takes them when it likes?

Past the transport of asyncio, on a duplicate of the socket: a transport would copy what it cannot send at once.
Buffers go with `writev`, parts of files by themselves (`StoredBytes`). Where the disk would have to be waited for, a
thread reads ahead first. What is unsent is bounded by whoever asks for more requests (`unsent_bytes`); what of it is
in memory is counted for all connections together (`state/unsent_answers`).
"""

import asyncio
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence

from kcon_broker.server.cold_reads import read_ahead
from kcon_broker.server.tasks import spawn
from kcon_broker.state.unsent_answers import UnsentAnswers
from kcon_broker.storage.files import WouldBlockError
from kcon_broker.wire.schema import Buffer, Part
from kcon_broker.wire.stored_bytes import StoredBytes

_BUFFERS_PER_WRITE = 512
"""Below the smallest IOV_MAX in use (1024)."""
_RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""struct linger: on, for no time."""
_SEPARATE_MAX = 16
"""More small buffers are copied into one: the kernel takes longer to look at each than the copy takes."""
_JOINED_BYTES_MAX = 64 * 1024
_TURN_BYTES_MAX = 2 << 20
"""Sent to one client before others have their turn."""
_COLD_ATTEMPTS_MAX = 3
"""After so many the memory is too short to keep what was just read: the disk is waited for."""


class Sender:
    """The sending side of one connection."""

    def __init__(
        self,
        original: socket.socket,
        unsent_answers: UnsentAnswers,
        *,
        on_lost: Callable[[], None],
        on_room: Callable[[], None],
    ) -> None:
        """Send on a duplicate of `original`. `on_lost`: it is gone; `on_room`: the client took something."""
        self.unsent_bytes = 0
        self.stuck_since_s: float | None = None
        """Since when the client takes no byte of what it is being sent."""
        self._socket = socket.socket(fileno=os.dup(original.fileno()))
        self._descriptor = self._socket.fileno()
        self._unsent_answers = unsent_answers
        self._held_bytes = 0
        """Of buffers, whole ones: a sent beginning stays in memory until the rest has left."""
        self._front_taken = 0
        """Bytes that were sent of the first unsent part, a buffer, and are cut off it."""
        self._on_lost = on_lost
        self._on_room = on_room
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[Buffer | StoredBytes] = deque()
        self._front_sent = 0
        """Bytes of the first unsent part, a stored one, that were sent."""
        self._cold_attempts = 0
        self._is_watching = False
        self._is_reading_disk = False
        self._is_closed = False

    def send(self, parts: Sequence[Part]) -> None:
        """Send now what the socket takes, and the rest when it takes more."""
        if self._unsent:
            self._keep(parts)
            return
        buffers = [part for part in parts if not isinstance(part, StoredBytes)]
        if len(buffers) == len(parts):
            if len(buffers) > _SEPARATE_MAX and sum(map(len, buffers)) <= _JOINED_BYTES_MAX:
                buffers = [b"".join(buffers)]
            if len(buffers) <= _BUFFERS_PER_WRITE:
                self._send_buffers(buffers)
                return
        self._keep(parts)
        self._drain()

    @property
    def held_bytes(self) -> int:
        """Return what of the unsent is kept in memory."""
        return self._held_bytes

    def close(self) -> None:
        """Send no more; idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._watch(wanted=False)
        if self._unsent:
            # The client takes nothing: without this the kernel would keep what it was sent for minutes.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        for part in self._unsent:
            if isinstance(part, StoredBytes):
                part.release()
        self._unsent.clear()
        self._socket.close()
        self._unsent_answers.release(self._held_bytes)
        self._held_bytes = 0

    def _send_buffers(self, buffers: list[Buffer]) -> None:
        """Send in one call, as most answers go."""
        try:
            sent = os.writev(self._descriptor, buffers)
        except BlockingIOError:
            sent = 0
        except OSError:
            # Reset by the client: it knows.
            self._on_lost()
            return
        if sent == sum(map(len, buffers)):
            return
        self._keep(buffers)
        self._take_off(sent)
        self.stuck_since_s = time.monotonic()
        self._watch(wanted=True)

    def _keep(self, parts: Sequence[Part]) -> None:
        self._unsent.extend(parts)
        self.unsent_bytes += sum(map(len, parts))
        size = sum(len(part) for part in parts if not isinstance(part, StoredBytes))
        self._held_bytes += size
        self._unsent_answers.hold(size)

    def _drain(self) -> None:
        """Send until the socket is full, or others have waited long enough; called by the loop as well."""
        unsent, before = self._unsent, self.unsent_bytes
        floor = before - _TURN_BYTES_MAX
        try:
            while unsent and self.unsent_bytes > floor:
                if not self._send_front():
                    break
        except BlockingIOError:
            pass
        except WouldBlockError as cold:
            self._watch(wanted=False)
            self._is_reading_disk = True
            self.stuck_since_s = None
            spawn(self._read_ahead(cold), name="cold read of an answer")
        except OSError:
            self._on_lost()
            return
        if not self._is_reading_disk:
            self._watch(wanted=bool(unsent))
            if not unsent:
                self.stuck_since_s = None
            elif self.unsent_bytes != before or self.stuck_since_s is None:
                self.stuck_since_s = time.monotonic()
        if self.unsent_bytes != before:
            self._on_room()

    def _send_front(self) -> bool:
        """Send what comes first by one call; return False when the socket is full now."""
        unsent = self._unsent
        front = unsent[0]
        if isinstance(front, StoredBytes):
            left = len(front) - self._front_sent
            may_block = self._cold_attempts >= _COLD_ATTEMPTS_MAX
            sent, wanted = front.send(self._descriptor, self._front_sent, may_block=may_block)
            if not sent:
                raise OSError(5, "a file is shorter than it was")
            self._cold_attempts = 0
            self.unsent_bytes -= sent
            self._front_sent += sent
            if sent == left:
                unsent.popleft()
                self._front_sent = 0
                front.release()
            return sent == wanted
        buffers: list[Buffer] = []
        flags = 0
        for part in unsent:
            if isinstance(part, StoredBytes):
                # The first bytes of the file are to share a packet with what stands before them.
                flags = getattr(socket, "MSG_MORE", 0)
                break
            if len(buffers) == _BUFFERS_PER_WRITE:
                break
            buffers.append(part)
        sent = self._socket.sendmsg(buffers, [], flags)
        is_all = sent == sum(map(len, buffers))
        self._take_off(sent)
        return is_all

    def _take_off(self, sent: int) -> None:
        """Take bytes that were sent off the front, which are buffers."""
        unsent = self._unsent
        self.unsent_bytes -= sent
        released = 0
        while unsent:
            front = unsent[0]
            if isinstance(front, StoredBytes):
                break
            if sent < len(front):
                if sent:
                    unsent[0] = memoryview(front)[sent:]
                    self._front_taken += sent
                break
            sent -= len(front)
            released += len(front) + self._front_taken
            self._front_taken = 0
            unsent.popleft()
        if released:
            self._held_bytes -= released
            self._unsent_answers.release(released)

    def _watch(self, *, wanted: bool) -> None:
        """Have the loop tell when the socket takes more."""
        if wanted != self._is_watching:
            self._is_watching = wanted
            if wanted:
                self._loop.add_writer(self._descriptor, self._drain)
            else:
                self._loop.remove_writer(self._descriptor)

    async def _read_ahead(self, cold: WouldBlockError) -> None:
        await read_ahead([cold])
        self._is_reading_disk = False
        if not self._is_closed:
            self._cold_attempts += 1
            self._drain()
