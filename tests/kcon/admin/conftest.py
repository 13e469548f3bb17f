"""A scripted Kafka broker on a real socket: it answers what a test tells it to, and keeps what it was asked."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import BytesIO
from types import SimpleNamespace, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import pytest
from kio.serial import entity_reader, entity_writer

from kcon.admin.apis import Api
from kcon.admin.settings import AdminSettings
from kcon.contexts.context import Context, Mode
from kcon.gate.gate import Gate
from kcon.gate.permit import Operation, Permit


class Hangup:
    """As an answer: close the connection."""


class Silence:
    """As an answer: none."""


Reply = Callable[[int, Any], object]
"""Version and decoded request to an answer: a kio entity, raw bytes, Hangup or Silence; may be awaitable."""


@dataclass
class Asked:
    """One request that arrived."""

    api: Api
    version: int
    request: Any

    def __repr__(self) -> str:
        return f"{self.api.title} v{self.version}"


def schema(api: Api, version: int, kind: str) -> Any:
    """Return kio's module of one message."""
    return import_module(f"kio.schema.{api.schema}.v{version}.{kind}")


def code(number: int) -> Any:
    """Return an error code as kio's writers take it, also one that kio does not know."""
    return SimpleNamespace(value=number)


NO_TIME: Any = timedelta(0)


@dataclass
class FakeBroker:
    """Use `fake_broker`. `replies` may be changed while it runs."""

    port: int = 0
    node_id: int = 1
    versions: dict[Api, tuple[int, int]] = field(default_factory=dict)
    replies: dict[Api, Reply] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    topics: dict[str, list[int]] = field(default_factory=dict)
    """Topic name to the leader of each partition."""
    peers: "list[FakeBroker]" = field(default_factory=list)
    connections: int = 0
    raw_bytes: bytes = b""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def titles(self) -> list[str]:
        """Return the names of what was asked, the version handshake left out."""
        return [asked.api.title for asked in self.asked if asked.api is not Api.API_VERSIONS]

    def requests(self, api: Api) -> list[Any]:
        return [asked.request for asked in self.asked if asked.api is api]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                frame = await reader.readexactly(size)
                self.raw_bytes += frame
                if not await self._answer(frame, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, frame: bytes, writer: asyncio.StreamWriter) -> bool:
        key, version, correlation_id, client_length = struct.unpack_from(">hhih", frame)
        api = next(api for api in Api if api.key == key)
        top = getattr(schema(api, version, "request"), f"{api.title}Request")
        offset = 10 + client_length + (1 if top.__flexible__ else 0)
        request, size = entity_reader(top)(frame, offset)
        assert offset + size == len(frame), f"{api.title} v{version} has bytes behind its end"
        self.asked.append(Asked(api, version, request))
        reply = self.replies.get(api) or getattr(self, f"_{api.schema}")
        answer = reply(version, request)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer is Silence:
            return True
        if answer is Hangup:
            return False
        body = answer if isinstance(answer, bytes) else encode(answer)
        flexible_header = top.__flexible__ and api is not Api.API_VERSIONS
        payload = struct.pack(">i", correlation_id) + (b"\0" if flexible_header else b"") + body
        writer.write(struct.pack(">i", len(payload)) + payload)
        await writer.drain()
        return True

    def _api_versions(self, version: int, request: Any) -> object:
        m = schema(Api.API_VERSIONS, version, "response")
        ranges = {api: (api.version_min, api.version_max) for api in Api} | self.versions
        keys = tuple(
            m.ApiVersion(api_key=api.key, min_version=low, max_version=high)
            for api, (low, high) in ranges.items()
            if high >= 0
        )
        extra = {} if version == 0 else {"throttle_time": NO_TIME}
        return m.ApiVersionsResponse(error_code=code(0), api_keys=keys, **extra)

    def _metadata(self, version: int, request: Any) -> object:
        m = schema(Api.METADATA, version, "response")
        names = list(self.topics) if request.topics is None else [topic.name for topic in request.topics]

        def since(low: int, **values: Any) -> dict[str, Any]:
            return values if version >= low else {}

        return m.MetadataResponse(
            **since(3, throttle_time=NO_TIME),
            brokers=tuple(
                m.MetadataResponseBroker(node_id=b.node_id, host="127.0.0.1", port=b.port, rack=None)
                for b in [self, *self.peers]
            ),
            **since(2, cluster_id="fake-cluster"),
            controller_id=self.node_id,
            topics=tuple(
                m.MetadataResponseTopic(
                    error_code=code(0 if name in self.topics else 3),
                    name=name,
                    **since(10, topic_id=None),
                    is_internal=False,
                    partitions=tuple(
                        m.MetadataResponsePartition(
                            error_code=code(0 if leader >= 0 else 5),
                            partition_index=index,
                            leader_id=leader,
                            replica_nodes=(1,),
                            isr_nodes=(1,),
                        )
                        for index, leader in enumerate(self.topics.get(name, []))
                    ),
                )
                for name in names
            ),
        )

    def _list_offsets(self, version: int, request: Any) -> object:
        m = schema(Api.LIST_OFFSETS, version, "response")
        return m.ListOffsetsResponse(
            **({"throttle_time": NO_TIME} if version >= 2 else {}),
            topics=tuple(
                m.ListOffsetsTopicResponse(
                    name=topic.name,
                    partitions=tuple(
                        m.ListOffsetsPartitionResponse(
                            partition_index=p.partition_index,
                            error_code=code(0),
                            timestamp=-1,
                            offset=100 * self.node_id + p.partition_index,
                        )
                        for p in topic.partitions
                    ),
                )
                for topic in request.topics
            ),
        )

    def _find_coordinator(self, version: int, request: Any) -> object:
        m = schema(Api.FIND_COORDINATOR, version, "response")
        here = {"node_id": self.node_id, "host": "127.0.0.1", "port": self.port, "error_code": code(0)}
        if version >= 4:
            found = tuple(m.Coordinator(key=key, error_message=None, **here) for key in request.coordinator_keys)
            return m.FindCoordinatorResponse(throttle_time=NO_TIME, coordinators=found)
        extra = {} if version == 0 else {"throttle_time": NO_TIME, "error_message": None}
        return m.FindCoordinatorResponse(**here, **extra)


