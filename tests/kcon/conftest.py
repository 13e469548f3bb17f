"""Doubles for tests of services, commands and fronts: a cluster in memory behind the admin client's methods.

`fake_cluster` takes the place of `Admin.connect`, so a command runs to its end without a socket; every call that
would change a cluster spends its permit as the real one does, and is written down in `mutations`.
"""

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kcon.admin.groups import GroupsListed
from kcon.admin.settings import AdminSettings
from kcon.admin.topic_changes import NewTopic
from kcon.admin.transactions import TransactionsListed
from kcon.cli.environment import Environment
from kcon.cli.run import run
from kcon.core.config_entry import ConfigEntry, ConfigResource
from kcon.core.ids import ClientId, ClusterId, GroupId, HostName, MemberId, TopicName, TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError, kafka_error
from kcon.core.offset_columns import OffsetColumns
from kcon.core.offset_query import EARLIEST, LATEST, OffsetBound, OffsetQuery, Timestamp
from kcon.core.snapshot import (
    BrokerInfo,
    ClusterInfo,
    CommittedOffset,
    GroupDescription,
    GroupListing,
    GroupMember,
    OffsetAt,
    PartitionInfo,
    TopicInfo,
)
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.gate.permit import Operation, Permit

NOW_MS = 1_795_487_700_000
"""2026-11-24T02:35:00Z: what every test takes for now."""


_NOTHING = OffsetAt(-1, -1, -1)


def _no_quorum() -> None:
    raise KconError("Broker b1:9092 does not speak DescribeQuorum.")


def _no_log_dirs(*_args: object, **_options: object) -> None:
    raise KconError("Broker b1:9092 does not speak DescribeLogDirs.")


def _no_features() -> None:
    raise KconError("Broker b1:9092 does not tell its features.")


@dataclass
class FakeTopic:
    """A topic: bounds by partition, and the time of each record as `first_time_ms + offset * step_ms`."""

    bounds: list[tuple[int, int]]
    internal: bool = False
    first_time_ms: int = NOW_MS - 1_000_000
    step_ms: int = 1_000
    error: KafkaError | None = None
    partitions: tuple[PartitionInfo, ...] | None = None
    """Where they live; None: each alone on broker 1."""


@dataclass
class FakeGroup:
    """A group: state, members as (client, partitions), commits."""

    state: str = "Empty"
    members: list[tuple[str, list[TopicPartition]]] = field(default_factory=list)
    commits: dict[TopicPartition, CommittedOffset] = field(default_factory=dict)
    error: KafkaError | None = None
    kind: str = "classic"


