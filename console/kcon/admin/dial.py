"""How do we reach an address, and if we cannot, why? Resolving, connecting, and one sentence for each failure."""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from kcon.core.wire_text import display_safe
from kcon.errors import UnreachableError

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)

_PROBE_TIMEOUT_S: Final = 0.8
"""The time to find out whether a silent or closing server speaks TLS; within the 5 s of a wrong address."""


async def dial(host: str, port: int, make: Callable[[], ProtocolT]) -> ProtocolT:
    """Connect to the first address of `host` that takes us. The caller sets the deadline.

    UnreachableError: the name does not resolve, or no address accepts.
    """
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    for address in await _resolve(host, port):
        try:
            _, protocol = await loop.create_connection(make, address, port)
        except OSError as error:
            failures.append(error)
        else:
            return protocol
    raise _refused(display_safe(f"{host}:{port}"), failures)


async def _resolve(host: str, port: int) -> list[str]:
    """Resolve on a daemon thread of our own: a hanging resolver must not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(result: list[str] | OSError | UnicodeError) -> None:
        if answer.done():
            return
        if isinstance(result, list):
            answer.set_result(result)
        else:
            answer.set_exception(result)

    def look_up() -> None:
        result: list[str] | OSError | UnicodeError
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            result = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        except (OSError, UnicodeError) as error:
            result = error
        try:
            loop.call_soon_threadsafe(settle, result)
        except RuntimeError:  # The loop is closed: nobody waits any more.
            return

    threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    try:
        return await answer
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
        "Use a PLAINTEXT listener; security.protocol of the context decides.",
    )


def closed_early(address: str) -> UnreachableError:
    """Explain a server that hung up on the first request."""
    return UnreachableError(
        f"{address} closed the connection without an answer.",
        "It may not be Kafka, or a listener that wants TLS or SASL; check the port.",
    )


def silent(address: str, waited_ms: int) -> UnreachableError:
    """Explain a server that took the connection, or not even that, and then said nothing."""
    return UnreachableError(
        f"{address} did not answer within {waited_ms / 1000:g} s.",
        "Check the address; a firewall may drop packets, or the port is not Kafka's.",
    )
