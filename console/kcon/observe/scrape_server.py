"""How does a Prometheus get the metrics? A small HTTP server: GET /metrics is a read of memory, nothing else is served.

It speaks as much HTTP/1.1 as a scraper needs (RFC 9112): one request a connection, headers bounded in size and time,
a bounded number of connections. It never asks the cluster anything.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from kcon.errors import KconError
from kcon.observe.exposition import Format, parse_accept

HEADER_BYTES_MAX: Final = 16 * 1024
REQUEST_TIMEOUT_S: Final = 10.0
SEND_TIMEOUT_S: Final = 30.0
CONNECTIONS_MAX: Final = 32

_PAGE: Final = b"kcon metrics are at /metrics.\n"


class ScrapeServer:
    """Serves what `text` returns. One event loop."""

    def __init__(self, text: Callable[[Format], bytes]) -> None:
        self._text = text
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; return the address. KconError when it is taken."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=HEADER_BYTES_MAX)
        except OSError as error:
            raise KconError(
                f"Cannot listen on {host}:{port}: {error.strerror or error}.", "Choose another with --listen."
            ) from error
        found: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return found

    async def close(self) -> None:
        """Stop listening, and end what is open."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._open += 1
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer(head))
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            writer.transport.abort()  # Whoever is slow, gone or no scraper.
        finally:
            self._open -= 1

    def _answer(self, head: bytes) -> bytes:
        request, *headers = head.decode("latin-1").split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in {"GET", "HEAD"}:
            return _response("405 Method Not Allowed", "text/plain", b"Only GET is served.\n", "Allow: GET, HEAD\r\n")
        if path in {"/", "/metrics"}:
            form = parse_accept(_header(headers, "accept"))
            body, kind = (self._text(form), form.value) if path == "/metrics" else (_PAGE, "text/plain")
            return _response("200 OK", kind, body, only_head=method == "HEAD")
        return _response("404 Not Found", "text/plain", b"There is only /metrics.\n", only_head=method == "HEAD")


def _header(lines: list[str], name: str) -> str:
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return ""


def _response(status: str, kind: str, body: bytes, more: str = "", *, only_head: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if only_head else body)
