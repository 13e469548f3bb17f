"""How does a test say the same bytes to two brokers and see what each of them does?

A `Step` is one request, built for a broker at the moment it is sent: what brokers choose themselves (topic ids,
member ids, producer ids) is taken from the `Side`, everything else is equal to the byte. `perform` runs steps on one
side and returns what came back, an `Observation` a step. An answer is one kind of reaction; no answer and a closed
connection are others.
"""

import contextlib
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from kcon_broker.state.broker import java_string_hash
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from kcon_broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from kcon_broker.wire.schema import ApiMessage, WireError

TIMEOUT_S: Final = 20.0
"""After so long there is no answer; longer than every wait that a request asks for."""
SETTLE_TIMEOUT_S: Final = 60.0
"""After so long a change that was answered counts as lost; a busy Apache Kafka may need seconds."""
_SETTLE_POLL_S: Final = 0.005

Build = Callable[["Side"], "ApiMessage | bytes"]
Learn = Callable[["Side", Any], None]


@dataclass(slots=True, kw_only=True)
class Step:
    """One request of a chapter."""

    label: str
    api_key: ApiKey
    version: int
    build: Build
    """Return the request, or the bytes that stand in the place of its body."""
    kind: str = "valid"
    """"valid", "invalid", "mutated", or "" for what only prepares."""
    connection: str = "main"
    learn: Learn | None = None
    """Told a decoded answer, to note what later steps need."""
    until: Callable[[Any], bool] | None = None
    """Ask again until this holds of the answer."""
    settle: bool = False
    """Wait until the cluster knows what the request changed: Apache Kafka answers before."""
    receive: bool = True
    """False: the answer comes later, to a step with `build` of `AWAITED`."""
    no_answer: bool = False
    """The request is one without an answer (acks=0)."""
    lists_all: bool = False
    """The answer names everything there is; what other tests made is left out."""
    situations: frozenset[str] = frozenset()
    """Circumstances in which further differences are permitted."""
    before: Sequence["Step"] = ()
    """What has to happen first, on its own connections."""
    after: Sequence["Step"] = ()
    """What shows the effect of it."""
    topics: Sequence[CreatableTopic] = ()
    """Topics that must exist; they are created for the whole chapter at once."""
    client_id: str = "differential"
    chapter_version: int | None = None
    """The version that it counts for, where it claims another one."""


def awaited(side: "Side") -> bytes:
    """Stand in for a request that was sent before and whose answer is read now."""
    raise AssertionError(f"{side.name}: nothing is sent for an awaited answer")


AWAITED: Final[Build] = awaited


@dataclass(frozen=True, slots=True)
class Observation:
    """What a broker did about one step."""

    reaction: str
    """"answer", "closed", "no answer" or "unreadable"."""
    response: ApiMessage | None = None
    raw: bytes = b""


