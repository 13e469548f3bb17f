"""Migrations between the embedded broker and Apache Kafka: everything arrives once, verified, and groups go on."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.kcon.cli.shell import Shell

pytestmark = pytest.mark.java

WAIT_S = 60.0


class Pair:
    """Two clusters, and topics of one test on the first."""

    def __init__(self, source: Shell, target: Shell) -> None:
        self.source = source
        self.target = target
        self.job = ""

    def migrate(self, *words: str, code: int = 0) -> Any:
        ends = (self.source.variables["KCON_BOOTSTRAP"], self.target.variables["KCON_BOOTSTRAP"])
        return self.target("migrate", *ends, *words, "--job", self.job, "-o", "json", code=code)


@pytest.fixture(params=["from-kcon", "from-apache"])
def pair(request: pytest.FixtureRequest, kcon_broker: Any, apache_kafka: Any, tmp_path: Path, unique: Any) -> Pair:
    clusters = [kcon_broker, apache_kafka]
    if request.param == "from-apache":
        clusters.reverse()
    made = Pair(*(Shell(cluster.bootstrap, tmp_path) for cluster in clusters))
    made.job = unique("job")
    return made


def settled(shell: Shell, topic: str, *more: str) -> bytes:
    """Return what a reader of committed records sees, once the markers of the last transaction are written."""
    deadline = time.monotonic() + WAIT_S
    while "hidden" in (ran := shell("consume", topic, "-e", *more)).err:
        assert time.monotonic() < deadline
    return ran.out


def contents(shell: Shell, topic: str) -> list[tuple[Any, ...]]:
    found = [json.loads(line) for line in settled(shell, topic, "-J").splitlines()]
    found.sort(key=lambda record: (record["partition"], record["offset"]))
    return [
        (
            *(record.get(name) for name in ("partition", "timestamp", "key", "key_b64", "value", "value_b64")),
            str(record["headers"]),
        )
        for record in found
    ]


@pytest.fixture
def topic(pair: Pair, unique: Callable[[str], str]) -> Iterator[str]:
    """Make a compacted topic with an aborted and a committed transaction, tombstones, headers and odd times."""
    name = unique("moved")
    pair.source("topic", "create", name, "-p", "2", "-c", "cleanup.policy=compact", "-c", "retention.ms=777000")
    bootstrap = pair.source.variables["KCON_BOOTSTRAP"]
    plain = Producer({"bootstrap.servers": bootstrap})
    in_transactions = Producer({"bootstrap.servers": bootstrap, "transactional.id": name})
    in_transactions.init_transactions(30)
    # Young records in one segment: neither broker compacts them while the test compares.
    now_ms = time.time_ns() // 1_000_000 - 60_000
    for round_number in range(3):
        for partition in (0, 1):
            for number in range(10):
                headers: Any = [("n", str(number)), ("n", b"\xff"), ("none", None)] if number % 3 else None
                plain.produce(
                    name, b"%d" % number, b"k%d" % number, partition, timestamp=now_ms + number, headers=headers
                )
            plain.produce(name, None, b"k%d" % round_number, partition, timestamp=-1)
            plain.produce(name, b"\xff\x00", b"", partition, timestamp=now_ms + 50)
        assert plain.flush(30) == 0
        in_transactions.begin_transaction()
        for partition in (0, 1):
            in_transactions.produce(name, b"in %d" % round_number, b"t", partition)
        in_transactions.flush(30)
        if round_number == 1:
            in_transactions.abort_transaction(30)
        else:
            in_transactions.commit_transaction(30)
    yield name
    for shell in (pair.source, pair.target):
        shell("topic", "delete", name, "-y", "--if-exists")


def commit(shell: Shell, group: str, topic: str, offsets: dict[int, int]) -> None:
    rows = "".join(f"{topic},{partition},{offset}\n" for partition, offset in offsets.items())
    shell("group", "reset", group, "--from-file", "-", "-t", topic, "-y", stdin=rows.encode())


def rest_for(shell: Shell, group: str, topic: str, partition: int) -> list[Any]:
    """Return the values from the group's commit on: what its next member gets."""
    consumer = Consumer({"bootstrap.servers": shell.variables["KCON_BOOTSTRAP"], "group.id": group})
    (committed,) = consumer.committed([TopicPartition(topic, partition)], timeout=30)
    consumer.close()
    lines = settled(shell, topic, "-p", str(partition), "-o", str(committed.offset), "-J").splitlines()
    return [json.loads(line).get("value") for line in lines]


