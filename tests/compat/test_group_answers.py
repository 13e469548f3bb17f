"""Does our broker answer the group APIs as Apache Kafka answers the same bytes?

One transcript of requests goes to both brokers; what they answer must be equal, word for word, after member ids
have been replaced by the names that the transcript gives them and members put in order (Apache Kafka's is that of a
hash map).
"""

import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kcon_broker.wire.messages import create_topics, find_coordinator, metadata
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from kcon_broker.wire.messages.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from kcon_broker.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from kcon_broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from kcon_broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from kcon_broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse

_CLIENT_ID = b"transcript"
_TIMEOUT_S = 20
_COORDINATOR_IS_COMING = frozenset({14, 15, 16})
"""COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR."""
_UNKNOWN_ID = b"no-such-topic-id"
_UUID = re.compile(r"'[^']*-[0-9a-f]{8}-[0-9a-f-]{27}'")


class _Connection:
    """One connection, one request at a time."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=_TIMEOUT_S)
        self._expected: tuple[Any, int] | None = None

    def send(self, request: Any, response_type: Any, version: int) -> None:
        is_flexible = version >= request.FLEXIBLE_SINCE
        header = struct.pack(">hhih", request.API_KEY, version, 7, len(_CLIENT_ID)) + _CLIENT_ID
        body = header + (b"\0" if is_flexible else b"") + request.encode(version)
        self._socket.sendall(struct.pack(">i", len(body)) + body)
        self._expected = (response_type, version)

    def receive(self) -> Any:
        assert self._expected is not None
        response_type, version = self._expected
        (size,) = struct.unpack(">i", self._exactly(4))
        body = self._exactly(size)
        # Correlation id, and an empty tag section in flexible versions.
        offset = 5 if version >= response_type.FLEXIBLE_SINCE else 4
        response, end = response_type.decode(body, offset, version)
        assert end == len(body)
        return response

    def _exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            more = self._socket.recv(size - len(received))
            assert more, "the broker closed the connection"
            received += more
        return received

    def close(self) -> None:
        self._socket.close()


class _Stage:
    """A broker, connections by name, and the member ids that it gave out, by the names of the transcript."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self._bootstrap = bootstrap
        self._connections: dict[str, _Connection] = {}
        self._ids: dict[str, str] = {}
        self.topic, self.group, self.topic_id = topic, group, b""
        self.lines: list[str] = []

    def make_topic(self) -> None:
        """Create the topic, and wait until its id is known and the coordinator is there."""
        wanted = create_topics.CreatableTopic(name=self.topic, num_partitions=3, replication_factor=1)
        request: Any = create_topics.CreateTopicsRequest(topics=[wanted], timeout_ms=10_000)
        created = self._call(request, create_topics.CreateTopicsResponse, 7)
        self.topic_id = created.topics[0].topic_id
        while True:
            named = metadata.MetadataRequestTopic(name=self.topic)
            known = self._call(metadata.MetadataRequest(topics=[named]), metadata.MetadataResponse, 12)
            request = find_coordinator.FindCoordinatorRequest(key=self.group)
            found = self._call(request, find_coordinator.FindCoordinatorResponse, 2)
            # A coordinator that is still loading the group's partition answers with one of these.
            probe = HeartbeatRequest(group_id=self.group, generation_id=1, member_id="nobody")
            loading = self._call(probe, HeartbeatResponse, 4).error_code in _COORDINATOR_IS_COMING
            if not known.topics[0].error_code and not found.error_code and not loading:
                return
            time.sleep(0.05)

    def ask(self, who: str, request: Any, response_type: Any, version: int, *, name: str | None = None) -> None:
        """Send a request and note the answer; `name` names the member id in it."""
        self.send(who, request, response_type, version)
        self.note(who, name=name)

    def send(self, who: str, request: Any, response_type: Any, version: int) -> None:
        """Send a request whose answer comes later; wait until the broker has handled it."""
        if who not in self._connections:
            self._connections[who] = _Connection(self._bootstrap)
        self._connections[who].send(request, response_type, version)

    def note(self, who: str, *, name: str | None = None) -> None:
        """Read an answer and write it down."""
        answer = self._connections[who].receive()
        if name is not None:
            self._ids[name] = answer.member_id
        names = {member_id: name for name, member_id in self._ids.items()}
        for part in (answer, *getattr(answer, "groups", ())):
            if hasattr(part, "members") and not isinstance(answer, LeaveGroupResponse):
                part.members.sort(key=lambda member: names.get(member.member_id, ""))
        text = str(answer)
        for member_id, known in names.items():
            text = text.replace(f"'{member_id}'", f"<{known}>")
        for secret, public in ((repr(self.topic_id), "<topic id>"), (self.topic, "<topic>"), (self.group, "<group>")):
            text = text.replace(secret, public)
        self.lines.append(f"{len(self.lines)} {who}: {_UUID.sub('<unnamed>', text)}")

    def id_of(self, name: str) -> str:
        return self._ids.get(name, name)

    def _call(self, request: Any, response_type: Any, version: int) -> Any:
        self.send("set-up", request, response_type, version)
        return self._connections["set-up"].receive()

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    # Requests

    def join(self, who: str, member: str = "", *, version: int = 9, name: str | None = None, **options: Any) -> None:
        self.ask(who, self._join(member, **options), JoinGroupResponse, version, name=name)

    def begin_join(self, who: str, member: str, *, seen_by: str, generation: int, version: int = 9) -> None:
        """Send a JoinGroup that has to wait, and go on when another member is told of the rebalance."""
        self.send(who, self._join(member), JoinGroupResponse, version)
        while True:
            request = HeartbeatRequest(group_id=self.group, generation_id=generation, member_id=self.id_of(seen_by))
            if self._call(request, HeartbeatResponse, 4).error_code:
                return

    def _join(self, member: str, **options: Any) -> JoinGroupRequest:
        subscription = b"\0\0\0\0\0\x01" + struct.pack(">h", len(self.topic)) + self.topic.encode() + b"\xff" * 4
        names = options.pop("protocols", ("range", "sticky"))
        return JoinGroupRequest(
            **{
                "group_id": self.group,
                "session_timeout_ms": 30_000,
                "rebalance_timeout_ms": 30_000,
                "member_id": self.id_of(member),
                "protocol_type": "consumer",
                "protocols": [JoinGroupRequestProtocol(name=name, metadata=subscription) for name in names],
                **options,
            }
        )

    def sync(self, who: str, member: str, generation: int, *, version: int = 5, **options: Any) -> None:
        given = [
            SyncGroupRequestAssignment(member_id=self.id_of(name), assignment=assignment)
            for name, assignment in options.pop("given", {}).items()
        ]
        request = SyncGroupRequest(
            **{
                "group_id": self.group,
                "generation_id": generation,
                "member_id": self.id_of(member),
                "protocol_type": "consumer",
                "protocol_name": "range",
                "assignments": given,
                **options,
            }
        )
        self.ask(who, request, SyncGroupResponse, version)

    def heartbeat(self, member: str, generation: int, *, version: int = 4, **options: Any) -> None:
        fields = {"group_id": self.group, "generation_id": generation, "member_id": self.id_of(member)}
        self.ask("other", HeartbeatRequest(**{**fields, **options}), HeartbeatResponse, version)

    def leave(self, *members: tuple[str, str | None], version: int = 5, group: str | None = None) -> None:
        identities = [
            MemberIdentity(member_id=self.id_of(name), group_instance_id=instance) for name, instance in members
        ]
        group_id = self.group if group is None else group
        if version < 3:
            request = LeaveGroupRequest(group_id=group_id, member_id=identities[0].member_id)
        else:
            request = LeaveGroupRequest(group_id=group_id, members=identities)
        self.ask("other", request, LeaveGroupResponse, version)

    def commit(self, *, version: int = 9, member: str = "", generation: int = -1, **options: Any) -> None:
        partitions = [
            OffsetCommitRequestPartition(
                partition_index=index, committed_offset=offset, committed_metadata=options.get("note", "note")
            )
            for index, offset in options.get("offsets", {0: 5, 1: 6, 9: 1}).items()
        ]
        topic = OffsetCommitRequestTopic(
            name=options.get("topic", self.topic) if version < 10 else "",
            topic_id=options.get("topic_id", self.topic_id) if version >= 10 else bytes(16),
            partitions=partitions,
        )
        request = OffsetCommitRequest(
            group_id=self.group,
            generation_id_or_member_epoch=generation,
            member_id=self.id_of(member),
            group_instance_id=options.get("instance"),
            topics=[topic],
        )
        self.ask("other", request, OffsetCommitResponse, version)

    def fetch(self, *, version: int = 9, all_topics: bool = False, topic_id: bytes | None = None) -> None:
        wanted = OffsetFetchRequestTopics(
            name=self.topic if version < 10 else "",
            topic_id=topic_id or (self.topic_id if version >= 10 else bytes(16)),
            partition_indexes=[0, 1, 2, 9],
        )
        groups = [
            OffsetFetchRequestGroup(group_id=group, topics=None if all_topics else [wanted])
            for group in (self.group, "no-such-group")
        ]
        self.ask("other", OffsetFetchRequest(groups=groups), OffsetFetchResponse, version)

    def delete_offsets(self, *partitions: int, group: str | None = None, topic: str | None = None) -> None:
        wanted = OffsetDeleteRequestTopic(
            name=topic or self.topic,
            partitions=[OffsetDeleteRequestPartition(partition_index=index) for index in partitions],
        )
        request = OffsetDeleteRequest(group_id=self.group if group is None else group, topics=[wanted])
        self.ask("other", request, OffsetDeleteResponse, 0)

    def describe(self, *, version: int = 6) -> None:
        request = DescribeGroupsRequest(groups=[self.group], include_authorized_operations=version >= 3)
        self.ask("other", request, DescribeGroupsResponse, version)

    def delete_group(self, *, version: int = 2) -> None:
        self.ask("other", DeleteGroupsRequest(groups_names=[self.group]), DeleteGroupsResponse, version)


