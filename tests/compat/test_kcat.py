"""kcat: what most people try first."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.kcat


def test_what_kcat_writes_kcat_reads(cluster: Any, kcat: Any, unique: Callable[[str], str]) -> None:
    """Keys, values, headers, null and order, through auto-creation of the topic."""
    topic = unique("kcat")
    given = b"k1\tv1\nk2\t\nk3\tv3\n"
    wrote = kcat(
        "-b", cluster.bootstrap, "-P", "-t", topic, "-K", "\t", "-Z", "-H", "origin=test", "-p", "0", given=given
    )
    assert wrote.code == 0, wrote.err
    read = kcat("-b", cluster.bootstrap, "-C", "-t", topic, "-e", "-q", "-f", "%k|%s|%S|%h|%o\\n")
    assert read.lines == ["k1|v1|2|origin=test|0", "k2||-1|origin=test|1", "k3|v3|2|origin=test|2"]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_comes_back_byte_for_byte(
    cluster: Any, kcat: Any, unique: Callable[[str], str], codec: str
) -> None:
    topic = unique(f"kcat-{codec}")
    lines = b"".join(
        b"line %d %s\n" % (index, hashlib.sha256(b"%d" % index).hexdigest().encode()) for index in range(5_000)
    )
    wrote = kcat("-b", cluster.bootstrap, "-P", "-t", topic, "-p", "0", "-z", codec, given=lines)
    assert wrote.code == 0, wrote.err
    read = kcat("-b", cluster.bootstrap, "-C", "-t", topic, "-e", "-q")
    assert hashlib.sha256(read.out.encode()).hexdigest() == hashlib.sha256(lines).hexdigest()


def test_positions_from_the_end_and_by_time(cluster: Any, kcat: Any, unique: Callable[[str], str]) -> None:
    topic = unique("kcat-positions")
    kcat("-b", cluster.bootstrap, "-P", "-t", topic, "-p", "0", given=b"".join(b"%d\n" % index for index in range(10)))
    assert kcat("-b", cluster.bootstrap, "-C", "-t", topic, "-o", "-3", "-e", "-q").lines == ["7", "8", "9"]
    assert kcat("-b", cluster.bootstrap, "-C", "-t", topic, "-o", "4", "-c", "2", "-q").lines == ["4", "5"]
    asked = kcat("-b", cluster.bootstrap, "-Q", "-t", f"{topic}:0:1")
    assert asked.lines == [f"{topic} [0] offset 0"]


def test_the_listing_names_the_topic_and_its_partitions(cluster: Any, kcat: Any, unique: Callable[[str], str]) -> None:
    topic = unique("kcat-listed")
    kcat("-b", cluster.bootstrap, "-P", "-t", topic, given=b"x\n")
    listed = kcat("-b", cluster.bootstrap, "-L", "-t", topic)
    assert f'topic "{topic}"' in listed.out
    assert "partition 0, leader 1, replicas: 1, isrs: 1" in listed.out


def test_a_group_commits_and_goes_on(cluster: Any, kcat: Any, unique: Callable[[str], str]) -> None:
    topic, group = unique("kcat-group"), unique("kcat-members")
    kcat("-b", cluster.bootstrap, "-P", "-t", topic, "-p", "0", given=b"1\n2\n3\n")
    arguments = ("-b", cluster.bootstrap, "-G", group, "-X", "auto.offset.reset=earliest", "-q")
    assert kcat(*arguments, "-c", "3", topic).lines == ["1", "2", "3"]
    kcat("-b", cluster.bootstrap, "-P", "-t", topic, "-p", "0", given=b"4\n5\n")
    assert kcat(*arguments, "-c", "2", topic).lines == ["4", "5"]
