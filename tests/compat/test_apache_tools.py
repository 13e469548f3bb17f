"""Apache Kafka's own command line tools, against both brokers with the same expectations."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from kcon.core.release_levels import RELEASES, levels_of_release
from tests.compat.conftest import until

pytestmark = pytest.mark.java


def test_topics_are_created_listed_described_and_deleted(
    cluster: Any, kafka_tool: Any, unique: Callable[[str], str]
) -> None:
    topic = unique("tools")
    at = ("--bootstrap-server", cluster.bootstrap)
    created = kafka_tool(
        "kafka-topics", *at, "--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=12345"
    )
    assert created.code == 0, created.err
    describe = ("kafka-topics", *at, "--describe", "--topic", topic)
    described = until(lambda ran: ran.out.count("Isr: 1") == 3, kafka_tool, *describe)
    assert re.search(r"PartitionCount: 3\s+ReplicationFactor: 1", described.out)
    assert "retention.ms=12345" in described.out
    assert len(re.findall(r"Leader: 1\s+Replicas: 1\s+Isr: 1", described.out)) == 3
    again = kafka_tool("kafka-topics", *at, "--create", "--topic", topic)
    assert again.code == 1
    assert "already exists" in again.out + again.err
    deleted = kafka_tool("kafka-topics", *at, "--delete", "--topic", topic)
    assert deleted.code == 0, deleted.err
    listed = until(lambda ran: topic not in ran.lines, kafka_tool, "kafka-topics", *at, "--list")
    assert (listed.code, topic in listed.lines) == (0, False)


def test_the_console_producer_and_consumer(cluster: Any, kafka_tool: Any, unique: Callable[[str], str]) -> None:
    """The Java producer is idempotent by default and the consumer uses a group."""
    topic = unique("console")
    at = ("--bootstrap-server", cluster.bootstrap)
    assert kafka_tool("kafka-topics", *at, "--create", "--topic", topic, "--partitions", "1").code == 0
    # fmt: off
    wrote = kafka_tool("kafka-console-producer", *at, "--topic", topic,
                       "--reader-property", "parse.key=true", "--reader-property", "key.separator=:",
                       given=b"a:1\nb:2\nc:3\n")
    assert wrote.code == 0, wrote.err
    read = kafka_tool("kafka-console-consumer", *at, "--topic", topic, "--from-beginning", "--max-messages", "3",
                      "--formatter-property", "print.key=true", "--formatter-property", "print.offset=true",
                      "--timeout-ms", "20000")
    # fmt: on
    assert read.lines == ["Offset:0\ta\t1", "Offset:1\tb\t2", "Offset:2\tc\t3"], read.err


def test_groups_are_listed_described_and_reset(cluster: Any, kafka_tool: Any, unique: Callable[[str], str]) -> None:
    topic, group = unique("groups"), unique("readers")
    at = ("--bootstrap-server", cluster.bootstrap)
    kafka_tool("kafka-topics", *at, "--create", "--topic", topic, "--partitions", "1")
    kafka_tool("kafka-console-producer", *at, "--topic", topic, given=b"1\n2\n3\n4\n5\n")
    # fmt: off
    read = kafka_tool("kafka-console-consumer", *at, "--topic", topic, "--group", group, "--max-messages", "3",
                      "--from-beginning", "--timeout-ms", "20000")
    assert read.lines == ["1", "2", "3"], read.err
    assert group in kafka_tool("kafka-consumer-groups", *at, "--list").lines
    described = kafka_tool("kafka-consumer-groups", *at, "--describe", "--group", group)
    row = next(line.split() for line in described.lines if topic in line)
    assert row[:6] == [group, topic, "0", "3", "5", "2"], described.out + described.err
    reset = kafka_tool("kafka-consumer-groups", *at, "--group", group, "--reset-offsets", "--to-earliest",
                       "--topic", topic, "--execute")
    # fmt: on
    assert reset.code == 0, reset.err
    assert next(line.split() for line in reset.lines if topic in line)[:4] == [group, topic, "0", "0"]
    deleted = kafka_tool("kafka-consumer-groups", *at, "--delete", "--group", group)
    assert deleted.code == 0, deleted.err
    assert group not in kafka_tool("kafka-consumer-groups", *at, "--list").lines


def test_offsets_are_told(cluster: Any, kafka_tool: Any, unique: Callable[[str], str]) -> None:
    topic = unique("offsets")
    at = ("--bootstrap-server", cluster.bootstrap)
    kafka_tool("kafka-topics", *at, "--create", "--topic", topic, "--partitions", "1")
    kafka_tool("kafka-console-producer", *at, "--topic", topic, given=b"1\n2\n")
    told = until(lambda ran: bool(ran.lines), kafka_tool, "kafka-get-offsets", *at, "--topic", topic)
    assert told.lines == [f"{topic}:0:2"]


def test_the_segment_files_are_kafkas(cluster: Any, kafka_tool: Any, unique: Callable[[str], str]) -> None:
    """kafka-dump-log checks every checksum and both indexes."""
    topic = unique("dumped")
    at = ("--bootstrap-server", cluster.bootstrap)
    kafka_tool("kafka-topics", *at, "--create", "--topic", topic, "--partitions", "1")
    kafka_tool("kafka-console-producer", *at, "--topic", topic, given=b"one\ntwo\nthree\n")
    segment = cluster.data_dir / f"{topic}-0" / "00000000000000000000.log"
    dumped = kafka_tool("kafka-dump-log", "--files", str(segment), "--print-data-log", "--deep-iteration")
    assert dumped.code == 0, dumped.err
    assert re.findall(r"payload: (\w+)", dumped.out) == ["one", "two", "three"]
    assert "isvalid: true" in dumped.out
    assert "isvalid: false" not in dumped.out


@pytest.mark.parametrize("release", RELEASES)
def test_the_levels_of_a_release_are_apaches(apache_kafka: Any, kafka_tool: Any, release: str) -> None:
    told = kafka_tool(
        "kafka-features", "--bootstrap-server", apache_kafka.bootstrap, "version-mapping", "--release-version", release
    )
    levels = dict(re.findall(r"^([a-z.]+\.version)=(\d+)", told.out, re.MULTILINE))
    assert {name: int(level) for name, level in levels.items()} == levels_of_release(release), told.err
