"""What people come for, from the first key to the last, in a real terminal: four stories, checked by the CLI.

KCON_RECORDINGS names a folder that gets each story as it was seen, key by key.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.commits import commit_offsets
from tests.conftest import ReplicatedCluster
from tests.kcon.tui.test_transcript import environment_in, kcon_json
from tests.terminal import Terminal

pytestmark = pytest.mark.tmux
MILLION = 1_000_000
WANTED = 777_777
FIRST_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
MINUTE_MS = 60_000


class Story:
    """A terminal whose keys and screens are written down."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._told: list[str] = []

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._told.append(f">>> {' '.join(keys)}")
        self._terminal.keys(*keys)

    def type(self, text: str) -> None:
        """Type text and enter."""
        self._told.append(f">>> {text} Enter")
        self._terminal.type(text)
        self._terminal.keys("Enter")

    def see(self, is_there: str | Callable[[str], bool], *, wait_s: float = 60.0) -> str:
        """Wait for a screen and write it down."""
        screen = self._terminal.wait_for(is_there, wait_s=wait_s)
        self._told.append(screen.rstrip())
        return screen

    def recording(self) -> str:
        """Return what was pressed and seen."""
        return "\n".join(self._told) + "\n"


@contextmanager
def story(name: str, bootstrap: str, folder: Path, *words: str) -> Iterator[Story]:
    """Open the console at an address, and leave it at the end."""
    argv = [sys.executable, "-m", "kcon", "ui", *words, "-b", bootstrap]
    with Terminal(argv, columns=120, rows=32, environment=environment_in(folder)) as terminal:
        told = Story(terminal)
        yield told
        terminal.keys("C-c")
        terminal.wait_for("ended with 0")
    target = os.environ.get("KCON_RECORDINGS")
    if target:
        Path(target).mkdir(parents=True, exist_ok=True)
        (Path(target) / f"{name}.txt").write_text(told.recording(), "utf-8")


def settings_of(bootstrap: str) -> dict[str, Any]:
    """Return the settings of a quiet client."""
    return {"bootstrap.servers": bootstrap, "log_level": 0}


def create(bootstrap: str, topic: str, partitions: int, replicas: int = 1) -> None:
    """Make a topic, and wait until it is there."""
    # Its records are as old as the story wants.
    forever = {"retention.ms": "-1"}
    new = NewTopic(topic, num_partitions=partitions, replication_factor=replicas, config=forever)
    admin = AdminClient(settings_of(bootstrap))
    admin.create_topics([new])[topic].result(30)


def send(bootstrap: str, topic: str, values: Iterator[tuple[bytes, int, int]]) -> None:
    """Write values, each with its partition and time."""
    producer = Producer(
        {
            **settings_of(bootstrap),
            "linger.ms": 50,
            "queue.buffering.max.messages": 2_000_000,
            "enable.idempotence": True,
        }
    )
    for value, partition, time_ms in values:
        producer.produce(topic, value, partition=partition, timestamp=time_ms)
    assert producer.flush(120) == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_record_is_found_by_a_json_field_among_a_million(
    kcon_broker: Any, unique: Callable[[str], str], tmp_path: Path
) -> None:
    topic = unique("payments")
    create(kcon_broker.bootstrap, topic, 4)
    values = (
        (
            b'{"id":%d,"status":"%s","customer":{"no":%d}}'
            % (number, b"late" if number % 7 else b"ok", number % 1_000),
            number % 4,
            FIRST_MS,
        )
        for number in range(MILLION)
    )
    send(kcon_broker.bootstrap, topic, values)
    with story("search", kcon_broker.bootstrap, tmp_path, f"topic/{topic}") as seen:
        seen.see("1,000,000")
        seen.press("f")
        seen.see(lambda screen: "following" in screen and "100 read" in screen)
        seen.press("s")
        seen.see("search all records where")
        seen.type(f"value.id == {WANTED}")
        seen.see(lambda screen: "done" in screen and "1 match" in screen, wait_s=120)
        screen = seen.see("searched 1,000,000 of 1,000,000 offsets (100.0%)")
        assert f'"id":{WANTED}' in screen.replace(" ", "")
        seen.press("d")
        place = re.compile(rf"{topic}/\d/[\d,]+")
        where = place.search(seen.see(lambda screen: place.search(screen) is not None))
        assert where is not None
        seen.press("Enter")
        seen.see("RECORDS")
    (record,) = kcon_json(kcon_broker.bootstrap, tmp_path, "get", where[0].replace(",", ""))
    assert record["value"].startswith(f'{{"id":{WANTED},')


