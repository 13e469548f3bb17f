"""A broker that is killed and started again, and the clients that live through it."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from tests.crash.history import Fate, Stored, Written

TOPIC = "crash"
PARTITIONS = 4
DEADLINE_S = 60.0
TRANSACTION_DEADLINE_S = 240.0
"""A broker that is killed every few seconds on a busy machine lets a transaction wait for long."""
IN_FLIGHT_MAX = 2_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class BrokerProcess:
    """The broker as a child process on one folder and one port, killed and started again."""

    def __init__(
        self,
        folder: Path,
        *,
        before: Sequence[str] = (),
        options: Sequence[str] = (),
        log_path: Path | None = None,
    ) -> None:
        """Prepare; `before` is a command that ends in running what follows it. The log goes on at `log_path`."""
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self._before = before
        self._options = options
        self._log_path = log_path

    def start(self) -> None:
        """Start, and return when clients are served."""
        self.launch()
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"the broker said {line!r} and ended with {self.process.poll()}"

    def launch(self) -> None:
        """Start, and return at once."""
        with open(os.devnull if self._log_path is None else self._log_path, "ab") as log:
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
                    *self._options,
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def bootstrap(self) -> str:
        """Where clients connect to."""
        return f"127.0.0.1:{self.port}"

    def open_sockets(self) -> int:
        """Return how many sockets it has open."""
        assert self.process is not None
        folder = f"/proc/{self.process.pid}/fd"
        found = 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                found += os.readlink(f"{folder}/{name}").startswith("socket:")
        return found

    def rss_bytes(self) -> int:
        """Return its memory now."""
        assert self.process is not None
        with open(f"/proc/{self.process.pid}/statm") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def peak_rss_bytes(self) -> int:
        """Return the most memory it ever had."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

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


class LoadedTransactions:
    """A transactional producer that commits and aborts, in turn and at random, on a thread of its own.

    A transaction whose end was not confirmed counts for nothing: either end is right.
    """

    def __init__(self, name: str, bootstrap: str, seed: int) -> None:
        self.name = name
        self.committed: list[Written] = []
        self.aborted: set[bytes] = set()
        self.failures: list[str] = []
        self.stop = threading.Event()
        self._random = random.Random(seed)
        self._bootstrap = bootstrap
        self._sequence = 0
        self.thread = threading.Thread(target=self._run, name=f"transactions-{name}", daemon=True)

    def _new_producer(self) -> Producer:
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "transactional.id": f"crash-{self.name}",
                "transaction.timeout.ms": 300_000,
                "message.timeout.ms": 240_000,
                "linger.ms": 2,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 100,
                "retry.backoff.ms": 20,
                "socket.timeout.ms": 5_000,
                "log_level": 0,
            }
        )
        _until_done(producer.init_transactions)
        return producer

    def _run(self) -> None:
        try:
            producer = self._new_producer()
            while not self.stop.is_set():
                if not self._live_transaction(producer):
                    producer = self._new_producer()
        except KafkaException as error:
            self.failures.append(f"transactions of {self.name}: {error}")

    def _live_transaction(self, producer: Producer) -> bool:
        """Live one transaction; return whether the producer can live another."""
        delivered: list[Written] = []
        values: list[bytes] = []

        def note(error: KafkaError | None, message: Message) -> None:
            partition, offset, value = message.partition(), message.offset(), message.value()
            if error is None and partition is not None and offset is not None and isinstance(value, bytes):
                delivered.append(Written(partition, offset, value))

        producer.begin_transaction()
        try:
            for _ in range(self._random.randrange(1, 12)):
                value = f"{self.name}:{self._sequence}:{'y' * self._random.randrange(100)}".encode()
                self._sequence += 1
                values.append(value)
                producer.produce(TOPIC, value, partition=self._random.randrange(PARTITIONS), on_delivery=note)
            if self._random.random() < 0.6:
                _until_done(producer.commit_transaction)
                self.committed += delivered
                if len(delivered) != len(values):
                    self.failures.append(f"{len(values) - len(delivered)} records of a commit were not delivered")
                return True
            # What an abort purges after a connection was lost may be in the log, and librdkafka gives its sequence
            # numbers to the next records, which every broker then takes for duplicates: nothing is left to purge.
            end = time.monotonic() + TRANSACTION_DEADLINE_S
            while len(producer) and time.monotonic() < end:
                producer.flush(1)
        except KafkaException as error:
            if not _error_of(error).txn_requires_abort():
                raise
        try:
            _until_done(producer.abort_transaction)
        except KafkaException as error:
            # The broker died with the request that would have begun the transaction: librdkafka asks for its end all
            # the same, which any broker refuses, and then counts as fatal.
            if _error_of(error).code() != KafkaError.INVALID_TXN_STATE:
                raise
            return False
        self.aborted.update(values)
        return True


def _error_of(exception: KafkaException) -> KafkaError:
    error = exception.args[0]
    assert isinstance(error, KafkaError)
    return error


def _until_done(step: Callable[[float], object]) -> None:
    """Take a step of a transaction again and again while that may help."""
    end = time.monotonic() + TRANSACTION_DEADLINE_S
    while True:
        try:
            step(10.0)
            return
        except KafkaException as exception:
            if not _error_of(exception).retriable() or time.monotonic() > end:
                raise


class WatchingReader:
    """A reader of committed records that notes every value it sees while the broker lives and dies."""

    def __init__(self, bootstrap: str) -> None:
        self.observed: deque[Written] = deque()
        self.reached: dict[int, int] = {}
        """Partition -> the last offset seen."""
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
                "isolation.level": "read_committed",
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
                    self.reached[partition] = offset
        consumer.close()

    def wait_for_end_of(self, log: Mapping[int, Mapping[int, Stored]]) -> bool:
        """Wait until the last visible record of every partition was seen; False: it was not in time."""
        wanted = {
            partition: max((offset for offset, stored in records.items() if stored.fate is Fate.VISIBLE), default=-1)
            for partition, records in log.items()
        }
        end = time.monotonic() + DEADLINE_S
        while any(self.reached.get(partition, -1) < offset for partition, offset in wanted.items()):
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True


def acknowledged_total(producers: Sequence[LoadedProducer]) -> int:
    return sum(len(producer.acknowledged) for producer in producers)


def wait_for_acknowledged(producers: Sequence[LoadedProducer], total: int) -> None:
    """Wait until `total` records are acknowledged; fail when the load stands still for a whole deadline."""
    end = time.monotonic() + DEADLINE_S
    while acknowledged_total(producers) < total:
        if time.monotonic() > end:
            raise AssertionError(f"{acknowledged_total(producers)} of {total} acknowledged after {DEADLINE_S:.0f} s")
        time.sleep(0.005)
