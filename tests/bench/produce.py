"""Produce throughput of kcon's broker beside Apache Kafka, with the same client in a process of its own.

    python -m tests.bench.produce            1 KiB records, 4 partitions, 200 MB a run, 5 runs each, alternating
    python -m tests.bench.produce --quick    40 MB, 1 run each

Apache Kafka is measured in two states: fresh (its first run after start) and warm (after --warm-mb). kcon syncs
before it answers acks=all; Apache Kafka does not. Figures are printed, never asserted: machines differ.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.subjects import Subject, apache_kafka, kcon_broker, machine

CHUNK_RECORDS = 2_000
QUEUED_RECORDS_MAX = 60_000
TOPIC = "bench"
PARTITIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured run."""

    mb_per_s: float
    cpu_s_per_gb: float
    rss_mb: float


def client_main(bootstrap: str, topic: str, acks: str, record_bytes: int, megabytes: int) -> None:
    """Produce `megabytes` and print the seconds from the first record to the last acknowledgement."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": acks,
            "linger.ms": 5,
            "queue.buffering.max.messages": 2 * QUEUED_RECORDS_MAX,
            "queue.buffering.max.kbytes": 1 << 20,
            # Reports of success would be measured too; failures are what must not pass unseen.
            "delivery.report.only.error": True,
        }
    )
    failures: list[str] = []
    producer.list_topics(topic, timeout=10)
    record = {"value": b"x" * record_bytes}

    def note(error: object, _message: object) -> None:
        failures.append(str(error))

    left = megabytes * 1_000_000 // record_bytes
    started = time.perf_counter()
    while left > 0:
        if len(producer) > QUEUED_RECORDS_MAX:
            producer.poll(0.005)
            continue
        count = min(left, CHUNK_RECORDS)
        producer.produce_batch(topic, [dict(record) for _ in range(count)], on_delivery=note)
        left -= count
    undelivered = producer.flush(120)
    if undelivered or failures:
        raise SystemExit(f"{undelivered} records undelivered, {len(failures)} failed: {failures[:1]}")
    print(time.perf_counter() - started)


def create_topic(subject: Subject) -> None:
    """Create the topic with the same partitions everywhere: each broker has its own default."""
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": subject.bootstrap})
    for future in admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)]).values():
        future.result(60)


def prefault(scratch: Path, megabytes: int) -> None:
    """Write and delete as much as a run will write: a virtual machine may have handed free pages back to its host."""
    path = scratch / "prefault"
    with path.open("wb", buffering=0) as file:
        for _ in range(megabytes):
            file.write(bytes(1_000_000))
    path.unlink()


def measure(subject: Subject, acks: str, record_bytes: int, megabytes: int) -> Run:
    """Run the client once against `subject`."""
    os.sync()
    cpu_before_s = subject.cpu_s()
    argv = [sys.executable, "-m", "tests.bench.produce", "--client", subject.bootstrap, acks]
    argv += [str(record_bytes), str(megabytes)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    if result.returncode != 0:
        raise SystemExit(f"the client failed against {subject.name}: {result.stderr.strip()}")
    seconds = float(result.stdout)
    cpu_s = subject.cpu_s() - cpu_before_s
    return Run(mb_per_s=megabytes / seconds, cpu_s_per_gb=cpu_s * 1000 / megabytes, rss_mb=subject.rss_mb())


def row(work: str, peer: str, runs: Sequence[Run], against: Sequence[Run] = ()) -> str:
    """Format one line of the table from the medians of `runs`."""
    rate = median(run.mb_per_s for run in runs)
    ratio = f"{rate / median(run.mb_per_s for run in against):5.2f}x" if against else ""
    cpu = median(run.cpu_s_per_gb for run in runs)
    return f"| {work:22} | {peer:20} | {rate:7.0f} | {cpu:8.2f} | {runs[-1].rss_mb:6.0f} | {ratio:6} |"


def main() -> None:
    """Parse the arguments, run both brokers side by side and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warm-mb", type=int, default=3000)
    parser.add_argument("--prefault-mb", type=int, default=900)
    parser.add_argument("--record-bytes", type=int, default=1024)
    parser.add_argument("--client", nargs=4, metavar=("BOOTSTRAP", "ACKS", "RECORD_BYTES", "MEGABYTES"))
    arguments = parser.parse_args()
    if arguments.client:
        bootstrap, acks, record_bytes, megabytes = arguments.client
        client_main(bootstrap, TOPIC, acks, int(record_bytes), int(megabytes))
        return
    if arguments.quick:
        arguments.megabytes, arguments.runs, arguments.warm_mb, arguments.prefault_mb = 40, 1, 120, 0
    size, count, record_bytes = arguments.megabytes, arguments.runs, arguments.record_bytes
    print(f"produce, {record_bytes} B records, {size} MB a run, medians of {count}; {machine()}", flush=True)
    print(f"| {'work':22} | {'broker':20} | {'MB/s':>7} | {'CPU s/GB':>8} | {'RSS MB':>6} | {'ratio':6} |")
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        ours = stack.enter_context(kcon_broker(Path(scratch) / "kcon"))
        theirs = stack.enter_context(apache_kafka(Path(scratch) / "apache"))
        for subject in (ours, theirs):
            if subject is not None:
                create_topic(subject)
        measure(ours, "1", record_bytes, min(size, 40))
        fresh = [] if theirs is None else [measure(theirs, "1", record_bytes, size)]
        if theirs is not None:
            measure(theirs, "1", record_bytes, arguments.warm_mb)
        for acks in ("1", "all"):
            our_runs, their_runs = [], []
            for _ in range(count):
                prefault(Path(scratch), arguments.prefault_mb)
                our_runs.append(measure(ours, acks, record_bytes, size))
                if theirs is not None:
                    prefault(Path(scratch), arguments.prefault_mb)
                    their_runs.append(measure(theirs, acks, record_bytes, size))
            if their_runs:
                print(row(f"acks={acks}", "Apache Kafka, warm", their_runs))
                if acks == "1":
                    print(row("acks=1", "Apache Kafka, fresh", fresh))
            else:
                print("Apache Kafka: skipped, Java or Maven is missing")
            print(row(f"acks={acks}", "kcon, synced", our_runs, their_runs), flush=True)
            if acks == "1" and fresh:
                print(row("acks=1, beside fresh", "kcon, synced", our_runs, fresh), flush=True)


if __name__ == "__main__":
    main()
