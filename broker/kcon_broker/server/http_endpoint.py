"""How does a small HTTP server live in the broker's loop? One request a connection, with limits."""

import asyncio
import logging
import socket
from abc import ABC, abstractmethod
from typing import Final

_logger = logging.getLogger("kcon_broker")

HEAD_BYTES_MAX: Final = 8 * 1024


class HttpEndpoint(ABC):
    """The server; what is answered is its subclass's `_exchange`. All methods belong to the broker's loop."""

    def __init__(
        self, listening: socket.socket, *, path: str, told: str, request_timeout_s: float, connections_max: int
    ) -> None:
        """told: what the log says of the address, such as `metrics are at`."""
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._socket = listening
        self._path = path
        self._announcement = told
        self._request_timeout_s = request_timeout_s
        self._connections_max = connections_max
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self.address
        return f"http://[{host}]:{port}{self._path}" if ":" in host else f"http://{host}:{port}{self._path}"

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=HEAD_BYTES_MAX)
        _logger.info("%s %s", self._announcement, self.url)

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self._connections_max:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            async with asyncio.timeout(self._request_timeout_s):
                await self._exchange(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Whoever is slow, gone or no client of this.
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    @abstractmethod
    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the request and answer it."""
