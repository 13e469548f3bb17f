"""What happens on one connection: which bytes come in, which requests wait, which answers go out?

Requests are handled in order, one at a time, as Kafka does; only Produce requests follow one another without waiting
for the answer before. Reading is a `BufferedProtocol`; writing goes past the transport (`sender`).
"""

import asyncio
import logging
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from kcon_broker.server.exchange import Exchange
from kcon_broker.server.sender import Sender
from kcon_broker.wire.frames import FrameReader
from kcon_broker.wire.schema import Part, WireError
from kcon_broker.wire.stored_bytes import StoredBytes

if TYPE_CHECKING:
    from kcon_broker.server.dispatch import Dispatcher

_logger = logging.getLogger("kcon_broker")

_WAITING_FRAMES_MAX = 2_000
"""Requests received and not handled; above it the connection is not read."""


class Connection(asyncio.BufferedProtocol):
    """One client."""

    def __init__(self, dispatcher: "Dispatcher", connection_id: int, *, is_for_admin: bool = False) -> None:
        self.dispatcher = dispatcher
        self.network = dispatcher.broker.settings.network
        self.unsent_answers = dispatcher.broker.unsent_answers
        self.connection_id = connection_id
        self.is_for_admin = is_for_admin
        """It has one of the places that are kept for administration."""
        self.client_host = ""
        self.exchanges: deque[Exchange] = deque()
        """Requests without their answer on the way, oldest first."""
        self.frames: deque[memoryview] = deque()
        """Complete requests that are not being handled yet."""
        self.is_closed = False
        self.waiting_bytes = 0
        """Bytes of requests received and not yet answered."""
        self.began_s = self.last_active_s = time.monotonic()
        self.frame_began_s: float | None = None
        self._reader = FrameReader(
            self.network.first_request_bytes_max,
            take_buffer=dispatcher.request_buffers.take,
            staging=dispatcher.staging,
        )
        self.has_sent_request = False
        self._is_reading = True
        self._transport: asyncio.Transport | None = None
        self._sender: Sender | None = None
        """None with TLS, which only the transport can write."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # A stream socket's transport, by construction.
        peer = transport.get_extra_info("peername")
        self.client_host = peer[0] if peer else ""
        if transport.get_extra_info("ssl_object") is None:
            original = transport.get_extra_info("socket")
            original.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.network.send_buffer_bytes:
                original.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.network.send_buffer_bytes)
            self._sender = Sender(
                original, self.unsent_answers, on_lost=lambda: self.close(None), on_room=self._has_room
            )
        self.dispatcher.connections[self.connection_id] = self

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to read to."""
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read; complete frames are handled in the next round."""
        self.last_active_s = time.monotonic()
        try:
            frames = self._reader.received(nbytes)
        except WireError as error:
            self.close(str(error))
            return
        if frames:
            self.frame_began_s = None
            if not self.has_sent_request:
                self.has_sent_request = True
                self._reader.limit = self.network.request_bytes_max
            size = sum(map(len, frames))
            self.waiting_bytes += size
            self.dispatcher.in_flight_bytes += size
            self.frames.extend(frames)
            self.dispatcher.has_work(self)
            if self.waiting_bytes > self.network.waiting_bytes_max or len(self.frames) > _WAITING_FRAMES_MAX:
                self.pause_reading()
        if not self._reader.pending_bytes:
            self.frame_began_s = None
        elif self.frame_began_s is None:
            self.frame_began_s = self.last_active_s

    def eof_received(self) -> None:
        """The client sends no more: what it asked last is of no use to it."""

    def connection_lost(self, error: Exception | None) -> None:
        """Forget everything."""
        self.close(None)

    # What the dispatcher calls.

    @property
    def stuck_since_s(self) -> float | None:
        """Since when the client takes no byte of what it is being sent."""
        return None if self._sender is None else self._sender.stuck_since_s

    @property
    def held_bytes(self) -> int:
        """Return the answer bytes kept in memory because the client does not take them."""
        return 0 if self._sender is None else self._sender.held_bytes

    @property
    def pending_bytes(self) -> int:
        """Return the bytes of a request that is not complete yet."""
        return self._reader.pending_bytes

    @property
    def is_waiting_for_us(self) -> bool:
        """A request is being handled, or reading is paused: the client cannot be blamed for silence."""
        return self.stuck_since_s is None and (bool(self.exchanges) or bool(self.frames) or not self._is_reading)

    def may_handle_next(self, *, is_pipelined: bool) -> bool:
        """Tell whether the next request may be handled now."""
        if not self.exchanges:
            return self._may_answer_more
        return (
            is_pipelined
            and self.exchanges[-1].is_pipelined
            and len(self.exchanges) < self.network.pipelined_requests_max
        )

    def exchange_done(self) -> None:
        """An exchange is done: send in this round what can be sent in order."""
        self.dispatcher.has_answers(self)

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        if self._is_reading and self._transport is not None:
            self._is_reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._is_reading and not self.is_closed and self._transport is not None:
            self._is_reading = True
            self._transport.resume_reading()

    def flush(self) -> None:
        """Send every answer whose turn has come, with one system call."""
        if self.is_closed:
            return
        exchanges = self.exchanges
        parts: list[Part] = []
        answered_bytes = 0
        while exchanges and exchanges[0].is_done:
            exchange = exchanges.popleft()
            answered_bytes += exchange.request_bytes
            exchange.let_go()
            parts += exchange.encode()
        self.waiting_bytes -= answered_bytes
        self.dispatcher.in_flight_bytes -= answered_bytes
        if parts:
            self._send(parts)
        if self.frames and not exchanges:
            self.dispatcher.has_work(self)
        if (
            not self._is_reading
            and self.waiting_bytes <= self.network.waiting_bytes_max // 2
            and len(self.frames) <= _WAITING_FRAMES_MAX // 2
        ):
            self.dispatcher.may_resume_reading(self)

    def close(self, reason: str | None) -> None:
        """End the connection; a reason is logged, None means that the client left."""
        if self.is_closed:
            return
        self.is_closed = True
        if reason is not None:
            _logger.warning("closed the connection of %s: %s", self.client_host or "a client", reason)
        for exchange in self.exchanges:
            exchange.let_go()
            if exchange.parked is not None:
                self.dispatcher.parked.remove(exchange.parked)
        self.dispatcher.in_flight_bytes -= self.waiting_bytes
        self.waiting_bytes = 0
        self.exchanges.clear()
        self.frames.clear()
        if self._sender is not None:
            self._sender.close()
        if self._transport is not None:
            self._transport.abort()
        self.dispatcher.connection_closed(self)

    # Sending.

    @property
    def _may_answer_more(self) -> bool:
        if self._sender is None or not self._sender.unsent_bytes:
            return True
        return self._sender.unsent_bytes <= self.network.unsent_bytes_max and not self.unsent_answers.is_full

    def _send(self, parts: list[Part]) -> None:
        if self._sender is not None:
            self._sender.send(parts)
        elif self._transport is not None:
            for part in parts:
                if isinstance(part, StoredBytes):
                    self._transport.write(part.load())
                    part.release()
                else:
                    self._transport.write(part)

    def _has_room(self) -> None:
        """The client took some of what it is being sent."""
        self.last_active_s = time.monotonic()
        if self.frames and not self.exchanges and self._may_answer_more:
            self.dispatcher.has_work(self)
