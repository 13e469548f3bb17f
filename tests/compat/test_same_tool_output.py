"""Apache Kafka's own tools, run on kcon's broker and on Apache Kafka: every line they print is the same.

What may differ between two clusters by nature is replaced by a word before the comparison: see `NORMALISED`. Lines
are compared in order of the alphabet, as the tools print them in that of a hash map. Apache Kafka shows a change a
moment after it has acknowledged it, so a command that only reads is run again there until it prints the same or
`_SHOWN_WITHIN_S` have passed.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from kcon.services.local_cluster import java_argv
from tests.differential.permitted import PERMITTED

_TOOLS: Final = {
    "acls": "org.apache.kafka.tools.AclCommand",
    "configs": "kafka.admin.ConfigCommand",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
}
_UNIT_SEPARATOR: Final = "\x1f"
_NAMED: Final = re.compile(r"\[([a-z.]+)\]")
_OWN_CONFIGS: Final = frozenset(found[1] for one in PERMITTED if (found := _NAMED.search(one.field)))
"""Configs of the broker whose values are each broker's own: docs/differences.md."""
_OWN_FEATURES: Final = ("share.version", "streams.version")
"""Features of what kcon's broker does not serve."""

NORMALISED: Final = (
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r'("port": ?)\d+'), r"\1PORT"),
    # Ids that the cluster chooses: 16 random bytes in base64 without padding.
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])"), "ID"),
    # The offset of the metadata, which each cluster counts for itself, and times.
    (re.compile(r"((?:LeaderEpoch|HighWatermark|MaxFollowerLagTimeMs|Epoch):?\s+)\d+"), r"\1NUMBER"),
    (re.compile(r"\b1[789]\d{11}\b"), "TIME"),
    (re.compile(r"\tID\t\d+ *\t"), "\tID\tNUMBER\t"),
    (re.compile(r'"logDir":"[^"]*"'), '"logDir":"FOLDER"'),
    (re.compile(r'"log_dirs":\["/[^"]*"'), '"log_dirs":["FOLDER"'),
    # The tools log how many milliseconds they have run.
    (re.compile(r"^\d+ \[", re.MULTILINE), "MS ["),
    # Where in the tool an exception came up.
    (re.compile(r"\tat .*"), ""),
)


class Tools:
    """The tools, in one JVM."""

    def __init__(self, classpath: str) -> None:
        source = Path(__file__).with_name("ToolRunner.java")
        argv = java_argv(classpath, str(source), jvm_options=("-XX:TieredStopAtLevel=1", "-Xmx384m"))
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self, tool: str, *arguments: str) -> tuple[int, str]:
        """Run a tool; return its exit code and all that it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = _UNIT_SEPARATOR.join((_TOOLS[tool], *arguments))
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        code, out_size, err_size = map(int, self._process.stdout.readline().split())
        return code, self._process.stdout.read(out_size + err_size).decode()

    def close(self) -> None:
        """End the JVM."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def tools(apache_classpath: str) -> Iterator[Tools]:
    """Yield the tools, ready for a whole file of tests."""
    running = Tools(apache_classpath)
    yield running
    running.close()


def normalise(text: str) -> list[str]:
    """Return the lines that count, in order of the alphabet."""
    for pattern, word in NORMALISED:
        text = pattern.sub(word, text)
    lines = (line.rstrip() for line in text.splitlines())
    return sorted(line for line in lines if line and not line.strip().startswith(_LEFT_OUT))


_LEFT_OUT: Final = (*(f"{name}=" for name in _OWN_CONFIGS), *(f"Feature: {name}" for name in _OWN_FEATURES))

Session = tuple[tuple[str, ...], ...]

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
_BOOTSTRAP_FIRST: Final = frozenset({"metadata-quorum", "features"})
_READS: Final = frozenset({"--describe", "describe", "--list", "--verify", "get-offsets"})
_SHOWN_WITHIN_S: Final = 20.0

Printed = tuple[str, int, list[str]]
"""A command, its exit code, its lines."""


def printed(tools: Tools, cluster: Any, command: tuple[str, ...], names: dict[str, str]) -> Printed:
    """Run one command."""
    tool, *words = command
    arguments = [word.format(**names) for word in words]
    at = ("--bootstrap-server", cluster.bootstrap)
    code, text = tools.run(tool, *((*at, *arguments) if tool in _BOOTSTRAP_FIRST else (*arguments, *at)))
    return " ".join(command), code, normalise(text)


def printed_as(
    expected: Printed, tools: Tools, cluster: Any, command: tuple[str, ...], names: dict[str, str]
) -> Printed:
    """Run one command; one that only reads, until it prints what is expected or time is up."""
    deadline = time.monotonic() + _SHOWN_WITHIN_S
    seen = printed(tools, cluster, command, names)
    while seen != expected and not _READS.isdisjoint(command) and time.monotonic() < deadline:
        seen = printed(tools, cluster, command, names)
    return seen


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
    names = {"topic": topic, "folder": str(tmp_path)}
    ours = [printed(tools, kcon_broker, command, names) for command in session]
    theirs = [
        printed_as(mine, tools, apache_kafka, command, names) for mine, command in zip(ours, session, strict=True)
    ]
    differing = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
    assert not differing, "\n".join(_shown(mine, other) for mine, other in differing)


def _shown(ours: Printed, theirs: Printed) -> str:
    mine, others = ([str(code), *lines] for _, code, lines in (ours, theirs))
    return "\n".join(
        (
            ours[0],
            *(f"  kcon   {line}" for line in mine if line not in others),
            *(f"  apache {line}" for line in others if line not in mine),
        )
    )
