"""Does the broker stay as it is for as long as it works? Memory, descriptors, threads and tasks under a mixed load.

    python -m tests.bench.soak --minutes 10

Clients produce to a topic that retention cuts and to one that is compacted, live transactions that commit and abort,
consume in a group that is joined and left, make and delete topics, and connect and leave, at rates that leave the
machine time. Retention, compaction, checkpoints and expiry run every few seconds. A line a minute is printed, and what
the second half adds: the bar is less than 1 MiB of memory an hour once all is warm, and nothing else that grows.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kcon_broker.server.server import BrokerServer
from kcon_broker.settings import BrokerSettings, StorageSettings
from tests.bench.subjects import machine

_SAMPLE_S = 5.0
_OFTEN = StorageSettings(
    retention_check_interval_ms=2_000, cleaner_interval_ms=2_000, checkpoint_interval_ms=5_000, low_space_bytes=0
)
_KEPT, _COMPACTED, _DECIDED = "kept", "compacted", "decided"
_SMALL_SEGMENTS = {"segment.bytes": str(1 << 20)}
_TOPICS = {
    _KEPT: _SMALL_SEGMENTS | {"retention.bytes": str(4 << 20)},
    _COMPACTED: _SMALL_SEGMENTS | {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"},
    _DECIDED: _SMALL_SEGMENTS | {"retention.bytes": str(4 << 20)},
}
_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the broker took at one moment."""

    seconds: float
    rss_mib: float
    descriptors: int
    threads: int
    tasks: int
    disk_mib: float


async def serve(folder: Path) -> None:
    """Be the broker: print where it listens, then a line of its tasks again and again."""
    server = BrokerServer(BrokerSettings(data_dir=folder, port=0, storage=_OFTEN))
    await server.start()
    await server.warm_up()
    print(f"{server.address[0]}:{server.address[1]}", flush=True)
    while True:
        print(len(asyncio.all_tasks()), flush=True)
        await asyncio.sleep(_SAMPLE_S / 2)