@pytest.mark.timeout(180)
def test_a_group_is_reset_to_a_time_and_the_reset_is_taken_back(
    kcon_broker: Any, unique: Callable[[str], str], tmp_path: Path
) -> None:
    topic, group = unique("bookings"), unique("billing")
    create(kcon_broker.bootstrap, topic, 2)
    times = ((b"%d" % number, number % 2, FIRST_MS + number // 2 * MINUTE_MS) for number in range(240))
    send(kcon_broker.bootstrap, topic, times)
    commit_offsets(
        settings_of(kcon_broker.bootstrap), group, [TopicPartition(topic, 0, 120), TopicPartition(topic, 1, 110)]
    )

    def committed() -> list[int]:
        rows = kcon_json(kcon_broker.bootstrap, tmp_path, "group", "lag", group)
        return [row["committed"] for row in sorted(rows, key=lambda row: row["partition"])]

    with story("reset", kcon_broker.bootstrap, tmp_path, f"group/{group}") as seen:
        seen.see(lambda screen: "Empty" in screen and "/1" in screen and "110" in screen)
        seen.press("R")
        seen.see("RESET")
        seen.type("@2026-01-01T00:30:00Z")
        screen = seen.see(lambda screen: "Move 2 commits" in screen and "-90" in screen and "-80" in screen)
        assert committed() == [120, 110], screen
        seen.press("y")
        seen.see("2 of 2 commits moved.")
        assert committed() == [30, 30]
        seen.press("Escape")
        seen.see(lambda screen: "GROUP " in screen and "Undo 1" in screen)
        seen.press("5")
        seen.see("[5 Undo 1]")
        seen.press("Enter")
        seen.see(lambda screen: "UNDO" in screen and "+90" in screen and "y yes" in screen)
        seen.press("y")
        seen.see("Done.")
        assert committed() == [120, 110]


class StuckConsumer:
    """A consumer that cannot get past one record, and goes on with its other partitions."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self._settings, self._topic, self._group = settings_of(bootstrap), topic, group
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stuck consumer")

    def __enter__(self) -> "StuckConsumer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the group."""
        self._ends.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        producer = Producer(self._settings)
        consumer = Consumer(
            {
                **self._settings,
                "group.id": self._group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6_000,
            }
        )
        consumer.subscribe([self._topic])
        try:
            while not self._ends.is_set():
                for partition in range(3):
                    producer.produce(self._topic, b'{"fine":true}', partition=partition)
                producer.poll(0)
                message = consumer.poll(0.1)
                while message is not None and message.error() is None:
                    if message.value() == b"poison":
                        consumer.pause([TopicPartition(self._topic, message.partition() or 0)])
                    else:
                        consumer.commit(message=message, asynchronous=False)
                    message = consumer.poll(0)
        finally:
            producer.flush(30)
            consumer.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_group_that_is_stuck_is_freed_of_the_record_at_fault(
    kcon_broker: Any, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """Seen stuck with the cause, the record opened, copied to a queue with its origin, and passed."""
    topic, group = unique("orders"), unique("billing")
    create(kcon_broker.bootstrap, topic, 3)
    values = (
        (b"poison" if (number, partition) == (5, 1) else b'{"fine":true}', partition, FIRST_MS)
        for number in range(10)
        for partition in range(3)
    )
    send(kcon_broker.bootstrap, topic, values)
    with (
        StuckConsumer(kcon_broker.bootstrap, topic, group) as consumer,
        story("poison", kcon_broker.bootstrap, tmp_path, f"group/{group}") as seen,
    ):
        seen.see(lambda screen: "Stable" in screen and "/1" in screen and "1 member" in screen)
        seen.press("w")
        seen.see(lambda screen: "poison-record" in screen and "is stuck at 5" in screen, wait_s=120)
        seen.press("Escape")
        seen.see("GROUP ")
        seen.press("Down")
        seen.press("Enter")
        seen.see(lambda screen: "RECORDS" in screen and "poison" in screen)
        seen.press("m")
        seen.see(f"copy {topic}/1/5 {topic}.dlq")
        seen.press("Enter")
        seen.see("Carry this out on")
        seen.press("y")
        seen.see("Done.")
        seen.press("Escape")
        seen.see("RECORDS")
        seen.press("x")
        seen.see("Stop its members")
        consumer.stop()
        seen.press("r")
        seen.see("Move 1 commit of group")
        seen.press("y")
        seen.see("1 of 1 commit moved.")
    rows = kcon_json(kcon_broker.bootstrap, tmp_path, "group", "lag", group)
    assert {row["partition"]: row["committed"] for row in rows}[1] == 6
    letters = subprocess.run(
        [
            sys.executable,
            "-m",
            "kcon",
            "consume",
            f"{topic}.dlq",
            "-o",
            "start",
            "-e",
            "-J",
            "-b",
            kcon_broker.bootstrap,
        ],
        env={**os.environ, **environment_in(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert letters.count("\n") == 1
    assert "poison" in letters
    assert "kcon.origin.offset" in letters


@pytest.mark.java
@pytest.mark.timeout(300)
def test_throughput_is_watched_while_a_broker_dies_and_comes_back(
    apache_cluster: ReplicatedCluster, unique: Callable[[str], str], tmp_path: Path
) -> None:
    topic = unique("clicks")
    create(apache_cluster.bootstrap, topic, 6, 3)
    ends = threading.Event()

    def write() -> None:
        producer = Producer({**settings_of(apache_cluster.bootstrap), "acks": "1", "message.timeout.ms": 60_000})
        while not ends.wait(0.05):
            for partition in range(6):
                producer.produce(topic, b"click", partition=partition)
            producer.poll(0)
        producer.flush(60)

    def flows(screen: str) -> bool:
        """Return whether something was written since the look before."""
        found = re.search(r"IN ([\d.,]+)", screen)
        return found is not None and float(found[1].replace(",", "")) > 0

    writer = threading.Thread(target=write, name="writer")
    writer.start()
    try:
        with story("failover", apache_cluster.bootstrap, tmp_path) as seen:
            seen.see(lambda screen: "brokers 3/3" in screen and flows(screen))
            apache_cluster.kill(3)
            seen.see(lambda screen: "brokers 2/3" in screen and "under-replicated" in screen, wait_s=90)
            seen.see(lambda screen: "broker 3 is gone" in screen and "wait on broker 3" in screen and flows(screen))
            apache_cluster.start(3)
            seen.see(lambda screen: "brokers 3/3" in screen and "broker 3 is back" in screen, wait_s=90)
            seen.see(lambda screen: "in sync again" in screen and flows(screen), wait_s=90)
    finally:
        ends.set()
        writer.join(90)
