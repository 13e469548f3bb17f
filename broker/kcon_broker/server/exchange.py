"""What has become of one request: is its answer there, and may it leave?

An exchange is done when it has a response and every position that the response depends on is durable. Its connection
sends done exchanges from the front of its queue, so answers keep the order of the requests.
"""

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from kcon_broker.handlers.registry import Answer, Response
from kcon_broker.state.gate import Gate
from kcon_broker.wire.schema import Part

if TYPE_CHECKING:
    from kcon_broker.server.connection import Connection
    from kcon_broker.server.parked import Parked

_RESPONSE_HEADER = struct.Struct(">ii")
_FLEXIBLE_RESPONSE_HEADER = struct.Struct(">iib")


class Exchange:
    """One request and the way of its answer."""

    __slots__ = (
        "api_version",
        "connection",
        "correlation_id",
        "failed",
        "gates_open",
        "has_flexible_header",
        "held_bytes",
        "is_done",
        "is_pipelined",
        "parked",
        "request_bytes",
        "response",
    )

    def __init__(
        self,
        connection: "Connection",
        *,
        api_version: int,
        correlation_id: int,
        has_flexible_header: bool,
        is_pipelined: bool,
        request_bytes: int,
    ) -> None:
        self.connection = connection
        self.api_version = api_version
        self.correlation_id = correlation_id
        self.has_flexible_header = has_flexible_header
        self.is_pipelined = is_pipelined
        """The next request may be handled before this one is answered."""
        self.request_bytes = request_bytes
        self.response: Response | None = None
        self.held_bytes = 0
        """Of the response, counted as kept in memory."""
        self.failed: Callable[[Gate], Response] | None = None
        self.gates_open = 0
        self.is_done = False
        self.parked: Parked | None = None

    def settle(self, answer: Answer) -> None:
        """Take the answer; it is done at once unless it waits for gates."""
        self.response = answer.response
        self.failed = answer.failed
        if answer.held_bytes:
            self.held_bytes = answer.held_bytes
            self.connection.unsent_answers.hold(answer.held_bytes)
        for gate, offset in answer.after:
            if gate.high_watermark < offset:
                self.gates_open += 1
                gate.wait(offset, self)
        if not self.gates_open:
            self.is_done = True
            self.connection.exchange_done()

    def settle_without_answer(self) -> None:
        """End a request that gets no answer (acks=0)."""
        self.is_done = True
        self.connection.exchange_done()

    def gate_passed(self, gate: Gate) -> None:
        """One awaited position is durable."""
        self.gates_open -= 1
        if not self.gates_open:
            self.is_done = True
            # Others leave when the one before them does.
            exchanges = self.connection.exchanges
            if exchanges and exchanges[0] is self:
                self.connection.exchange_done()

    def gate_failed(self, gate: Gate) -> None:
        """One awaited position is lost: say so, or close."""
        if self.failed is None:
            self.connection.close("a write that an answer depends on failed")
            return
        self.response = self.failed(gate)
        self.gate_passed(gate)

    def let_go(self) -> None:
        """Count the response no longer: it is dropped, or counted by who sends it; idempotent."""
        if self.held_bytes:
            self.connection.unsent_answers.release(self.held_bytes)
            self.held_bytes = 0

    def encode(self) -> list[Part]:
        """Return the whole frame as a list of parts; empty: there is no answer."""
        if self.response is None:
            return []
        parts = self.response.encode_parts(self.api_version)
        size = 4 + (len(parts[0]) if len(parts) == 1 else sum(map(len, parts)))
        if self.has_flexible_header:
            header = _FLEXIBLE_RESPONSE_HEADER.pack(size + 1, self.correlation_id, 0)
        else:
            header = _RESPONSE_HEADER.pack(size, self.correlation_id)
        return [header, *parts]