class Connection:
    """One connection, one request at a time."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._correlation_id = 0
        self._awaited: list[tuple[ApiKey, int]] = []

    def send(self, key: ApiKey, version: int, body: bytes, client_id: str, *, has_answer: bool = True) -> None:
        """Send a request; `receive` then reads the answers in order."""
        self._correlation_id += 1
        # An unserved version is sent with the header that the nearest one has.
        tags = b"\0" if API_TABLE[key].is_flexible(version) else b""
        name = client_id.encode()
        header = struct.pack(">hhih", key, version, self._correlation_id, len(name)) + name + tags
        if has_answer:
            self._awaited.append((key, version))
        # What became of the connection shows when the answer is read.
        with contextlib.suppress(ConnectionError, TimeoutError):
            self._socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)

    def send_bytes(self, data: bytes) -> None:
        """Send bytes that are no request of `send`."""
        self._socket.sendall(data)

    def fileno(self) -> int:
        """Return the socket's number, to be waited for."""
        return self._socket.fileno()

    def receive_bytes(self, size: int) -> bytes:
        """Read bytes as they come; EOFError where the broker closed the connection."""
        return self._exactly(size)

    def receive(self) -> Observation:
        """Read the next answer, or see that there is none."""
        key, version = self._awaited.pop(0)
        try:
            frame = self._frame()
        except (EOFError, ConnectionError):
            return Observation("closed")
        except TimeoutError:
            return Observation("no answer")
        return _decode(key, version, frame)

    def receive_nothing(self) -> Observation:
        """See that a request is not answered: the next answer is the one to a question asked after it."""
        self.send(ApiKey.API_VERSIONS, 0, b"", "differential", has_answer=False)
        try:
            frame = self._frame()
        except (EOFError, ConnectionError):
            return Observation("closed")
        if struct.unpack_from(">i", frame)[0] == self._correlation_id:
            return Observation("no answer")
        return Observation("unreadable", raw=frame)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _frame(self) -> bytes:
        (size,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            more = self._socket.recv(size - len(received))
            if not more:
                raise EOFError
            received += more
        return bytes(received)


def _decode(key: ApiKey, version: int, frame: bytes) -> Observation:
    response_class = API_TABLE[key].response_class
    if not response_class.MIN_VERSION <= version <= response_class.MAX_VERSION:
        # Only ApiVersions answers a version that is not served, in version 0 (KIP-511).
        version = 0
    elif key == ApiKey.API_VERSIONS and struct.unpack_from(">h", frame, 4)[0] == 35:
        version = 0
    has_tags = key != ApiKey.API_VERSIONS and API_TABLE[key].is_flexible(version)
    try:
        response, end = response_class.decode(frame, 5 if has_tags else 4, version)
    except WireError:
        return Observation("unreadable", raw=frame)
    if end != len(frame):
        return Observation("unreadable", raw=frame)
    return Observation("answer", response, frame)


@dataclass(slots=True)
class Side:
    """One of the two brokers, and what it chose itself."""

    name: str
    bootstrap: str
    names: dict[bytes | str | int, str] = field(default_factory=dict)
    """Ids that this side gave out, and the name that stands for each when answers are compared."""
    values: dict[str, Any] = field(default_factory=dict)
    """The same by name, for the requests that need them."""
    _connections: dict[str, Connection] = field(default_factory=dict)
    _settled: int = 0

    def learn(self, name: str, value: Any) -> None:
        """Note a value that this side chose."""
        self.values[name] = value
        self.names[value] = f"<{name}>"

    def topic_id(self, topic: str) -> bytes:
        """Return the id of a topic; of an unknown one an id that no broker knows."""
        found: bytes = self.values.get(f"topic {topic}", b"no-such-topic-id")
        return found

    def perform(self, steps: Iterable[Step]) -> list[Observation]:
        """Run steps in order, each between what prepares it and what shows its effect."""
        observations: list[Observation] = []
        for step in steps:
            observations += self.perform(step.before)
            observations.append(self._perform(step))
            observations += self.perform(step.after)
        return observations

    def _perform(self, step: Step) -> Observation:
        seen = self._ask_once(step)
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while step.until is not None and seen.response is not None and not step.until(seen.response):
            assert time.monotonic() < deadline, f"'{step.label}' does not come"
            time.sleep(_SETTLE_POLL_S)
            seen = self._ask_once(step)
        if step.learn is not None and seen.response is not None:
            step.learn(self, seen.response)
        if step.settle:
            self.settle()
        return seen

    def _ask_once(self, step: Step) -> Observation:
        connection = self._connection(step.connection)
        if step.build is not AWAITED:
            request = step.build(self)
            body = request if isinstance(request, bytes) else request.encode(step.version)
            connection.send(step.api_key, step.version, body, step.client_id, has_answer=not step.no_answer)
        if not step.receive:
            return Observation("sent")
        seen = connection.receive_nothing() if step.no_answer else connection.receive()
        if seen.reaction in ("closed", "unreadable") or (seen.reaction == "no answer" and not step.no_answer):
            self._connections.pop(step.connection).close()
        return seen

    def create(self, topics: Sequence[CreatableTopic]) -> None:
        """Create topics, learn their ids and wait until their partitions can be used."""
        if topics:
            request = CreateTopicsRequest(topics=list(topics), timeout_ms=30_000)
            created = self.ask(request, CreateTopicsResponse, 7)
            for topic in created.topics:
                assert not topic.error_code, topic
                self.learn(f"topic {topic.name}", topic.topic_id)
        self.settle(times=2)

    def settle(self, times: int = 1) -> None:
        """Wait until every change that was answered is known everywhere.

        Apache Kafka's broker follows its metadata log in order, one step after the other: once a later topic can be
        asked for its offsets, all earlier topics can, and once one more can, configs have been applied as well.
        """
        for _ in range(times if self.name == "apache" else 0):
            self._settled += 1
            name = f"Settled-{self._settled}-{uuid.uuid4().hex}"
            barrier = CreatableTopic(name=name, num_partitions=1, replication_factor=1)
            created = self.ask(CreateTopicsRequest(topics=[barrier], timeout_ms=30_000), CreateTopicsResponse, 7)
            assert not created.topics[0].error_code, created
            wanted = ListOffsetsTopic(name=name, partitions=[ListOffsetsPartition(timestamp=-1)])
            end = ListOffsetsRequest(replica_id=-1, topics=[wanted])
            self._until(partial(self._is_served, end), name)

    def ensure_coordinator(self) -> None:
        """Wait until every partition of `__consumer_offsets` serves groups."""
        request = FindCoordinatorRequest(key="any", key_type=0)
        self._until(lambda: not self.ask(request, FindCoordinatorResponse, 2).error_code, "the coordinator")
        transactions = FindCoordinatorRequest(key="any", key_type=1)
        self._until(lambda: not self.ask(transactions, FindCoordinatorResponse, 2).error_code, "the coordinator")
        keys = {java_string_hash(name) % 50: name for name in map("warm-{}".format, range(1_000))}
        describe = DescribeGroupsRequest(groups=list(keys.values()))
        self._until(
            lambda: not any(group.error_code for group in self.ask(describe, DescribeGroupsResponse, 0).groups),
            "a partition of the coordinator",
        )
        producer = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        self._until(lambda: not self.ask(producer, InitProducerIdResponse, 1).error_code, "producer ids")

    def _is_served(self, end: ListOffsetsRequest) -> bool:
        return not self.ask(end, ListOffsetsResponse, 1).topics[0].partitions[0].error_code

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while not holds():
            assert time.monotonic() < deadline, f"{what} does not come"
            time.sleep(_SETTLE_POLL_S)

    def ask(self, request: ApiMessage, response_class: Any, version: int) -> Any:
        """Ask on a connection of its own, outside the comparison."""
        connection = self._connection("set-up")
        connection.send(ApiKey(request.API_KEY), version, request.encode(version), "set-up")
        seen = connection.receive()
        assert isinstance(seen.response, response_class), seen
        return seen.response

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _connection(self, name: str) -> Connection:
        if name not in self._connections:
            self._connections[name] = Connection(self.bootstrap)
        return self._connections[name]


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return the steps with what goes before and after each, as they are performed."""
    ordered: list[Step] = []
    for step in steps:
        ordered += in_order(step.before)
        ordered.append(step)
        ordered += in_order(step.after)
    return ordered
