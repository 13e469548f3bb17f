"""What does a case see of a broker? Connections, names of its own, and short words for common requests.

A `Kafka` belongs to one case and one broker. Topics are made ahead in bulk and handed out empty, each once.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from kcon_broker.batch.header import read_header
from kcon_broker.batch.records import Record
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, PartitionData
from kcon_broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kcon_broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from kcon_broker.wire.schema import ApiMessage
from tests.differential.catalogue import advertised
from tests.differential.session import Connection, Observation, Side
from tests.semantics.batches import batch_of, read_batches, split

_Value = TypeVar("_Value")

DEADLINE_S: Final = 15.0
"""For what comes a moment after an answer."""
_POLL_S: Final = 0.005
_POOL_TOPICS: Final = 50
"""Topics made at once."""
EARLIEST: Final = -2
LATEST: Final = -1


class Broker:
    """A running broker that cases share: its address, and topics that nobody has used."""

    def __init__(self, name: str, bootstrap: str) -> None:
        self.side = Side(name, bootstrap)
        self._unused: list[str] = []
        self._is_ready = False

    def ready(self) -> None:
        """Wait until groups, transactions and producer ids are served; once."""
        if not self._is_ready:
            self.side.ensure_coordinator()
            self._is_ready = True

    def unused_topic(self) -> str:
        """Return an empty topic of one partition with the default configs."""
        if not self._unused:
            names = [f"case-{uuid.uuid4().hex[:12]}" for _ in range(_POOL_TOPICS)]
            self.side.create([CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in names])
            self._unused = names
        return self._unused.pop()


@cache
def latest_version(key: int) -> int:
    """Return the highest version of an API that is served."""
    return advertised()[ApiKey(key)][1]


class Kafka:
    """One broker, as one case sees it; a context manager that closes the connections."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.name = broker.side.name
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> "Kafka":
        self.broker.ready()
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections.values():
            connection.close()

    # Requests

    def ask(self, request: ApiMessage, version: int | None = None, on: str = "main") -> Any:
        """Send a request and return its answer; `on` names the connection."""
        seen = self.attempt(request, version, on)
        assert seen.response is not None, seen.reaction
        return seen.response

    def attempt(
        self, request: ApiMessage | bytes, version: int | None = None, on: str = "main", *, key: int | None = None
    ) -> Observation:
        """Send a request, or any bytes as a body, and return whatever the broker does about it."""
        self.send(request, version, on, key=key)
        return self.receive(on)

    def send(
        self, request: ApiMessage | bytes, version: int | None = None, on: str = "main", *, key: int | None = None
    ) -> None:
        """Send a request whose answer `receive` reads later."""
        if isinstance(request, bytes):
            assert key is not None
            assert version is not None
            body = request
        else:
            key = request.API_KEY
            version = latest_version(key) if version is None else version
            body = request.encode(version)
        self.connection(on).send(ApiKey(key), version, body, "semantics")

    def receive(self, on: str = "main") -> Observation:
        """Return what comes of the oldest unanswered request of a connection."""
        seen = self.connection(on).receive()
        if seen.reaction != "answer":
            self._connections.pop(on).close()
        return seen

    def close(self, on: str) -> None:
        """Close a connection, if there is one of this name."""
        connection = self._connections.pop(on, None)
        if connection is not None:
            connection.close()

    def connection(self, on: str = "main") -> Connection:
        """Return a connection by its name."""
        if on not in self._connections:
            self._connections[on] = Connection(self.broker.side.bootstrap)
        return self._connections[on]

    def until(
        self, look: Callable[[], _Value], holds: Callable[[_Value], bool], *, deadline_s: float = DEADLINE_S
    ) -> _Value:
        """Look again and again until what is seen holds; return it, or after the deadline what was seen last."""
        deadline = time.monotonic() + deadline_s
        while True:
            seen = look()
            if holds(seen) or time.monotonic() > deadline:
                return seen
            time.sleep(_POLL_S)

    def settle(self) -> None:
        """Wait until changes that were answered are known everywhere in the broker."""
        self.broker.side.settle()

    # Names and topics

    def fresh(self, stem: str = "group") -> str:
        """Return a name that nothing else has."""
        return f"{stem}-{uuid.uuid4().hex[:12]}"

    def topic(self, partitions: int = 1, **configs: str) -> str:
        """Return a topic of this case's own; an underscore in the name of a config is a dot."""
        if partitions == 1 and not configs:
            return self.broker.unused_topic()
        wanted = creatable(self.fresh("case"), partitions, 1, **configs)
        self.broker.side.create([wanted])
        return wanted.name

    def topic_id(self, topic: str) -> bytes:
        """Return the id of a topic that `topic` returned."""
        return self.broker.side.topic_id(topic)

    def create(self, *topics: CreatableTopic, validate_only: bool = False, version: int = 7) -> CreateTopicsResponse:
        """Ask for topics; the answer is not waited upon to take effect."""
        request = CreateTopicsRequest(topics=list(topics), timeout_ms=30_000, validate_only=validate_only)
        found: CreateTopicsResponse = self.ask(request, version)
        return found

    # Records

    def produce(
        self,
        topic: str,
        *values: bytes | Record,
        batch: bytes | None = None,
        partition: int = 0,
        acks: int = -1,
        version: int = 11,
        transactional_id: str | None = None,
        on: str = "main",
    ) -> PartitionProduceResponse:
        """Produce values, or a batch as it is, to one partition; return what is said of the partition."""
        request = produce_request(topic, *values, batch=batch, partition=partition, acks=acks)
        request.transactional_id = transactional_id
        request.topic_data[0].topic_id = self.topic_id(topic)
        found: PartitionProduceResponse = self.ask(request, version, on).responses[0].partition_responses[0]
        return found

    def fetch(
        self,
        topic: str,
        offset: int = 0,
        *,
        partition: int = 0,
        isolation: int = 0,
        version: int = 12,
        max_bytes: int = 1 << 20,
        leader_epoch: int = -1,
        on: str = "main",
        **fields: int,
    ) -> PartitionData:
        """Fetch from one partition without waiting; return what is said of it."""
        request = fetch_request(
            topic, offset, partition=partition, isolation=isolation, max_bytes=max_bytes, leader_epoch=leader_epoch
        )
        request.topics[0].topic_id = self.topic_id(topic)
        for name, value in fields.items():
            setattr(request, name, value)
        answer = self.ask(request, version, on)
        assert not answer.error_code, answer
        found: PartitionData = answer.responses[0].partitions[0]
        return found

    def values(self, topic: str, offset: int = 0, *, partition: int = 0, isolation: int = 0) -> list[bytes | None]:
        """Return the values of the records that a consumer is given, from an offset on."""
        return [record.value for record in self.records(topic, offset, partition=partition, isolation=isolation)]

    def records(self, topic: str, offset: int = 0, *, partition: int = 0, isolation: int = 0) -> list[Record]:
        """Return the records that a consumer is given: aborted ones only where the isolation is 0, markers never."""
        found: list[Record] = []
        while True:
            # An answer may end with the segment.
            data = self.fetch(topic, offset, partition=partition, isolation=isolation)
            batches = split(data)
            if not batches:
                return found
            found += read_batches(data, offset)
            header = read_header(batches[-1])
            offset = header.base_offset + header.last_offset_delta + 1

    def offset(
        self,
        topic: str,
        timestamp: int,
        *,
        partition: int = 0,
        isolation: int = 0,
        leader_epoch: int = -1,
        version: int | None = None,
    ) -> ListOffsetsPartitionResponse:
        """Ask for an offset by a time or one of the special values."""
        wanted = ListOffsetsPartition(partition_index=partition, timestamp=timestamp, current_leader_epoch=leader_epoch)
        request = ListOffsetsRequest(
            replica_id=-1, isolation_level=isolation, topics=[ListOffsetsTopic(name=topic, partitions=[wanted])]
        )
        found: ListOffsetsPartitionResponse = self.ask(request, version).topics[0].partitions[0]
        return found


