"""kcon's broker beside Apache Kafka, fresh and warm, side by side in one run.

    python -m tests.bench.broker                        every row, about ten minutes
    python -m tests.bench.broker --quick                the same rows with less data, once each
    python -m tests.bench.broker --rows produce,consume only some: produce, consume, small, start, memory, topics
    python -m tests.bench.broker --alone                without Apache Kafka

Apache Kafka has its own script's settings: 1 GiB heap, G1, no sync. It is "fresh" for its first --megabytes after the
start, and "warm" after --warm-mb more. kcon syncs before it answers acks=all, unless a row says "os". Clients are
processes of their own (`lean_client`, `librdkafka_client`). CPU is the seconds of the broker's process for a GB, or
its microseconds for a request of one record; what the kernel writes back later counts for neither. Nothing is
asserted: machines differ, and a ratio within 15% is none.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.bench import scale, topics
from tests.bench.disk import append_and_sync_ms, buffered_mb_per_s, prefault
from tests.bench.lean_client import wait_until_writable
from tests.bench.subjects import (
    Subject,
    apache_kafka,
    create_topic,
    delete_topic,
    kcon_node,
    machine,
    use_compiled_modules,
)
from tests.bench.table import Run, print_head, print_row

CLIENT_LIMIT_S = 900.0
CLIENT_MB = 1_000
"""Memory that a client and a broker may take for a run, beside the files."""
ROWS = ("produce", "consume", "small", "start", "memory", "topics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything."""

    megabytes: int
    runs: int
    warm_mb: int
    pipelined: int
    singles: int
    memory_mb: int
    topics: int
    topics_beside: int
    """On both brokers: Apache Kafka opens files for each."""


FULL = Plan(
    megabytes=300,
    runs=5,
    warm_mb=3_000,
    pipelined=60_000,
    singles=2_000,
    memory_mb=2_000,
    topics=10_000,
    topics_beside=1_000,
)
QUICK = Plan(
    megabytes=40, runs=1, warm_mb=120, pipelined=5_000, singles=200, memory_mb=80, topics=500, topics_beside=50
)


