"""Consume throughput of kcon's broker beside Apache Kafka, from a warm cache.

    python -m tests.bench.consume            1 KiB records, 4 partitions, 400 MB a run, 5 runs each, alternating
    python -m tests.bench.consume --quick    40 MB, 1 run each

The client is as lean as can be: it sends Fetch requests, takes the bytes, and looks at the last batch header of each
partition for the next offset. So the figure is the broker's, not the client's. Figures are printed, never asserted.
"""

import argparse
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.headers import RequestHeader
from kcon_broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from tests.bench.produce import Run, measure, row
from tests.bench.subjects import Subject, apache_kafka, kcon_broker, machine

PARTITIONS = 4
FETCH_VERSION = 11
FETCH_BYTES_MAX = 1 << 20
_SIZE = struct.Struct(">i")
_BATCH_START = struct.Struct(">qi")
_LAST_OFFSET_DELTA = struct.Struct(">i")


def next_offset(records: memoryview, offset: int) -> int:
    """Return the offset after the last whole batch."""
    at = 0
    while at + 61 <= len(records):
        base_offset, length = _BATCH_START.unpack_from(records, at)
        if at + 12 + length > len(records):
            break
        offset = base_offset + _LAST_OFFSET_DELTA.unpack_from(records, at + 23)[0] + 1
        at += 12 + length
    return offset


def client_main(bootstrap: str, topic: str, megabytes: int) -> None:
    """Read the topic from its start until `megabytes` came; print the seconds and the bytes."""
    host, _, port = bootstrap.rpartition(":")
    offsets = [0] * PARTITIONS
    wanted = megabytes * 1_000_000
    received = 0
    buffer = bytearray(PARTITIONS * FETCH_BYTES_MAX + (1 << 16))
    view = memoryview(buffer)
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        while received < wanted:
            wishes = [
                FetchPartition(partition=index, fetch_offset=offset, partition_max_bytes=FETCH_BYTES_MAX)
                for index, offset in enumerate(offsets)
            ]
            request = FetchRequest(
                max_wait_ms=500,
                min_bytes=1,
                max_bytes=PARTITIONS * FETCH_BYTES_MAX,
                topics=[FetchTopic(topic=topic, partitions=wishes)],
            )
            header = RequestHeader(ApiKey.FETCH, FETCH_VERSION, 7, "bench").encode()
            body = header + request.encode(FETCH_VERSION)
            connection.sendall(_SIZE.pack(len(body)) + body)
            size = _SIZE.unpack(connection.recv(4, socket.MSG_WAITALL))[0]
            got = 0
            while got < size:
                got += connection.recv_into(view[got:size])
            response, _ = FetchResponse.decode(view[:size], 4, FETCH_VERSION)
            before = received
            for data in response.responses[0].partitions:
                assert data.error_code == 0, data.error_code
                assert isinstance(data.records, memoryview)
                offsets[data.partition_index] = next_offset(data.records, offsets[data.partition_index])
                received += len(data.records)
            assert received > before, "the topic ended"
        print(time.perf_counter() - started, received)


def create_topic(bootstrap: str) -> None:
    """Create the topic: the brokers' own defaults differ in the number of partitions."""
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("bench", PARTITIONS, 1)])["bench"].result(30)


def consume(subject: Subject, megabytes: int) -> Run:
    """Run the client once against `subject`."""
    cpu_before_s = subject.cpu_s()
    argv = [sys.executable, "-m", "tests.bench.consume", "--client", subject.bootstrap, str(megabytes)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    if result.returncode != 0:
        raise SystemExit(f"the client failed against {subject.name}: {result.stderr.strip()}")
    seconds, received = map(float, result.stdout.split())
    cpu_s = subject.cpu_s() - cpu_before_s
    return Run(mb_per_s=received / 1e6 / seconds, cpu_s_per_gb=cpu_s / received * 1e9, rss_mb=subject.rss_mb())


def main() -> None:
    """Parse the arguments, fill both brokers, read them in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warm-runs", type=int, default=5)
    parser.add_argument("--record-bytes", type=int, default=1024)
    parser.add_argument("--alone", action="store_true", help="leave Apache Kafka out")
    parser.add_argument("--client", nargs=2, metavar=("BOOTSTRAP", "MEGABYTES"))
    arguments = parser.parse_args()
    if arguments.client:
        client_main(arguments.client[0], "bench", int(arguments.client[1]))
        return
    if arguments.quick:
        arguments.megabytes, arguments.runs, arguments.warm_runs = 40, 1, 1
    size, record_bytes = arguments.megabytes, arguments.record_bytes
    print(f"consume, {record_bytes} B records, {size} MB a run, medians of {arguments.runs}; {machine()}", flush=True)
    print(f"| {'work':22} | {'broker':20} | {'MB/s':>7} | {'CPU s/GB':>8} | {'RSS MB':>6} | {'ratio':6} |")
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        subjects = [stack.enter_context(kcon_broker(Path(scratch) / "kcon"))]
        theirs = None if arguments.alone else stack.enter_context(apache_kafka(Path(scratch) / "apache"))
        if theirs is not None:
            subjects.append(theirs)
        elif not arguments.alone:
            print("Apache Kafka: skipped, Java or Maven is missing")
        for subject in subjects:
            # The whole run is read again and again: what was written is in the page cache.
            create_topic(subject.bootstrap)
            measure(subject, "1", record_bytes, size + size // 10)
            for _ in range(arguments.warm_runs):
                consume(subject, size)
        runs: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
        for _ in range(arguments.runs):
            for subject in subjects:
                runs[subject.name].append(consume(subject, size))
        against: Sequence[Run] = ()
        if theirs is not None:
            against = runs[theirs.name]
            print(row("warm cache", "Apache Kafka, warm", against))
        print(row("warm cache", "kcon", runs[subjects[0].name], against), flush=True)
        os.sync()


if __name__ == "__main__":
    main()
