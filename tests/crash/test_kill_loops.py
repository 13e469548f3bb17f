"""kill -9 under an idempotent load: nothing acknowledged is lost, nothing is duplicated or reordered.

Two producers (acks=all, idempotent) and one reader live through all kills, as real clients do. Each loop
acknowledges at least 1,000 records and kills with requests in flight. `KCON_KILL_LOOPS` and `KCON_CRASH_SEED`
choose another number or another run; the seed is printed.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from tests.crash.history import Written, check_history
from tests.crash.segment_reader import read_topic

TOPIC = "crash"
PARTITIONS = 4
LOOPS = int(os.environ.get("KCON_KILL_LOOPS", "50"))
ACKNOWLEDGED_PER_LOOP_MIN = 1_000
LOOP_DEADLINE_S = 60.0
IN_FLIGHT_MAX = 2_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class BrokerProcess:
    """The broker as a child process on one folder and one port, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "kcon_broker",
                "--data-dir",
                str(self.folder),
                "--port",
                str(self.port),
                "--seed-topic",
                f"{TOPIC}:{PARTITIONS}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"the broker said {line!r} and ended with {self.process.poll()}"

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=LOOP_DEADLINE_S)
        self.process.stdout.close()
        return code


class LoadedProducer:
    """One idempotent producer that keeps requests in flight on a thread of its own."""

    def __init__(self, name: str, bootstrap: str, seed: int) -> None:
        self.name = name
        self.acknowledged: list[Written] = []
        self.failures: list[str] = []
        self.stop = threading.Event()
        self._random = random.Random(seed)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 2,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 100,
                "retry.backoff.ms": 20,
                "message.timeout.ms": 120_000,
                "socket.timeout.ms": 5_000,
                "log_level": 0,
                "batch.num.messages": 50,
            }
        )
        self.thread = threading.Thread(target=self._run, name=f"producer-{name}", daemon=True)

    def in_flight(self) -> int:
        return len(self._producer)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.failures.append(str(error))
            return
        partition, offset, value = message.partition(), message.offset(), message.value()
        assert partition is not None
        assert offset is not None
        assert isinstance(value, bytes)
        self.acknowledged.append(Written(partition, offset, value))

    def _run(self) -> None:
        sequence = 0
        while not self.stop.is_set():
            if len(self._producer) < IN_FLIGHT_MAX:
                value = f"{self.name}:{sequence}:{'x' * self._random.randrange(200)}".encode()
                self._producer.produce(TOPIC, value, partition=sequence % PARTITIONS, on_delivery=self._delivered)
                sequence += 1
                self._producer.poll(0)
            else:
                self._producer.poll(0.01)
        left = self._producer.flush(60)
        if left:
            self.failures.append(f"{left} records undelivered at the end")


class WatchingReader:
    """A consumer that notes every value it sees while the broker lives and dies."""

    def __init__(self, bootstrap: str) -> None:
        self.observed: deque[Written] = deque()
        self.stop = threading.Event()
        self._bootstrap = bootstrap
        self.thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def _run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "watching",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 100,
                "log_level": 0,
                "fetch.wait.max.ms": 50,
            }
        )
        consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)])
        while not self.stop.is_set():
            for message in consumer.consume(500, 0.1):
                partition, offset, value = message.partition(), message.offset(), message.value()
                if (
                    message.error() is None
                    and partition is not None
                    and offset is not None
                    and isinstance(value, bytes)
                ):
                    self.observed.append(Written(partition, offset, value))
        consumer.close()


def acknowledged_total(producers: Sequence[LoadedProducer]) -> int:
    return sum(len(producer.acknowledged) for producer in producers)


def wait_for_acknowledged(producers: Sequence[LoadedProducer], total: int) -> None:
    """Wait until `total` records are acknowledged; fail when the load stands still for a whole deadline."""
    end = time.monotonic() + LOOP_DEADLINE_S
    while acknowledged_total(producers) < total:
        if time.monotonic() > end:
            pytest.fail(f"only {acknowledged_total(producers)} of {total} acknowledged after {LOOP_DEADLINE_S:.0f} s")
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_kill_9_loses_duplicates_and_reorders_nothing(tmp_path: Path) -> None:
    """Each loop: at least 1,000 more acknowledgements, then SIGKILL with requests in flight, then a start."""
    seed = int(os.environ.get("KCON_CRASH_SEED", str(random.randrange(2**32))))
    print(f"KCON_CRASH_SEED={seed}")
    chance = random.Random(seed)
    broker = BrokerProcess(tmp_path / "data")
    bootstrap = f"127.0.0.1:{broker.port}"
    broker.start()
    producers = [LoadedProducer(name, bootstrap, seed + index) for index, name in enumerate(("a", "b"))]
    reader = WatchingReader(bootstrap)
    for thread in (*(producer.thread for producer in producers), reader.thread):
        thread.start()
    kills_with_requests_in_flight = 0
    for _ in range(LOOPS):
        wait_for_acknowledged(producers, acknowledged_total(producers) + ACKNOWLEDGED_PER_LOOP_MIN)
        time.sleep(chance.uniform(0.0, 0.2))
        kills_with_requests_in_flight += any(producer.in_flight() for producer in producers)
        assert broker.end(signal.SIGKILL) == -signal.SIGKILL
        broker.start()
    for producer in producers:
        producer.stop.set()
    for producer in producers:
        producer.thread.join(90)
    reader.stop.set()
    reader.thread.join(30)
    assert broker.end(signal.SIGTERM) == 0
    acknowledged = [record for producer in producers for record in producer.acknowledged]
    found = check_history(acknowledged, reader.observed, read_topic(broker.folder, TOPIC))
    print(
        f"{LOOPS} kills, {kills_with_requests_in_flight} with requests in flight, {len(acknowledged)} acknowledged,"
        f" {len(reader.observed)} read"
    )
    assert not [failure for producer in producers for failure in producer.failures]
    assert kills_with_requests_in_flight == LOOPS
    assert len(reader.observed) > 0
    assert not found, found