def test_everything_moves_and_a_second_run_catches_up(pair: Pair, topic: str, unique: Callable[[str], str]) -> None:
    group, ahead = unique("group"), unique("ahead")
    commit(pair.source, group, topic, {0: 17, 1: 26})
    pair.source("group", "reset", ahead, "--to", "end", "-t", topic, "-y")
    plan = json.loads(pair.migrate(topic, "--dry-run").out)["items"]
    assert [(row["kind"], row["name"], row["action"]) for row in plan if row["name"] in {topic, group}] == [
        ("topic", topic, "create"),
        ("group", group, "commit (it is dead at the target)"),
    ]
    pair.target("topic", "describe", topic, code=5)
    pair.migrate(topic, code=6)
    moved = {row["name"]: row for row in json.loads(pair.migrate(topic, "-y").out)["items"]}
    assert contents(pair.target, topic) == contents(pair.source, topic)
    assert moved[topic]["verified"] == moved[topic]["copied"] == len(contents(pair.source, topic))
    (described,) = pair.target.json("topic", "describe", topic)["items"]
    assert {key: value for key, value in described["configs"].items() if key != "min.insync.replicas"} == {
        "cleanup.policy": "compact",
        "retention.ms": "777000",
    }
    for partition in (0, 1):
        assert rest_for(pair.target, group, topic, partition) == rest_for(pair.source, group, topic, partition)
        assert rest_for(pair.target, ahead, topic, partition) == []
    lags = [row["lag"] for row in pair.target.json("group", "lag", ahead)["items"]]
    assert lags == [0, 0]
    # What comes later is brought by the same command; a group that moved on at the target is left alone.
    pair.source("produce", topic, "later", "-p", "1", "-k", "later")
    commit(pair.target, group, topic, {0: 0})
    ran = pair.migrate(topic, "-y", code=6)
    again = {row["name"]: row for row in json.loads(ran.out)["items"]}
    assert (again[topic]["copied"], again[topic]["verified"]) == (1, 1)
    assert again[group]["result"] == "failed"
    assert "moved on at the target" in ran.out.decode()
    assert contents(pair.target, topic)[-1][4] == "later"
    assert rest_for(pair.target, ahead, topic, 1) == rest_for(pair.source, ahead, topic, 1) == ["later"]


def test_a_migration_that_is_killed_goes_on(pair: Pair, topic: str) -> None:
    pair.source("produce", topic, "-p", "0", "-k", "many", stdin=b"".join(b"%d\n" % n for n in range(500)))
    pair.source("produce", topic, "-p", "1", "-k", "large", stdin=b"x" * 100_000 + b"\n")
    ends = (pair.source.variables["KCON_BOOTSTRAP"], pair.target.variables["KCON_BOOTSTRAP"])
    running = pair.target.start("migrate", *ends, topic, "--job", pair.job, "-y", "--max-rate", "20kB")
    deadline = time.monotonic() + WAIT_S
    while not (seen := pair.target("consume", topic, "-e", "-q", "--isolation", "read_uncommitted", code=None)).out:
        assert time.monotonic() < deadline, seen
    running.kill()
    running.communicate(timeout=WAIT_S)
    (row,) = [each for each in json.loads(pair.migrate(topic, "-y").out)["items"] if each["name"] == topic]
    assert row["verified"] == row["copied"] + row["before"] == len(contents(pair.source, topic))
    assert contents(pair.target, topic) == contents(pair.source, topic)


def test_what_is_there_already_is_not_touched(pair: Pair, topic: str) -> None:
    pair.target("topic", "create", topic, "-p", "2")
    pair.target("produce", topic, "mine")
    ran = pair.migrate(topic, "-y", code=6)
    assert "cannot be moved" in ran.err
    assert settled(pair.target, topic) == b"mine\n"


def test_a_difference_at_the_target_is_found(pair: Pair, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes to the target meanwhile: the verification names the partition, and the settings stay safe."""
    from kcon.services import migration

    real = migration.Migration._verify

    async def meddle(self: Any, move: Any, *more: Any) -> int:
        producer = Producer({"bootstrap.servers": pair.target.variables["KCON_BOOTSTRAP"]})
        producer.produce(topic, b"foreign", b"k", 1)
        producer.flush(30)
        return await real(self, move, *more)

    monkeypatch.setattr(migration.Migration, "_verify", meddle)
    ran = pair.migrate(topic, "--no-groups", "-y", code=1)
    assert f"{topic}/1 differs" in ran.out.decode()
    (described,) = pair.target.json("topic", "describe", topic)["items"]
    assert described["configs"]["cleanup.policy"] == "delete"


def test_one_cluster_is_no_pair(kcon_broker: Any, tmp_path: Path) -> None:
    shell = Shell(kcon_broker.bootstrap, tmp_path)
    assert "same cluster" in shell("migrate", kcon_broker.bootstrap, kcon_broker.bootstrap, "-y", code=6).err
    assert "no context nowhere" in shell("migrate", "nowhere", kcon_broker.bootstrap, code=2).err
    shell.variables["KCON_READ_ONLY"] = "1"
    assert "read-only" in shell("migrate", "127.0.0.1:1", kcon_broker.bootstrap, "-y", code=6).err
