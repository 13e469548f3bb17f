"""What `kcon produce` writes, against both brokers: templates, tombstones, times, partitioners, and its own JSON."""

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kcon.core.key_partition import murmur2
from tests.kcon.cli.shell import Shell


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


@pytest.fixture
def topic(shell: Shell, unique: Callable[[str], str]) -> Iterator[str]:
    name = unique("produced")
    shell("topic", "create", name, "-p", "5")
    yield name
    shell("topic", "delete", name, "-y")


def records(shell: Shell, topic: str) -> list[Any]:
    found = shell.ndjson("consume", topic, "-e", "-J")
    return sorted(found, key=lambda record: (record["timestamp"], record["partition"], record["offset"]))


def test_templates_count_and_repeat_by_their_seed(shell: Shell, topic: str) -> None:
    words = ("produce", topic, "-T", '{{"id": {n}, "r": {int:1:1000}}}', "-k", "k{int:1:3}", "-H", "at={time_ms}")
    for _ in range(2):
        shell(*words, "-n", "20", "--seed", "7")
    found = records(shell, topic)
    values = [json.loads(record["value"]) for record in found]
    assert sorted(value["id"] for value in values) == sorted([*range(1, 21)] * 2)
    assert len({record["value"] for record in found}) == 20, "the same seed, the same values"
    assert {record["key"] for record in found} <= {"k1", "k2", "k3"}
    assert all(int(record["headers"][0]["value"]) > 1_700_000_000_000 for record in found)


def test_values_are_taken_in_turn_up_to_the_count(shell: Shell, topic: str) -> None:
    shell("produce", topic, "a", "b", "-n", "5", "-p", "0")
    assert shell("consume", topic, "-e").out == b"a\nb\na\nb\na\n"


def test_a_tombstone_and_a_time(shell: Shell, topic: str) -> None:
    shell("produce", topic, "-k", "gone", "--tombstone", "--timestamp", "2026-01-31T14:05:00Z")
    (record,) = records(shell, topic)
    assert (record["key"], record["value"], record["timestamp"]) == ("gone", None, 1_769_868_300_000)


def test_what_consume_wrote_comes_back_the_same(shell: Shell, topic: str) -> None:
    shell("produce", topic, "-K", ":", "-H", "h=1", stdin=b"a:plain\nb:\xff\x00\n")
    shell("produce", topic, "-k", "gone", "--tombstone")
    before = records(shell, topic)
    shell("produce", topic, "-J", stdin="".join(json.dumps(record) + "\n" for record in before).encode())
    after = records(shell, topic)
    assert len(after) == 6
    bare = [{**record, "offset": 0} for record in after]
    assert all(bare.count(record) == 2 for record in bare), "twice the same, in the same partitions"
    ran = shell("produce", topic, "-J", stdin=b'{"key": "a"}\n{"value_b64": "!"}\n', code=2)
    assert "Line 2 is no record" in ran.err


@pytest.mark.parametrize("name", ["java", "librdkafka", "fnv1a"])
def test_a_key_goes_where_the_named_client_sends_it(shell: Shell, topic: str, name: str) -> None:
    keys = [f"key-{number}" for number in range(40)]
    shell("produce", topic, "-K", ":", "--partitioner", name, stdin="".join(f"{key}:v\n" for key in keys).encode())
    found = {record["key"]: record["partition"] for record in records(shell, topic)}
    ways: dict[str, Callable[[bytes], int]] = {
        "java": lambda key: (murmur2(key) & 0x7FFFFFFF) % 5,
        "librdkafka": lambda key: zlib.crc32(key) % 5,
        "fnv1a": lambda key: fnv1a(key) % 5,
    }
    assert found == {key: ways[name](key.encode()) for key in keys}


def fnv1a(data: bytes) -> int:
    """Sarama's reference: FNV-1a of 32 bits, its absolute value as a signed number."""
    hashed = 0x811C9DC5
    for byte in data:
        hashed = ((hashed ^ byte) * 0x01000193) & 0xFFFFFFFF
    signed = hashed - (1 << 32) if hashed >= 1 << 31 else hashed
    return abs(signed)


def test_acks_and_rate_are_taken(shell: Shell, topic: str) -> None:
    for acks in ("0", "1", "all"):
        shell("produce", topic, "v", "--acks", acks, "-p", "0")
    shell("produce", topic, "v", "-n", "4", "--rate", "200", "-p", "0")
    assert len(records(shell, topic)) >= 6


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("t", "v", "-J"), "the lines hold keys"),
        (("t", "--tombstone"), "wants a key"),
        (("t", "v", "-k", "a", "--tombstone"), "no value"),
        (("t", "v", "--seed", "1"), "for -T"),
        (("t", "-T"), "wants the VALUE"),
        (("t", "-n", "3"), "wants the VALUE"),
        (("t", "v", "--acks", "2"), "acks"),
        (("t", "v", "--partitioner", "md5"), "partitioner"),
        (("t", "v", "-n", "0"), "0 is not"),
        (("t", "{nope}", "-T"), "knows no {nope}"),
        (("t", "v", "--timestamp", "soon"), "soon"),
    ],
)
def test_wrong_words_are_usage_errors(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    assert part in Shell("127.0.0.1:1", tmp_path)("produce", *words, code=2).err