class Watched:
    """The broker as a child process, and what it takes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        argv = [sys.executable, "-m", "tests.bench.soak", "--serve", str(folder)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.bootstrap = self._process.stdout.readline().strip()
        self._tasks = 0
        self._began_s = time.monotonic()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._tasks = int(line)

    def sample(self) -> Sample:
        """Look at it."""
        proc = Path(f"/proc/{self._process.pid}")
        pages = int((proc / "statm").read_text().split()[1])
        return Sample(
            seconds=time.monotonic() - self._began_s,
            rss_mib=pages * os.sysconf("SC_PAGESIZE") / 2**20,
            descriptors=len(os.listdir(proc / "fd")),
            threads=len(os.listdir(proc / "task")),
            tasks=self._tasks,
            disk_mib=self._disk_bytes() / 2**20,
        )

    def _disk_bytes(self) -> int:
        total = 0
        for name in _TOPICS:
            for path in self._folder.glob(f"{name}-*/*.log"):
                with contextlib.suppress(FileNotFoundError):
                    total += path.stat().st_size
        return total

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(_DEADLINE_S)


class Load:
    """Everything that is done to the broker, each on a thread of its own."""

    def __init__(self, bootstrap: str) -> None:
        self.counts: dict[str, int] = {}
        self.failures: list[str] = []
        self._bootstrap = bootstrap
        self._stop = threading.Event()
        works = (self._produce, self._compact, self._decide, self._consume, self._manage)
        self._threads = [threading.Thread(target=self._keep_on, args=(work,), daemon=True) for work in works]

    def start(self) -> None:
        """Make the topics and begin."""
        admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
        made = admin.create_topics([NewTopic(name, 4, 1, config=dict(config)) for name, config in _TOPICS.items()])
        for each in made.values():
            each.result(_DEADLINE_S)
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop everything."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_DEADLINE_S)

    def _keep_on(self, work: Callable[[], None]) -> None:
        try:
            work()
        except KafkaException as error:
            self.failures.append(f"{work.__name__}: {error}")

    def _count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def _produce(self) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "enable.idempotence": True, "log_level": 0})
        while not self._stop.wait(0.1):
            for _ in range(100):
                producer.produce(_KEPT, os.urandom(300))
            producer.flush(_DEADLINE_S)
            self._count("records", 100)

    def _compact(self) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "compression.type": "zstd", "log_level": 0})
        while not self._stop.wait(0.1):
            for _ in range(100):
                producer.produce(_COMPACTED, os.urandom(200), key=b"k%d" % random.randrange(2_000))
            producer.flush(_DEADLINE_S)
            self._count("records with keys", 100)

    def _decide(self) -> None:
        producer = Producer({"bootstrap.servers": self._bootstrap, "transactional.id": "soak", "log_level": 0})
        producer.init_transactions(_DEADLINE_S)
        while not self._stop.wait(0.2):
            producer.begin_transaction()
            for _ in range(10):
                producer.produce(_DECIDED, os.urandom(300))
            producer.flush(_DEADLINE_S)
            if random.random() < 0.7:
                producer.commit_transaction(_DEADLINE_S)
            else:
                producer.abort_transaction(_DEADLINE_S)
            self._count("transactions")

    def _consume(self) -> None:
        config = {
            "bootstrap.servers": self._bootstrap,
            "group.id": "soak",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "auto.commit.interval.ms": 500,
            "log_level": 0,
        }
        while not self._stop.is_set():
            consumer = Consumer(config)
            consumer.subscribe(list(_TOPICS))
            end = time.monotonic() + 15
            while time.monotonic() < end and not self._stop.is_set():
                self._count("consumed", len(consumer.consume(500, 0.2)))
            consumer.close()
            self._count("joins of the group")

    def _manage(self) -> None:
        serial = 0
        while not self._stop.wait(2.0):
            serial += 1
            admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
            name = f"passing-{serial}"
            admin.create_topics([NewTopic(name, 2, 1)])[name].result(_DEADLINE_S)
            producer = Producer({"bootstrap.servers": self._bootstrap, "log_level": 0})
            producer.produce(name, b"x")
            producer.flush(_DEADLINE_S)
            admin.delete_topics([name])[name].result(_DEADLINE_S)
            self._count("topics made and deleted")


def row(sample: Sample) -> str:
    """Return a line of the table."""
    return (
        f"| {sample.seconds / 60:.1f} | {sample.rss_mib:.1f} | {sample.descriptors} | {sample.threads} |"
        f" {sample.tasks} | {sample.disk_mib:.1f} |"
    )


def soak(minutes: float) -> None:
    """Run the load, and print what the broker takes."""
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    print("| minute | RSS MiB | descriptors | threads | tasks | segments MiB |\n|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as scratch:
        watched = Watched(Path(scratch) / "data")
        load = Load(watched.bootstrap)
        try:
            load.start()
            samples = [watched.sample()]
            next_line_s = 60.0
            while samples[-1].seconds < minutes * 60:
                time.sleep(_SAMPLE_S)
                samples.append(watched.sample())
                if samples[-1].seconds >= next_line_s:
                    print(row(samples[-1]), flush=True)
                    next_line_s += 60
        finally:
            load.end()
            watched.end()
    print(json.dumps(load.counts), *load.failures[:5])
    print(summary(samples[len(samples) // 2 :]))


def summary(half: list[Sample]) -> str:
    """Say how the second half of a run moved: the least of its third quarter against the least of its last."""
    early, late = half[: len(half) // 2], half[len(half) // 2 :]
    hours = (late[len(late) // 2].seconds - early[len(early) // 2].seconds) / 3_600
    parts = []
    for name in ("rss_mib", "descriptors", "threads", "tasks", "disk_mib"):
        before, after = (min(getattr(sample, name) for sample in samples) for samples in (early, late))
        parts.append(f"{name} {before:.1f} -> {after:.1f}")
        if name == "rss_mib":
            parts[-1] += f" ({(after - before) / hours:+.1f} an hour)"
    return "least of the third and of the last quarter: " + ", ".join(parts)


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(serve(arguments.serve))
    else:
        soak(arguments.minutes)


if __name__ == "__main__":
    main()
