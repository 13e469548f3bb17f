"""One connection to one broker: requests in, answers out, in the order of the protocol.

Pipelined: many requests may wait at once, matched by correlation id. This is the one place that writes bytes to
a broker, and it judges every request again before it does.
"""

import asyncio
import random
import ssl
import struct
from collections import Counter
from typing import Final, NamedTuple

from kcon.admin.apis import Api
from kcon.admin.decode import Cursor, decode_response
from kcon.admin.dial import HandshakeCutError, TimedOut, dial, not_kafka, silent
from kcon.admin.encode import encode_request
from kcon.admin.requests import ReadRequest, Request, mutates, operation_of, targets_of
from kcon.admin.schema import is_flexible
from kcon.admin.security import ConnectionSecurity
from kcon.admin.settings import AdminSettings
from kcon.admin.versions import BrokerVersions
from kcon.core.wire_text import display_safe
from kcon.errors import AuthError, KconError, RefusedError, UnreachableError
from kcon.gate.permit import Permit


class Answer(NamedTuple):
    """The bytes of one answer, its header read off."""

    api: Api
    version: int
    body: bytes
    offset: int
    """Where the answer's own fields begin."""


class Connection(asyncio.Protocol):
    """Use `Connection.open`. One event loop; not for several threads."""

    def __init__(
        self,
        host: str,
        port: int,
        settings: AdminSettings,
        sent: Counter[str],
        security: ConnectionSecurity | None = None,
    ) -> None:
        self.address = display_safe(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self.versions = BrokerVersions({})
        self._host = host
        self._port = port
        self._settings = settings
        self._sent = sent
        self._security = security or ConnectionSecurity(settings.security, settings.secrets)
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._slots = asyncio.Semaphore(settings.in_flight_max)
        self._next_correlation_id = 0
        self._head = bytearray()
        self._frame: bytearray | None = None
        self._filled = 0
        self._answered = False
        self._greeted = False
        """It answered more than what every listener answers before anybody is authenticated."""
        self._closed_by: KconError | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._authenticated = asyncio.Event()
        """Cleared while the session is renewed, when the broker takes nothing else (KIP-368)."""
        self._authenticated.set()
        self._renew_at_s: float | None = None
        """When to authenticate again, by the loop's clock; None: the session has no end."""

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        settings: AdminSettings,
        sent: Counter[str],
        security: ConnectionSecurity | None = None,
    ) -> "Connection":
        """Connect, ask for the broker's versions and authenticate, within connect_timeout_ms.

        security: shared by the connections of one cluster; None makes one of the settings.
        UnreachableError or AuthError says why not.
        """
        security = security or ConnectionSecurity(settings.security, settings.secrets)
        await security.prepare()
        try:
            return await cls._open(host, port, settings, sent, security)
        except AuthError as error:
            from kcon.admin.sasl_session import CredentialsRefusedError

            if not isinstance(error, CredentialsRefusedError) or not security.try_unprepared():
                raise
        return await cls._open(host, port, settings, sent, security)

    @classmethod
    async def _open(
        cls, host: str, port: int, settings: AdminSettings, sent: Counter[str], security: ConnectionSecurity
    ) -> "Connection":
        made = cls(host, port, settings, sent, security)
        try:
            async with asyncio.timeout(settings.connect_timeout_ms / 1000):
                await dial(host, port, lambda: made, security.tls)
                await made._learn_versions()
                if security.security.uses_sasl:
                    await made._authenticate()
        except TimeoutError as error:
            made.close()
            raise silent(made.address, settings.connect_timeout_ms) from error
        except (_HungUpEarly, HandshakeCutError, ssl.SSLError) as error:
            made.close()
            from kcon.admin.security_failures import explain_hang_up

            after_handshake = isinstance(error, _HungUpEarly)
            raise await explain_hang_up(
                made.address, host, port, security, error, after_handshake=after_handshake
            ) from error
        except BaseException:
            made.close()
            raise
        return made

    @property
    def is_open(self) -> bool:
        """Requests can be sent."""
        return self._transport is not None and self._closed_by is None and not self._transport.is_closing()

    @property
    def certificate_expiry_ms(self) -> int | None:
        """When the certificate of the other side ends; None without TLS, or where it is not verified."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        if tls is None:
            return None
        from kcon.admin.certificate import expiry_ms

        return expiry_ms(tls.getpeercert())

    def describe(self) -> str:
        """Say what was agreed on: encryption, who we are, and how many APIs there are."""
        security = self._security.security
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        facts = [str(tls.version()) if tls is not None else "plain text"]
        if security.uses_sasl:
            facts.append(f"{security.mechanism} as {security.principal}")
        return ", ".join([*facts, f"{len(self.versions.ranges)} APIs"])

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
        version, body = self._encode(request, version)
        try:
            async with asyncio.timeout((timeout_ms if queue_ms is None else queue_ms) / 1000):
                await self._slots.acquire()
        except TimeoutError as error:
            raise self._timed_out(request, timeout_ms if queue_ms is None else queue_ms) from error
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self._may_write(request)
                frame = await self._write(request, version, body, permit)
        except TimeoutError as error:
            reason = self._timed_out(request, timeout_ms)
            self._give_up(reason)
            raise reason from error
        except _HungUpUnknown as error:
            raise await self._wants_sasl() or error from error
        finally:
            self._slots.release()
        self._greeted = self._greeted or request.api not in _BEFORE_AUTHENTICATION
        return self._answer_of(request, version, frame)

    def _encode(self, request: Request, version: int | None) -> tuple[int, bytes]:
        if version is None:
            version = self.versions.choose(request, f"Broker {self.address}")
        if request.encode_body:
            return version, request.encode_body(version)
        return version, encode_request(request.api, version, request.values, request.droppable)

    def _answer_of(self, request: Request, version: int, frame: bytes) -> Answer:
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

    # --- authentication --------------------------------------------------------------------------------------

    async def _may_write(self, request: Request) -> None:
        """Wait until the socket takes bytes and the session is good; renew it when its end is near."""
        if request.api not in _BEFORE_AUTHENTICATION:
            now_s = asyncio.get_running_loop().time()
            if self._renew_at_s is not None and now_s >= self._renew_at_s and self._authenticated.is_set():
                await self._renew()
            await self._authenticated.wait()
        await self._writable.wait()
        if not self._authenticated.is_set() and request.api not in _BEFORE_AUTHENTICATION:
            await self._may_write(request)  # It began while the socket was full.

    async def _renew(self) -> None:
        self._authenticated.clear()
        try:
            await self._authenticate()
        except KconError as error:
            self._give_up(error)
            raise
        except BaseException:
            # Half an exchange is no state to go on from.
            self.close()
            raise
        finally:
            self._authenticated.set()

    async def _authenticate(self) -> None:
        from kcon.admin.sasl_session import authenticate

        exchange = await self._security.exchange()
        lifetime_ms = await authenticate(self._ask, self.address, self._security.security, exchange)
        self._greeted = True
        self._renew_at_s = None
        if lifetime_ms > 0:
            # As Kafka's own clients: not all at the same moment, and before the end.
            fraction = random.uniform(*_RENEW_AFTER)
            self._renew_at_s = asyncio.get_running_loop().time() + lifetime_ms / 1000 * fraction

    async def _ask(self, request: ReadRequest) -> tuple[int, bytes, int]:
        """Send a request of the authentication: it waits for no turn, and the caller sets the deadline."""
        version, body = self._encode(request, None)
        answer = self._answer_of(request, version, await self._write(request, version, body, None))
        return version, answer.body, answer.offset

    async def _wants_sasl(self) -> AuthError | None:
        """Find out whether the server hung up because nobody authenticated; a new connection asks it."""
        from kcon.admin.sasl_session import ILLEGAL_SASL_STATE, ask_mechanisms, listed

        probe = Connection(self._host, self._port, self._settings, self._sent, self._security)
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await dial(self._host, self._port, lambda: probe, self._security.tls)
                await probe._learn_versions()
                error_code, offered = await ask_mechanisms(probe._ask, "")
        except (KconError, OSError, TimeoutError):
            return None
        finally:
            probe.close()
        if error_code == ILLEGAL_SASL_STATE:
            return None
        return AuthError(
            f"{self.address} wants SASL, and this context has no credentials.",
            f"Set protocol and mechanism in the context's security settings; it offers {listed(offered)}.",
        )

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
        if self._settings.wire_log is not None:
            from kcon.admin.wire_log import log_exchange

            about = f"{self.address} #{correlation_id} {request.api.title} v{version}"
            log_exchange(self._settings.wire_log, about, request, len(body), answer)
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
            early = _HungUpEarly(f"{self.address} hung up.")
            early.__cause__ = exc
            self._give_up(early)
            return
        reason = f": {exc}" if exc else ""
        kind = UnreachableError if self._greeted or self._security.security.uses_sasl else _HungUpUnknown
        message = f"{self.address} closed the connection{display_safe(reason)}."
        self._give_up(kind(message, "Look at the broker's log."))

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

    def _give_up(self, reason: KconError) -> None:
        if self._closed_by is None:
            self._closed_by = reason
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(self._closed_by)
        self._writable.set()
        self._authenticated.set()
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


class _HungUpUnknown(UnreachableError):
    """The server told its versions and closed at the next request, as one does that wants SASL."""


_BEFORE_AUTHENTICATION: Final = frozenset({Api.API_VERSIONS, Api.SASL_HANDSHAKE, Api.SASL_AUTHENTICATE})
_RENEW_AFTER: Final = (0.85, 0.95)
"""The part of a session's life after which it is renewed, picked at random."""
_PROBE_TIMEOUT_S: Final = 0.8

_SIZE: Final = struct.Struct(">i")
_HEAD: Final = struct.Struct(">hhih")
_UNSUPPORTED_VERSION: Final = struct.pack(">h", 35)
_FIRST_ANSWER_BYTES_MAX: Final = 64 * 1024
"""An ApiVersions answer takes well under 1 KiB; a larger first size is text of another protocol."""
