"""How does a case play a member of a group? One class for each of the two group protocols.

A member has a connection of its own, so that a join may wait while others go on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kcon_broker.state.groups.consumer_protocol import read_assignment
from kcon_broker.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitions,
)
from kcon_broker.wire.messages.heartbeat import HeartbeatRequest
from kcon_broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from kcon_broker.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from kcon_broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse
from tests.semantics.kafka import Kafka

MEMBER_ID_REQUIRED = 79
Owned = dict[str, list[int]]


def subscription(*topics: str, owned: Mapping[str, Sequence[int]] | None = None) -> bytes:
    """Return a subscription of the "consumer" protocol type, version 0, or 1 with what is owned."""
    named = b"".join(len(topic).to_bytes(2, "big") + topic.encode() for topic in topics)
    start = (0 if owned is None else 1).to_bytes(2, "big") + len(topics).to_bytes(4, "big") + named
    return start + b"\xff" * 4 + (b"" if owned is None else _owned_bytes(owned))


def assignment(owned: Mapping[str, Sequence[int]]) -> bytes:
    """Return an assignment of the "consumer" protocol type, version 0."""
    return b"\0\0" + _owned_bytes(owned) + b"\xff" * 4


def assigned(data: bytes) -> Owned:
    """Return the partitions of an assignment."""
    return {topic: sorted(partitions) for topic, partitions in read_assignment(data)}


def _owned_bytes(owned: Mapping[str, Sequence[int]]) -> bytes:
    parts = [len(owned).to_bytes(4, "big")]
    for topic, partitions in owned.items():
        parts.append(len(topic).to_bytes(2, "big") + topic.encode() + len(partitions).to_bytes(4, "big"))
        parts += [partition.to_bytes(4, "big") for partition in partitions]
    return b"".join(parts)


class ClassicMember:
    """A member by JoinGroup, SyncGroup and Heartbeat."""

    def __init__(
        self,
        kafka: Kafka,
        group: str,
        *,
        instance: str | None = None,
        protocols: Mapping[str, bytes] | None = None,
        protocol_type: str = "consumer",
        session_ms: int = 30_000,
        rebalance_ms: int = 30_000,
    ) -> None:
        self._kafka = kafka
        self.group = group
        self.instance = instance
        self.protocols = protocols or {"range": subscription("any")}
        self.protocol_type = protocol_type
        self.member_id = ""
        self.generation = -1
        self._session_ms, self._rebalance_ms = session_ms, rebalance_ms
        self.on = f"member {id(self)}"

    def send_join(self, version: int = 9) -> None:
        """Ask to join; `joined` reads the answer."""
        request = JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=self._session_ms,
            rebalance_timeout_ms=self._rebalance_ms,
            member_id=self.member_id,
            group_instance_id=self.instance,
            protocol_type=self.protocol_type,
            protocols=[JoinGroupRequestProtocol(name=name, metadata=data) for name, data in self.protocols.items()],
        )
        self._kafka.send(request, version, self.on)

    def joined(self) -> JoinGroupResponse:
        """Return the answer to `send_join`, having noted the member id and the generation."""
        seen = self._kafka.receive(self.on)
        assert isinstance(seen.response, JoinGroupResponse), seen
        if not seen.response.error_code:
            self.generation = seen.response.generation_id
        if seen.response.member_id:
            self.member_id = seen.response.member_id
        return seen.response

    def get_id(self) -> None:
        """Take the first of the two steps of joining, unless static."""
        if not self.member_id and self.instance is None:
            self.send_join()
            assert self.joined().error_code == MEMBER_ID_REQUIRED

    def join(self, version: int = 9) -> JoinGroupResponse:
        """Join, in two steps where the broker asks for that."""
        self.send_join(version)
        answer = self.joined()
        if answer.error_code == MEMBER_ID_REQUIRED:
            self.send_join(version)
            answer = self.joined()
        return answer

    def send_sync(self, assignments: Mapping[str, bytes] | None = None, **fields: Any) -> None:
        """Ask for the assignment; a leader gives everybody's by member id."""
        given = [SyncGroupRequestAssignment(member_id=to, assignment=data) for to, data in (assignments or {}).items()]
        wanted: dict[str, Any] = {
            "group_id": self.group,
            "generation_id": self.generation,
            "member_id": self.member_id,
            "group_instance_id": self.instance,
            "protocol_type": self.protocol_type,
            "protocol_name": next(iter(self.protocols)),
            "assignments": given,
            **fields,
        }
        self._kafka.send(SyncGroupRequest(**wanted), 5, self.on)

    def synced(self) -> SyncGroupResponse:
        """Return the answer to `send_sync`."""
        seen = self._kafka.receive(self.on)
        assert isinstance(seen.response, SyncGroupResponse), seen
        return seen.response

    def sync(self, assignments: Mapping[str, bytes] | None = None, **fields: Any) -> SyncGroupResponse:
        """Ask for the assignment and wait for it."""
        self.send_sync(assignments, **fields)
        return self.synced()

    def stable(self) -> "ClassicMember":
        """Become the only member of a stable group, assigned b"all"."""
        assert not self.join().error_code
        assert not self.sync({self.member_id: b"all"}).error_code
        return self

    def heartbeat(self, **fields: Any) -> int:
        """Return the error code of a heartbeat."""
        wanted: dict[str, Any] = {
            "group_id": self.group,
            "generation_id": self.generation,
            "member_id": self.member_id,
            "group_instance_id": self.instance,
            **fields,
        }
        code: int = self._kafka.ask(HeartbeatRequest(**wanted), 4, self.on).error_code
        return code

    def leave(self) -> int:
        """Leave; return the member's error code."""
        identity = MemberIdentity(member_id=self.member_id, group_instance_id=self.instance)
        answer = self._kafka.ask(LeaveGroupRequest(group_id=self.group, members=[identity]), 5, self.on)
        code: int = answer.error_code or answer.members[0].error_code
        return code


