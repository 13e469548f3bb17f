"""Apache's Java producer in transactions, and its transactions tool: both brokers, the same expectations."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # Re-exported silently.

from kcon.services.local_cluster import java_argv

pytestmark = pytest.mark.java

_TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand"
_PERFORMANCE = "org.apache.kafka.tools.ProducerPerformance"
_DEADLINE_S = 90


@pytest.fixture
def tool(cluster: Any, apache_classpath: str) -> Callable[..., str]:
    """Return a function that runs one of Kafka's tools and returns its output."""

    def run(name: str, *arguments: str) -> str:
        argv = java_argv(
            apache_classpath,
            name,
            "--bootstrap-server",
            cluster.bootstrap,
            *arguments,
            jvm_options=("-XX:TieredStopAtLevel=1",),
        )
        done = subprocess.run(argv, capture_output=True, timeout=_DEADLINE_S, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


def test_java_producer_and_transactions_tool(
    cluster: Any, tool: Callable[..., str], unique: Callable[[str], str]
) -> None:
    """The Java client uses the second version of transactions: its epoch rises with each."""
    topic, of_java, hanging = unique("transactions"), unique("java"), unique("hanging")
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.create_topics([NewTopic(topic, 1)])[topic].result(_DEADLINE_S)
    # fmt: off
    sent = tool(_PERFORMANCE, "--topic", topic, "--num-records", "500", "--record-size", "20", "--throughput", "1000",
                "--transactional-id", of_java, "--transaction-duration-ms", "100")
    # fmt: on
    assert "500 records sent" in sent
    described = tool(_TRANSACTIONS, "describe", "--transactional-id", of_java).splitlines()[1].split()
    assert int(described[3]) >= 3, "the producer's epoch"
    assert described[4] == "CompleteCommit"
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": hanging})
    producer.init_transactions(_DEADLINE_S)
    producer.begin_transaction()
    producer.produce(topic, b"open", partition=0)
    assert producer.flush(_DEADLINE_S) == 0
    listed = tool(_TRANSACTIONS, "list")
    assert re.search(rf"^{hanging}\s+1\s+\d+\s+Ongoing\s*$", listed, re.MULTILINE)
    producers = tool(_TRANSACTIONS, "describe-producers", "--topic", topic, "--partition", "0")
    starts = [line.split()[-1] for line in producers.splitlines()[1:]]
    (start,) = [each for each in starts if each != "None"]
    tool(_TRANSACTIONS, "abort", "--topic", topic, "--partition", "0", "--start-offset", start)
    producers = tool(_TRANSACTIONS, "describe-producers", "--topic", topic, "--partition", "0")
    assert [line.split()[-1] for line in producers.splitlines()[1:]] == ["None"] * len(starts)