def encode(entity: Any) -> bytes:
    """Encode an answer with kio's writer."""
    buffer = BytesIO()
    entity_writer(type(entity))(buffer, entity)
    return buffer.getvalue()


@asynccontextmanager
async def fake_broker(
    *,
    replies: Mapping[Api, Reply] | None = None,
    versions: Mapping[Api, tuple[int, int]] | None = None,
    topics: Mapping[str, list[int]] | None = None,
    node_id: int = 1,
) -> AsyncIterator[FakeBroker]:
    """Run a broker that speaks the versions given (by default all that kcon speaks)."""
    broker = FakeBroker(node_id=node_id)
    broker.replies.update(replies or {})
    broker.versions.update(versions or {})
    broker.topics.update(topics or {})
    async with raw_server(broker.serve) as port:
        broker.port = port
        yield broker


@asynccontextmanager
async def raw_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[int]:
    """Run any server on a free port; its connections end with it."""
    tasks: set[asyncio.Task[Any]] = set()

    async def track(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(track, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def settings_for(*brokers: FakeBroker | str, **changes: Any) -> AdminSettings:
    """Return settings with short pauses, so that retries do not take time."""
    addresses = tuple(b if isinstance(b, str) else b.address for b in brokers)
    quick: dict[str, Any] = {"retry_backoff_ms": 1, "retry_backoff_max_ms": 2, "context": "test"}
    return AdminSettings(bootstrap=addresses, **(quick | changes))


@dataclass
class FakePlan:
    """A confirmed plan."""

    operation: Operation
    targets: frozenset[str]
    confirmed_by: str | None = "-y"


class Unwritten:
    """An audit log that keeps its entries."""

    def __init__(self) -> None:
        self.entries: list[Mapping[str, object]] = []

    def write(self, entry: Mapping[str, object]) -> None:
        self.entries.append(entry)


def permit_for(operation: Operation, *targets: str, mode: Mode = Mode.READ_WRITE) -> Permit:
    """Return a permit from a gate of the context that `settings_for` names."""
    gate = Gate(Context(name="test", bootstrap=("x:1",), mode=mode), Unwritten(), user="tester")
    return gate.authorise(FakePlan(operation, frozenset(targets)))


@pytest.fixture
def wire() -> SimpleNamespace:
    """Return the tools of this file, since test modules cannot import one another."""
    return SimpleNamespace(
        broker=fake_broker,
        server=raw_server,
        settings=settings_for,
        permit=permit_for,
        schema=schema,
        code=code,
        encode=encode,
        Hangup=Hangup,
        Silence=Silence,
        no_time=NO_TIME,
    )


# --- kio as the oracle of the codec ---------------------------------------------------------------------------


def kio_class(api: Api, version: int, kind: str) -> Any:
    return getattr(schema(api, version, kind), f"{api.title}{kind.title()}")


def shape(item: Any) -> tuple[Any, bool]:
    """Return a field's inner type, and whether it is an array."""
    annotation = item.type
    if get_origin(annotation) in (UnionType, Union):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True
    return annotation, False


def telling_values(of_type: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for number, item in enumerate(fields(of_type), start=1):
        inner, is_array = shape(item)
        value: Any = telling_values(inner) if is_dataclass(inner) else TELLING[item.metadata["kafka_type"]](number)
        values[item.name] = (value,) if is_array else value
    return values


TELLING: dict[str, Callable[[int], Any]] = {
    "string": lambda number: f"text {number}",
    "bytes": lambda number: bytes([number]) * 3,
    "records": lambda number: bytes([number]) * 5,
    "bool": lambda number: number % 2 == 0,
    "float64": lambda number: number / 4,
    "uuid": lambda number: UUID(int=number),
    **dict.fromkeys(
        ["int8", "int16", "int32", "int64", "uint16", "error_code", "timedelta_i32", "timedelta_i64", "datetime_i64"],
        lambda number: number,
    ),
}


def kio_entity(of_type: Any, values: Mapping[str, Any]) -> Any:
    """Make kio's entity of plain values; what is left out gets its default, or nothing."""
    arguments = {}
    for item in fields(of_type):
        inner, is_array = shape(item)
        if item.name not in values:
            if item.default is MISSING:
                arguments[item.name] = () if is_array else kio_value(item, ZEROS.get(item.metadata["kafka_type"], 0))
            continue
        given = values[item.name] if is_array else (values[item.name],)
        made = [kio_entity(inner, value) if is_dataclass(inner) else kio_value(item, value) for value in given]
        arguments[item.name] = tuple(made) if is_array else made[0]
    return of_type(**arguments)


ZEROS: dict[str, Any] = {"string": None, "bool": False, "uuid": None}


def kio_value(item: Any, value: Any) -> Any:
    match item.metadata["kafka_type"]:
        case "error_code":
            return code(value)
        case "timedelta_i32" | "timedelta_i64":
            return timedelta(milliseconds=value)
        case "datetime_i64":
            return datetime.fromtimestamp(value / 1000, UTC)
        case _:
            return value


@pytest.fixture
def telling() -> Callable[[Api, int, str], dict[str, Any]]:
    """Return a function that gives each field of a message a value that shows when neighbours are mixed up."""
    return lambda api, version, kind: telling_values(kio_class(api, version, kind))


@pytest.fixture
def kio_bytes() -> Callable[[Api, int, str, Mapping[str, Any]], bytes]:
    """Return a function that writes a message with kio."""
    return lambda api, version, kind, values: encode(kio_entity(kio_class(api, version, kind), values))
