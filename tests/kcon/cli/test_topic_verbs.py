"""Apply, clone, health, analyze, consumers and producers of topics, against both brokers; golden bytes without one."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kcon.cli.shell import Shell

WAIT_S = 30.0


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


def settles(is_so: Callable[[], bool]) -> None:
    """Wait until a change shows in KRaft's metadata."""
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline


def test_a_file_makes_topics_and_then_there_is_nothing_left_to_do(
    shell: Shell, unique: Callable[[str], str], tmp_path: Path
) -> None:
    name, other = unique("applied"), unique("other")
    path = tmp_path / "topics.toml"
    path.write_text(f'[topic.{name}]\npartitions = 2\n[topic.{name}.config]\n"retention.ms" = 777000\n')
    words = ("topic", "apply", "-f", str(path))
    shell(*words, "--diff", code=7)
    shell(*words, "--dry-run")
    shell("topic", "describe", name, code=5)
    shell(*words, code=6)
    shell(*words, "-y")
    settles(lambda: shell(*words, "--diff", code=None).code == 0)
    path.write_text(path.read_text().replace("= 2", "= 4").replace("777000", "888000") + f"[topic.{other}]\n")
    answer = shell.json(*words, "-y")
    assert {(row["action"], row["what"], row["result"]) for row in answer["items"] if row["topic"] == name} == {
        ("add-partitions", "partitions", "done"),
        ("set", "retention.ms", "done"),
    }
    settles(lambda: shell(*words, "--diff", code=None).code == 0)
    (described,) = shell.json("topic", "describe", name)["items"]
    assert (len(described["partitions"]), described["configs"]["retention.ms"]) == (4, "888000")
    # Taking away is asked for, twice.
    path.write_text(f"[topic.{name}]\n")
    assert shell.json(*words, "--dry-run")["items"] == []
    shell(*words, "--reset-others", "--delete", other, "-y")
    settles(lambda: shell("topic", "describe", other, code=None).code == 5)
    settles(lambda: "retention.ms" not in shell.json("topic", "describe", name)["items"][0]["configs"])
    path.write_text(f"[topic.{name}]\npartitions = 1\n")
    assert "cannot take any away" in shell(*words, "-y", code=6).err
    shell("topic", "delete", name, "-y")


def test_a_setting_that_the_cluster_refuses_fails_alone(shell: Shell, unique: Callable[[str], str]) -> None:
    good, bad = unique("good"), unique("bad")
    text = f'[topic.{good}]\npartitions = 1\n[topic.{bad}.config]\n"retention.ms" = "soon"\n'
    ran = shell("topic", "apply", "-f", "-", "-y", "-o", "json", stdin=text.encode(), code=1)
    assert {row["topic"]: row["result"] for row in ran.items()} == {good: "done", bad: "failed"}
    shell("topic", "describe", good)
    shell("topic", "delete", good, "-y")


def test_a_clone_has_the_shape_and_not_the_records(shell: Shell, unique: Callable[[str], str]) -> None:
    name = unique("shape")
    clone = f"{name}-clone"
    shell("topic", "create", name, "-p", "3", "-c", "retention.ms=777000")
    shell("produce", name, "v")
    shell("topic", "clone", name, clone, "--dry-run")
    shell("topic", "describe", clone, code=5)
    shell("topic", "clone", name, clone, "-c", "segment.bytes=10000000")
    (described,) = shell.json("topic", "describe", clone)["items"]
    assert len(described["partitions"]) == 3
    assert described["configs"]["retention.ms"] == "777000"
    assert described["configs"]["segment.bytes"] == "10000000"
    assert all(part["end"] == 0 for part in described["partitions"])
    shell("topic", "clone", name, clone, code=1)
    shell("topic", "clone", f"{name}-none", clone, code=5)
    for each in (name, clone):
        shell("topic", "delete", each, "-y")


def test_who_consumes_and_who_produces(shell: Shell, unique: Callable[[str], str]) -> None:
    name, group = unique("used"), unique("group")
    shell("topic", "create", name, "-p", "2")
    shell("produce", name, "a", "b", "c", "-p", "0")
    shell("group", "reset", group, "--to", "start+1", "-t", f"{name}:0", "-y")
    settles(lambda: bool(shell.json("topic", "consumers", name)["items"]))
    (row,) = shell.json("topic", "consumers", name)["items"]
    assert row == {"topic": name, "group": group, "state": "Empty", "members": 0, "partitions": 1, "lag": 2}
    settles(lambda: bool(shell.json("topic", "producers", name)["items"]))
    (row,) = shell.json("topic", "producers", name)["items"]
    assert (row["topic"], row["partitions"], row["open_transactions"]) == (name, 1, 0)
    assert abs(row["last_time"] - time.time() * 1_000) < 600_000
    for verb in ("consumers", "producers", "analyze"):
        shell("topic", verb, f"{name}-none", code=5)
    shell("topic", "delete", name, "-y")


