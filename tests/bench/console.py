"""The console's bars that need no screen, on 10,000 topics, 40,000 partitions and 2,000 groups, beside its peers.

    python -m tests.bench.console                       makes the cluster, measures, deletes it
    python -m tests.bench.console --data-dir DIR        keeps its data there: the next run starts at once
    python -m tests.bench.console --data-dir DIR --up   makes or starts it, leaves it running, prints its address
    python -m tests.bench.console --data-dir DIR --down ends it and deletes the data
    python -m tests.bench.console -b HOST:PORT          measures on a cluster that runs already
    python -m tests.bench.console -b HOST:PORT --only refresh    what one look at everything costs
    python -m tests.bench.console --quick               200 topics, 50 groups, 1 run

Peers are measured where they are found: Apache's tools through Maven's jars, kcat, kcl and kaf on the PATH or in
--peers DIR, kafka-python's CLI in the interpreter that --kafka-python names. One that is missing is named. Figures are
printed, never asserted: machines differ.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from subprocess import TimeoutExpired

from kcon.services.apache_kafka import java_argv, missing_requirement, resolve_classpath
from tests.bench.big_cluster import bring_up, group_id_of, running, take_down
from tests.bench.processes import Cost, FailedError, cost_of, medians
from tests.bench.refresh import refreshes
from tests.bench.subjects import machine

HEAP_MB = 1536
LONG_S = 30.0
KCON = (sys.executable, "-m", "kcon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One way to do a piece of work."""

    name: str
    argv: Sequence[str]
    count: Callable[[str], int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One row of the bars: ours first, then the peers."""

    title: str
    bar: str
    subjects: Sequence[Subject]


def lines(text: str) -> int:
    """Count the lines that are no header."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.upper().startswith(("GROUP ", "NAME ")))


def kcat_topics(text: str) -> int:
    """Count the topics of `kcat -L`."""
    return sum(1 for line in text.splitlines() if line.startswith('  topic "'))


def ours(title: str, *words: str) -> Subject:
    """Return kcon's subject; it prints names or TSV without a header."""
    return Subject(name=f"kcon {title}", argv=(*KCON, *words), count=lines)


class Peers:
    """The other tools on this machine."""

    def __init__(self, bootstrap: str, arguments: argparse.Namespace) -> None:
        self._bootstrap = bootstrap
        self._folder: str | None = arguments.peers
        self._python: str | None = arguments.kafka_python
        self._classpath = None if missing_requirement() else asyncio.run(resolve_classpath())
        self.missing: set[str] = set()

    def apache(self, script: str, main_class: str, *words: str) -> Iterator[Subject]:
        """Yield one of Apache's tools."""
        if self._classpath is None:
            self.missing.add("Apache's tools (Java, Maven)")
            return
        argv = java_argv(
            self._classpath, main_class, "--bootstrap-server", self._bootstrap, *words, jvm_options=("-Xmx512M",)
        )
        yield Subject(name=script, argv=argv, count=lines)

    def program(
        self, program: str, words: Sequence[str], count: Callable[[str], int | None] = lines
    ) -> Iterator[Subject]:
        """Yield a program that takes kcat's -b."""
        path = shutil.which(program, path=self._folder) if self._folder else None
        path = path or shutil.which(program)
        if path is None:
            self.missing.add(program)
            return
        yield Subject(name=f"{program} {' '.join(words)}", argv=(path, *words), count=count)

    def kafka_python(self, *words: str) -> Iterator[Subject]:
        """Yield the CLI of kafka-python."""
        if self._python is None:
            self.missing.add("kafka-python (--kafka-python INTERPRETER)")
            return
        argv = (self._python, "-m", "kafka.admin", "-b", self._bootstrap.split(",")[0], *words)
        yield Subject(name=f"kafka-python {' '.join(words)}", argv=argv, count=lambda text: None)


def works(bootstrap: str, peers: Peers) -> list[Work]:
    """Return every row that is a whole process."""
    at = ("-b", bootstrap)
    quiet = ("--no-headers", "-o", "tsv")
    groups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
    one = group_id_of(7)
    kcl = ("-X", f"seed_brokers={bootstrap}")
    kaf = ("-b", bootstrap)
    return [
        Work(
            title="all groups, all lags",
            bar="<= 1.5 s, <= 100 MB",
            subjects=[
                ours("group lag --all", "group", "lag", "--all", *quiet, *at),
                *peers.apache("kafka-consumer-groups.sh", groups, "--describe", "--all-groups", "--timeout", "120000"),
            ],
        ),
        Work(
            title="list topics",
            bar="<= 0.45 s, <= 70 MB",
            subjects=[
                ours("topic list", "topic", "list", *quiet, *at),
                *peers.program("kcat", ("-L", "-b", bootstrap), kcat_topics),
                *peers.program("kcl", (*kcl, "topic", "list")),
                *peers.program("kaf", (*kaf, "topics")),
                *peers.apache("kafka-topics.sh", "org.apache.kafka.tools.TopicCommand", "--list"),
                *peers.kafka_python("topics", "list"),
            ],
        ),
        Work(
            title="list groups",
            bar="<= 0.3 s",
            subjects=[
                ours("group list", "group", "list", *quiet, *at),
                *peers.program("kcl", (*kcl, "group", "list")),
                *peers.program("kaf", (*kaf, "groups")),
                *peers.apache("kafka-consumer-groups.sh", groups, "--list"),
                *peers.kafka_python("groups", "list"),
            ],
        ),
        Work(
            title="end offsets of every partition",
            bar="<= 1.0 s",
            subjects=[
                ours("topic offsets", "topic", "offsets", *quiet, *at),
                *peers.program("kcl", (*kcl, "misc", "list-offsets")),
                *peers.apache("GetOffsetShell", "org.apache.kafka.tools.GetOffsetShell", "--time", "-1"),
            ],
        ),
        Work(
            title="one group",
            bar="<= 0.3 s",
            subjects=[
                ours("group lag GROUP", "group", "lag", one, *quiet, *at),
                *peers.program("kcl", (*kcl, "group", "describe", one)),
                *peers.program("kaf", (*kaf, "group", "describe", one)),
                *peers.apache("kafka-consumer-groups.sh", groups, "--describe", "--group", one),
            ],
        ),
    ]


def measure(work: Work, runs: int) -> None:
    """Run the subjects of a work in turn, so that a busy moment meets them all, and print their medians.

    One whose first run took longer than LONG_S is run no more: it would hold up the rest for what is known already.
    """
    print(f"\n{work.title} (bar: {work.bar})")
    print(f"| {'tool':34} | {'wall s':>7} | {'CPU s':>6} | {'RSS MB':>6} | {'rows':>6} | {'x ours':>6} |", flush=True)
    costs: dict[str, list[Cost]] = {subject.name: [] for subject in work.subjects}
    failed: dict[str, str] = {}
    for _ in range(runs):
        for subject in work.subjects:
            told = costs[subject.name]
            if subject.name in failed or (told and told[0].wall_s > LONG_S):
                continue
            try:
                told.append(cost_of(subject.argv, subject.count))
            except (FailedError, TimeoutExpired) as error:
                failed[subject.name] = str(error)
    first: Cost | None = None
    for name, told in costs.items():
        if not told:
            print(f"| {name:34} | failed: {failed[name].splitlines()[-1][:80]}")
            continue
        cost = medians(told)
        first = first or cost
        rows = "" if cost.rows is None else f"{cost.rows}"
        once = " (one run)" if len(told) < runs else ""
        print(
            f"| {name:34} | {cost.wall_s:7.2f} | {cost.cpu_s:6.2f} | {cost.rss_mb:6.0f} | {rows:>6} |"
            f" {cost.wall_s / first.wall_s:6.1f} |{once}"
        )
    sys.stdout.flush()


def measure_start_up(bootstrap: str, runs: int) -> None:
    """Print how much longer than a bare interpreter short commands take, in pairs."""
    print("\nstart-up, in multiples of a bare `python -c pass` (bars: --help 5x, a small topic list 14x)")
    for title, words in (
        ("kcon --help", ("--help",)),
        ("kcon topic list (one topic)", ("topic", "list", "bench.topic-00001", "-b", bootstrap)),
        ("kcon group lag GROUP", ("group", "lag", group_id_of(7), "-b", bootstrap)),
    ):
        pairs = [(cost_of((sys.executable, "-c", "pass")), cost_of((*KCON, *words))) for _ in range(runs)]
        wall = median(kcon.wall_s / bare.wall_s for bare, kcon in pairs)
        cpu = median(kcon.cpu_s / bare.cpu_s for bare, kcon in pairs)
        bare_ms = median(bare.wall_s for bare, _ in pairs) * 1000
        print(f"  {title:30} wall {wall:5.1f}x, CPU {cpu:5.1f}x (bare {bare_ms:.0f} ms)")


@contextmanager
def _cluster(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.bootstrap:
        yield arguments.bootstrap
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(arguments.data_dir or scratch)
        with running(folder, arguments.topics, arguments.groups, heap_mb=HEAP_MB) as cluster:
            yield ",".join(cluster.bootstrap)


def main() -> None:
    """Parse the arguments, bring the cluster up, and print every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--topics", type=int, default=10_000)
    parser.add_argument("--groups", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data-dir")
    parser.add_argument("--up", action="store_true", help="leave it running")
    parser.add_argument("--down", action="store_true", help="end it and delete its data")
    parser.add_argument("-b", "--bootstrap")
    parser.add_argument("--peers", help="a folder with kcl and kaf")
    parser.add_argument("--kafka-python", help="an interpreter that has kafka-python")
    parser.add_argument("--only", choices=["refresh"], help="one part alone")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.topics, arguments.groups, arguments.runs = 200, 50, 1
    if (arguments.up or arguments.down) and not arguments.data_dir:
        parser.error("--up and --down want --data-dir")
    if arguments.down:
        take_down(Path(arguments.data_dir))
        return
    if arguments.up:
        cluster = bring_up(Path(arguments.data_dir), arguments.topics, arguments.groups, heap_mb=HEAP_MB)
        print(",".join(cluster.bootstrap))
        return
    with _cluster(arguments) as bootstrap:
        if arguments.only == "refresh":
            asyncio.run(refreshes(bootstrap, arguments.runs))
            return
        peers = Peers(bootstrap, arguments)
        rows = works(bootstrap, peers)
        print(f"{machine()}; medians of {arguments.runs}")
        for work in rows:
            measure(work, arguments.runs)
        asyncio.run(refreshes(bootstrap, arguments.runs))
        measure_start_up(bootstrap, max(arguments.runs, 3))
    for name in sorted(peers.missing):
        print(f"not measured, missing: {name}")
    os.sync()


if __name__ == "__main__":
    main()
