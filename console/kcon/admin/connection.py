"""One connection to one broker: requests in, answers out, in the order of the protocol.

Pipelined: many requests may wait at once, matched by correlation id. This is the one place that writes bytes to
a broker, and it judges every request again before it does.
"""

import asyncio
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Final

from kcon.admin.apis import Api
from kcon.admin.decode import Cursor, decode_response
from kcon.admin.dial import closed_early, dial, not_kafka, silent, speaks_tls
from kcon.admin.encode import encode_request
from kcon.admin.requests import ReadRequest, Request, mutates, operation_of, targets_of
from kcon.admin.schema import is_flexible
from kcon.admin.settings import AdminSettings
from kcon.admin.versions import BrokerVersions
from kcon.core.wire_text import display_safe
from kcon.errors import RefusedError, UnreachableError
from kcon.gate.permit import Permit


class TimedOut(UnreachableError):
    """The broker took the request and did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of one answer, its header read off."""

    api: Api
    version: int
    body: bytes
    offset: int
    """Where the answer's own fields begin."""


class Connection(asyncio.Protocol):
    """Use `Connection.open`. One event loop; not for several threads."""

    def __init__(self, host: str, port: int, settings: AdminSettings, sent: Counter[str]) -> None:
        self.address = display_safe(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self.versions = BrokerVersions({})
        self._host = host
        self._port = port
        self._settings = settings
        self._sent = sent
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._slots = asyncio.Semaphore(settings.in_flight_max)
        self._next_correlation_id = 0
        self._head = bytearray()
        self._frame: bytearray | None = None
        self._filled = 0
        self._answered = False
        self._closed_by: UnreachableError | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    @classmethod
    async def open(cls, host: str, port: int, settings: AdminSettings, sent: Counter[str]) -> "Connection":
        """Connect and ask for the broker's versions, within connect_timeout_ms. UnreachableError says why not."""
        settings.security.require_supported()
        deadline_s = settings.connect_timeout_ms / 1000
        connection: Connection | None = None
        made = cls(host, port, settings, sent)
        try:
            async with asyncio.timeout(deadline_s):
                connection = await dial(host, port, lambda: made)
                await connection._learn_versions()
        except TimeoutError as error:
            made.close()
            raise silent(made.address, settings.connect_timeout_ms) from error
        except _HungUpEarly as error:
            made.close()
            if await speaks_tls(host, port):
                raise not_kafka(made.address, b"\x15\x03") from error
            raise closed_early(made.address) from error
        except BaseException:
            made.close()
            raise
        return connection

    @property
    def is_open(self) -> bool:
        """Requests can be sent."""
        return self._transport is not None and self._closed_by is None and not self._transport.is_closing()

    async def request(
        self,
        request: Request,
        *,
        timeout_ms: float,
        queue_ms: float | None = None,
        permit: Permit | None = None,
        version: int | None = None,
    ) -> Answer:
        """Send one request and wait for its answer, for timeout_ms from when it is sent.

        queue_ms: how long it may wait for its turn before that, behind in_flight_max others; None: timeout_ms.
        UnreachableError: no answer in time (the connection is then given up, as a late answer would block the
        ones behind it), or the broker hung up. RefusedError: it mutates and the permit does not cover it.
        """
        if version is None:
            version = self.versions.choose(request, f"Broker {self.address}")
        body = (
            request.encode_body(version)
            if request.encode_body
            else encode_request(request.api, version, request.values, request.droppable)
        )
        try:
            async with asyncio.timeout((timeout_ms if queue_ms is None else queue_ms) / 1000):
                await self._slots.acquire()
        except TimeoutError as error:
            raise self._timed_out(request, timeout_ms if queue_ms is None else queue_ms) from error
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self._writable.wait()
                frame = await self._write(request, version, body, permit)
        except TimeoutError as error:
            reason = self._timed_out(request, timeout_ms)
            self._give_up(reason)
            raise reason from error
        finally:
            self._slots.release()
        offset = 4
        # The header of an ApiVersions answer is never flexible, so that old clients can read it (KIP-511).
        if request.api is not Api.API_VERSIONS and is_flexible(request.api, version):
            cursor = Cursor(frame, offset)
            cursor.skip_tags()
            offset = cursor.offset
        return Answer(request.api, version, frame, offset)

    def _timed_out(self, request: Request, waited_ms: float) -> TimedOut:
        return TimedOut(
            f"{self.address} did not answer {request.api.title} within {waited_ms / 1000:g} s.",
            "Try again with a longer --timeout; the broker may be overloaded.",
        )

    def close(self) -> None:
        """Close at once; whoever waits gets an UnreachableError."""
        self._give_up(UnreachableError(f"The connection to {self.address} was closed."))

    # --- the one place that writes ---------------------------------------------------------------------------

    def _write(self, request: Request, version: int, body: bytes, permit: Permit | None) -> asyncio.Future[bytes]:
        """Write one request; the future gets its answer. Who stops waiting leaves it here until the answer comes."""
        if mutates(request):
            if permit is None:
                raise RefusedError(f"{request.api.title} changes the cluster and was not permitted.")
            permit.check(operation_of(request, permit.operation), targets_of(request))
        if self._closed_by is not None or self._transport is None:
            raise self._closed_by or UnreachableError(f"{self.address} is not connected.")
        self._next_correlation_id = (self._next_correlation_id + 1) & 0x7FFFFFFF
        correlation_id = self._next_correlation_id
        client_id = self._settings.client_id.encode()
        # size:int32 api_key:int16 version:int16 correlation:int32 client_id:int16+bytes [tags:0]
        head = _HEAD.pack(request.api.key, version, correlation_id, len(client_id)) + client_id
        if is_flexible(request.api, version):
            head += b"\0"
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id] = answer
        self._transport.writelines((_SIZE.pack(len(head) + len(body)), head, body))
        self._sent[request.api.title] += 1
        return answer

    # --- asyncio.Protocol ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames. Nothing is allocated before the size is known to be within the limit."""
        view = memoryview(data)
        while view and self._closed_by is None:
            if self._frame is None:
                missing = 4 - len(self._head)
                self._head += view[:missing]
                view = view[missing:]
                if len(self._head) == 4 and not self._start_frame(bytes(data)):
                    return
            else:
                part = view[: len(self._frame) - self._filled]
                self._frame[self._filled : self._filled + len(part)] = part
                self._filled += len(part)
                view = view[len(part) :]
                if self._filled == len(self._frame):
                    self._finish_frame(self._frame)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answered:
            self._give_up(_HungUpEarly(f"{self.address} hung up."))
            return
        reason = f": {exc}" if exc else ""
        self._give_up(
            UnreachableError(
                f"{self.address} closed the connection{display_safe(reason)}.", "Look at the broker's log."
            )
        )

    def _start_frame(self, first_bytes: bytes) -> bool:
        (size,) = _SIZE.unpack(self._head)
        if not self._answered and (size < 4 or size > _FIRST_ANSWER_BYTES_MAX):
            self._give_up(not_kafka(self.address, bytes(self._head) + first_bytes))
            return False
        if size < 4 or size > self._settings.response_bytes_max:
            self._give_up(
                UnreachableError(
                    f"{self.address} announced an answer of {size} bytes; "
                    f"the limit is {self._settings.response_bytes_max}.",
                    "Ask for less at a time.",
                )
            )
            return False
        self._frame, self._filled = bytearray(size), 0
        return True

    def _finish_frame(self, frame: bytearray) -> None:
        self._head.clear()
        self._frame = None
        (correlation_id,) = _SIZE.unpack_from(frame)
        answer = self._waiting.pop(correlation_id, None)
        if answer is None:
            self._give_up(
                not_kafka(self.address, bytes(frame[:16]))
                if not self._answered
                else UnreachableError(f"{self.address} answered a request that was not sent.")
            )
            return
        self._answered = True
        if not answer.done():
            answer.set_result(bytes(frame))

    def _give_up(self, reason: UnreachableError) -> None:
        if self._closed_by is None:
            self._closed_by = reason
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(self._closed_by)
        self._writable.set()
        if self._transport is not None:
            self._transport.abort()

    async def _learn_versions(self) -> None:
        values = {"client_software_name": "kcon", "client_software_version": "0.1"}
        request = ReadRequest(api=Api.API_VERSIONS, values=values, droppable=frozenset(values))
        timeout_ms = self._settings.connect_timeout_ms
        version = Api.API_VERSIONS.version_max
        answer = await self.request(request, timeout_ms=timeout_ms, version=version)
        if answer.body[4:6] == _UNSUPPORTED_VERSION:
            # An older broker answers in version 0 whatever was asked (KIP-511).
            version = 0
            answer = await self.request(request, timeout_ms=timeout_ms, version=version)
        told = decode_response(Api.API_VERSIONS, version, answer.body, answer.offset)
        if int(told.error_code) != 0:
            raise not_kafka(self.address, b"")
        ranges = {int(item.api_key): (int(item.min_version), int(item.max_version)) for item in told.api_keys}
        self.versions = BrokerVersions(ranges)


class _HungUpEarly(UnreachableError):
    """The server closed before its first answer; why is found out by whoever opened."""


_SIZE: Final = struct.Struct(">i")
_HEAD: Final = struct.Struct(">hhih")
_UNSUPPORTED_VERSION: Final = struct.pack(">h", 35)
_FIRST_ANSWER_BYTES_MAX: Final = 64 * 1024
"""An ApiVersions answer takes well under 1 KiB; a larger first size is text of another protocol."""
