"""The brokers under measurement, as processes whose CPU seconds and memory the kernel accounts for."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.local_cluster import LocalClusterOptions, missing_requirement, resolve_classpath, start_local_cluster

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
_ADMIN_LIMIT_S = 60.0
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
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": subject.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(_ADMIN_LIMIT_S)


def delete_topic(subject: Subject, name: str) -> None:
    """Delete a topic."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": subject.bootstrap, "log_level": 0})
    admin.delete_topics([name])[name].result(_ADMIN_LIMIT_S)


@contextmanager
def kcon_broker(folder: Path, *arguments: str) -> Iterator[Subject]:
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
    classpath = asyncio.run(resolve_classpath())
    options = LocalClusterOptions(
        data_dir=folder, heap_mb=heap_mb, jvm_options=_KAFKA_JVM, properties={"log.segment.delete.delay.ms": "1000"}
    )
    node = asyncio.run(start_local_cluster(classpath, options))
    try:
        yield Subject(name="Apache Kafka", bootstrap=node.bootstrap, pid=node.pid)
    finally:
        asyncio.run(node.stop(grace_s=0))


def machine() -> str:
    """Describe the machine in one line, for the head of a table."""
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {os.uname().release.split('-')[0]}"
