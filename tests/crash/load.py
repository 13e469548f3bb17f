"""A broker that is killed and started again, and the clients that live through it."""

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

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from tests.crash.history import Written

TOPIC = "crash"
PARTITIONS = 4
DEADLINE_S = 60.0
IN_FLIGHT_MAX = 2_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class BrokerProcess:
    """The broker as a child process on one folder and one port, killed and started again."""

    def __init__(self, folder: Path, *, before: Sequence[str] = ()) -> None:
        """Prepare; `before` is a command that ends in running what follows it."""
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self._before = before

    def start(self) -> None:
        """Start, and return when clients are served."""
        self.launch()
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"the broker said {line!r} and ended with {self.process.poll()}"

    def launch(self) -> None:
        """Start, and return at once."""
        self.process = subprocess.Popen(
            [
                *self._before,
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

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and return at once."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send a signal that ends it; return how it ended."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=DEADLINE_S)
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
    end = time.monotonic() + DEADLINE_S
    while acknowledged_total(producers) < total:
        if time.monotonic() > end:
            raise AssertionError(f"{acknowledged_total(producers)} of {total} acknowledged after {DEADLINE_S:.0f} s")
        time.sleep(0.005)