class ConsumerMember:
    """A member by ConsumerGroupHeartbeat (KIP-848)."""

    def __init__(self, kafka: Kafka, group: str, *topics: str, instance: str | None = None) -> None:
        self._kafka = kafka
        self.group = group
        self.topics = list(topics)
        self.instance = instance
        self.member_id = kafka.fresh("member")
        self.epoch = 0
        self.owned: Owned = {}
        self.on = f"member {id(self)}"

    def beat(self, version: int = 1, **fields: Any) -> ConsumerGroupHeartbeatResponse:
        """Send a heartbeat with these fields only; note the epoch and the assignment that come back."""
        wanted: dict[str, Any] = {
            "group_id": self.group,
            "member_id": self.member_id,
            "member_epoch": self.epoch,
            "instance_id": self.instance,
            "rebalance_timeout_ms": -1,
            **fields,
        }
        answer = self._kafka.ask(ConsumerGroupHeartbeatRequest(**wanted), version, self.on)
        assert isinstance(answer, ConsumerGroupHeartbeatResponse)
        if not answer.error_code:
            self.epoch = answer.member_epoch
            if answer.assignment is not None:
                self.owned = self._named(answer.assignment.topic_partitions)
        return answer

    def join(self, **fields: Any) -> ConsumerGroupHeartbeatResponse:
        """Send the first heartbeat: the whole subscription, nothing owned."""
        wanted: dict[str, Any] = {
            "member_epoch": 0,
            "rebalance_timeout_ms": 30_000,
            "subscribed_topic_names": self.topics,
            "topic_partitions": [],
            **fields,
        }
        return self.beat(**wanted)

    def report(self) -> ConsumerGroupHeartbeatResponse:
        """Send a heartbeat that says what is owned, as a client does once it has changed that."""
        return self.beat(topic_partitions=self.owned_ids())

    def owned_ids(self) -> list[TopicPartitions]:
        """Return what is owned, as requests say it."""
        return [
            TopicPartitions(topic_id=self._kafka.topic_id(topic), partitions=partitions)
            for topic, partitions in self.owned.items()
        ]

    def until_owning(self, count: int) -> Owned:
        """Heartbeat until so many partitions are owned; return them."""
        self._kafka.until(self._owned_after_report, lambda owned: sum(map(len, owned.values())) == count)
        return self.owned

    def leave(self, epoch: int = -1) -> ConsumerGroupHeartbeatResponse:
        """Leave; -2 keeps the place of a static member."""
        kept = self.epoch
        answer = self.beat(member_epoch=epoch)
        self.epoch = kept
        return answer

    def _owned_after_report(self) -> Owned:
        answer = self.report()
        assert not answer.error_code, answer
        return self.owned

    def _named(self, assigned: Sequence[TopicPartitions]) -> Owned:
        names = {topic_id: name for name, topic_id in self._known_topics()}
        return {names[entry.topic_id]: sorted(entry.partitions) for entry in assigned}

    def _known_topics(self) -> list[tuple[str, bytes]]:
        side = self._kafka.broker.side
        return [
            (name.removeprefix("topic "), value) for name, value in side.values.items() if name.startswith("topic ")
        ]