class Bench:
    """Both brokers, and the works they are given in turns."""

    def __init__(self, plan: Plan, scratch: Path, ours: Subject, theirs: Subject | None) -> None:
        self.plan = plan
        self.scratch = scratch
        self.ours = ours
        self.theirs = theirs
        self._serial = 0

    def in_turns(self, work: Callable[[Subject], Run], runs: int | None = None) -> tuple[list[Run], list[Run]]:
        """Run a work on both, again and again; the one that begins changes."""
        our_runs: list[Run] = []
        their_runs: list[Run] = []
        sides = [(self.ours, our_runs)]
        if self.theirs is not None:
            sides.append((self.theirs, their_runs))
        for _ in range(runs or self.plan.runs):
            for subject, into in sides:
                into.append(work(subject))
            sides.reverse()
        return our_runs, their_runs

    @contextmanager
    def topic(self, subject: Subject, partitions: int) -> Iterator[str]:
        """Create a topic, and delete it afterwards: its pages are the next one's."""
        self._serial += 1
        name = f"bench-{self._serial}"
        create_topic(subject, name, partitions)
        wait_until_writable(subject.bootstrap, name, partitions)
        try:
            yield name
        finally:
            delete_topic(subject, name)

    def produce(
        self, subject: Subject, *, acks: int, partitions: int = 4, record_bytes: int = 1024, client: str = "lean"
    ) -> Run:
        """Produce once into a new topic."""
        megabytes = self.plan.megabytes
        prefault(self.scratch, CLIENT_MB + 2 * megabytes)
        with self.topic(subject, partitions) as name:
            before_s = subject.cpu_s()
            if client == "lean":
                seconds, size = lean("produce", subject.bootstrap, name, partitions, acks, record_bytes, megabytes)
            else:
                seconds, size = librdkafka(subject.bootstrap, name, acks, record_bytes, megabytes)
            cpu_s = subject.cpu_s() - before_s
        return Run(figure=size / 1e6 / seconds, cpu=cpu_s / size * 1e9, rss_mb=subject.rss_mb())

    def consume(self, subject: Subject, topic: str, partitions: int = 4) -> Run:
        """Read a filled topic from its start."""
        before_s = subject.cpu_s()
        seconds, size = lean("consume", subject.bootstrap, topic, partitions, self.plan.megabytes)
        cpu_s = subject.cpu_s() - before_s
        return Run(figure=size / 1e6 / seconds, cpu=cpu_s / size * 1e9, rss_mb=subject.rss_mb())

    def pipeline(self, subject: Subject) -> Run:
        """Send requests of one record without waiting; thousands a second."""
        with self.topic(subject, 4) as name:
            before_s = subject.cpu_s()
            # Apache Kafka handles one request of a connection at a time.
            count = self.plan.pipelined if subject is not self.theirs else self.plan.pipelined // 5
            seconds, answered = lean("pipeline", subject.bootstrap, name, 4, count)
            cpu_s = subject.cpu_s() - before_s
        return Run(figure=answered / seconds / 1e3, cpu=cpu_s / answered * 1e6)

    def one(self, subject: Subject, count: int | None = None) -> tuple[float, float]:
        """Send one record after the other; return p50 and p99 in ms."""
        count = count or self.plan.singles
        with self.topic(subject, 1) as name:
            lean("one", subject.bootstrap, name, max(50, count // 10))
            _, p50_ms, p99_ms = lean("one", subject.bootstrap, name, count)
        return p50_ms, p99_ms

    def one_beside_flood(self, subject: Subject) -> tuple[float, float]:
        """Do the same while another client produces as fast as it can."""
        with self.topic(subject, 4) as name:
            flood = subprocess.Popen(client_argv("lean_client", "flood", subject.bootstrap, name, 4))
            try:
                time.sleep(0.5)
                return self.one(subject, max(200, self.plan.singles // 4))
            finally:
                flood.kill()
                flood.wait()


def client_argv(module: str, *arguments: object) -> list[str]:
    """Return the command of a client."""
    return [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]


def figures_of(module: str, *arguments: object) -> list[float]:
    """Run a client to its end and return what it printed."""
    argv = client_argv(module, *arguments)
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=CLIENT_LIMIT_S)
    if result.returncode != 0:
        raise SystemExit(f"a client failed ({' '.join(argv[2:])}): {result.stderr.strip()}")
    return list(map(float, result.stdout.split()))


def lean(*arguments: object) -> list[float]:
    """Run the lean client."""
    return figures_of("lean_client", *arguments)


def librdkafka(*arguments: object) -> list[float]:
    """Run librdkafka's producer."""
    return figures_of("librdkafka_client", *arguments)


def print_baselines(plan: Plan, scratch: Path) -> None:
    """Print what the disk and the clients can do without a broker."""
    prefault(scratch, plan.megabytes)
    print(
        f"disk: {buffered_mb_per_s(scratch, plan.megabytes):.0f} MB/s buffered in blocks of 1 MB, as dd writes;", end=""
    )
    print(f" one append of 200 B and fdatasync {append_and_sync_ms(scratch):.2f} ms")
    seconds, size = librdkafka("mock", "bench", "1", 1024, plan.megabytes)
    print(f"librdkafka's producer against its own mock cluster: {size / 1e6 / seconds:.0f} MB/s of 1 KiB records")
    seconds, size = lean("ceiling", "-", "bench", 1024, plan.megabytes)
    print(f"the lean producer against a socket that is only emptied: {size / 1e6 / seconds:.0f} MB/s", flush=True)


def produce_rows(bench: Bench) -> None:
    """Print the rows of producing; Apache Kafka's first run is the fresh one."""
    ours, theirs = bench.in_turns(lambda subject: bench.produce(subject, acks=1), runs=1)
    if bench.theirs is not None:
        print_row("1 KiB acks=1, beside fresh", "MB/s", "4x", ours, theirs)
        warm_up(bench, bench.theirs)
    ours, theirs = bench.in_turns(lambda subject: bench.produce(subject, acks=1))
    print_row("1 KiB acks=1", "MB/s", "1.4x", ours, theirs)
    ours, theirs = bench.in_turns(lambda subject: bench.produce(subject, acks=1, client="librdkafka"))
    print_row("the same by librdkafka", "MB/s", "", ours, theirs)
    for partitions, bar in ((1, "1.8x"), (4, "1.3x"), (64, "1.5x")):
        ours, theirs = bench.in_turns(partial(bench.produce, acks=-1, partitions=partitions))
        print_row(f"1 KiB acks=all, synced, {partitions} partitions", "MB/s", bar, ours, theirs)
    ours, theirs = bench.in_turns(lambda subject: bench.produce(subject, acks=1, record_bytes=100))
    print_row("100 B acks=1", "MB/s", "0.9-1.3x", ours, theirs)


def warm_up(bench: Bench, subject: Subject) -> None:
    """Produce and delete until the JVM has compiled what it will."""
    for _ in range(max(1, bench.plan.warm_mb // bench.plan.megabytes)):
        bench.produce(subject, acks=1)


def consume_rows(bench: Bench) -> None:
    """Print the rows of consuming from the page cache; the first run of Apache Kafka is the fresh one."""
    plan = bench.plan
    with ExitStack() as stack:
        topics: dict[str, str] = {}
        for subject in (bench.ours, bench.theirs):
            if subject is not None:
                topics[subject.name] = name = stack.enter_context(bench.topic(subject, 4))
                lean("produce", subject.bootstrap, name, 4, 1, 1024, plan.megabytes + plan.megabytes // 5 + 8)
        prefault(bench.scratch, 1)
        ours, theirs = bench.in_turns(lambda subject: bench.consume(subject, topics[subject.name]), runs=1)
        print_row("consume 1 KiB, Kafka's first", "MB/s", "", ours, theirs)
        if bench.theirs is not None:
            for _ in range(plan.runs):
                bench.consume(bench.theirs, topics[bench.theirs.name])
        ours, theirs = bench.in_turns(lambda subject: bench.consume(subject, topics[subject.name]))
        print_row("consume 1 KiB", "MB/s", "1.2x", ours, theirs)


def small_rows(bench: Bench) -> None:
    """Print the rows of requests with one record."""
    with kcon_node(bench.scratch / "kcon-os", "--flush", "os") as relaxed:
        synced, theirs = bench.in_turns(bench.pipeline)
        os_runs = [bench.pipeline(relaxed) for _ in range(bench.plan.runs)]
        print_row("one-record requests pipelined, os", "k/s", "40 k/s", os_runs, theirs)
        print_row("the same, synced", "k/s", "35 k/s", synced, theirs)
        _one_rows(bench, relaxed, "one in flight", "1.15x", bench.one)
        _one_rows(bench, relaxed, "beside a flood", "10 ms", bench.one_beside_flood)


def _one_rows(
    bench: Bench, relaxed: Subject, work: str, bar: str, measure: Callable[[Subject], tuple[float, float]]
) -> None:
    runs = min(3, bench.plan.runs)
    relaxed_ms = [measure(relaxed) for _ in range(runs)]
    synced_ms = [measure(bench.ours) for _ in range(runs)]
    their_ms = [] if bench.theirs is None else [measure(bench.theirs) for _ in range(runs)]
    one_sync_ms = append_and_sync_ms(bench.scratch)

    def at(times: Sequence[tuple[float, float]], index: int, plus_ms: float = 0.0) -> list[Run]:
        return [Run(figure=each[index] + plus_ms) for each in times]

    print_row(f"{work}, p50, os", "ms", "1x", at(relaxed_ms, 0), at(their_ms, 0))
    print_row(f"{work}, p50, synced (Kafka + a sync)", "ms", bar, at(synced_ms, 0), at(their_ms, 0, one_sync_ms))
    print_row(f"{work}, p99, os", "ms", "", at(relaxed_ms, 1), at(their_ms, 1))
    print_row(f"{work}, p99, synced", "ms", bar if bar.endswith("ms") else "", at(synced_ms, 1), at(their_ms, 1))


def start_rows(bench: Bench) -> None:
    """Print the rows of starting on an empty folder, until it serves, and until a first record is acknowledged.

    Apache Kafka's time holds the formatting of its folder.
    """
    ours = [_started_s(kcon_node, bench.scratch / f"start-{number}") for number in range(max(3, bench.plan.runs))]
    theirs = [] if bench.theirs is None else [_started_s(apache_kafka, bench.scratch / "start-apache")]
    for index, work in enumerate(("start to ready", "start to the first acknowledged record")):
        print_row(
            work, "s", "0.4 s", [Run(figure=each[index]) for each in ours], [Run(figure=each[index]) for each in theirs]
        )


def _started_s(start: Callable[[Path], AbstractContextManager[Subject | None]], folder: Path) -> tuple[float, float]:
    began_s = time.perf_counter()
    with start(folder) as subject:
        assert subject is not None
        ready_s = time.perf_counter() - began_s
        create_topic(subject, "first", 1)
        wait_until_writable(subject.bootstrap, "first", 1)
        return ready_s, time.perf_counter() - began_s


def memory_rows(bench: Bench) -> None:
    """Print the rows of memory: idle after a start, and after much was produced and read."""
    with kcon_node(bench.scratch / "memory") as subject:
        print_row("RSS idle", "MB", "60 MB", [Run(figure=subject.rss_mb())])
        with bench.topic(subject, 4) as name:
            piece_mb = bench.plan.memory_mb // 4
            for round_number in range(4):
                lean("produce", subject.bootstrap, name, 4, 1, 1024, piece_mb)
                lean("consume", subject.bootstrap, name, 4, piece_mb * round_number or piece_mb // 2)
        their_mb = [] if bench.theirs is None else [Run(figure=bench.theirs.rss_mb())]
        work = f"RSS after {bench.plan.memory_mb / 1000:g} GB produced and read"
        print_row(work, "MB", "80 MB", [Run(figure=subject.rss_mb())], their_mb)


def main() -> None:
    """Parse the arguments, start both brokers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--alone", action="store_true", help="leave Apache Kafka out")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--megabytes", type=int)
    parser.add_argument("--warm-mb", type=int)
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    wished = {name: getattr(arguments, name) for name in ("runs", "megabytes", "warm_mb")}
    plan = replace(plan, **{name: value for name, value in wished.items() if value is not None})
    rows = arguments.rows.split(",")
    if unknown := sorted(set(rows) - set(ROWS)):
        parser.error(f"there are no rows {', '.join(unknown)}: choose of {', '.join(ROWS)}")
    use_compiled_modules()
    print(f"{plan.megabytes} MB a run, medians of {plan.runs}; {machine()}", flush=True)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        scratch = Path(name)
        print_baselines(plan, scratch)
        ours = stack.enter_context(kcon_node(scratch / "kcon"))
        theirs = None if arguments.alone else stack.enter_context(apache_kafka(scratch / "apache"))
        if theirs is None and not arguments.alone:
            print("Apache Kafka: skipped, Java or Maven is missing")
        bench = Bench(plan, scratch, ours, theirs)
        print_head()
        makers = (produce_rows, consume_rows, small_rows, start_rows, memory_rows)
        for row, make in zip(ROWS, makers, strict=False):
            if row in rows:
                make(bench)
        if "topics" in rows:
            topics.print_rows(scratch, plan.topics_beside, with_apache=not arguments.alone)
    if "topics" in rows:
        scale.measure(plan.topics, dirty=min(200, plan.topics))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