def creatable(name: str, partitions: int = 1, replication_factor: int = 1, **configs: Any) -> CreatableTopic:
    """Return a topic to ask for; an underscore in the name of a config is a dot."""
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replication_factor,
        configs=[CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )


def produce_request(
    topic: str, *values: bytes | Record, batch: bytes | None = None, partition: int = 0, acks: int = -1
) -> ProduceRequest:
    """Return a request for one partition."""
    data = PartitionProduceData(index=partition, records=batch_of(*values) if batch is None else batch)
    return ProduceRequest(
        acks=acks, timeout_ms=10_000, topic_data=[TopicProduceData(name=topic, partition_data=[data])]
    )


def fetch_request(
    topic: str,
    offset: int = 0,
    *,
    partition: int = 0,
    isolation: int = 0,
    max_bytes: int = 1 << 20,
    leader_epoch: int = -1,
) -> FetchRequest:
    """Return a request for one partition that does not wait and makes no session."""
    wanted = FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=max_bytes, current_leader_epoch=leader_epoch
    )
    return FetchRequest(
        replica_id=-1,
        max_wait_ms=0,
        min_bytes=0,
        max_bytes=1 << 24,
        isolation_level=isolation,
        session_id=0,
        session_epoch=-1,
        topics=[FetchTopic(topic=topic, partitions=[wanted])],
    )


def codes(values: Sequence[int]) -> list[ErrorCode]:
    """Return error codes by name."""
    return [ErrorCode(value) for value in values]
