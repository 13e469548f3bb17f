"""Does our broker answer the APIs of the new group protocol (KIP-848) as Apache Kafka answers the same bytes?

A transcript goes to both brokers in step, request by request; the answers must be equal, word for word, once topics
and members are in one order (Apache Kafka's is that of a hash map). Members name themselves, and the range assignor
gives the same partitions wherever it runs, so nothing else has to be replaced.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kcon_broker.wire.messages import consumer_group_describe as describing
from kcon_broker.wire.messages import consumer_group_heartbeat as beating
from kcon_broker.wire.messages import create_partitions as growing
from kcon_broker.wire.messages import create_topics as creating
from kcon_broker.wire.messages import delete_topics as deleting
from kcon_broker.wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from kcon_broker.wire.messages.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from kcon_broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from kcon_broker.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from kcon_broker.wire.messages.list_groups import ListGroupsRequest, ListGroupsResponse
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
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
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse
from tests.kcon_broker.raw_client import RawClient

_ASSIGNMENT_INTERVAL_S = 1.1
"""Both brokers compute a group's target at most once a second; only their clocks can make the next one due."""
_READY_S = 30
_REGEX_ENGINE_WORDS = re.compile("not a valid regular expression: [^']*")
"""What is wrong with an expression the engine says in its own words."""


