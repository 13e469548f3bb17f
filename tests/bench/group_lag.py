"""All lags of all groups: `kcon group lag --all` beside Apache's own tool, whole processes, on one Apache Kafka.

    python -m tests.bench.group_lag              500 topics of 4 partitions, 500 groups of 20 committed partitions
    python -m tests.bench.group_lag --topics 2000 --groups 2000
    python -m tests.bench.group_lag --quick      50 topics, 50 groups, 1 run

Both must report the same number of rows. Figures are printed, never asserted: machines differ.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from kcon.services.local_cluster import java_argv, resolve_classpath
from tests.bench.subjects import apache_kafka, machine

PARTITIONS_PER_TOPIC = 4
COMMITTED_PER_GROUP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One whole process."""

    wall_s: float
    cpu_s: float
    rows: int


def timed(argv: Sequence[str]) -> tuple[float, float, str]:
    """Run a command; return its wall seconds, its CPU seconds and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode != 0:
        raise SystemExit(f"{argv[0]} failed: {result.stderr.strip()[-500:]}")
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result.stdout


def run_kcon(bootstrap: str) -> Run:
    """Run `kcon group lag --all` and count its items."""
    argv = [sys.executable, "-m", "kcon", "group", "lag", "--all", "-b", bootstrap, "--output", "json"]
    wall_s, cpu_s, output = timed(argv)
    return Run(wall_s=wall_s, cpu_s=cpu_s, rows=len(json.loads(output)["items"]))


def run_apache(classpath: str, bootstrap: str) -> Run:
    """Run Apache's ConsumerGroupCommand over all groups and count its rows."""
    argv = java_argv(
        classpath,
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        *("--bootstrap-server", bootstrap, "--describe", "--all-groups", "--timeout", "120000"),
        jvm_options=("-XX:TieredStopAtLevel=1", "-Xmx256M"),
    )
    wall_s, cpu_s, output = timed(argv)
    rows = [line for line in output.splitlines() if line.strip() and not line.startswith("GROUP ")]
    return Run(wall_s=wall_s, cpu_s=cpu_s, rows=len(rows))


def populate(bootstrap: str, topics: int, groups: int) -> None:
    """Create the topics and commit the offsets, with librdkafka so that no code under measurement takes part."""
    from confluent_kafka import Consumer, TopicPartition
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = [f"bench-{index:05d}" for index in range(topics)]
    for start in range(0, topics, 200):
        fresh = [NewTopic(name, PARTITIONS_PER_TOPIC, 1) for name in names[start : start + 200]]
        for future in admin.create_topics(fresh, request_timeout=120).values():
            future.result(180)
    for index in range(groups):
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"group-{index:05d}", "log_level": 0})
        offsets = [
            TopicPartition(names[(index + step // PARTITIONS_PER_TOPIC) % topics], step % PARTITIONS_PER_TOPIC, 0)
            for step in range(COMMITTED_PER_GROUP)
        ]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()


def main() -> None:
    """Parse the arguments, populate one Apache Kafka, run both tools in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--topics", type=int, default=500)
    parser.add_argument("--groups", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.topics, arguments.groups, arguments.runs = 50, 50, 1
    with tempfile.TemporaryDirectory() as scratch, apache_kafka(Path(scratch)) as cluster:
        if cluster is None:
            print("skipped: Java or Maven is missing")
            return
        classpath = asyncio.run(resolve_classpath())
        populate(cluster.bootstrap, arguments.topics, arguments.groups)
        ours, theirs = [], []
        for _ in range(arguments.runs):
            os.sync()
            ours.append(run_kcon(cluster.bootstrap))
            theirs.append(run_apache(classpath, cluster.bootstrap))
    print(
        f"all lags: {arguments.topics} topics x {PARTITIONS_PER_TOPIC}, {arguments.groups} groups x"
        f" {COMMITTED_PER_GROUP}, one Apache Kafka node, medians of {arguments.runs}; {machine()}"
    )
    print(f"| {'tool':28} | {'wall s':>7} | {'CPU s':>6} | {'rows':>7} |")
    for name, runs in (("kcon group lag --all", ours), ("kafka-consumer-groups.sh", theirs)):
        wall_s, cpu_s = median(run.wall_s for run in runs), median(run.cpu_s for run in runs)
        print(f"| {name:28} | {wall_s:7.2f} | {cpu_s:6.2f} | {runs[-1].rows:7d} |")
    if ours[-1].rows != theirs[-1].rows:
        raise SystemExit("the two tools report different numbers of rows")


if __name__ == "__main__":
    main()