def test_a_sample_tells_sizes_keys_and_formats(shell: Shell, unique: Callable[[str], str]) -> None:
    name = unique("sample")
    shell("topic", "create", name, "-p", "2")
    shell("produce", name, "-p", "0", "-K", ":", "-H", "h=1", stdin=b'a:{"n": 1}\na:plain\nb:xx\n')
    shell("produce", name, "-p", "1", "-Z", "NULL", "-k", "a", "NULL")
    shell("produce", name, "-p", "1", stdin=b"\x00\x00\x00\x00\x07rest\n")
    (item,) = shell.json("topic", "analyze", name)["items"]
    assert (item["span"], item["sampled"], item["tombstones"], item["without_key"]) == (5, 5, 1, 1)
    assert item["formats"] == {"text": 2, "json": 1, "schema id 7": 1}
    assert item["top_keys"][0] == {"key": "a", "records": 3}
    assert item["value_sizes"] == {"min": 2, "median": 8, "p95": 8, "max": 9}
    assert item["headers"] == {"h": 3}
    assert item["largest_share"] == 0.6
    (item,) = shell.json("topic", "analyze", name, "-n", "1")["items"]
    assert item["sampled"] == 2
    assert "schema id 7" in shell("topic", "analyze", name, "-o", "table").out.decode()
    shell("topic", "delete", name, "-y")


def test_a_healthy_cluster_has_no_ailing_topics(shell: Shell, unique: Callable[[str], str]) -> None:
    """One node cannot be under-replicated, nor below a minimum of two: it is capped, so acks=all is taken."""
    name = unique("health")
    shell("topic", "create", name, "-c", "min.insync.replicas=2")
    for option in ("--urp", "--offline", "--at-min-isr", "--under-min-isr"):
        assert shell.json("topic", "list", name, option)["items"] == []
    shell("produce", name, "--acks", "all", "taken")
    shell("topic", "delete", name, "-y")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "tsv",
            """\
topic\taction\twhat\tcurrent\twanted
orders\tadd-partitions\tpartitions\t3\t4
orders\tset\tretention.ms\t1000\t5
""",
        ),
        (
            "csv",
            "topic,action,what,current,wanted\norders,add-partitions,partitions,3,4\norders,set,retention.ms,1000,5\n",
        ),
        ("name", "orders\norders\n"),
        (
            "table",
            """\
TOPIC   ACTION          WHAT          CURRENT  WANTED
orders  add-partitions  partitions    3        4
orders  set             retention.ms  1000     5
""",
        ),
    ],
)
def test_golden_plan(orders: Any, kcon: Any, output: str, expected: str) -> None:
    text = b'[topic.orders]\npartitions = 4\n[topic.orders.config]\n"retention.ms" = 5\n'
    ran = kcon("topic", "apply", "-f", "-", "--dry-run", "-o", output, stdin=text)
    assert (ran.code, ran.out) == (0, expected)


def test_golden_json(orders: Any, kcon: Any) -> None:
    ran = kcon("topic", "apply", "-f", "-", "--diff", "-o", "json", stdin=b"[topic.orders]\npartitions = 4\n")
    assert ran.code == 7
    assert json.loads(ran.out) == {
        "kind": "TopicApply",
        "apiVersion": "kcon/v1",
        "context": "(none)",
        "items": [{"topic": "orders", "action": "add-partitions", "what": "partitions", "current": "3", "wanted": "4"}],
        "errors": [],
    }


def test_wrong_words(orders: Any, kcon: Any) -> None:
    assert kcon("topic", "apply").code == 2
    assert kcon("topic", "apply", "-f", "/nowhere/x.toml").code == 2
    assert kcon("topic", "apply", "-f", "-", "--diff", "-y").code == 2
    assert kcon("topic", "clone", "orders").code == 2
    assert kcon("topic", "analyze", "orders", "-n", "0").code == 2
    assert kcon("topic", "analyze", "orders", "-n", "100001").code == 2
