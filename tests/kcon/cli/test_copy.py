"""Copy and redrive against both brokers: exact bytes, each record once whatever interrupts it, and where it goes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.kcon.cli.shell import Shell

WAIT_S = 60.0


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


def records(shell: Shell, topic: str) -> list[dict[str, Any]]:
    """Return what a reader of committed records sees, once the markers of the last transaction are written."""
    deadline = time.monotonic() + WAIT_S
    while "hidden" in (ran := shell("consume", topic, "-e", "-J")).err:
        assert time.monotonic() < deadline
    found = [json.loads(line) for line in ran.out.splitlines()]
    return sorted(found, key=lambda record: (record["partition"], record["offset"]))


def bare(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return all of the records but their offsets."""
    return [
        (
            record["partition"],
            record["timestamp"],
            record["key"] if "key" in record else record["key_b64"],
            record["value"] if "value" in record else record["value_b64"],
            record["headers"],
        )
        for record in found
    ]


def fill(bootstrap: str, topic: str) -> None:
    """Write what is easily spoiled: nulls, empty bytes, no text, repeated headers, odd times."""
    producer = Producer({"bootstrap.servers": bootstrap})
    now_ms = time.time_ns() // 1_000_000
    headers: list[tuple[str, str | bytes | None]] = [("a", b"1"), ("a", b"\xff"), ("empty", b""), ("null", None)]
    for partition in (0, 1):
        producer.produce(topic, b"v", b"k", partition, timestamp=now_ms - 5, headers=headers)
        producer.produce(topic, None, b"gone", partition, timestamp=now_ms - 4)
        producer.produce(topic, b"", b"", partition, timestamp=now_ms - 3)
        producer.produce(topic, b"\xff\x00\xfe", None, partition, timestamp=now_ms - 2)
        producer.produce(topic, b"x" * 50_000, b"long", partition, timestamp=now_ms)
    assert producer.flush(30) == 0


@pytest.fixture
def topic(shell: Shell, cluster: Any, unique: Callable[[str], str]) -> str:
    name = unique("source")
    shell("topic", "create", name, "-p", "2", "-c", "retention.ms=777000")
    fill(cluster.bootstrap, name)
    return name


def test_a_copy_is_exact_and_a_second_one_brings_only_what_is_new(shell: Shell, cluster: Any, topic: str) -> None:
    target = f"{topic}-copy"
    assert "does not exist" in shell("copy", topic, target, "-y", code=5).err
    dry = shell.json("copy", topic, target, "--create", "--dry-run")
    assert [(row["partition"], row["from"], row["to"], row["into"]) for row in dry["items"]] == [
        (0, 0, 5, "0"),
        (1, 0, 5, "1"),
    ]
    shell("topic", "describe", target, code=5)
    shell("copy", topic, target, "--create", code=6)
    (report,) = shell.json("copy", topic, target, "--create", "-y")["items"]
    assert (report["copied"], report["before"]) == (10, 0)
    assert bare(records(shell, target)) == bare(records(shell, topic))
    (described,) = shell.json("topic", "describe", target)["items"]
    assert described["configs"]["retention.ms"] == "777000"
    (report,) = shell.json("copy", topic, target, "-y")["items"]
    assert (report["copied"], report["before"]) == (0, 10)
    shell("produce", topic, "later", "-p", "1")
    (report,) = shell.json("copy", topic, target, "--create", "-y")["items"]
    assert (report["copied"], report["before"]) == (1, 10)
    assert bare(records(shell, target)) == bare(records(shell, topic))


def test_a_filter_a_range_and_the_key_choose(shell: Shell, topic: str) -> None:
    target = f"{topic}-part"
    shell("topic", "create", target, "-p", "1")
    assert "--by-key" in shell("copy", topic, target, "-y", code=2).err
    words = ("copy", topic, target, "--by-key", "-o", "0..3", "-p", "1", "--where", "key_size >= 1", "-y")
    (report,) = shell.json(*words)["items"]
    assert (report["copied"], report["left_out"]) == (2, 1)
    assert [record["key"] for record in records(shell, target)] == ["k", "gone"]
    assert "same topic" in shell("copy", topic, topic, "-y", code=6).err
    assert "begun with other words" in shell(*words[:-1], "--job", report["job"], "--provenance", "-y", code=6).err


def test_another_cluster_is_named_by_context_or_address(shell: Shell, cluster: Any, topic: str, tmp_path: Path) -> None:
    target = f"{topic}-over"
    shell("topic", "create", target, "-p", "2")
    shell("context", "add", "there", "-b", cluster.bootstrap)
    (report,) = shell.json("copy", topic, f"there:{target}", "-p", "0", "-y")["items"]
    assert report["copied"] == 5
    (report,) = shell.json("copy", f"there:{topic}", f"{cluster.bootstrap}:{target}", "-p", "1", "-y")["items"]
    assert report["copied"] == 5
    assert "no context nowhere" in shell("copy", topic, f"nowhere:{target}", "-y", code=2).err
    shell("context", "add", "locked", "-b", cluster.bootstrap, "--mode", "read-only")
    assert "read-only" in shell("copy", topic, f"locked:{target}", "-y", code=6).err
    shell("copy", f"locked:{topic}", target, "--again", "-y", "-p", "0")


