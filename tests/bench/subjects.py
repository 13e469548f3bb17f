"""The brokers under measurement, as processes whose CPU seconds and memory the kernel accounts for."""

import asyncio
import compileall
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import kcon
import kcon_broker
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.local_cluster import (
    LocalCluster,
    LocalClusterOptions,
    missing_requirement,
    resolve_classpath,
    start_local_cluster,
)
from kcon_broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from kcon_broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from tests.kcon_broker.raw_client import RawClient

_KAFKA_JVM = (
    "-server",
    "-Xms1024m",
    "-XX:-UseSerialGC",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
)
"""What kafka-server-start.sh and kafka-run-class.sh give the JVM."""
_ADMIN_LIMIT_MS = 15_000
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A running broker: where it listens and which process to account."""

    name: str
    bootstrap: str
    pid: int

    def cpu_s(self) -> float:
        """Return user plus system seconds of the process so far (Linux: proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_mb(self) -> float:
        """Return the resident set in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


def create_topic(subject: Subject, name: str, partitions: int) -> None:
    """Create a topic with the same partitions everywhere: each broker has its own default."""
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
    with RawClient(subject.bootstrap) as client:
        answer = client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=_ADMIN_LIMIT_MS), CreateTopicsResponse, 5)
    assert not answer.topics[0].error_code, answer.topics[0]


def delete_topic(subject: Subject, name: str) -> None:
    """Delete a topic."""
    with RawClient(subject.bootstrap) as client:
        request = DeleteTopicsRequest(topic_names=[name], timeout_ms=_ADMIN_LIMIT_MS)
        answer = client.ask(request, DeleteTopicsResponse, 4)
    assert not answer.responses[0].error_code, answer.responses[0]


def use_compiled_modules() -> None:
    """Let the programs under measurement find their modules compiled, as those that are installed do."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for package in (kcon, kcon_broker):
        compileall.compile_dir(package.__path__[0], quiet=1)


@contextmanager
def kcon_node(folder: Path, *arguments: str) -> Iterator[Subject]:
    """Run kcon's broker, by default synced before the answer. arguments: its own options."""
    broker = asyncio.run(start_local_broker(LocalBrokerOptions(data_dir=folder, arguments=arguments)))
    try:
        yield Subject(name="kcon", bootstrap=broker.bootstrap, pid=broker.pid)
    finally:
        asyncio.run(broker.stop())


@contextmanager
def apache_kafka(folder: Path, *, heap_mb: int = 1024) -> Iterator[Subject | None]:
    """Run Apache Kafka with its defaults (no sync before the answer), or yield None where Java or Maven is missing."""
    if missing_requirement() is not None:
        yield None
        return
    node = start_apache_kafka(folder, heap_mb=heap_mb)
    try:
        yield Subject(name="Apache Kafka", bootstrap=node.bootstrap, pid=node.pid)
    finally:
        asyncio.run(node.stop(grace_s=0))


def start_apache_kafka(folder: Path, *, heap_mb: int = 1024) -> LocalCluster:
    """Start one node, which the caller stops."""
    options = LocalClusterOptions(
        data_dir=folder, heap_mb=heap_mb, jvm_options=_KAFKA_JVM, properties={"log.segment.delete.delay.ms": "1000"}
    )
    return asyncio.run(start_local_cluster(asyncio.run(resolve_classpath()), options))


def machine() -> str:
    """Describe the machine in one line, for the head of a table."""
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {os.uname().release.split('-')[0]}"
