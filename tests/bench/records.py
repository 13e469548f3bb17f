"""How quick are the record commands, and does their memory stay flat? `python -m tests.bench.records [--quick]`.

Commands run as processes of their own against kcon's broker; the kernel accounts their CPU seconds and peak memory.
kcat stands beside `consume` where it is installed. Timings are printed, never asserted.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Producer

from tests.bench.subjects import Subject, create_topic, kcon_node

VALUE_BYTES = 1_024
SAMPLE_S = 0.02
FLIGHTS = 336_776
"""Rows of the flights of 2013."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process, measured."""

    name: str
    records: int
    seconds: float
    cpu_s: float
    rss_mb: float

    def line(self) -> str:
        """Return the line of the table."""
        return (
            f"{self.name:<52} {self.records / self.seconds / 1_000:>9.0f} k/s {self.seconds:>7.2f} s "
            f"{self.cpu_s:>7.2f} CPU s {self.rss_mb:>7.0f} MB"
        )


def measure(name: str, argv: list[str], records: int, environment: dict[str, str]) -> Run:
    """Run a process with its output to /dev/null, and print its line."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=told, env=environment)
        peak_mb = 0.0
        # The kernel's own peak begins with what the parent had at the fork; that of proc(5) begins at the exec.
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak_mb = max(peak_mb, peak_rss_mb(process.pid))
            time.sleep(SAMPLE_S)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        told.seek(0)
        assert process.returncode == 0, (argv, told.read()[-2_000:])
    usage = ended[2]
    run = Run(name=name, records=records, seconds=seconds, cpu_s=usage.ru_utime + usage.ru_stime, rss_mb=peak_mb)
    print(run.line(), flush=True)
    return run


def peak_rss_mb(pid: int) -> float:
    """Return the most memory that a process had resident so far; 0 when it has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def fill(subject: Subject, topic: str, count: int, values: list[bytes]) -> None:
    """Write records, uncompressed, over four partitions."""
    create_topic(subject, topic, 4)
    producer = Producer({"bootstrap.servers": subject.bootstrap, "linger.ms": 20, "acks": "1"})
    for number in range(count):
        while True:
            try:
                producer.produce(topic, values[number % len(values)], b"%d" % number, number & 3)
                break
            except BufferError:
                producer.poll(0.05)
    assert producer.flush(120) == 0


def json_values() -> list[bytes]:
    """Return a thousand JSON objects of about 330 bytes."""
    row = {f"field_{number}": f"value {number}" for number in range(12)}
    return [
        json.dumps({"n": n, "delay": n % 97 - 20, "carrier": ("UA", "AA", "B6")[n % 3], **row}).encode()
        for n in range(1_000)
    ]


def write_flights(path: Path, count: int) -> None:
    """Write a CSV like the flights: 19 columns, one header line."""
    with path.open("w") as file:
        file.write(",".join(f"column_{number}" for number in range(19)) + "\n")
        for n in range(count):
            months = f"{n % 12 + 1},{n % 28 + 1},517,515,{n % 60},830,819,11"
            file.write(f"{n},2013,{months},UA,{n % 9000},N{n % 4000},EWR,IAH,227,1400,5,15\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A fifth of the data.")
    parser.add_argument(
        "--memory", action="store_true", help="Only this: a quarter of a GB, then two GB; memory must not follow."
    )
    options = parser.parse_args()
    scale = 1 if not options.quick else 5
    with tempfile.TemporaryDirectory(prefix="kcon-bench-") as name, kcon_node(Path(name) / "data") as subject:
        folder = Path(name)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("KCON_")},
            "KCON_BOOTSTRAP": subject.bootstrap,
            "KCON_STATE_DIR": str(folder / "state"),
            "KCON_CONFIG_DIR": str(folder / "config"),
        }
        kcon = [sys.executable, "-m", "kcon"]
        count = 1_000_000 // scale
        if options.memory:
            compare_memory(subject, count, environment, kcon)
            return
        fill(subject, "plain", count, [os.urandom(VALUE_BYTES // 2).hex().encode()])
        run = measure(f"kcon consume -e, {VALUE_BYTES} B", [*kcon, "consume", "plain", "-e"], count, environment)
        if shutil.which("kcat") is not None:
            argv = ["kcat", "-b", subject.bootstrap, "-C", "-t", "plain", "-o", "beginning", "-e", "-q"]
            beside = measure("kcat -C -e", argv, count, environment)
            times, cpus = run.seconds / beside.seconds, run.cpu_s / beside.cpu_s
            print(f"  consume / kcat: {times:.2f} of its time, {cpus:.2f} of its CPU")
        searched = 500_000 // scale
        fill(subject, "rows", searched, json_values())
        for what, where in (
            ("simple", 'value.delay > 70 && value.carrier == "UA"'),
            ("any expression", 'value.delay + size(value.carrier) > 70 && value.carrier.matches("^U")'),
            ("every field", 'value.exists(name, name == "never")'),
        ):
            measure(f"kcon search, {what}", [*kcon, "search", "rows", "-q", "--where", where], searched, environment)
        rows = FLIGHTS // scale
        write_flights(folder / "flights.csv", rows)
        for words in ((), ("--exactly-once",)):
            topic = f"flights{len(words)}"
            create_topic(subject, topic, 4)
            argv = [*kcon, "load", str(folder / "flights.csv"), "-t", topic, *words]
            measure(f"kcon load {' '.join(words)}", argv, rows, environment)
        measure("kcon copy", [*kcon, "copy", "plain", "plain-copy", "--create", "-y"], count, environment)
        with kcon_node(folder / "other") as other:
            argv = [*kcon, "migrate", subject.bootstrap, other.bootstrap, "plain", "-y"]
            measure("kcon migrate, verified", argv, count, environment)


def compare_memory(subject: Subject, count: int, environment: dict[str, str], kcon: list[str]) -> None:
    """Read, search, copy and migrate a little and eight times as much; print how the peaks differ."""
    peaks: dict[str, list[float]] = {}
    for size in (count // 4, 2 * count):
        topic = f"of-{size}"
        # Of many values, or what is copied compressed would be a hundredth.
        fill(subject, topic, size, [os.urandom(VALUE_BYTES // 2).hex().encode() for _ in range(1_000)])
        amount = f"{size * VALUE_BYTES / 2**20:,.0f} MB"
        with tempfile.TemporaryDirectory(prefix="kcon-bench-") as name, kcon_node(Path(name)) as other:
            for words in (
                ("consume", topic, "-e"),
                ("search", topic, "-q", "--where", "value_size == 1"),
                ("copy", topic, f"{topic}-copy", "--create", "-y"),
                ("migrate", subject.bootstrap, other.bootstrap, topic, "-y"),
            ):
                run = measure(f"kcon {words[0]}, {amount}", [*kcon, *words], size, environment)
                peaks.setdefault(words[0], []).append(run.rss_mb)
    for command, (small, large) in peaks.items():
        print(f"  {command}: {large - small:+.0f} MB for eight times as much")


if __name__ == "__main__":
    main()
