"""Apache Kafka started on a copy of our topic folders reads the same records, and our doctor understands its folders.

The topic is made on Apache Kafka first, so that its metadata knows it; then the files of the partition are ours, but
for `partition.metadata`, which holds the id of the topic.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kcon.services.local_cluster import LocalCluster, LocalClusterOptions, start_local_cluster
from kcon_broker.server.examine import FolderExamination, Origin, Verdict
from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker

pytestmark = [pytest.mark.java, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("java")]

TOPIC = "moved"
ROUNDS = 12
_DEADLINE_S = 60.0
_SETTINGS = BrokerSettings(
    data_dir=Path(),
    port=0,
    seed_topics=(SeedTopic(name=TOPIC, partitions=1),),
    topic_config_defaults=(("segment.bytes", "1048576"),),
)
Seen = list[tuple[int, bytes | None, bytes | None]]


def fill(bootstrap: str) -> None:
    """Write with every codec, with and without keys, and transactions of both ends; several segments of it."""
    for number in range(ROUNDS):
        codec = ("none", "gzip", "snappy", "lz4", "zstd")[number % 5]
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "log_level": 0})
        for index in range(60):
            producer.produce(TOPIC, b"%d-%d-" % (number, index) + bytes(range(256)) * 20, b"key" if index % 2 else None)
        assert producer.flush(_DEADLINE_S) == 0
    transactional = Producer({"bootstrap.servers": bootstrap, "transactional.id": "mover", "log_level": 0})
    transactional.init_transactions(_DEADLINE_S)
    for number in range(ROUNDS):
        transactional.begin_transaction()
        for index in range(20):
            transactional.produce(TOPIC, b"t-%d-%d-" % (number, index) + bytes(10_000))
        transactional.flush(_DEADLINE_S)
        if number % 2:
            transactional.commit_transaction(_DEADLINE_S)
        else:
            transactional.abort_transaction(_DEADLINE_S)


def read(bootstrap: str, isolation: str) -> Seen:
    """Return (offset, key, value) of every record."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "mover",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    seen: Seen = []
    while True:
        message = consumer.poll(_DEADLINE_S)
        assert message is not None, "nothing came within the deadline"
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            break
        offset = message.offset()
        assert offset is not None
        seen.append((offset, message.key(), message.value()))
    consumer.close()
    return seen


def transplant(ours: Path, theirs: Path) -> None:
    """Put our files of the partition in the place of theirs."""
    for path in theirs.iterdir():
        if path.name != "partition.metadata":
            path.unlink()
    for path in ours.iterdir():
        if path.name != "partition.metadata":
            shutil.copy(path, theirs)


@pytest.mark.parametrize("end", [InProcessBroker.stop, InProcessBroker.kill])
def test_apache_kafka_reads_our_records_from_our_files(
    apache_classpath: str, tmp_path: Path, end: Callable[[InProcessBroker], None]
) -> None:
    """After a clean stop and after a kill; then it goes on writing, and the doctor finds its folder sound."""
    ours = InProcessBroker(tmp_path / "ours", settings=_SETTINGS)
    ours.start()
    fill(ours.bootstrap)
    expected = {isolation: read(ours.bootstrap, isolation) for isolation in ("read_committed", "read_uncommitted")}
    end(ours)
    folder = tmp_path / "ours" / f"{TOPIC}-0"
    assert len(list(folder.glob("*.log"))) > 2
    assert list(folder.glob("*.txnindex"))
    assert len(expected["read_committed"]) < len(expected["read_uncommitted"])
    check_with_dump_log_segments(apache_classpath, folder)

    async def start() -> LocalCluster:
        options = LocalClusterOptions(data_dir=tmp_path / "apache", dies_with_parent=True)
        return await start_local_cluster(apache_classpath, options)

    cluster = asyncio.run(start())
    try:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(_DEADLINE_S)
        asyncio.run(cluster.stop())
        data = tmp_path / "apache" / "data"
        transplant(folder, data / f"{TOPIC}-0")
        asyncio.run(cluster.start(1))
        found = {isolation: read(cluster.bootstrap, isolation) for isolation in expected}
        assert found == expected
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        producer.produce(TOPIC, b"and on")
        assert producer.flush(_DEADLINE_S) == 0
        assert read(cluster.bootstrap, "read_committed")[:-1] == expected["read_committed"]
    finally:
        asyncio.run(cluster.stop())
    examination = FolderExamination(data)
    assert (examination.findings.origin, examination.findings.is_clean) == (Origin.APACHE, True)
    partitions = list(examination.partitions())
    assert TOPIC in {each.topic for each in partitions}
    # The controller's own log has no recovery point: the next start walks it.
    found_otherwise = [each for each in partitions if each.verdict is not Verdict.SOUND]
    assert [each.topic for each in found_otherwise] == ["__cluster_metadata"]


def check_with_dump_log_segments(classpath: str, folder: Path) -> None:
    """Let Apache's tool read every file of a partition."""
    kinds = ("*.log", "*.index", "*.timeindex", "*.txnindex", "*.snapshot")
    for kind in kinds:
        names = ",".join(str(path) for path in sorted(folder.glob(kind)))
        if not names:
            continue
        done = subprocess.run(
            ["java", "-cp", classpath, "org.apache.kafka.tools.DumpLogSegments", "--files", names],
            check=False,
            capture_output=True,
            text=True,
            timeout=100,
        )
        shown = (done.stdout + done.stderr).lower()
        assert done.returncode == 0, shown[-2_000:]
        for word in ("mismatch", "out of order", "could not", "not found", "corrupt", "exception"):
            assert word not in shown, f"{kind}: {shown[:2_000]}"
        if kind == "*.txnindex":
            assert shown.count("producerid: ") >= ROUNDS // 2 - 1
