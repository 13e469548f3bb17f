"""The stories that make people change tools, each with what would spoil it, on both brokers.

The story of a record that stops a group is `transcripts/poison.txt`; that `kcon why` names no cause from thin data is
judged by `tests/verdicts`, and what it says when it has not seen enough is here.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from tests.kcon.cli.shell import Shell

WAIT_S = 60.0
JANUARY_14_05_PARIS_MS = 1_769_864_700_000
"""2026-01-31T14:05+01:00."""
HOUR_MS = 3_600_000


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


@pytest.fixture
def topic(shell: Shell, unique: Callable[[str], str]) -> Iterator[str]:
    name = unique("story")
    shell("topic", "create", name, "-p", "1")
    yield name
    shell("topic", "delete", name, "-y")


def write_each_half_hour(cluster: Any, topic: str, count: int) -> None:
    """Write records half an hour apart; the one in the middle is of 14:05 in Paris."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(count):
        time_ms = JANUARY_14_05_PARIS_MS + (number - count // 2) * HOUR_MS // 2
        producer.produce(topic, b"%d" % number, partition=0, timestamp=time_ms)
    assert producer.flush(WAIT_S) == 0


# --- a reset to a time, and back ----------------------------------------------------------------------------------


def test_a_time_without_a_zone_is_of_the_zone_that_the_plan_names(cluster: Any, shell: Shell, topic: str) -> None:
    """Spoiled by the wrong zone: an hour of records read again, or never."""
    write_each_half_hour(cluster, topic, 10)
    shell("consume", topic, "-g", topic, "-e", "-q")
    for zone, offset in (("Europe/Paris", 5), ("UTC", 7), ("Europe/London", 7)):
        words = ("group", "reset", topic, "--to", "@2026-01-31T14:05", "--dry-run", "--tz", zone)
        (row,) = shell.json(*words)["items"]
        assert (row["current"], row["new"]) == (10, offset), zone
        plan = shell(*words, "--output", "table").out.decode()
        assert zone in plan
        assert "2026-01-31T14:05:00" in plan
    (row,) = shell.json("group", "reset", topic, "--to", "@2026-01-31T14:05+01:00", "--dry-run")["items"]
    assert row["new"] == 5
    shell("group", "delete", topic, "-y")


def test_an_undo_shows_the_progress_that_it_takes_away(cluster: Any, shell: Shell, topic: str) -> None:
    """Spoiled by an undo that silently throws away what was read since."""
    write_each_half_hour(cluster, topic, 10)
    shell("consume", topic, "-g", topic, "-e", "-q")
    shell("group", "reset", topic, "--to", "start", "-y")
    shell("consume", topic, "-g", topic, "-n", "4", "-q")
    refused = shell("group", "undo", topic, code=6)
    assert "Not confirmed" in refused.err
    (row,) = shell.json("group", "undo", topic, "--dry-run")["items"]
    assert (row["current"], row["restored"], row["moved"]) == (4, 10, 4)
    assert [row["committed"] for row in shell.json("group", "lag", topic)["items"]] == [4]
    shell("group", "undo", topic, "-y")
    assert [row["committed"] for row in shell.json("group", "lag", topic)["items"]] == [10]
    shell("group", "delete", topic, "-y")


# --- a search among many, with honest coverage --------------------------------------------------------------------


def test_a_search_ends_while_the_topic_grows_and_says_how_far_it_looked(cluster: Any, shell: Shell, topic: str) -> None:
    """Spoiled by a bound that never ends, and by a row that is of another kind."""
    shell("produce", topic, stdin=b'{"n": 1}\n[1]\n"n"\nplain\n{"n": "one"}\n{"n": 2}\n')
    stopping = threading.Event()

    def grow() -> None:
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})
        while not stopping.is_set():
            producer.produce(topic, b'{"n": 7}')
            producer.flush(WAIT_S)

    grower = threading.Thread(target=grow)
    grower.start()
    try:
        answer = shell.json("search", topic, "--where", "value.n > 0")
    finally:
        stopping.set()
        grower.join(WAIT_S)
    (looked,) = answer["coverage"]
    assert looked["complete"]
    assert looked["searched_to"] == looked["end"]
    found = {item["offset"] for item in answer["items"]}
    assert found == {0, 5, *range(6, looked["end"])}