def test_a_copy_that_is_killed_goes_on_without_loss_or_duplicates(shell: Shell, topic: str) -> None:
    target = f"{topic}-killed"
    shell("produce", topic, "-p", "0", stdin=b"".join(b"%d\n" % n for n in range(300)))
    shell("topic", "create", target, "-p", "2")
    running = shell.start("copy", topic, target, "-p", "0", "-y", "--max-rate", "10kB")
    assert running.stderr is not None
    # The long record is behind the pace, so that the process is killed in a transaction with records in it.
    deadline = time.monotonic() + WAIT_S
    while not shell("consume", target, "-e", "-q", "--isolation", "read_uncommitted").out:
        assert time.monotonic() < deadline
    running.kill()
    running.communicate(timeout=WAIT_S)
    (report,) = shell.json("copy", topic, target, "-p", "0", "-y")["items"]
    assert report["before"] + report["copied"] == 305
    source = [each for each in bare(records(shell, topic)) if each[0] == 0]
    assert bare(records(shell, target)) == source


def test_a_dead_letter_goes_back_once(shell: Shell, topic: str, unique: Callable[[str], str]) -> None:
    """Stall, record, DLQ, back: with the exact bytes, and once however often it is asked for."""
    dead = unique("dead")
    shell("topic", "create", dead, "-p", "1")
    words = ("copy", f"{topic}/1/3", dead, "--by-key", "--provenance", "--reason", "no currency", "-y")
    shell(*words)
    shell(*words)
    (letter,) = records(shell, dead)
    assert letter["value_b64"] == "/wD+"
    told = {header["name"]: header["value"] for header in letter["headers"]}
    assert told["kcon.origin.topic"] == topic
    assert (told["kcon.origin.partition"], told["kcon.origin.offset"]) == ("1", "3")
    assert told["kcon.origin.reason"] == "no currency"
    plan = shell.json("redrive", dead, "--dry-run")["items"]
    assert plan == [{"source": dead, "target": topic, "records": 1}]
    shell("redrive", dead, code=6)
    for expected in (1, 0):
        answer = shell.json("redrive", dead, "-y")
        assert [item.get("copied") for item in answer["items"]] == [expected][: len(answer["items"])]
    back = [record for record in records(shell, topic) if record["headers"] and record["offset"] >= 5]
    assert [record["value_b64"] for record in back] == ["/wD+"]
    assert {"kcon.redrive.topic", "kcon.redrive.offset"} <= {header["name"] for header in back[0]["headers"]}
    shell("copy", f"{topic}/1/4711", dead, "-y", code=5)


def test_a_letter_without_an_origin_stops_the_redrive(shell: Shell, topic: str, unique: Callable[[str], str]) -> None:
    dead = unique("dead")
    shell("topic", "create", dead, "-p", "1")
    shell("produce", dead, "v", "-H", f"__connect.errors.topic={topic}")
    shell("produce", dead, "orphan")
    ran = shell("redrive", dead, "-y", code=1)
    assert f"{dead}/0/1" in ran.err
    assert len(records(shell, topic)) == 10
    # Chosen apart, each goes where it should.
    shell("redrive", dead, "--where", "has(headers['__connect.errors.topic'])", "-y", code=2)
    shell("redrive", dead, "--where", "'__connect.errors.topic' in headers", "-y")
    assert len(records(shell, topic)) == 11
    shell("redrive", dead, "--to", f"{topic}-none", "-o", "1..2", "-y", code=5)
    shell("redrive", dead, "--to", topic, "-o", "1..2", "-y")
    assert len(records(shell, topic)) == 12


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("copy", ":t", "u"), "names no topic"),
        (("copy", "t", "c:"), "names no topic"),
        (("copy", "t/0/1", "u", "-o", "3"), "leave -o and -p out"),
        (("copy", "t/0", "u"), "TOPIC/PARTITION/OFFSET"),
        (("copy", "t", "u", "--reason", "x"), "--provenance"),
        (("copy", "t", "u", "--job", "a/b"), "no name for a job"),
        (("copy", "t", "u", "--where", "nope > 1"), "undeclared reference"),
        (("redrive", "t", "--where", "value.a >"), "Syntax error"),
        (("redrive", "t", "-o", "json"), "-o is the offset here"),
    ],
)
def test_wrong_words_are_usage_errors(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    assert part in Shell("127.0.0.1:1", tmp_path)(*words, code=2).err