def _refusals(stage: _Stage) -> None:
    """Ask for what is not there."""
    for version in (3, 9):
        stage.join("a", "stranger", version=version)
    stage.join("a", group_id="")
    stage.join("a", session_timeout_ms=100)
    stage.join("a", session_timeout_ms=100_000_000)
    stage.sync("a", "stranger", 1)
    stage.sync("a", "stranger", 1, protocol_type=None)
    stage.heartbeat("stranger", 1)
    stage.heartbeat("stranger", 1, group_id="")
    for version in (2, 5):
        stage.leave(("stranger", None), version=version)
        stage.leave(("stranger", None), version=version, group="")
    for version in (2, 8, 9, 10):
        stage.commit(version=version, member="stranger", generation=3)
    stage.commit(topic="no-such-topic")
    stage.commit(version=10, topic_id=_UNKNOWN_ID)
    for version in (8, 9, 10):
        stage.fetch(version=version)
        stage.fetch(version=version, all_topics=True)
    stage.fetch(version=10, topic_id=_UNKNOWN_ID)
    stage.delete_offsets(0, group="")
    stage.delete_offsets(0, group="no-such-group")
    stage.delete_offsets(0, topic="no-such-topic")
    stage.delete_offsets(0, 9, group="no-such-group")
    stage.describe()
    stage.describe(version=5)
    stage.delete_group()
    # From here on the group is there: Apache Kafka makes it for a refused join (some milliseconds after its
    # answer) and, in its memory only, for a commit of which nothing was kept.
    stage.join("a", protocols=())
    stage.join("a", protocol_type="")
    stage.commit(offsets={0: 1}, note="x" * 4_097)