def test_a_search_says_what_it_will_read_before_it_reads(shell: Shell, topic: str) -> None:
    """Spoiled by flooding the line of a jump host: an estimate reads nothing, and a rate bounds what does."""
    shell("produce", topic, stdin=b"x" * 1_000 + b"\n")
    told = shell("search", topic, "--where", "value == 'y'", "--estimate")
    assert told.out == b""
    assert "1 offset" in told.err
    assert (
        shell("search", topic, "--where", "value_size == 1000", "--max-rate", "1MB", "-q").out == b"x" * 1_000 + b"\n"
    )


# --- reading with no configuration at all -------------------------------------------------------------------------


def bare(cluster: Any, folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Start kcon in an empty home, with nothing set, and with no terminal."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "kcon", *words, "-b", cluster.bootstrap],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_last_records_go_to_jq_with_no_configuration(
    cluster: Any, shell: Shell, topic: str, tmp_path: Path
) -> None:
    """Spoiled by a wizard, by altered bytes and by words of kcon among the data."""
    values = [b'{"n": 1}', '{"näme": "日本 \\u001b[2J"}'.encode(), b'{"big": 9007199254740993}']
    shell("produce", topic, stdin=b"skipped\n" + b"".join(value + b"\n" for value in values))
    with bare(cluster, tmp_path, "consume", topic, "-o", "-3", "-e") as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        data, said = reader.stdout.read(), reader.stderr.read()
    assert (reader.returncode, data, said) == (0, b"".join(value + b"\n" for value in values), b"")
    told = subprocess.run(["jq", "-c", "keys"], input=data, capture_output=True, check=True)
    assert [json.loads(line) for line in told.stdout.splitlines()] == [["n"], ["näme"], ["big"]]
    assert list((tmp_path / "home").rglob("config.toml")) == []


def test_a_record_is_in_the_pipe_as_soon_as_it_comes(cluster: Any, shell: Shell, topic: str, tmp_path: Path) -> None:
    """Spoiled by a buffer that waits for more. The reader has gone on leaving: no traceback, and 0."""
    shell("produce", topic, "first")
    with bare(cluster, tmp_path, "consume", topic) as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        assert reader.stdout.readline() == b"first\n"  # It goes on following, and has handed this over.
        shell("produce", topic, "second")
        assert reader.stdout.readline() == b"second\n"
        reader.stdout.close()
        shell("produce", topic, "third")
        assert reader.wait(WAIT_S) == 0
        assert reader.stderr.read() == b""


# --- from the shell to the cause ----------------------------------------------------------------------------------


def test_why_asks_for_more_time_where_it_has_not_seen_enough(cluster: Any, shell: Shell, topic: str) -> None:
    """Spoiled by one confident wrong verdict from a moment's look: a member that rests for a second is not stuck."""
    write_each_half_hour(cluster, topic, 10)
    member = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        member.subscribe([topic])
        first = member.poll(WAIT_S)
        assert first is not None
        member.commit(message=first, asynchronous=False)
        (told,) = shell.json("why", f"group/{topic}", "--for", "1s")["items"]
    finally:
        member.close()
    assert told["missing_ms"] > 0, told
    assert told["confidence"] == "possible", told
    shell("group", "reset", topic, "--to", "end", "-y", "--wait", "30s")
    (told,) = shell.json("why", f"group/{topic}", "--for", "1s")["items"]
    assert told["cause"] in {"idle", "healthy"}, told  # Nobody is there, and nothing waits.
    shell("group", "delete", topic, "-y")
