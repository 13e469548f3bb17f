"""What tests of the group and offset handlers share: a broker whose disk is a list, and calls over real bytes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from kcon_broker.handlers.registry import Answer, HandlerResult, Park, RequestContext
from kcon_broker.settings import GroupSettings, TransactionSettings
from kcon_broker.state.cluster_records import ClusterState
from kcon_broker.state.gate import Gate
from kcon_broker.state.groups.coordinator import GroupCoordinator
from kcon_broker.state.groups.outcome import Moment, Records, WakeKey
from kcon_broker.state.topic import TopicCreated, TopicTable

FLIGHTS_ID = b"flights-topic-id"


class ListedPartition(Gate):
    """One partition of `__consumer_offsets`: a list of records, none of which is durable until said so."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[bytes, bytes | None]] = []


@dataclass
class GroupBroker:
    """What the group handlers use of a broker; it is the coordinator's journal too."""

    settings: Any = field(
        default_factory=lambda: SimpleNamespace(groups=GroupSettings(), transactions=TransactionSettings())
    )
    node_id: int = 7
    advertised: tuple[str, int] = ("broker.example", 9092)
    has_room: bool = True

    def __post_init__(self) -> None:
        self.topics = TopicTable()
        self.cluster = ClusterState()
        self.partitions = [ListedPartition() for _ in range(self.settings.groups.offsets_partitions)]
        self.metadata_gate = Gate()
        self.metadata_position = 0
        self.woken: list[WakeKey] = []
        self.are_closed = False
        ids = iter(range(1, 1_000_000))
        self.groups = GroupCoordinator(
            self.settings.groups, journal=self, new_uuid=lambda: str(next(ids)), topics=self.topics
        )
        self.groups.loaded(Moment(0, 0))

    # Topics

    def create_topic(self, name: str, partition_count: int, configs: dict[str, str]) -> Any:
        self.metadata_position += 1
        topic_id = FLIGHTS_ID if name == "flights" else name.encode().ljust(16, b"-")[:16]
        change = TopicCreated(
            name=name, topic_id=topic_id, partition_count=partition_count, created_epoch=0, configs=configs
        )
        return self.topics.apply(change), self.topics_position()

    def topics_position(self) -> tuple[Gate, int]:
        return self.metadata_gate, self.metadata_position

    def has_room_for(self, partitions: int) -> bool:
        assert partitions > 0
        return self.has_room

    # Groups

    def partition_of(self, group_id: str) -> int:
        return sum(group_id.encode()) % len(self.partitions)

    def is_available(self, partition: int) -> bool:
        assert 0 <= partition < len(self.partitions)
        return not self.are_closed

    def append(self, partition: int, records: Records, wall_ms: int) -> None:
        assert wall_ms >= 0
        self.partitions[partition].records.extend(records)

    def wake(self, key: Hashable) -> None:
        assert isinstance(key, tuple)
        self.woken.append(key)

    def coordinator_position(self, group_id: str) -> tuple[Gate, int]:
        partition = self.partitions[self.partition_of(group_id)]
        return partition, len(partition.records)


@dataclass
class Caller:
    """Send requests to handlers as bytes of one version, and read the answers from bytes."""

    broker: GroupBroker = field(default_factory=GroupBroker)
    now_ms: int = 1_000
    wall_ms: int = 1_700_000_000_000

    def context(self, version: int) -> RequestContext:
        broker: Any = self.broker
        return RequestContext(
            broker=broker,
            api_version=version,
            client_id="client",
            client_host="127.0.0.1",
            connection_id=1,
            wall_ms=self.wall_ms,
            now_ms=self.now_ms,
        )

    def result(
        self, handle: Callable[[RequestContext, Any], HandlerResult], request: Any, version: int
    ) -> HandlerResult:
        """Let the request go over the wire and return what the handler says."""
        body = request.encode(version)
        decoded, end = type(request).decode(body, 0, version)
        assert end == len(body)
        return handle(self.context(version), decoded)

    def answer(self, handle: Callable[[RequestContext, Any], HandlerResult], request: Any, version: int) -> Any:
        """Return the answer as the client reads it."""
        result = self.result(handle, request, version)
        assert isinstance(result, Answer)
        return self.read(result.response, version)

    def retry(self, park: Park, version: int) -> HandlerResult:
        """Ask a parked request again, now."""
        return park.retry(self.context(version))

    def read(self, response: Any, version: int) -> Any:
        body = response.encode(version)
        decoded, end = type(response).decode(body, 0, version)
        assert end == len(body)
        return decoded

    def refused(self, result: HandlerResult, version: int) -> Any:
        """Return what the client reads when the answer's records were lost; it must have waited for them."""
        assert isinstance(result, Answer)
        assert result.after
        assert result.failed is not None
        return self.read(result.failed(result.after[0][0]), version)


@pytest.fixture
def caller() -> Caller:
    """Return a caller of a broker with the topic "flights" of three partitions."""
    caller = Caller()
    caller.broker.create_topic("flights", 3, {})
    return caller