def _two_members(stage: _Stage) -> None:
    """Two members join, are assigned, rebalance, commit and leave."""
    stage.join("a", name="a")
    stage.join("a", "a")
    stage.describe()
    stage.sync("a", "a", 1, given={"a": b"A1"})
    stage.join("b", name="b", version=5)
    stage.begin_join("a", "a", seen_by="a", generation=1)
    stage.describe()
    stage.join("b", "b")
    stage.note("a")
    stage.commit(member="a", generation=2)
    stage.sync("other", "a", 2, protocol_name="sticky")
    stage.sync("other", "a", 2, protocol_type="connect")
    stage.sync("other", "a", 3)
    stage.sync("a", "a", 2, given={"a": b"A2", "b": b"B2"})
    stage.sync("b", "b", 2, version=3)
    stage.describe()
    stage.join("other", protocols=("other",))
    stage.join("other", protocol_type="connect")
    stage.join("b", "b", version=5)
    for generation, member in ((2, "a"), (1, "a"), (-1, "a"), (-1, ""), (2, "stranger")):
        stage.commit(member=member, generation=generation)
    stage.commit(member="a", generation=2, instance="stranger")
    stage.commit(version=10, member="a", generation=2, offsets={0: 50})
    stage.fetch()
    stage.fetch(version=10)
    stage.delete_offsets(0)
    stage.delete_group()
    stage.leave(("stranger", None), ("b", None))
    stage.describe()
    stage.heartbeat("a", 2)
    stage.leave(("a", None), version=1)
    stage.heartbeat("a", 2)
    stage.commit()
    stage.describe()
    stage.delete_offsets(1, 2, 9)
    stage.fetch(all_topics=True)
    stage.delete_group()
    stage.fetch(all_topics=True)


