"""Whom can we talk to? The brokers of a cluster, a connection to each, and the two ways to send: read and write."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Final

from kcon.admin.apis import Api
from kcon.admin.connection import Answer, Connection
from kcon.admin.decode import decode_response
from kcon.admin.dial import NotSentError, TimedOut
from kcon.admin.requests import ReadRequest, Request, WriteRequest, mutates
from kcon.admin.security import ConnectionSecurity
from kcon.admin.settings import AdminSettings
from kcon.admin.versions import BrokerVersions
from kcon.contexts.context import split_address
from kcon.core.ids import ClusterId, HostName
from kcon.core.snapshot import NO_BROKER, BrokerInfo, ClusterInfo
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError, UnreachableError
from kcon.gate.permit import Permit

_STAGGER_MS: Final = 300
"""How long one address is tried alone before the next one is tried beside it."""


class Deadline:
    """The end of one call."""

    def __init__(self, timeout_ms: float) -> None:
        self._end_s = asyncio.get_running_loop().time() + timeout_ms / 1000

    def left_ms(self, at_most_ms: float | None = None) -> float:
        """Return the time left, at most `at_most_ms`; 0 when it is over."""
        left_ms = max(0.0, (self._end_s - asyncio.get_running_loop().time()) * 1000)
        return left_ms if at_most_ms is None else min(left_ms, at_most_ms)


class Cluster:
    """Connections and routes of one Kafka cluster. One event loop."""

    def __init__(self, settings: AdminSettings) -> None:
        self.settings = settings
        self.requests_sent: Counter[str] = Counter()
        self.info: ClusterInfo | None = None
        self._security = ConnectionSecurity(settings.security, settings.secrets)
        self._connections: dict[str, Connection] = {}
        self._opening: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._down: dict[str, float] = {}
        """Addresses that took no connection, and until when (the loop's clock) another broker is preferred."""
        self._silent: dict[str, tuple[float, TimedOut]] = {}
        """Addresses that did not answer: until when (the loop's clock) they are not asked again, and what is said."""

    def close(self) -> None:
        """Close every connection at once."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def certificate_expiries_ms(self) -> dict[str, int]:
        """Return when the certificates of the open connections end, by address."""
        told = {address: connection.certificate_expiry_ms for address, connection in self._connections.items()}
        return {address: ends_ms for address, ends_ms in told.items() if ends_ms is not None}

    def deadline(self) -> Deadline:
        """Start the clock of one call."""
        return Deadline(self.settings.timeout_ms)

    # --- sending ---------------------------------------------------------------------------------------------

    async def send(self, request: ReadRequest, deadline: Deadline, broker_id: int | None = None) -> Answer:
        """Send a request that changes nothing, to a broker or to any; of any, another one is asked when one fails."""
        assert not mutates(request), f"{request.api.title} mutates; use send_mutating"
        if broker_id is not None:
            return await self._exchange(await self._connection(broker_id, deadline), request, deadline)
        tried: set[str] = set()
        for attempt in count(1):
            connection = await self._any_connection(deadline, tried)
            tried.add(connection.address)
            try:
                return await self._exchange(connection, request, deadline)
            except UnreachableError:
                if attempt >= self.settings.attempts_any_max or deadline.left_ms() <= 0:
                    raise
        raise AssertionError("the count never ends")

    async def send_mutating(
        self, request: WriteRequest, permit: Permit, deadline: Deadline, broker_id: int | None = None
    ) -> Answer:
        """Send a request that changes the cluster, under a permit that is in use."""
        assert mutates(request), f"{request.api.title} does not mutate; use send"
        try:
            connection = await self._connection(broker_id, deadline)
        except UnreachableError as error:
            raise NotSentError(error.message, error.hint) from error
        return await self._exchange(connection, request, deadline, permit)

    async def _exchange(
        self, connection: Connection, request: Request, deadline: Deadline, permit: Permit | None = None
    ) -> Answer:
        """Send one request on a connection, and remember a broker that does not answer."""
        settings = self.settings
        most_ms = settings.request_timeout_ms if permit is None else settings.change_timeout_ms
        try:
            return await connection.request(
                request, timeout_ms=deadline.left_ms(most_ms), queue_ms=deadline.left_ms(), permit=permit
            )
        except TimedOut as error:
            self._remember_silent(connection.address, error)
            raise

    async def versions(self, deadline: Deadline, broker_id: int | None = None) -> BrokerVersions:
        """Return what a broker, or any, can speak."""
        return (await self._connection(broker_id, deadline)).versions

    async def choose_version(self, request: Request, deadline: Deadline, broker_id: int) -> int:
        """Return the version in which a request to this broker will be sent."""
        connection = await self._connection(broker_id, deadline)
        return connection.versions.choose(request, f"Broker {connection.address}")

    @property
    def controller_id(self) -> int | None:
        """The broker to send topic changes to, or None for any, which forwards on KRaft; so where it is down."""
        broker = None if self.info is None else self.info.broker(self.info.controller_id)
        if broker is None:
            return None
        address = _address(broker.host.raw, broker.port)
        is_down = asyncio.get_running_loop().time() < self._down.get(address, 0.0)
        return None if is_down or self._silence(address) else broker.id

    # --- connections -----------------------------------------------------------------------------------------

    async def _connection(self, broker_id: int | None, deadline: Deadline) -> Connection:
        if broker_id is None:
            return await self._any_connection(deadline)
        info = self.info or await self.refresh(deadline)
        broker = info.broker(broker_id)
        if broker is None:
            raise UnreachableError(f"Broker {broker_id} is not live.", "See `kcon broker list`.")
        silence = self._silence(_address(broker.host.raw, broker.port))
        if silence is not None:
            raise silence
        return await self._open(broker.host.raw, broker.port)

    def _silence(self, address: str) -> TimedOut | None:
        """Return why an address is not asked now, or None."""
        known = self._silent.get(address)
        if known is None:
            return None
        until_s, error = known
        if asyncio.get_running_loop().time() < until_s:
            return TimedOut(error.message, error.hint)
        del self._silent[address]
        return None

    def _remember_silent(self, address: str, error: TimedOut) -> None:
        until_s = asyncio.get_running_loop().time() + self.settings.silent_broker_ms / 1000
        self._silent[address] = (until_s, error)

    async def _any_connection(self, deadline: Deadline, tried: Collection[str] = ()) -> Connection:
        """Return a connection to any broker, to one that was `tried` already only if there is no other."""
        for connection in self._connections.values():
            if connection.is_open and connection.address not in tried and not self._silence(connection.address):
                return connection
        addresses = [split_address(address) for address in self.settings.bootstrap]
        if self.info:
            addresses += [(broker.host.raw, broker.port) for broker in self.info.brokers]
        unique = list(dict.fromkeys(addresses))
        fresh = [each for each in unique if (spelt := _address(*each)) not in tried and not self._silence(spelt)]
        # If none is left, the one that failed may be the only one there is.
        return await self._first_of(fresh or unique, deadline)

    async def _first_of(self, addresses: Sequence[tuple[str, int]], deadline: Deadline) -> Connection:
        """Return the first connection that stands. A silent address holds the next one up for a moment only."""
        left = list(addresses)
        failures: list[UnreachableError] = []
        tasks: set[asyncio.Task[Connection]] = set()
        loop = asyncio.get_running_loop()
        try:
            while left or tasks:
                if left:
                    host, port = left.pop(0)
                    tasks.add(loop.create_task(self._open(host, port), name=f"open {host}:{port}"))
                wait_ms = deadline.left_ms(_STAGGER_MS) if left else None
                done, tasks = await asyncio.wait(
                    tasks,
                    timeout=None if wait_ms is None else wait_ms / 1000,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    try:
                        return task.result()
                    except UnreachableError as error:
                        failures.append(error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if len(failures) == 1:
            raise failures[0]
        raise UnreachableError(
            f"None of {len(failures)} addresses can be reached. The first: {failures[0].message}", failures[0].hint
        )

    async def _open(self, host: str, port: int) -> Connection:
        address = f"{host}:{port}"
        async with self._opening[address]:
            connection = self._connections.get(address)
            if connection is None or not connection.is_open:
                if len(self._connections) >= self.settings.connections_max:
                    self._close_dead()
                try:
                    connection = await Connection.open(host, port, self.settings, self.requests_sent, self._security)
                except TimedOut as error:
                    self._remember_silent(_address(host, port), error)
                    raise
                except UnreachableError:
                    until_s = asyncio.get_running_loop().time() + self.settings.silent_broker_ms / 1000
                    self._down[_address(host, port)] = until_s
                    raise
                self._down.pop(_address(host, port), None)
                self._connections[address] = connection
            return connection

    def _close_dead(self) -> None:
        for address, connection in list(self._connections.items()):
            if not connection.is_open:
                del self._connections[address]
        if len(self._connections) >= self.settings.connections_max:
            raise KconError(
                f"More than {self.settings.connections_max} brokers are connected.",
                "Raise connections_max.",
            )

    # --- metadata --------------------------------------------------------------------------------------------

    async def refresh(self, deadline: Deadline) -> ClusterInfo:
        """Ask for the brokers again, and no topics."""
        answer = await self.send(metadata_request(()), deadline)
        told = decode_response(answer.api, answer.version, answer.body, answer.offset)
        return self.learn(
            {
                "brokers": told.brokers,
                "cluster_id": getattr(told, "cluster_id", None),
                "controller_id": getattr(told, "controller_id", NO_BROKER),
            }
        )

    def learn(self, head: Mapping[str, object]) -> ClusterInfo:
        """Keep what the head of a Metadata answer says about the brokers."""
        brokers = head["brokers"]
        assert isinstance(brokers, tuple)
        cluster_id = head.get("cluster_id")
        controller_id = head.get("controller_id", NO_BROKER)
        self.info = ClusterInfo(
            cluster_id=ClusterId(WireText(str(cluster_id))) if cluster_id is not None else None,
            controller_id=controller_id if isinstance(controller_id, int) else NO_BROKER,
            brokers=tuple(sorted((_broker_info(broker) for broker in brokers), key=lambda b: b.id)),
        )
        return self.info


def _address(host: str, port: int) -> str:
    """Spell an address as `Connection.address` does."""
    return display_safe(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def metadata_request(topics: Iterable[str] | None) -> ReadRequest:
    """Make a Metadata request that never creates a topic. None: every topic; (): brokers alone."""
    names = None if topics is None else [{"name": name} for name in topics]
    # Before version 4 the flag does not exist and a broker may create what is named. Asking for all topics, and
    # filtering, is the read that works there.
    version_min = 4 if names else 1
    return ReadRequest(
        api=Api.METADATA,
        values={"topics": names, "allow_auto_topic_creation": False},
        droppable=frozenset({"allow_auto_topic_creation"}),
        version_min=version_min,
    )


def _broker_info(broker: Any) -> BrokerInfo:
    rack = getattr(broker, "rack", None)
    return BrokerInfo(
        id=int(broker.node_id),
        host=HostName(WireText(broker.host)),
        port=int(broker.port),
        rack=WireText(rack) if rack is not None else None,
    )
