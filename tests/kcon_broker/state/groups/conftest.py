"""What tests of groups share: a coordinator over a list of records, and short ways to say a request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from kcon_broker.settings import GroupSettings
from kcon_broker.state.groups.coordinator import GroupCoordinator
from kcon_broker.state.groups.heartbeat_request import HeartbeatAnswer, HeartbeatAsk
from kcon_broker.state.groups.leave import Leaver
from kcon_broker.state.groups.offsets import CommitAsk, PartitionCommit
from kcon_broker.state.groups.outcome import (
    JoinAnswer,
    JoinAsk,
    Moment,
    PendingAnswer,
    Records,
    SyncAnswer,
    SyncAsk,
    WakeKey,
)
from kcon_broker.state.groups.records import CoordinatorRecord
from kcon_broker.state.topic import PartitionsGrew, TopicCreated, TopicDeleted, TopicTable
from kcon_broker.wire.error_codes import ErrorCode

WALL_MS = 1_700_000_000_000
TOPIC_ID = b"topic-id-of-16-b"


@dataclass
class RecordingJournal:
    """Keep the records by partition; a closed partition takes none."""

    partition_count: int = 50
    logs: dict[int, list[CoordinatorRecord]] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    woken: list[WakeKey] = field(default_factory=list)

    def partition_of(self, group_id: str) -> int:
        return sum(group_id.encode()) % self.partition_count

    def is_available(self, partition: int) -> bool:
        return partition not in self.closed

    def append(self, partition: int, records: Records, wall_ms: int) -> None:
        assert partition not in self.closed
        assert records
        self.logs.setdefault(partition, []).extend(records)

    def wake(self, key: WakeKey) -> None:
        self.woken.append(key)

    @property
    def records(self) -> list[CoordinatorRecord]:
        return [record for _, log in sorted(self.logs.items()) for record in log]


@dataclass
class Bench:
    """A coordinator, its journal and both clocks."""

    settings: GroupSettings = field(default_factory=GroupSettings)
    journal: RecordingJournal = field(default_factory=RecordingJournal)
    topics: TopicTable = field(default_factory=TopicTable)
    now_ms: int = 1_000
    wall_ms: int = WALL_MS

    def __post_init__(self) -> None:
        self._id_count = 0
        self.coordinator = self.new_coordinator()
        self.coordinator.loaded(self.at)

    def new_coordinator(self) -> GroupCoordinator:
        return GroupCoordinator(self.settings, journal=self.journal, new_uuid=self._new_uuid, topics=self.topics)

    def _new_uuid(self) -> str:
        self._id_count += 1
        return f"{self._id_count}"

    @property
    def at(self) -> Moment:
        return Moment(self.now_ms, self.wall_ms)

    def restart(self) -> GroupCoordinator:
        """Return a coordinator that knows only the log."""
        coordinator = self.new_coordinator()
        for key, value in self.journal.records:
            coordinator.replay(key, value)
        coordinator.loaded(self.at)
        return coordinator

    def pass_time(self, ms: int) -> None:
        """Move both clocks and run the timers, each at its own time."""
        end_ms = self.now_ms + ms
        while (deadline_ms := self.coordinator.next_deadline_ms()) is not None and deadline_ms <= end_ms:
            self._move_to(max(deadline_ms, self.now_ms))
            self.coordinator.expire(self.at)
        self._move_to(end_ms)

    def _move_to(self, now_ms: int) -> None:
        self.wall_ms += now_ms - self.now_ms
        self.now_ms = now_ms

    def join(
        self,
        member_id: str = "",
        *,
        group: str = "g",
        instance: str | None = None,
        client: str = "client",
        protocols: tuple[tuple[str, bytes], ...] = (("range", b"sub"),),
        protocol_type: str = "consumer",
        version: int = 9,
        session_ms: int = 10_000,
        rebalance_ms: int = 30_000,
    ) -> JoinAnswer | PendingAnswer[JoinAnswer]:
        ask = JoinAsk(
            group_id=group,
            member_id=member_id,
            instance_id=instance,
            client_id=client,
            client_host="/127.0.0.1",
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=rebalance_ms,
            protocol_type=protocol_type,
            protocols=protocols,
            member_id_is_required=version >= 4,
            can_skip_assignment=version >= 9,
        )
        return self.coordinator.join(ask, self.at)

    def joined(self, member_id: str = "", **options: Any) -> JoinAnswer:
        """Join and expect the answer at once."""
        answer = self.join(member_id, **options)
        assert isinstance(answer, JoinAnswer)
        return answer

    def parked(self, member_id: str = "", **options: Any) -> PendingAnswer[JoinAnswer]:
        """Join and expect to wait."""
        pending = self.join(member_id, **options)
        assert isinstance(pending, PendingAnswer)
        return pending

    def new_id(self, **options: Any) -> str:
        """Be given a member id, as a v4+ client is."""
        answer = self.joined(**options)
        assert answer.error_code is ErrorCode.MEMBER_ID_REQUIRED
        return answer.member_id

    def sync(
        self,
        member_id: str,
        generation: int,
        assignments: dict[str, bytes] | None = None,
        *,
        group: str = "g",
        instance: str | None = None,
        protocol_type: str | None = "consumer",
        protocol: str | None = "range",
    ) -> SyncAnswer | PendingAnswer[SyncAnswer]:
        ask = SyncAsk(
            group_id=group,
            generation=generation,
            member_id=member_id,
            instance_id=instance,
            protocol_type=protocol_type,
            protocol=protocol,
            assignments=tuple((assignments or {}).items()),
        )
        return self.coordinator.sync(ask, self.at)

    def heartbeat(self, member_id: str, generation: int, *, group: str = "g", instance: str | None = None) -> ErrorCode:
        return self.coordinator.heartbeat(
            group_id=group, member_id=member_id, instance_id=instance, generation=generation, at=self.at
        )

    def leave(self, *member_ids: str, group: str = "g") -> tuple[ErrorCode, ...]:
        leavers = tuple(Leaver(member_id=member_id, instance_id=None) for member_id in member_ids)
        answer = self.coordinator.leave(group, leavers, self.at)
        assert answer.error_code is ErrorCode.NONE
        return answer.member_errors

    def commit(
        self,
        offsets: dict[tuple[str, int], int],
        *,
        group: str = "g",
        member_id: str = "",
        instance: str | None = None,
        generation: int = -1,
        metadata: str | None = "",
        retention_ms: int = -1,
        version: int = 9,
        topic_id: bytes = TOPIC_ID,
    ) -> tuple[ErrorCode, ...]:
        ask = CommitAsk(
            group_id=group,
            generation=generation,
            member_id=member_id,
            instance_id=instance,
            retention_ms=retention_ms,
            api_version=version,
            commits=tuple(
                PartitionCommit(
                    topic=topic,
                    topic_id=topic_id,
                    partition=partition,
                    offset=offset,
                    leader_epoch=3,
                    metadata=metadata,
                )
                for (topic, partition), offset in offsets.items()
            ),
        )
        return self.coordinator.commit(ask, self.at)

    def create_topic(self, name: str, partition_count: int) -> bytes:
        """Create a topic and return its id, which differs from that of an earlier topic of the name."""
        topic_id = f"{name}:{self.topics.version}".encode().ljust(16, b"-")
        self.topics.apply(
            TopicCreated(name=name, topic_id=topic_id, partition_count=partition_count, created_epoch=0, configs={})
        )
        return topic_id

    def grow_topic(self, name: str, partition_count: int) -> None:
        self.topics.apply(PartitionsGrew(name=name, partition_count=partition_count))

    def delete_topic(self, name: str) -> None:
        topic_id = self.topics.by_name[name].topic_id
        self.topics.apply(TopicDeleted(name=name, topic_id=topic_id))
        self.coordinator.topic_deleted(name, topic_id, self.at)

    def beat(
        self,
        member_id: str,
        epoch: int,
        *,
        group: str = "g",
        instance: str | None = None,
        rack: str | None = None,
        rebalance_ms: int = -1,
        topics: tuple[str, ...] | None = None,
        regex: str | None = None,
        assignor: str | None = None,
        owned: dict[bytes, list[int]] | None = None,
        version: int = 1,
    ) -> HeartbeatAnswer:
        """Send a heartbeat of the new protocol."""
        ask = HeartbeatAsk(
            api_version=version,
            group_id=group,
            member_id=member_id,
            member_epoch=epoch,
            instance_id=instance,
            rack_id=rack,
            rebalance_timeout_ms=rebalance_ms,
            topic_names=None if topics is None else frozenset(topics),
            topic_regex=regex,
            server_assignor=assignor,
            owned=None if owned is None else list(owned.items()),
            client_id="client",
            client_host="/127.0.0.1",
        )
        return self.coordinator.consumer_heartbeat(ask, self.at)

    def enter(self, member_id: str, *topics: str, **options: Any) -> HeartbeatAnswer:
        """Join a group of the new protocol."""
        defaults: dict[str, Any] = {
            "topics": topics or ("flights",),
            "rebalance_ms": 30_000,
            "owned": {},
            "assignor": "range",
        }
        return self.beat(member_id, 0, **{**defaults, **options})

    def stable(self, member_count: int = 1, *, group: str = "g", **options: Any) -> list[str]:
        """Bring a group of dynamic members to Stable; return their ids, the leader's first."""
        first = self.new_id(group=group, **options)
        answers = {first: self.join(first, group=group, **options)}
        for _ in range(member_count - 1):
            other = self.new_id(group=group, **options)
            answers[other] = self.join(other, group=group, **options)
        if member_count > 1:
            for member_id in answers:
                answer = self.join(member_id, group=group, **options)
                answers[member_id] = answer
        state = self.coordinator.groups[group]
        leader = state.leader
        assert leader is not None
        for member_id in answers:
            if member_id != leader:
                self.sync(member_id, state.generation, group=group, protocol_type=None, protocol=None)
        given = {member_id: f"a-{member_id}".encode() for member_id in answers}
        self.sync(leader, state.generation, given, group=group, protocol_type=None, protocol=None)
        return [leader, *(member_id for member_id in answers if member_id != leader)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def bench_with() -> Callable[..., Bench]:
    """Return a bench with settings of the test's choice."""
    return lambda **settings: Bench(settings=GroupSettings(**settings))
