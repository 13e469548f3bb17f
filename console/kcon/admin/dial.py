"""How do we reach an address, and if we cannot, why? Resolving, connecting, and one sentence for each failure."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from kcon.admin.security import on_thread
from kcon.core.wire_text import display_safe
from kcon.errors import UnreachableError

if TYPE_CHECKING:
    import ssl

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)

_PROBE_TIMEOUT_S: Final = 0.8
"""The time to find out whether a silent or closing server speaks TLS; within the 5 s of a wrong address."""


class TimedOut(UnreachableError):
    """The other side did not answer in time, neither a request nor the first word."""


class NotSentError(UnreachableError):
    """There was no connection to send a change on, so it did not happen and may be tried elsewhere."""


async def dial(host: str, port: int, make: Callable[[], ProtocolT], tls: "ssl.SSLContext | None" = None) -> ProtocolT:
    """Connect to the first address of `host` that takes us. The caller sets the deadline.

    UnreachableError: the name does not resolve, or no address accepts. With TLS also ssl.SSLError, and
    HandshakeCutError when the server hangs up in the middle of the handshake.
    """
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    for address in await resolve(host, port):
        try:
            sock = await _connect(address, port)
        except OSError as error:
            failures.append(error)
            continue
        try:
            _, protocol = await loop.create_connection(
                make, sock=sock, ssl=tls, server_hostname=host if tls is not None else None
            )
        except ConnectionError as error:
            raise HandshakeCutError(f"{display_safe(f'{host}:{port}')} hung up.") from error
        return protocol
    raise _refused(display_safe(f"{host}:{port}"), failures)


class HandshakeCutError(UnreachableError):
    """The server hung up while TLS was being set up."""


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, on a thread: a hanging resolver must not hold up the end of the process."""

    def look_up() -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    try:
        return await on_thread(look_up, f"resolve {host}")
    except (OSError, UnicodeError) as error:
        raise UnreachableError(
            f"Cannot resolve the host name {display_safe(host)}.", "Check the spelling, and the DNS of this machine."
        ) from error


def _refused(address: str, failures: list[OSError]) -> UnreachableError:
    last = failures[-1] if failures else OSError("no address")
    if any(isinstance(error, ConnectionRefusedError) for error in failures):
        return UnreachableError(
            f"{address} refused the connection.", "Nothing listens there; check the port, and that the broker runs."
        )
    reason = last.strerror or str(last)
    return UnreachableError(f"Cannot connect to {address}: {reason}.", "Check the address and the network.")


async def speaks_tls(host: str, port: int) -> bool:
    """Tell whether the server starts a TLS handshake. Says False when in doubt or when it takes too long."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLError as error:
        # An alert is TLS too: the server wants a client certificate or other versions.
        return "ALERT" in (error.reason or "")
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
    return True


async def speaks_plain(host: str, port: int) -> bool:
    """Tell whether a Kafka listener answers plain text. Says False when in doubt or when it takes too long."""
    # int32 size | int16 api key 18 | int16 version 0 | int32 correlation id | int16 -1 (no client id)
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            _, correlation_id = struct.unpack(">ii", await reader.readexactly(8))
    except (OSError, EOFError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
    return bool(correlation_id == 1)


def not_kafka(address: str, first_bytes: bytes) -> UnreachableError:
    """Explain an answer that is no Kafka frame by its first bytes."""
    if first_bytes[:1] in {b"\x15", b"\x16"} and first_bytes[1:2] == b"\x03":
        return tls_port(address)
    if first_bytes.startswith(b"HTTP"):
        return UnreachableError(
            f"{address} is not Kafka: a HTTP server answered.", "Give the address of a Kafka listener."
        )
    return UnreachableError(
        f"{address} is not Kafka: its answer does not follow the protocol.", "Give the address of a Kafka listener."
    )


def tls_port(address: str) -> UnreachableError:
    """Explain that we spoke plain text to a TLS port."""
    return UnreachableError(
        f"{address} wants TLS, and this context speaks plain text.",
        "Set the protocol of the context's security to SSL or SASL_SSL, or use a plain-text listener.",
    )


def closed_early(address: str) -> UnreachableError:
    """Explain a server that hung up on the first request."""
    return UnreachableError(
        f"{address} closed the connection without an answer.",
        "It may not be Kafka, or a listener that wants TLS or SASL; check the port.",
    )


def silent(address: str, waited_ms: int) -> TimedOut:
    """Explain a server that took the connection, or not even that, and then said nothing."""
    return TimedOut(
        f"{address} did not answer within {waited_ms / 1000:g} s.",
        "Check the address; a firewall may drop packets, or the port is not Kafka's.",
    )
