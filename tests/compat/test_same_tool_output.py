"""Apache Kafka's own tools, run on kcon's broker and on Apache Kafka: every line they print is the same.

What may differ between two clusters by nature is replaced by a word before the comparison: see `NORMALISED` in
`apache_tools`. Tools of groups, transactions and clients have a file of their own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.compat.apache_tools import Session, Tools, assert_same

TOPICS: Final[Session] = (
    ("topics", "--create", "--topic", "{topic}", "--partitions", "2", "--config", "retention.ms=3600000"),
    ("topics", "--create", "--topic", "{topic}"),
    ("topics", "--create", "--topic", "{topic}-x", "--config", "no.such=1"),
    ("topics", "--create", "--topic", "{topic}-x", "--replication-factor", "3"),
    ("topics", "--describe", "--topic", "{topic}"),
    ("topics", "--alter", "--topic", "{topic}", "--partitions", "3"),
    ("topics", "--alter", "--topic", "{topic}", "--partitions", "1"),
    ("topics", "--describe", "--topic", "{topic}"),
    ("topics", "--describe", "--topic", "{topic}-absent"),
    ("get-offsets", "--topic", "{topic}"),
    ("get-offsets", "--topic", "{topic}", "--time", "earliest"),
    ("get-offsets", "--topic", "{topic}-absent"),
    ("delete-records", "--offset-json-file", "{folder}/offsets.json"),
    ("log-dirs", "--describe", "--topic-list", "{topic}"),
    ("log-dirs", "--describe", "--topic-list", "{topic}", "--broker-list", "1,7"),
    ("leader-election", "--election-type", "preferred", "--topic", "{topic}", "--partition", "0"),
    ("leader-election", "--election-type", "unclean", "--topic", "{topic}", "--partition", "9"),
    ("reassign-partitions", "--reassignment-json-file", "{folder}/stay.json", "--execute"),
    ("reassign-partitions", "--reassignment-json-file", "{folder}/stay.json", "--verify"),
    ("reassign-partitions", "--reassignment-json-file", "{folder}/leave.json", "--execute"),
    ("reassign-partitions", "--topics-to-move-json-file", "{folder}/topics.json", "--broker-list", "1", "--generate"),
    ("reassign-partitions", "--list"),
    ("topics", "--delete", "--topic", "{topic}"),
)
CONFIGS: Final[Session] = (
    ("topics", "--create", "--topic", "{topic}"),
    ("configs", "--describe", "--entity-type", "topics", "--entity-name", "{topic}"),
    ("configs", "--alter", "--entity-type", "topics", "--entity-name", "{topic}", "--add-config",
     "cleanup.policy=[compact,delete],segment.ms=5"),
    ("configs", "--alter", "--entity-type", "topics", "--entity-name", "{topic}", "--add-config", "segment.ms=x"),
    ("configs", "--describe", "--entity-type", "topics", "--entity-name", "{topic}"),
    ("configs", "--alter", "--entity-type", "topics", "--entity-name", "{topic}", "--delete-config", "segment.ms"),
    ("configs", "--describe", "--entity-type", "topics", "--entity-name", "{topic}", "--all"),
    ("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1"),
    ("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1", "--all"),
    ("configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "background.threads=12"),
    ("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1"),
    ("configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--delete-config", "background.threads"),
    ("configs", "--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "background.threads=9"),
    ("configs", "--describe", "--entity-type", "brokers", "--entity-default"),
    ("configs", "--alter", "--entity-type", "brokers", "--entity-default", "--delete-config", "background.threads"),
    ("configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "node.id=2"),
    ("configs", "--alter", "--entity-type", "groups", "--entity-name", "{topic}", "--add-config",
     "consumer.session.timeout.ms=50000"),
    ("configs", "--describe", "--entity-type", "groups", "--entity-name", "{topic}"),
    ("configs", "--alter", "--entity-type", "client-metrics", "--entity-name", "{topic}", "--add-config",
     "interval.ms=1000,metrics=[a,b]"),
    ("configs", "--describe", "--entity-type", "client-metrics", "--entity-name", "{topic}"),
    ("configs", "--alter", "--entity-type", "users", "--entity-name", "{topic}", "--add-config",
     "producer_byte_rate=1024"),
    ("configs", "--describe", "--entity-type", "users", "--entity-name", "{topic}"),
    ("configs", "--alter", "--entity-type", "users", "--entity-name", "{topic}", "--add-config",
     "SCRAM-SHA-256=[iterations=8192,password=a-password]"),
    ("configs", "--describe", "--entity-type", "users", "--entity-name", "{topic}"),
    ("configs", "--alter", "--entity-type", "users", "--entity-name", "{topic}", "--delete-config", "SCRAM-SHA-512"),
    ("configs", "--alter", "--entity-type", "users", "--entity-name", "{topic}", "--delete-config", "SCRAM-SHA-256"),
    ("configs", "--describe", "--entity-type", "clients", "--entity-name", "{topic}"),
)  # fmt: skip
CLUSTER: Final[Session] = (
    ("metadata-quorum", "describe", "--status"),
    ("metadata-quorum", "describe", "--replication"),
    ("features", "describe"),
    ("features", "upgrade", "--feature", "group.version=1"),
    ("features", "upgrade", "--feature", "group.version=2"),
    ("features", "downgrade", "--feature", "transaction.version=1", "--dry-run"),
    ("features", "upgrade", "--feature", "no.such=1"),
    ("acls", "--list"),
    ("acls", "--add", "--allow-principal", "User:a", "--operation", "Read", "--topic", "{topic}"),
)


def _reassignment(topic: str, partitions: dict[int, int]) -> dict[str, Any]:
    entries = [{"topic": topic, "partition": index, "replicas": [broker]} for index, broker in partitions.items()]
    return {"version": 1, "partitions": entries}


def _write_files(folder: Path, topic: str) -> None:
    offsets = {"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 0}]}
    (folder / "offsets.json").write_text(json.dumps(offsets))
    (folder / "stay.json").write_text(json.dumps(_reassignment(topic, {0: 1})))
    (folder / "leave.json").write_text(json.dumps(_reassignment(topic, {0: 7})))
    (folder / "topics.json").write_text(json.dumps({"version": 1, "topics": [{"topic": topic}]}))


@pytest.mark.java
@pytest.mark.parametrize("session", [TOPICS, CONFIGS, CLUSTER], ids=["topics", "configs", "cluster"])
def test_every_tool_prints_the_same_on_both(
    tools: Tools, session: Session, kcon_broker: Any, apache_kafka: Any, unique: Callable[[str], str], tmp_path: Path
) -> None:
    topic = unique("tools")
    _write_files(tmp_path, topic)
    assert_same(tools, kcon_broker, apache_kafka, session, {"topic": topic, "folder": str(tmp_path)})
