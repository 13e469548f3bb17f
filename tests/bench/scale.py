"""Many topics on one node: created, described, killed with dirty partitions, started again, under `ulimit -n 1024`.

    python -m tests.bench.scale              10,000 topics of 4 partitions, 200 of them dirty
    python -m tests.bench.scale --topics 500
    python -m tests.bench.scale --touch-all  one record into every partition as well

Figures are printed, never asserted: machines differ. The bars: created in 5 s, Metadata for all in 50 ms, a start
after kill -9 in 1.5 s, 250 MB.
"""

import argparse
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self, TypeVar

from kcon_broker.batch.records import Record, encode_batch
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.headers import RequestHeader
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from kcon_broker.wire.messages.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from kcon_broker.wire.schema import ApiMessage
from tests.bench.subjects import Subject, machine, use_compiled_modules

PARTITIONS = 4
OPEN_FILES = 1_024
TOPICS_PER_REQUEST = 1_000
_SIZE = struct.Struct(">i")
_ResponseT = TypeVar("_ResponseT", bound=ApiMessage)


class Client:
    """One connection that knows nothing but bytes and messages."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=120)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def ask_bytes(self, request: ApiMessage, version: int) -> memoryview:
        """Return the answer as it came, after the correlation id."""
        body = RequestHeader(ApiKey(request.API_KEY), version, 1, "bench").encode() + request.encode(version)
        self._socket.sendall(_SIZE.pack(len(body)) + body)
        size = _SIZE.unpack(self._socket.recv(4, socket.MSG_WAITALL))[0]
        answer = memoryview(bytearray(size))
        got = 0
        while got < size:
            got += self._socket.recv_into(answer[got:])
        return answer[4:]

    def ask(self, request: ApiMessage, response_type: type[_ResponseT], version: int) -> _ResponseT:
        """Return the decoded answer."""
        tags = 1 if version >= response_type.FLEXIBLE_SINCE else 0
        return response_type.decode(self.ask_bytes(request, version), tags, version)[0]


@contextmanager
def broker(folder: Path) -> Iterator[tuple[Subject, float]]:
    """Run a broker under the limit on open files; give it, and the seconds from exec to ready. It ends by SIGKILL."""
    began = time.perf_counter()
    broker_argv = [sys.executable, "-m", "kcon_broker"]
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            f'ulimit -n {OPEN_FILES} && exec "$0" "$@"',
            *broker_argv,
            "--data-dir",
            str(folder),
            "--port",
            "0",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:1] == ["ready"], f"the broker ended with {process.poll()}"
        bootstrap = words[1]
        yield Subject(name="kcon", bootstrap=bootstrap, pid=process.pid), time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def create(client: Client, count: int) -> float:
    """Create the topics; return the seconds."""
    began = time.perf_counter()
    for first in range(0, count, TOPICS_PER_REQUEST):
        topics = [
            CreatableTopic(name=f"topic-{number}", num_partitions=PARTITIONS, replication_factor=1)
            for number in range(first, min(first + TOPICS_PER_REQUEST, count))
        ]
        answer = client.ask(CreateTopicsRequest(topics=topics, timeout_ms=60_000), CreateTopicsResponse, 7)
        assert not any(topic.error_code for topic in answer.topics), answer.topics[0]
    return time.perf_counter() - began


def ask_metadata(client: Client) -> float:
    """Return the milliseconds of one Metadata request for all topics, to the last byte of the answer."""
    began = time.perf_counter()
    client.ask_bytes(MetadataRequest(topics=None), 12)
    return (time.perf_counter() - began) * 1_000


def touch(client: Client, names: Sequence[tuple[str, int]]) -> float:
    """Append one record to each partition; return the seconds."""
    began = time.perf_counter()
    for first in range(0, len(names), 200):
        topics: dict[str, TopicProduceData] = {}
        for name, partition in names[first : first + 200]:
            records = bytes(encode_batch([Record(0, int(time.time() * 1_000), b"key", b"x" * 100)]))
            data = topics.setdefault(name, TopicProduceData(name=name))
            data.partition_data.append(PartitionProduceData(index=partition, records=records))
        request = ProduceRequest(acks=-1, timeout_ms=60_000, topic_data=list(topics.values()))
        answer = client.ask(request, ProduceResponse, 9)
        codes = [part.error_code for topic in answer.responses for part in topic.partition_responses]
        assert not any(codes), codes
    return time.perf_counter() - began


def row(work: str, figure: str, bar: str = "") -> None:
    """Print one line of the table."""
    print(f"| {work:52} | {figure:>16} | {bar:>10} |", flush=True)


def measure(count: int, *, dirty: int, touches_all: bool = False) -> None:
    """Do everything once and print the table."""
    total = count * PARTITIONS
    print(f"{count:,} topics of {PARTITIONS} partitions, ulimit -n {OPEN_FILES}; {machine()}")
    row("work", "measured", "bar")
    print(f"|{'-' * 54}|{'-' * 18}|{'-' * 12}|")
    every = [(f"topic-{number}", index) for number in range(count) for index in range(PARTITIONS)]
    touched = every[:: max(1, total // dirty)][:dirty]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with broker(folder) as (subject, start_s), Client(subject.bootstrap) as client:
            row("start on an empty folder, exec to ready", f"{start_s:.2f} s", "0.4 s")
            rss_before_mb = subject.rss_mb()
            row("create the topics", f"{create(client, count):.2f} s", "5 s")
            row("Metadata for all, the first", f"{ask_metadata(client):.1f} ms", "50 ms")
            row("Metadata for all, median of 10", f"{median(ask_metadata(client) for _ in range(10)):.1f} ms", "50 ms")
            row("RSS", f"{subject.rss_mb():.0f} MB", "250 MB")
            idle_bytes = (subject.rss_mb() - rss_before_mb) * 2**20 / total
            row("RSS an idle partition, with its share of the answers", f"{idle_bytes:.0f} B")
            row(f"first record into {dirty} partitions", f"{touch(client, touched):.2f} s")
            row(f"second record into {dirty} partitions", f"{touch(client, touched):.2f} s")
            if touches_all:
                row(f"a record into each of {total:,} partitions", f"{touch(client, every):.1f} s")
                row("RSS then", f"{subject.rss_mb():.0f} MB", "250 MB")
            os.sync()
        _measure_restart(folder, count, touched)


def _measure_restart(folder: Path, count: int, touched: Sequence[tuple[str, int]]) -> None:
    began = time.perf_counter()
    with broker(folder) as (subject, start_s), Client(subject.bootstrap) as client:
        row("start after kill -9, exec to ready", f"{start_s:.2f} s")
        touch(client, touched[:1])
        row("the same to the first acknowledged record", f"{time.perf_counter() - began:.2f} s", "1.5 s")
        row("Metadata for all after it", f"{ask_metadata(client):.1f} ms", "50 ms")
        answer = client.ask(MetadataRequest(topics=None), MetadataResponse, 12)
        assert len(answer.topics) == count
        row("a record into all dirty partitions", f"{touch(client, touched):.2f} s")


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topics", type=int, default=10_000)
    parser.add_argument("--dirty", type=int, default=200, help="partitions with records at the kill")
    parser.add_argument("--touch-all", action="store_true")
    arguments = parser.parse_args()
    use_compiled_modules()
    measure(arguments.topics, dirty=arguments.dirty, touches_all=arguments.touch_all)


if __name__ == "__main__":
    main()