class _Side:
    """One broker: a connection, and the ids that it gave to topics."""

    def __init__(self, bootstrap: str) -> None:
        self.client = RawClient(bootstrap)
        self.topic_ids: dict[str, bytes] = {}
        self.lines: list[str] = []

    def create(self, topic: str, partitions: int) -> None:
        wanted = creating.CreatableTopic(name=topic, num_partitions=partitions, replication_factor=1)
        request = creating.CreateTopicsRequest(topics=[wanted], timeout_ms=10_000)
        created = self.client.ask(request, creating.CreateTopicsResponse, 7)
        self.topic_ids[topic] = created.topics[0].topic_id
        self._wait_for(topic, lambda known: not known.error_code)

    def grow(self, topic: str, count: int) -> None:
        wanted = growing.CreatePartitionsTopic(name=topic, count=count, assignments=None)
        request = growing.CreatePartitionsRequest(topics=[wanted], timeout_ms=10_000)
        self.client.ask(request, growing.CreatePartitionsResponse, 3)
        self._wait_for(topic, lambda known: len(known.partitions) == count)

    def delete(self, topic: str) -> None:
        request = deleting.DeleteTopicsRequest(topics=[deleting.DeleteTopicState(name=topic)], timeout_ms=10_000)
        self.client.ask(request, deleting.DeleteTopicsResponse, 6)
        self._wait_for(topic, lambda known: bool(known.error_code))

    def _wait_for(self, topic: str, is_met: Callable[[Any], bool]) -> None:
        request = MetadataRequest(topics=[MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False)
        deadline = time.monotonic() + _READY_S
        while not is_met(self.client.ask(request, MetadataResponse, 12).topics[0]):
            assert time.monotonic() < deadline, f"{topic} did not change"

    def note(self, answer: Any, secrets: dict[str, str]) -> None:
        names = {topic_id: name for name, topic_id in self.topic_ids.items()}
        _sort(answer, names)
        text = str(answer)
        for topic, topic_id in self.topic_ids.items():
            text = text.replace(repr(topic_id), f"<id of {topic}>")
        for secret, public in secrets.items():
            text = text.replace(secret, public)
        text = _REGEX_ENGINE_WORDS.sub("not a valid regular expression", text)
        self.lines.append(f"{len(self.lines)} {text}")


def _sort(answer: Any, names: dict[bytes, str]) -> None:
    if hasattr(answer, "groups"):
        answer.groups.sort(key=lambda group: group.group_id)
    for group in getattr(answer, "groups", ()):
        for member in getattr(group, "members", ()):
            if hasattr(member, "subscribed_topic_names"):
                member.subscribed_topic_names.sort()
                for assignment in (member.assignment, member.target_assignment):
                    assignment.topic_partitions.sort(key=lambda topic: topic.topic_name)
                    for topic in assignment.topic_partitions:
                        topic.partitions.sort()
        if hasattr(group, "members"):
            group.members.sort(key=lambda member: member.member_id)
    assignment = getattr(answer, "assignment", None)
    if isinstance(assignment, beating.Assignment):
        for topic in assignment.topic_partitions:
            topic.partitions.sort()
        assignment.topic_partitions.sort(key=lambda topic: names[topic.topic_id])


class _Stage:
    """Both brokers, and short ways to say a request to each."""

    def __init__(self, sides: tuple[_Side, _Side], unique: Callable[[str], str]) -> None:
        self.sides = sides
        self.group = unique("group")
        self.topic, self.other = unique("even"), unique("odd")
        self._secrets = {self.group: "<group>", self.topic: "<topic>", self.other: "<other>"}
        self._owned: dict[str, dict[int, Any]] = {}
        for side in sides:
            side.create(self.topic, 4)
            side.create(self.other, 3)
            deadline = time.monotonic() + _READY_S
            find = FindCoordinatorRequest(key=self.group)
            while side.client.ask(find, FindCoordinatorResponse, 2).error_code:
                assert time.monotonic() < deadline, "no coordinator"
            # Apache Kafka's coordinator learns of new topics a little later than its other parts.
            while not self._is_assignable(side, unique("probe")):
                assert time.monotonic() < deadline, "the coordinator does not know the topics"

    def _is_assignable(self, side: _Side, group: str) -> bool:
        request = beating.ConsumerGroupHeartbeatRequest(
            group_id=group,
            member_id="probe",
            rebalance_timeout_ms=30_000,
            subscribed_topic_names=[self.topic, self.other],
            topic_partitions=[],
        )
        answer = side.client.ask(request, beating.ConsumerGroupHeartbeatResponse, 1)
        return answer.assignment is not None and len(answer.assignment.topic_partitions) == 2

    def ask(self, make_request: Callable[[_Side], Any], response_type: Any, version: int) -> list[Any]:
        """Send a request to both and write both answers down; return them."""
        answers = [side.client.ask(make_request(side), response_type, version) for side in self.sides]
        for side, answer in zip(self.sides, answers, strict=True):
            side.note(answer, self._secrets)
        return answers

    def pause(self) -> None:
        """Let the next target assignment become due."""
        time.sleep(_ASSIGNMENT_INTERVAL_S)

    def beat(self, member: str, epoch: int, *, version: int = 1, owned: Any = "as told", **fields: Any) -> None:
        """Send a heartbeat; the member owns what it was last told, unless said otherwise."""

        def request(side: _Side) -> Any:
            parts = self._owned.get(member, {}).get(id(side)) if owned == "as told" else owned
            group_id = fields.get("group_id", self.group)
            rest = {name: value for name, value in fields.items() if name != "group_id"}
            return beating.ConsumerGroupHeartbeatRequest(
                group_id=group_id, member_id=member, member_epoch=epoch, topic_partitions=parts, **rest
            )

        answers = self.ask(request, beating.ConsumerGroupHeartbeatResponse, version)
        for side, answer in zip(self.sides, answers, strict=True):
            if answer.assignment is not None:
                self._owned.setdefault(member, {})[id(side)] = answer.assignment.topic_partitions

    def join(self, member: str, *, topics: list[str] | None = None, **fields: Any) -> None:
        names = [self.topic] if topics is None else topics
        defaults: dict[str, Any] = {
            "subscribed_topic_names": names,
            "rebalance_timeout_ms": 30_000,
            "server_assignor": "range",
            "owned": [],
        }
        self.beat(member, 0, **{**defaults, **fields})

    def describe(self, version: int = 1) -> None:
        request = describing.ConsumerGroupDescribeRequest(
            group_ids=[self.group, "no-such-group"], include_authorized_operations=True
        )
        self.ask(lambda _: request, describing.ConsumerGroupDescribeResponse, version)

    def describe_classic(self, version: int) -> None:
        self.ask(lambda _: DescribeGroupsRequest(groups=[self.group]), DescribeGroupsResponse, version)

    def list(self) -> None:
        """List the groups of the new protocol and keep this one."""
        for side in self.sides:
            answer = side.client.ask(ListGroupsRequest(types_filter=["Consumer"]), ListGroupsResponse, 5)
            answer.groups = [group for group in answer.groups if group.group_id == self.group]
            side.note(answer, self._secrets)

    def commit(self, member: str, epoch: int, *partitions: int, version: int = 9) -> None:
        def request(side: _Side) -> Any:
            topic = OffsetCommitRequestTopic(
                name=self.topic if version < 10 else "",
                topic_id=side.topic_ids[self.topic],
                partitions=[
                    OffsetCommitRequestPartition(partition_index=index, committed_offset=5) for index in partitions
                ],
            )
            return OffsetCommitRequest(
                group_id=self.group, generation_id_or_member_epoch=epoch, member_id=member, topics=[topic]
            )

        self.ask(request, OffsetCommitResponse, version)

    def fetch(self, member: str | None, epoch: int, *, version: int = 9) -> None:
        topic = OffsetFetchRequestTopics(name=self.topic, partition_indexes=[0, 1])
        group = OffsetFetchRequestGroup(group_id=self.group, member_id=member, member_epoch=epoch, topics=[topic])
        self.ask(lambda _: OffsetFetchRequest(groups=[group]), OffsetFetchResponse, version)

    def delete_offsets(self, topic: str) -> None:
        wanted = OffsetDeleteRequestTopic(name=topic, partitions=[OffsetDeleteRequestPartition(partition_index=0)])
        request = OffsetDeleteRequest(group_id=self.group, topics=[wanted])
        self.ask(lambda _: request, OffsetDeleteResponse, 0)

    def delete_group(self) -> None:
        self.ask(lambda _: DeleteGroupsRequest(groups_names=[self.group]), DeleteGroupsResponse, 2)

    def leave_classic(self, *members: tuple[str, str | None]) -> None:
        leavers = [MemberIdentity(member_id=member, group_instance_id=instance) for member, instance in members]
        self.ask(lambda _: LeaveGroupRequest(group_id=self.group, members=leavers), LeaveGroupResponse, 5)

    def classic(self, member: str = "") -> None:
        """Ask what a member of the older protocol asks."""
        beat = HeartbeatRequest(group_id=self.group, generation_id=1, member_id="a")
        self.ask(lambda _: beat, HeartbeatResponse, 4)
        sync = SyncGroupRequest(group_id=self.group, generation_id=1, member_id="a")
        self.ask(lambda _: sync, SyncGroupResponse, 5)

    def close(self) -> None:
        for side in self.sides:
            side.client.__exit__(None, None, None)


def _refusals(stage: _Stage) -> None:
    """Ask for what is not there, and wrongly."""
    stage.describe()
    stage.beat("a", 1)
    stage.beat("a", -1)
    stage.beat("a", -2)
    stage.beat("a", -2, instance_id="i")
    stage.beat("a", -3)
    stage.join("")
    stage.beat("", 1, version=0)
    stage.beat("", -1, version=0)
    stage.join("a", group_id="")
    stage.join("a", instance_id="")
    stage.join("a", rack_id="")
    stage.join("a", rebalance_timeout_ms=-1)
    stage.join("a", owned=None)
    stage.join("a", owned=[beating.TopicPartitions(topic_id=b"x" * 16, partitions=[0])])
    stage.join("a", topics=None, subscribed_topic_names=None)
    stage.join("a", server_assignor="sticky")
    stage.join("a", subscribed_topic_regex="(")
    stage.describe()
    stage.fetch("a", 3)
    stage.fetch(None, -1)
    stage.commit("a", 3, 0)
    stage.delete_group()


def _two_members(stage: _Stage) -> None:
    """One joins, another joins, both reconcile, commit and leave."""
    stage.join("a", topics=[stage.topic, stage.other], rack_id="r1")
    stage.beat("a", 2)
    stage.describe()
    stage.describe(version=0)
    for version in (5, 6):
        stage.describe_classic(version)
    stage.list()
    stage.commit("a", 2, 0, 1)
    stage.commit("a", 3, 0)
    stage.commit("a", 0, 0)
    stage.commit("a", -1, 0)
    stage.commit("", -1, 0)
    stage.commit("stranger", 2, 0)
    stage.commit("a", 2, 0, version=8)
    stage.fetch("a", 2)
    stage.fetch("a", 0)
    stage.fetch("stranger", 2)
    stage.fetch(None, -1)
    stage.fetch("a", -1)
    stage.classic()
    stage.pause()
    stage.join("b", topics=[stage.topic, stage.other])
    stage.describe()
    stage.beat("b", 3)
    stage.beat("b", 3, owned=None)
    # The first one has to give something back before the other gets it.
    stage.beat("a", 2, owned=None)
    stage.describe()
    stage.commit("a", 2, 0, 3, version=10)
    stage.beat("a", 2)
    stage.beat("b", 3)
    stage.beat("a", 2)
    stage.beat("b", 3)
    stage.describe()
    # The answer with the newer epoch may have been lost.
    stage.beat("a", 2)
    stage.commit("a", 2, 0, 3, version=10)
    stage.commit("a", 2, 0, version=10)
    stage.commit("a", 1, 0)
    stage.beat("a", 0, owned=[], rebalance_timeout_ms=9, subscribed_topic_names=[stage.topic])
    stage.beat("a", 10)
    stage.describe()
    stage.pause()
    stage.beat("b", 3)
    stage.beat("b", 4)
    stage.beat("a", 4)
    stage.describe()
    stage.delete_offsets(stage.topic)
    stage.delete_group()
    stage.beat("stranger", -1)
    stage.beat("b", -1)
    stage.describe()
    stage.pause()
    stage.beat("a", 4)
    stage.beat("a", 5)
    stage.describe()
    stage.beat("a", -1)
    stage.describe()
    stage.list()
    stage.beat("a", 5)
    stage.delete_offsets(stage.topic)
    stage.commit("", -1, 1)
    stage.fetch(None, -1)
    stage.delete_group()
    stage.fetch(None, -1)
    stage.describe()


def _static_members(stage: _Stage) -> None:
    """A static member leaves for a while, comes back, and is fenced."""
    stage.join("a", instance_id="i")
    stage.join("b", instance_id="i")
    stage.beat("b", 2, instance_id="i")
    stage.beat("a", 2, instance_id="stranger")
    stage.beat("a", 2)
    stage.beat("b", -2, instance_id="i")
    stage.beat("a", -2, instance_id="stranger")
    stage.beat("a", -2, instance_id="i")
    stage.describe()
    stage.beat("a", 2, instance_id="i")
    stage.join("b", instance_id="i")
    stage.describe()
    stage.beat("a", 2, instance_id="i")
    stage.beat("b", 2, instance_id="i")
    stage.leave_classic(("stranger", None), ("b", "stranger"), ("a", "i"), ("", "i"))
    stage.describe()


def _topics_change(stage: _Stage) -> None:
    """A subscribed topic grows, another one goes, and a member changes its mind."""
    stage.join("a", topics=[stage.topic, stage.other, "no-such-topic-anywhere"])
    for side in stage.sides:
        side.grow(stage.topic, 6)
    stage.pause()
    stage.beat("a", 2)
    stage.describe()
    for side in stage.sides:
        side.delete(stage.other)
    stage.pause()
    stage.beat("a", 3, owned=None)
    stage.describe()
    stage.beat("a", 3)
    stage.describe()
    stage.pause()
    stage.beat("a", 4, subscribed_topic_names=[stage.other])
    stage.describe()
    stage.beat("a", 4)
    stage.beat("a", 5)
    stage.describe()


def _members_without_topics(stage: _Stage) -> None:
    """Nothing to subscribe to is allowed, by name or by expression."""
    stage.join("a", topics=[])
    stage.describe()
    stage.join("b", subscribed_topic_names=None, subscribed_topic_regex="")
    stage.describe()
    stage.pause()
    stage.beat("a", 1)
    stage.beat("a", -1)
    stage.describe()
    stage.beat("b", 1)
    stage.beat("b", 1, server_assignor="uniform", subscribed_topic_names=[stage.topic])
    stage.beat("b", 3)
    stage.beat("b", 4)
    stage.describe()


def _both_protocols(stage: _Stage) -> None:
    """An empty group goes over to the other protocol and keeps its offsets."""
    stage.commit("", -1, 0, 1)
    stage.describe()
    stage.join("a")
    stage.describe()
    stage.fetch("a", 2)
    stage.beat("a", -1)
    protocol = JoinGroupRequestProtocol(name="range", metadata=b"\0\0\0\0\0\0\xff\xff\xff\xff")
    join = JoinGroupRequest(
        group_id=stage.group,
        session_timeout_ms=10_000,
        rebalance_timeout_ms=10_000,
        group_instance_id="i",
        protocol_type="consumer",
        protocols=[protocol],
    )
    answers = []
    for side in stage.sides:
        answer = side.client.ask(join, JoinGroupResponse, 9)
        answers.append((answer.error_code, answer.generation_id, answer.protocol_name, len(answer.members)))
    assert answers == [(0, 1, "range", 1)] * 2
    stage.describe()
    stage.fetch(None, -1)
    stage.beat("a", 2)
    stage.beat("a", -1)


@pytest.fixture
def stage(kcon_broker: Any, apache_kafka: Any, unique: Callable[[str], str]) -> Iterator[_Stage]:
    stage = _Stage((_Side(kcon_broker.bootstrap), _Side(apache_kafka.bootstrap)), unique)
    try:
        yield stage
    finally:
        stage.close()


@pytest.mark.java
@pytest.mark.parametrize(
    "transcript", [_refusals, _two_members, _static_members, _topics_change, _members_without_topics, _both_protocols]
)
def test_both_brokers_answer_the_same(stage: _Stage, transcript: Callable[[_Stage], None]) -> None:
    transcript(stage)
    ours, apache = stage.sides
    assert ours.lines == apache.lines