class FakeCluster:
    """The methods of `Admin` that services call, over dictionaries."""

    def __init__(self) -> None:
        self.topics_by_name: dict[str, FakeTopic] = {}
        self.groups_by_id: dict[str, FakeGroup] = {}
        self.mutations: list[tuple[Operation, object]] = []
        self.refuse: dict[TopicPartition, KafkaError] = {}
        """Partitions whose commits are refused, as a broker does inside a successful answer."""
        self.unreadable: dict[TopicPartition, KafkaError] = {}
        """Partitions whose bounds cannot be read."""
        self.before_describe: Callable[[], None] | None = None
        """Called before a group is described: what happens meanwhile."""
        self.min_isr = ""
        """What every topic has for min.insync.replicas; "" is not set."""
        self.controller_id = 1
        self.requests_sent: Counter[str] = Counter()
        self.context = ""
        self.closed = False
        self.answers: dict[str, Any] = {
            "quorum": _no_quorum,
            "log_dirs": _no_log_dirs,
            "features": _no_features,
            "producers": {},
            "transactions": TransactionsListed(items=[], errors={}),
        }
        """Answers of methods that this class does not have, by name: a value, or a function of the arguments.

        A permit among the arguments is spent, and the first argument is written down as the mutation.
        """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.answers:
            raise AttributeError(name)

        async def told(*args: Any, **kwargs: Any) -> Any:
            permit = next((each for each in (*args, *kwargs.values()) if isinstance(each, Permit)), None)
            if permit is not None:
                self._spend(permit, permit.operation, set(permit.targets), args[0])
            answer = self.answers[name]
            return answer(*args, **kwargs) if callable(answer) else answer

        return told

    def commit(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Set up a commit."""
        where = TopicPartition(topic_name(topic), partition)
        self.groups_by_id.setdefault(group, FakeGroup()).commits[where] = CommittedOffset(offset, -1)

    async def close(self) -> None:
        self.closed = True

    def certificate_expiries_ms(self) -> dict[str, int]:
        return {}

    async def cluster(self) -> ClusterInfo:
        broker = BrokerInfo(id=1, host=HostName(WireText("b1")), port=9092)
        return ClusterInfo(
            cluster_id=ClusterId(WireText("cluster-1")), controller_id=self.controller_id, brokers=(broker,)
        )

    async def topics(self, names: Iterable[TopicName] | None = None) -> list[TopicInfo]:
        wanted = sorted(self.topics_by_name) if names is None else [name.raw for name in names]
        return [self._info(name) for name in wanted]

    def _info(self, name: str) -> TopicInfo:
        topic = self.topics_by_name.get(name)
        if topic is None:
            return TopicInfo(topic_name(name), None, False, (), kafka_error(3))
        partitions = topic.partitions or tuple(
            PartitionInfo(index, 1, 0, (1,), (1,), ()) for index in range(len(topic.bounds))
        )
        return TopicInfo(topic_name(name), f"id-{len(name)}", topic.internal, partitions, topic.error)

    async def list_offsets(
        self, partitions: Iterable[TopicPartition], at: OffsetQuery, *, read_committed: bool = False
    ) -> dict[TopicPartition, OffsetAt | KafkaError]:
        return {where: self._offset(where, at) for where in partitions}

    async def list_bounds(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[OffsetAt | KafkaError, OffsetAt | KafkaError]]:
        return {where: (self._offset(where, EARLIEST), self._offset(where, LATEST)) for where in partitions}

    async def sweep_offsets(self, topics: Sequence[TopicInfo], bound: OffsetBound) -> OffsetColumns:
        places = [TopicPartition(topic.name, part.partition) for topic in topics for part in topic.partitions]
        return OffsetColumns.of(topics, {where: self._offset(where, bound) for where in places})

    def _offset(self, where: TopicPartition, at: OffsetQuery) -> OffsetAt | KafkaError:
        if where in self.unreadable:
            return self.unreadable[where]
        topic = self.topics_by_name.get(where.topic.raw)
        if topic is None or where.partition >= len(topic.bounds):
            return kafka_error(3)
        start, end = topic.bounds[where.partition]
        if at is EARLIEST:
            return OffsetAt(start, -1, 0)
        if at is LATEST:
            return OffsetAt(end, -1, 0)
        if at is OffsetBound.MAX_TIMESTAMP:
            return OffsetAt(end - 1, topic.first_time_ms + (end - 1) * topic.step_ms, 0) if end > start else _NOTHING
        assert isinstance(at, Timestamp)
        for offset in range(start, end):
            time_ms = topic.first_time_ms + offset * topic.step_ms
            if time_ms >= at.ms:
                return OffsetAt(offset, time_ms, 0)
        return OffsetAt(-1, -1, -1)

    async def list_groups(self) -> GroupsListed:
        items = [
            GroupListing(
                group=GroupId(WireText(name)),
                state=group.state,
                protocol_type="consumer",
                group_type=group.kind,
                coordinator_id=1,
            )
            for name, group in sorted(self.groups_by_id.items())
        ]
        return GroupsListed(items=items, errors={})

    async def describe_groups(self, groups: Iterable[GroupId]) -> dict[GroupId, GroupDescription | KafkaError]:
        if self.before_describe is not None:
            self.before_describe()
        return {group: self._describe(group) for group in groups}

    def _describe(self, group: GroupId) -> GroupDescription | KafkaError:
        found = self.groups_by_id.get(group.raw, FakeGroup(state="Dead"))
        if found.error is not None:
            return found.error
        members = tuple(
            GroupMember(
                member_id=MemberId(WireText(f"{client}-1")),
                client_id=ClientId(WireText(client)),
                host=HostName(WireText("/10.0.0.1")),
                assignment=tuple(partitions),
            )
            for client, partitions in found.members
        )
        return GroupDescription(
            group=group,
            state=found.state,
            protocol_type="consumer",
            protocol="range" if members else "",
            coordinator_id=1,
            members=members,
        )

    async def committed_offsets(
        self, groups: Iterable[GroupId]
    ) -> dict[GroupId, dict[TopicPartition, CommittedOffset | KafkaError] | KafkaError]:
        return {group: dict(self.groups_by_id.get(group.raw, FakeGroup()).commits) for group in groups}

    async def describe_configs(
        self, resources: Iterable[ConfigResource], names: Collection[str] | None = None
    ) -> dict[ConfigResource, dict[WireText, ConfigEntry] | KafkaError]:
        values = {"retention.ms": "1000", **({"min.insync.replicas": self.min_isr} if self.min_isr else {})}
        entries = [
            ConfigEntry(
                name=WireText(name),
                value=WireText(value),
                source="dynamic-topic",
                read_only=False,
                sensitive=False,
            )
            for name, value in values.items()
            if names is None or name in names
        ]
        return {resource: {entry.name: entry for entry in entries} for resource in resources}

    async def create_topics(
        self, topics: Iterable[NewTopic], permit: Permit | None, *, validate_only: bool = False
    ) -> dict[TopicName, KafkaError | None]:
        new = list(topics)
        results = {topic.name: kafka_error(36) if topic.name.raw in self.topics_by_name else None for topic in new}
        if validate_only:
            return results
        assert permit is not None
        self._spend(permit, Operation.TOPIC_CREATE, {topic.name.raw for topic in new}, new)
        for topic in new:
            if results[topic.name] is None:
                self.topics_by_name[topic.name.raw] = FakeTopic([(0, 0)] * max(1, topic.partitions))
        return results

    async def delete_topics(self, names: Iterable[TopicName], permit: Permit) -> dict[TopicName, KafkaError | None]:
        gone = list(names)
        self._spend(permit, Operation.TOPIC_DELETE, {name.raw for name in gone}, gone)
        return {name: None if self.topics_by_name.pop(name.raw, None) else kafka_error(3) for name in gone}

    async def commit_offsets(
        self, group: GroupId, offsets: Mapping[TopicPartition, int | CommittedOffset], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        self._spend(permit, Operation.OFFSETS_COMMIT, {group.raw}, dict(offsets))
        found = self.groups_by_id.setdefault(group.raw, FakeGroup())
        for where, offset in offsets.items():
            if where not in self.refuse:
                found.commits[where] = CommittedOffset(offset, -1) if isinstance(offset, int) else offset
        return {where: self.refuse.get(where) for where in offsets}

    async def delete_offsets(
        self, group: GroupId, partitions: Collection[TopicPartition], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        self._spend(permit, Operation.OFFSETS_DELETE, {group.raw}, list(partitions))
        for where in partitions:
            self.groups_by_id[group.raw].commits.pop(where, None)
        return dict.fromkeys(partitions)

    async def delete_groups(self, groups: Iterable[GroupId], permit: Permit) -> dict[GroupId, KafkaError | None]:
        gone = list(groups)
        self._spend(permit, Operation.GROUP_DELETE, {group.raw for group in gone}, gone)
        return {group: None if self.groups_by_id.pop(group.raw, None) else kafka_error(69) for group in gone}

    def _spend(self, permit: Permit, operation: Operation, targets: set[str], what: object) -> None:
        with permit.use(context=self.context, operation=operation, targets=targets):
            self.mutations.append((operation, what))


@dataclass
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs command lines in this process, with streams and folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.variables = {
            "KCON_CONFIG_DIR": str(folder / "config"),
            "KCON_STATE_DIR": str(folder / "state"),
            "KCON_BOOTSTRAP": "fake:9092",
            "TZ": "UTC",
            "HOME": str(folder),
        }
        self.folder = folder
        self.terminal = False
        """All three streams are terminals."""
        self.columns = 80

    def __call__(self, *argv: str, stdin: bytes = b"", columns: int | None = None) -> Ran:
        """Run one command line."""
        out, err = io.BytesIO(), io.BytesIO()
        environment = Environment(
            stdin=io.BytesIO(stdin),
            stdout=out,
            stderr=err,
            stdin_is_terminal=self.terminal,
            stdout_is_terminal=self.terminal,
            stderr_is_terminal=self.terminal,
            variables=self.variables,
            columns=columns or self.columns,
            now_ms=lambda: NOW_MS,
            folder=self.folder,
        )
        code = run(argv, environment)
        return Ran(code, out.getvalue().decode("utf-8", "surrogateescape"), err.getvalue().decode())

    def lines(self, *argv: str) -> Sequence[str]:
        """Run a command that must succeed, and return the lines of its output."""
        ran = self(*argv)
        assert ran.code == 0, ran.err
        return ran.out.splitlines()


@pytest.fixture
def fake_cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Return an empty cluster in memory that every session of the test connects to."""
    fake = FakeCluster()

    class Connecting:
        @staticmethod
        async def connect(settings: AdminSettings) -> FakeCluster:
            fake.context = settings.context
            return fake

    monkeypatch.setattr("kcon.services.session.Admin", Connecting)
    return fake


@pytest.fixture
def orders(fake_cluster: FakeCluster) -> FakeCluster:
    """Return a cluster with topic orders (3 partitions), and group billing with commits in two of them."""
    fake_cluster.topics_by_name["orders"] = FakeTopic([(0, 100), (40, 90), (0, 10)])
    fake_cluster.topics_by_name["clicks"] = FakeTopic([(0, 5)])
    fake_cluster.topics_by_name["__consumer_offsets"] = FakeTopic([(0, 7)], internal=True)
    fake_cluster.commit("billing", "orders", 0, 60)
    fake_cluster.commit("billing", "orders", 1, 20)
    return fake_cluster


@pytest.fixture
def kcon(tmp_path: Path) -> CommandLine:
    """Return a function that runs `kcon ...` in this process."""
    return CommandLine(tmp_path)


@pytest.fixture(autouse=True)
def no_times(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Keep plans over the fake cluster from opening a record consumer."""
    if "fake_cluster" not in request.fixturenames:
        return

    async def times_at(_session: object, rows: Iterable[object]) -> dict[TopicPartition, int]:
        return {}

    monkeypatch.setattr("kcon.cli.group_reset.times_at", times_at)
