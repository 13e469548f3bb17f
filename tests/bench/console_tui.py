"""Measures the terminal console from outside, under a pseudo-terminal, beside an empty Textual app.

    python -m tests.bench.console_tui [--topics N] [--bootstrap HOST:PORT] [--kaskade PATH|install] [--ticks N]

Without a bootstrap address kcon's own broker is started with N topics. Times are from the start of the process to the
bytes on the terminal; a key's time is from its byte to the first byte that answers. `--kaskade` runs that program
beside; `install` gets it from PyPI into an environment of its own, which is removed at the end.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import re
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from confluent_kafka import TopicPartition

from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Context
from kcon.core.ids import topic_name
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create
from kcon.services.topics import list_topics
from tests.commits import commit_offsets

WAIT_S: Final = 90.0
QUIET_S: Final = 0.25
"""No byte for so long: the picture stands."""
KEYS: Final = 60
ROUNDS: Final = 5
EMPTY_APP: Final = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("READY-NOW")
Empty().run()
"""
TAIL_RATE: Final = 100_000
"""Records a second of the topic that is followed."""
TAIL_S: Final = 15
FLOOD: Final = """
import sys, time
from confluent_kafka import Producer
bootstrap, topic, rate, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 500_000})
value, began, sent = b"x" * 100, time.monotonic(), 0
while (passed := time.monotonic() - began) < seconds:
    for _ in range(max(0, min(5_000, int(passed * rate) - sent))):
        try:
            producer.produce(topic, value)
        except BufferError:
            producer.poll(0.05)
            break
        sent += 1
    producer.poll(0)
    if sent >= int(passed * rate):
        time.sleep(0.005)
producer.flush(10)
print(round(sent / (time.monotonic() - began)))
"""
IDLE_TABLE: Final = """
from textual.app import App
from kcon.tui.rows import Column, Rows
from kcon.tui.widgets.virtual_table import VirtualTable
class Idle(App):
    def compose(self):
        yield VirtualTable([Column(key="name", title="READY-NOW", flex=True), Column(key="n", title="N", right=True)])
    def on_mount(self):
        names = [f"row-{n:06}" for n in range(100_000)]
        self.query_one(VirtualTable).set_rows(Rows(keys=names, values={"name": names, "n": range(100_000)}))
        self.query_one(VirtualTable).focus()
Idle().run()
"""


class Watched:
    """A program on a pseudo-terminal of its own; ended with the block."""

    def __init__(self, argv: Sequence[str], variables: Mapping[str, str]) -> None:
        self._argv = list(argv)
        self._variables = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **variables}
        for name in ("COLUMNS", "LINES"):
            self._variables.pop(name, None)
        self.data = b""

    def __enter__(self) -> "Watched":
        self.began_s = time.perf_counter()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
            os.execvpe(self._argv[0], self._argv, self._variables)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    def read(self, timeout_s: float) -> bytes:
        """Return what comes within the time, or nothing."""
        if not select.select([self._terminal], [], [], timeout_s)[0]:
            return b""
        try:
            found = os.read(self._terminal, 65_536)
        except OSError:
            return b""
        self.data += found
        return found

    def until(self, text: bytes) -> float | None:
        """Return the seconds from the start to the text; None when it does not come."""
        end_s = time.perf_counter() + WAIT_S
        while text not in self.data and time.perf_counter() < end_s:
            self.read(0.5)
        return time.perf_counter() - self.began_s if text in self.data else None

    def settle(self) -> None:
        """Wait until nothing is drawn for a moment, at most some seconds."""
        end_s = time.perf_counter() + 5
        while self.read(QUIET_S) and time.perf_counter() < end_s:
            pass

    def key_ms(self, key: bytes) -> float | None:
        """Press a key; return the milliseconds to the first byte that answers."""
        while self.read(0.01):
            pass
        began_s = time.perf_counter()
        os.write(self._terminal, key)
        return (time.perf_counter() - began_s) * 1000 if self.read(2.0) else None

    def memory_mb(self) -> float:
        """Return the resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_s(self) -> float:
        """Return the processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def keys_of(watched: Watched) -> tuple[float, float]:
    """Return p50 and p95 of a walk through the table, in milliseconds."""
    times = [found for index in range(KEYS) if (found := watched.key_ms(b"\x1b[B" if index % 10 else b"\x1b[6~"))]
    times.sort()
    return (statistics.median(times), times[int(len(times) * 0.95)]) if times else (float("nan"), float("nan"))


