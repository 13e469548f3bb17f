"""Do real clients of the new group protocol (KIP-848) share topics through our broker, as through Apache Kafka?"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupType, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tests.compat.conftest import until
from tests.kcon_broker.raw_client import RawClient

WAIT_S = 60.0
"""Clients hear of a change with their next heartbeat, which the broker lets them send every five seconds."""
POLL_S = 0.05
PARTITIONS = 6


class Fleet:
    """Consumers of one group, and every record that any of them was given."""

    def __init__(self, bootstrap: str, group: str, *topics: str) -> None:
        self._config = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "topic.metadata.refresh.interval.ms": 1_000,
        }
        self._topics = list(topics)
        self.members: list[Consumer] = []
        self.received: Counter[bytes | None] = Counter()

    def enter(self, **config: Any) -> None:
        consumer = Consumer({**self._config, **config})
        consumer.subscribe(self._topics)
        self.members.append(consumer)

    def leave(self) -> None:
        self.members.pop(0).close()

    def shares(self) -> list[int]:
        return sorted(len(member.assignment()) for member in self.members)

    def serve_until(self, is_met: Callable[[], bool]) -> None:
        """Poll every member until a condition holds; fail after a while."""
        deadline = time.monotonic() + WAIT_S
        while not is_met():
            assert time.monotonic() < deadline, (self.shares(), sum(self.received.values()))
            for member in self.members:
                message = member.poll(POLL_S / len(self.members))
                if message is not None:
                    assert message.error() is None, message.error()
                    self.received[message.value()] += 1

    def close(self) -> None:
        while self.members:
            self.leave()


def create(bootstrap: str, topic: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(WAIT_S)


def produce(bootstrap: str, topic: str, numbers: range) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in numbers:
        producer.produce(topic, str(number), partition=number % PARTITIONS)
    assert producer.flush(WAIT_S) == 0


def test_the_protocol_is_announced(cluster: Any) -> None:
    """Clients look for the feature and for both APIs before they use them."""
    with RawClient(cluster.bootstrap) as client:
        request = ApiVersionsRequest(client_software_name="kcon", client_software_version="1")
        answer = client.ask(request, ApiVersionsResponse, 4)
    ranges = {key.api_key: (key.min_version, key.max_version) for key in answer.api_keys}
    assert (ranges[ApiKey.CONSUMER_GROUP_HEARTBEAT], ranges[ApiKey.CONSUMER_GROUP_DESCRIBE]) == ((0, 1), (0, 1))
    levels = {known.name: known.max_version_level for known in answer.finalized_features}
    assert levels["group.version"] == 1


def test_three_members_come_and_go_and_each_record_is_read_once(cluster: Any, unique: Callable[[str], str]) -> None:
    topic, group = unique("shared"), unique("members")
    create(cluster.bootstrap, topic, PARTITIONS)
    fleet = Fleet(cluster.bootstrap, group, topic)
    try:
        fleet.enter()
        produce(cluster.bootstrap, topic, range(300))
        fleet.serve_until(lambda: fleet.shares() == [6] and sum(fleet.received.values()) == 300)
        fleet.enter()
        fleet.enter()
        produce(cluster.bootstrap, topic, range(300, 600))
        fleet.serve_until(lambda: fleet.shares() == [2, 2, 2] and sum(fleet.received.values()) == 600)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        listed = {known.group_id: known.type for known in admin.list_consumer_groups().result(WAIT_S).valid}
        assert listed[group] is ConsumerGroupType.CONSUMER
        described = admin.describe_consumer_groups([group])[group].result(WAIT_S)
        owned = [part.partition for member in described.members for part in member.assignment.topic_partitions]
        assert sorted(owned) == list(range(PARTITIONS))
        fleet.leave()
        produce(cluster.bootstrap, topic, range(600, 900))
        fleet.serve_until(lambda: fleet.shares() == [3, 3] and sum(fleet.received.values()) == 900)
    finally:
        fleet.close()
    assert fleet.received == Counter({str(number).encode(): 1 for number in range(900)})


def test_a_static_member_restarts_without_a_rebalance(cluster: Any, unique: Callable[[str], str]) -> None:
    topic, group = unique("static"), unique("members")
    create(cluster.bootstrap, topic, 4)
    fleet = Fleet(cluster.bootstrap, group, topic)
    try:
        fleet.enter(**{"group.instance.id": "one"})
        fleet.enter(**{"group.instance.id": "two"})
        fleet.serve_until(lambda: fleet.shares() == [2, 2])
        before = [{part.partition for part in member.assignment()} for member in fleet.members]
        fleet.leave()
        fleet.enter(**{"group.instance.id": "one"})
        fleet.serve_until(lambda: fleet.shares() == [2, 2])
        assert [{part.partition for part in member.assignment()} for member in fleet.members] == before[::-1]
    finally:
        fleet.close()


def test_a_subscription_by_expression_finds_new_topics(cluster: Any, unique: Callable[[str], str]) -> None:
    pytest.importorskip("re2", reason="needs the extra 'regex' (google-re2)")
    stem = unique("matching")
    create(cluster.bootstrap, f"{stem}-a", 2)
    fleet = Fleet(cluster.bootstrap, unique("members"), f"^{stem}-.*")
    try:
        fleet.enter()
        fleet.serve_until(lambda: fleet.shares() == [2])
        create(cluster.bootstrap, f"{stem}-b", 3)
        fleet.serve_until(lambda: fleet.shares() == [5])
    finally:
        fleet.close()


@pytest.mark.java
def test_javas_consumer_and_tools_use_the_new_protocol(
    cluster: Any, kafka_tool: Any, unique: Callable[[str], str]
) -> None:
    topic, group = unique("java"), unique("readers")
    at = ("--bootstrap-server", cluster.bootstrap)
    create(cluster.bootstrap, topic, 1)
    kafka_tool("kafka-console-producer", *at, "--topic", topic, given=b"1\n2\n3\n4\n5\n")
    # fmt: off
    read = kafka_tool("kafka-console-consumer", *at, "--topic", topic, "--group", group, "--max-messages", "3",
                      "--from-beginning", "--timeout-ms", "20000",
                      "--command-property", "group.protocol=consumer")
    assert read.lines == ["1", "2", "3"], read.err
    # The consumer does not wait for the answer to its last heartbeat.
    state = until(lambda ran: "Empty" in ran.out, kafka_tool, "kafka-consumer-groups", *at, "--describe", "--state",
                  "--verbose", "--group", group)
    assert "Empty" in state.out, state.err
    listed = kafka_tool("kafka-consumer-groups", *at, "--list", "--type", "consumer")
    assert group in listed.out, listed.err
    described = kafka_tool("kafka-consumer-groups", *at, "--describe", "--group", group)
    row = next(line.split() for line in described.lines if topic in line)
    assert row[:6] == [group, topic, "0", "3", "5", "2"], described.out + described.err
    reset = kafka_tool("kafka-consumer-groups", *at, "--group", group, "--reset-offsets", "--to-earliest",
                       "--topic", topic, "--execute")
    # fmt: on
    assert next(line.split() for line in reset.lines if topic in line)[:4] == [group, topic, "0", "0"]
    deleted = kafka_tool("kafka-consumer-groups", *at, "--delete", "--group", group)
    assert deleted.code == 0, deleted.err


@pytest.mark.java
def test_apaches_tool_reads_the_records_of_groups(cluster: Any, kafka_tool: Any, unique: Callable[[str], str]) -> None:
    """Another broker must be able to go on with our log."""
    topic, group = unique("recorded"), unique("members")
    create(cluster.bootstrap, topic, 2)
    fleet = Fleet(cluster.bootstrap, group, topic)
    try:
        fleet.enter()
        fleet.serve_until(lambda: fleet.shares() == [2])
    finally:
        fleet.close()
    segments = [str(path) for path in sorted(cluster.data_dir.glob("__consumer_offsets-*/*.log")) if _has(path, group)]
    assert segments
    dumped = kafka_tool("kafka-dump-log", "--files", ",".join(segments), "--offsets-decoder", "--print-data-log")
    assert dumped.code == 0, dumped.err
    lines = [line for line in dumped.lines if group in line]
    for kind in (3, 5, 6, 7, 8):
        assert any(f'"type":"{kind}"' in line for line in lines), lines
    assert any('"subscribedTopicNames":' in line and topic in line for line in lines)
    assert any('"assignedPartitions":' in line and '"partitions":[0,1]' in line for line in lines)


def _has(segment: Path, group: str) -> bool:
    return group.encode() in segment.read_bytes()