def _static_members(stage: _Stage) -> None:
    """A static member comes back, fences its predecessor, and changes its mind."""
    stage.join("a", group_instance_id="i", name="a")
    stage.sync("a", "a", 1, given={"a": b"A1"}, group_instance_id="i")
    stage.join("b", group_instance_id="i", name="b")
    stage.sync("b", "b", 1, group_instance_id="i")
    stage.heartbeat("a", 1, group_instance_id="i")
    stage.heartbeat("a", 1)
    stage.join("other", "a", group_instance_id="i")
    stage.sync("other", "a", 1, group_instance_id="i")
    stage.commit(member="a", generation=1, instance="i")
    stage.leave(("a", "i"))
    stage.describe()
    stage.join("c", group_instance_id="i", name="c", version=6)
    stage.join("d", group_instance_id="i", name="d", protocols=("sticky", "range"))
    stage.sync("d", "d", 2, given={"d": b"D2"}, group_instance_id="i", protocol_name="sticky")
    stage.describe()
    stage.leave(("", "i"), ("", "stranger"))
    stage.describe()


@pytest.fixture
def stages(kcon_broker: Any, apache_kafka: Any, unique: Callable[[str], str]) -> Iterator[tuple[_Stage, _Stage]]:
    topic, group = unique("transcript"), unique("group")
    both = (_Stage(kcon_broker.bootstrap, topic, group), _Stage(apache_kafka.bootstrap, topic, group))
    try:
        for stage in both:
            stage.make_topic()
        yield both
    finally:
        for stage in both:
            stage.close()


@pytest.mark.java
@pytest.mark.parametrize("transcript", [_refusals, _two_members, _static_members])
def test_both_brokers_answer_the_same(stages: tuple[_Stage, _Stage], transcript: Callable[[_Stage], None]) -> None:
    ours, apache = stages
    for stage in stages:
        transcript(stage)
    assert ours.lines == apache.lines