def start_s(argv: Sequence[str], ready: bytes, variables: Mapping[str, str]) -> float:
    """Return the median time to a text on the terminal."""
    found = []
    for _round in range(ROUNDS):
        with Watched(argv, variables) as watched:
            found.append(watched.until(ready) or float("nan"))
    return statistics.median(found)


def row(name: str, *values: object) -> None:
    """Print one line."""
    shown = [f"{value:>12.2f}" if isinstance(value, float) else f"{value!s:>12}" for value in values]
    print(f"{name:<44}{''.join(shown)}", flush=True)


async def first_topic_of(bootstrap: str) -> str:
    """Return the name that stands first in the list of topics."""
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as folder:
        async with Session(Context(name="bench", bootstrap=(bootstrap,)), Path(folder)) as session:
            found = (await list_topics(session)).topics
    if not found:
        raise SystemExit(f"There are no topics on {bootstrap}: nothing to measure.")
    return found[0].name.raw


def install_kaskade(folder: Path) -> str:
    """Install kaskade into an environment of its own; return its program."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin/pip"), "install", "-q", "kaskade"], check=True)
    return str(folder / "bin/kaskade")


def measure(bootstrap: str, first_topic: str, kaskade: str | None) -> None:
    """Print the table."""
    if kaskade == "install":
        with tempfile.TemporaryDirectory(prefix="kcon-bench-kaskade-") as place:
            measure(bootstrap, first_topic, install_kaskade(Path(place) / "venv"))
        return
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as folder:
        variables = {"KCON_CONFIG_DIR": f"{folder}/c", "KCON_STATE_DIR": f"{folder}/s"}
        python, kcon = sys.executable, [sys.executable, "-m", "kcon", "ui", "topics", "-b", bootstrap]
        empty_s = start_s([python, "-c", EMPTY_APP], b"READY-NOW", variables)
        paint_s = start_s(kcon, b"TOPICS", variables)
        row("first paint, s: empty Textual app, kcon, ratio", empty_s, paint_s, paint_s / empty_s)
        keys_s = start_s(kcon, b"filter", variables)
        row("first picture that hears keys, s; ratio", keys_s, keys_s / empty_s)
        row("topic names on the screen, s", start_s(kcon, first_topic.encode(), variables))
        groups = [*kcon[:4], "groups", "-b", bootstrap]
        # The table of groups is drawn once their lag is known, and its last line then has the sums.
        row("lag of all groups on the screen, s", start_s(groups, b"SUM", variables))
        with Watched([python, "-c", IDLE_TABLE], variables) as idle:
            idle.until(b"READY-NOW")
            idle.settle()
            idle_p50, idle_p95 = keys_of(idle)
        with Watched(kcon, variables) as watched:
            watched.until(first_topic.encode())
            time.sleep(6)
            began_cpu, began_s = watched.cpu_s(), time.perf_counter()
            p50, p95 = keys_of(watched)
            row("key to paint, ms: idle table p50, p95", idle_p50, idle_p95)
            row("key to paint, ms: kcon sampling p50, p95, ratio", p50, p95, p95 / idle_p95)
            time.sleep(10)
            share = (watched.cpu_s() - began_cpu) / (time.perf_counter() - began_s)
            row("memory, MB; processor, share of a core", watched.memory_mb(), share)
        measure_tail(bootstrap, kcon[:4], variables, idle_p95)
        if kaskade is None:
            row("kaskade", "not there")
            return
        with Watched([kaskade, "admin", "-b", bootstrap], variables) as rival:
            row("kaskade: topic names on the screen, s", rival.until(first_topic.encode()) or float("nan"))
            row("kaskade: memory, MB", rival.memory_mb())


def measure_tail(bootstrap: str, kcon: Sequence[str], variables: Mapping[str, str], idle_p95: float) -> None:
    """Print what keys cost while a topic of so many records a second is followed, and whether the view keeps up."""
    topic = f"kcon-bench-tail-{os.getpid()}"
    run = [sys.executable, "-m", "kcon"]
    environment = {**os.environ, **variables}
    subprocess.run(
        [*run, "topic", "create", topic, "-b", bootstrap, "--partitions", "4", "-y"], env=environment, check=True
    )
    flood = [sys.executable, "-c", FLOOD, bootstrap, topic, str(TAIL_RATE), str(TAIL_S)]
    try:
        with (
            Watched([*kcon[:3], "ui", f"topic/{topic}", "-b", bootstrap], variables) as watched,
            subprocess.Popen(flood, stdout=subprocess.PIPE, text=True) as producer,
        ):
            watched.until(topic.encode())
            watched.settle()
            watched.key_ms(b"f")
            time.sleep(4)
            p50, p95 = keys_of(watched)
            # A key redraws the top line, with what was read and what left the view.
            told = producer.communicate(timeout=TAIL_S + 60)[0].strip()
            row("records a second that were written and followed", told)
            row("key to paint, ms: following them p50, p95, ratio", p50, p95, p95 / idle_p95)
            end_s = time.perf_counter() + 3
            while time.perf_counter() < end_s:
                watched.read(0.2)
            row("records the view let go, as it says", last_dropped(watched.data))
            row("memory, MB", watched.memory_mb())
    finally:
        subprocess.run([*run, "topic", "delete", topic, "-b", bootstrap, "-y"], env=environment, check=True)


def last_dropped(data: bytes) -> str:
    """Return the last number of dropped records that the top line told."""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode("utf-8", "replace"))
    found = re.findall(r"([\d,]+) dropped from view", text)
    return found[-1] if found else "none"


async def ticks(count: int) -> None:
    """Print how much memory a day of looks costs, over a cluster in memory."""
    from kcon.observe.sampler import Sampler
    from kcon.observe.store import Store
    from tests.kcon.conftest import FakeCluster, FakeTopic

    cluster = FakeCluster()
    for number in range(50):
        cluster.topics_by_name[f"topic-{number:02}"] = FakeTopic([(0, 100)] * 4)
        cluster.commit(f"group-{number:02}", f"topic-{number:02}", 0, 50)
    now_ms, store = 1_795_487_700_000, Store()
    sampler = Sampler(cluster, lambda: now_ms)
    before_mb = 0.0
    for tick in range(count):
        now_ms += 8_640
        for topic in cluster.topics_by_name.values():
            topic.bounds = [(start, end + 3) for start, end in topic.bounds]
        await store.add(await sampler.sample())
        if tick == count // 10:
            before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    growth_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb
    row(f"growth over {count:,} looks after the first tenth, MB", growth_mb)


async def with_broker(topics: int, kaskade: str | None) -> None:
    """Measure on kcon's own broker."""
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as folder:
        broker = await start_local_broker(LocalBrokerOptions(data_dir=Path(folder) / "data"))
        try:
            async with Session(Context(name="bench", bootstrap=(broker.bootstrap,)), Path(folder) / "state") as session:
                names = [topic_name(f"topic-{number:05d}") for number in range(topics)]
                new = tuple(NewTopic(name=name, partitions=4, replication_factor=1) for name in names)
                results = await apply_create(session, TopicCreatePlan(topics=new, confirmed_by="bench"))
                assert not any(results.values())
            settings = {"bootstrap.servers": broker.bootstrap, "log_level": 0}
            await asyncio.to_thread(commit_offsets, settings, "bench", [TopicPartition(names[0].raw, 0, 0)])
            await asyncio.to_thread(measure, broker.bootstrap, names[0].raw, kaskade)
        finally:
            await broker.stop()


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topics", type=int, default=10_000)
    parser.add_argument("--bootstrap")
    parser.add_argument("--first-topic", help="of the list; else the cluster is asked")
    parser.add_argument("--kaskade")
    parser.add_argument("--ticks", type=int, default=10_000)
    asked = parser.parse_args()
    asyncio.run(ticks(asked.ticks))
    if asked.bootstrap is not None:
        first_topic = asked.first_topic or asyncio.run(first_topic_of(asked.bootstrap))
        measure(asked.bootstrap, first_topic, asked.kaskade)
    else:
        asyncio.run(with_broker(asked.topics, asked.kaskade))


if __name__ == "__main__":
    main()
