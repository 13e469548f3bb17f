"""Who may connect, and how fast?

Connections are accepted one by one. The last places are for administration, so that an operator gets in where clients
took all others. Above the limits a new one is closed with a line in the log; those of other
machines that come too fast wait for their turn. Loopback is exempt from the limits per address and per second.
"""

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import time
from collections import Counter

from kcon_broker.errors import PortInUseError, SettingsError
from kcon_broker.server.connection import Connection
from kcon_broker.server.dispatch import Dispatcher
from kcon_broker.server.tasks import spawn
from kcon_broker.settings import BrokerSettings

_logger = logging.getLogger("kcon_broker")

_BACKLOG = 1_024
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_OUT_OF_FILES_PAUSE_S = 0.2
_TELL_INTERVAL_S = 1.0


def is_loopback(host: str) -> bool:
    """Tell whether an address or host name is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(settings: BrokerSettings) -> socket.socket:
    """Return a listening socket; raises BrokerError."""
    host, port = settings.host, settings.port
    if not is_loopback(host) and not settings.insecure:
        raise SettingsError(
            f"Listening on {host} would let everyone on the network in, as there is no authentication: "
            "choose 127.0.0.1, or add --insecure."
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"Cannot listen on {host}: {error.strerror}.") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(f"Port {port} of {host} is in use by another program.") from error
        raise PortInUseError(f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from error
    return listening


class Listener:
    """Accepts connections on one socket."""

    def __init__(self, listening: socket.socket, dispatcher: Dispatcher, *, connections_max: int) -> None:
        self._socket = listening
        self._dispatcher = dispatcher
        self._connections_max = connections_max
        """What the process has descriptors for."""
        self._starting = 0
        """Accepted, and not a connection yet."""
        self._next_turn_s = 0.0
        self._told_s = -_TELL_INTERVAL_S
        self._untold = 0
        """Refusals since the last line about one."""
        self._serial = 0
        self._is_out_of_files = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to accept."""
        self._task = spawn(self._accept(), name="accept")

    def stop(self) -> None:
        """Accept no more."""
        if self._task is not None:
            self._task.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    async def _accept(self) -> None:
        while True:
            try:
                accepted, address = self._socket.accept()
            except BlockingIOError:
                await self._readable()
                continue
            except OSError as error:
                if error.errno not in _OUT_OF_FILES:
                    raise
                if not self._is_out_of_files:
                    _logger.warning("cannot accept connections: %s", error.strerror)
                self._is_out_of_files = True
                await asyncio.sleep(_OUT_OF_FILES_PAUSE_S)
                continue
            accepted.setblocking(False)
            self._is_out_of_files = False
            host = str(address[0])
            if (refusal := self._refusal(host)) is not None:
                accepted.close()
                self._tell_refused(host, refusal)
                # A flood of them must not keep the loop from those who are served.
                await asyncio.sleep(0)
                continue
            is_for_admin = self._taken >= self._most - self._admin_places
            self._starting += 1
            wait_s = self._turn(host)
            if wait_s > 0:
                spawn(self._start_later(accepted, wait_s, is_for_admin), name="delayed connection")
            else:
                await self._start(accepted, is_for_admin)

    async def _readable(self) -> None:
        """Wait for somebody to connect. `loop.sock_accept` would lose an accepted socket when it is cancelled."""
        loop = asyncio.get_running_loop()
        is_readable = asyncio.Event()
        loop.add_reader(self._socket, is_readable.set)
        try:
            await is_readable.wait()
        finally:
            if self._socket.fileno() >= 0:
                loop.remove_reader(self._socket)

    def _refusal(self, host: str) -> str | None:
        connections = self._dispatcher.connections
        network = self._dispatcher.broker.settings.network
        if self._taken >= self._most - self._admin_places and not self._make_room() and self._taken >= self._most:
            return f"there are {self._most} already"
        if not is_loopback(host):
            counts = Counter(connection.client_host for connection in connections.values())
            if counts[host] >= network.connections_per_address_max:
                return f"it has {counts[host]} already"
        return None

    @property
    def _taken(self) -> int:
        return len(self._dispatcher.connections) + self._starting

    @property
    def _most(self) -> int:
        return min(self._connections_max, self._dispatcher.broker.settings.network.connections_max)

    @property
    def _admin_places(self) -> int:
        return min(self._dispatcher.broker.settings.network.admin_connections, self._most // 10)

    def _make_room(self) -> bool:
        """Close who has been silent for longest, if long enough; tell whether somebody was."""
        idle = [each for each in self._dispatcher.connections.values() if not each.is_waiting_for_us]
        longest = min(idle, key=lambda connection: connection.last_active_s, default=None)
        if longest is None:
            return False
        silent_s = time.monotonic() - longest.last_active_s
        if silent_s * 1_000 < self._dispatcher.broker.settings.network.evictable_after_ms:
            return False
        longest.close(f"silent for {silent_s:.0f} s, and a newcomer needs its place")
        return True

    def _tell_refused(self, host: str, refusal: str) -> None:
        """Write a line about the first refusal of a flood, and one a second about how many followed."""
        self._untold += 1
        now_s = time.monotonic()
        if now_s - self._told_s >= _TELL_INTERVAL_S:
            more = f", and {self._untold - 1} others before" if self._untold > 1 else ""
            _logger.warning("refused a connection of %s: %s%s", host, refusal, more)
            self._told_s, self._untold = now_s, 0

    def _turn(self, host: str) -> float:
        """Return how long a connection must wait for its turn."""
        if is_loopback(host):
            return 0.0
        now_s = time.monotonic()
        rate = max(1, self._dispatcher.broker.settings.network.connections_per_second_max)
        # A second's worth may come at once; after that one each interval.
        self._next_turn_s = max(self._next_turn_s, now_s - 1.0) + 1.0 / rate
        return self._next_turn_s - now_s

    async def _start_later(self, accepted: socket.socket, wait_s: float, is_for_admin: bool) -> None:
        try:
            await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            accepted.close()
            raise
        await self._start(accepted, is_for_admin)

    async def _start(self, accepted: socket.socket, is_for_admin: bool) -> None:
        self._serial += 1
        serial = self._serial
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self._dispatcher, serial, is_for_admin=is_for_admin), accepted
            )
        except asyncio.CancelledError:
            accepted.close()
            raise
        except OSError as error:
            accepted.close()
            _logger.warning("a connection failed as it began: %s", error.strerror)
        finally:
            self._starting -= 1
