"""Many topics on one node of each broker: created, described, killed with records in 200 partitions, started again.

1,000 topics of 4 partitions by default, which both brokers manage within 20,000 open files in little time; 10,000 only
kcon (`tests.bench.scale`). Apache Kafka is asked until it shows and serves what it has said is created.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.local_cluster import missing_requirement
from kcon_broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.bench import scale
from tests.bench.lean_client import wait_until_writable
from tests.bench.subjects import Subject, start_apache_kafka
from tests.bench.table import Run, print_row

PARTITIONS = scale.PARTITIONS
_SHOWN_LIMIT_S = 120.0
_METADATA_VERSION = 12
_WRITTEN_PARTITIONS = 200


@dataclass(slots=True)
class Node:
    """A running broker that can be killed and started again on what it left."""

    subject: Subject
    restart: Callable[[], tuple[Subject, float]]
    """Kill it and start it on the same data; return it and the seconds from exec until it serves."""


@contextmanager
def _kcon(folder: Path) -> Iterator[Node]:
    options = LocalBrokerOptions(data_dir=folder)
    broker = asyncio.run(start_local_broker(options))

    def restart() -> tuple[Subject, float]:
        nonlocal broker
        os.kill(broker.pid, signal.SIGKILL)
        asyncio.run(broker.stop())
        began_s = time.perf_counter()
        broker = asyncio.run(start_local_broker(options))
        return Subject(name="kcon", bootstrap=broker.bootstrap, pid=broker.pid), time.perf_counter() - began_s

    try:
        yield Node(Subject(name="kcon", bootstrap=broker.bootstrap, pid=broker.pid), restart)
    finally:
        asyncio.run(broker.stop())


@contextmanager
def _apache_kafka(folder: Path) -> Iterator[Node]:
    cluster = start_apache_kafka(folder)

    def restart() -> tuple[Subject, float]:
        asyncio.run(cluster.node(1).stop(grace_s=0))
        began_s = time.perf_counter()
        asyncio.run(cluster.start(1))
        return subject(), time.perf_counter() - began_s

    def subject() -> Subject:
        return Subject(name="Apache Kafka", bootstrap=cluster.bootstrap, pid=cluster.pid)

    try:
        yield Node(subject(), restart)
    finally:
        asyncio.run(cluster.stop(grace_s=0))


def print_rows(scratch: Path, count: int, *, with_apache: bool) -> None:
    """Measure both brokers, one after the other, and print the rows."""
    with _kcon(scratch / "kcon-topics") as node:
        ours = _measure(node, count)
    theirs: list[float] = []
    if with_apache and missing_requirement() is None:
        with _apache_kafka(scratch / "apache-topics") as node:
            theirs = _measure(node, count)
    works = (
        (f"create {count:,} topics of {PARTITIONS}, shown", "s", ""),
        ("Metadata for all, the first", "ms", "50 ms"),
        ("Metadata for all, median of 10", "ms", "50 ms"),
        ("RSS then", "MB", "250 MB"),
        (f"start after kill -9, {min(_WRITTEN_PARTITIONS, count)} dirty, first ack", "s", "1.5 s"),
    )
    for index, (work, unit, bar) in enumerate(works):
        print_row(work, unit, bar, [Run(figure=ours[index])], [Run(figure=theirs[index])] if theirs else ())


def _measure(node: Node, count: int) -> list[float]:
    names = [f"topic-{number}" for number in range(count)]
    with scale.Client(node.subject.bootstrap) as client:
        began_s = time.perf_counter()
        scale.create(client, count)
        _wait_until_shown(client, count)
        created_s = time.perf_counter() - began_s
        first_ms = scale.ask_metadata(client)
        metadata_ms = median(scale.ask_metadata(client) for _ in range(10))
        rss_mb = node.subject.rss_mb()
        _write(client, names)
    os.sync()
    began_s = time.perf_counter()
    subject, ready_s = node.restart()
    stopped_s = time.perf_counter() - began_s - ready_s
    wait_until_writable(subject.bootstrap, names[0], 1)
    return [created_s, first_ms, metadata_ms, rss_mb, time.perf_counter() - began_s - stopped_s]


def _wait_until_shown(client: scale.Client, count: int) -> None:
    """Ask until every partition has a leader."""
    deadline_s = time.monotonic() + _SHOWN_LIMIT_S
    while True:
        answer = client.ask(MetadataRequest(topics=None), MetadataResponse, _METADATA_VERSION)
        shown = [topic for topic in answer.topics if not topic.is_internal and len(topic.partitions) == PARTITIONS]
        if len(shown) == count and all(part.leader_id >= 0 for topic in shown for part in topic.partitions):
            return
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{len(shown)} of {count} topics are shown")
        time.sleep(0.05)


def _write(client: scale.Client, names: Sequence[str]) -> None:
    """Append a record to the first partition of some topics, as soon as they take one."""
    touched = [(name, 0) for name in names[:_WRITTEN_PARTITIONS]]
    deadline_s = time.monotonic() + _SHOWN_LIMIT_S
    while True:
        try:
            scale.touch(client, touched)
        except AssertionError:
            # Some are created and not served yet; a second record does no harm.
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
        else:
            return
