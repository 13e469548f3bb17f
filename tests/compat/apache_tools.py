"""How do Apache Kafka's command line tools run here, and what of their output is compared?

All tools run in one JVM, one after the other (`ToolRunner.java`). A session is a list of commands, and of functions
that do something to the cluster in between; it is run on our broker first and then on Apache Kafka, which shows a
change a moment after it has acknowledged it: what changes something is waited upon there, and a command that only
reads is run again until it prints the same, or `_SHOWN_WITHIN_S` have passed.
"""

import base64
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from kcon.services.local_cluster import java_argv
from tests.differential.permitted import PERMITTED
from tests.semantics.kafka import Broker, Kafka

TOOLS: Final = {
    "acls": "org.apache.kafka.tools.AclCommand",
    "broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
    "configs": "kafka.admin.ConfigCommand",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "groups": "org.apache.kafka.tools.GroupsCommand",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
    "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
}
_UNIT_SEPARATOR: Final = "\x1f"
_NAMED: Final = re.compile(r"\[([a-z.]+)\]")
_OWN_CONFIGS: Final = frozenset(found[1] for one in PERMITTED if (found := _NAMED.search(one.field)))
"""Configs of the broker whose values are each broker's own: docs/differences.md."""
_OWN_FEATURES: Final = ("share.version", "streams.version")
"""Features of what kcon's broker does not serve."""
_LEFT_OUT: Final = (*(f"{name}=" for name in _OWN_CONFIGS), *(f"Feature: {name}" for name in _OWN_FEATURES))
_BY_CHANCE: Final = ('"name":"records_consumed"', '"name":"offsets_committed"', '"partitions":[]}')
"""What verifiable clients say as often as they happen to be given something, and of nothing at all."""

NORMALISED: Final = (
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r'("port": ?)\d+'), r"\1PORT"),
    # Ids that the cluster chooses: 16 random bytes in base64 without padding.
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])"), "ID"),
    # Ids of members.
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UNIQUE"),
    # The offset of the metadata, which each cluster counts for itself, and times.
    (re.compile(r"((?:LeaderEpoch|HighWatermark|MaxFollowerLagTimeMs|Epoch):?\s+)\d+"), r"\1NUMBER"),
    (re.compile(r"\b1[789]\d{11}\b"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[:,.]\d{3}"), "TIME"),
    (re.compile(r"\tID\t\d+ *\t"), "\tID\tNUMBER\t"),
    (re.compile(r'"logDir":"[^"]*"'), '"logDir":"FOLDER"'),
    (re.compile(r'"log_dirs":\["/[^"]*"'), '"log_dirs":["FOLDER"'),
    # The tools log how many milliseconds they have run.
    (re.compile(r"^\d+ \[", re.MULTILINE), "MS ["),
    # Where in the tool an exception came up.
    (re.compile(r"\tat .*"), ""),
    # How fast a performance test went.
    (re.compile(r"[\d.]+ records/sec \([\d.]+ MB/sec\)"), "RATE"),
    (re.compile(r"[\d.]+( ms (?:avg latency|max latency|50th|95th|99th|99\.9th))"), r"NUMBER\1"),
    (re.compile(r'("avg_throughput":)[\d.]+'), r"\1NUMBER"),
    (re.compile(r"^(TIME, TIME, [\d.]+), [\d.]+, (\d+), .*", re.MULTILINE), r"\1, \2"),
)
_OWN_COLUMNS: Final = frozenset(
    {"ProducerId", "LatestCoordinatorEpoch", "LastTimestamp", "CurrentTransactionStartTimeMs", "TransactionDurationMs"}
)
"""Columns of tables of transactions: ids that the cluster chose, and its clock."""
_BOOTSTRAP_FIRST: Final = frozenset({"metadata-quorum", "features", "transactions"})
_READS: Final = frozenset(
    {"--describe", "describe", "--list", "list", "--verify", "get-offsets", "describe-producers", "find-hanging"}
)
_OF_EVERYBODY: Final = frozenset({"--list", "list", "find-hanging", "--all-groups"})
"""Commands that print what other tests made, too."""
_SHOWN_WITHIN_S: Final = 20.0

Names = dict[str, str]
"""What stands for `{topic}` and other words in braces."""
Command = tuple[str, ...]
"""A tool and its arguments, without the address of the cluster."""
Act = Callable[[Kafka, Names], None]
"""Something that happens between two commands; it may note names."""
Session = Sequence[Command | Act]
Printed = tuple[str, int, list[str]]
"""A command, its exit code, its lines."""


class Tools:
    """The tools, in one JVM."""

    def __init__(self, classpath: str) -> None:
        source = Path(__file__).with_name("ToolRunner.java")
        options = ("-XX:TieredStopAtLevel=1", "-Xmx384m", "--add-opens=java.base/java.lang=ALL-UNNAMED")
        argv = java_argv(classpath, str(source), jvm_options=options)
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self, tool: str, *arguments: str, given: bytes = b"") -> tuple[int, str, str]:
        """Run one tool with something on its standard input; return its exit code, its output and its errors."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = _UNIT_SEPARATOR.join((TOOLS[tool], base64.b64encode(given).decode(), *arguments))
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        code, out_size, err_size = map(int, self._process.stdout.readline().split())
        out = self._process.stdout.read(out_size).decode()
        return code, out, self._process.stdout.read(err_size).decode()

    def close(self) -> None:
        """End the JVM."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def normalise(text: str) -> list[str]:
    """Return the lines that count, in order of the alphabet: the tools print in that of a hash map."""
    text = _without_own_columns(text)
    for pattern, word in NORMALISED:
        text = pattern.sub(word, text)
    lines = (line.rstrip() for line in text.splitlines())
    return sorted(
        line
        for line in lines
        if line and not line.strip().startswith(_LEFT_OUT) and not any(word in line for word in _BY_CHANCE)
    )


def _without_own_columns(text: str) -> str:
    """Put a word in the place of what stands in the columns of a table that are the cluster's own."""
    head, _, rest = text.partition("\n")
    columns = head.split()
    if _OWN_COLUMNS.isdisjoint(columns):
        return text
    rows = [line.split() for line in rest.splitlines()]
    # A number that is none, such as -1 or None, means something.
    for row in rows:
        for index, name in enumerate(columns[: len(row)]):
            if name in _OWN_COLUMNS and row[index].isdigit():
                row[index] = name.upper()
    return "\n".join(" ".join(row) for row in (columns, *rows))


def printed(tools: Tools, bootstrap: str, command: Command, names: Names) -> Printed:
    """Run one command."""
    tool, *words = command
    arguments = [word.format(**names) for word in words]
    at = ("--bootstrap-server", bootstrap)
    code, out, err = tools.run(tool, *((*at, *arguments) if tool in _BOOTSTRAP_FIRST else (*arguments, *at)))
    lines = normalise(out + err)
    if not _OF_EVERYBODY.isdisjoint(command):
        # Columns are as wide as what others made.
        lines = [" ".join(line.split()) for line in lines if names["topic"] in line]
    return " ".join(command), code, lines


def run_session(
    tools: Tools, cluster: Any, session: Session, names: Names, expected: Sequence[Printed] = ()
) -> list[Printed]:
    """Run a session; with what is expected, a command that only reads again until it prints that or time is up."""
    results: list[Printed] = []
    broker = Broker(cluster.name, cluster.bootstrap)
    mine = dict(names)
    try:
        with Kafka(broker) as kafka:
            for step in session:
                if callable(step):
                    step(kafka, mine)
                    continue
                deadline = time.monotonic() + _SHOWN_WITHIN_S
                seen = printed(tools, cluster.bootstrap, step, mine)
                while (
                    expected
                    and seen != expected[len(results)]
                    and not _READS.isdisjoint(step)
                    and time.monotonic() < deadline
                ):
                    seen = printed(tools, cluster.bootstrap, step, mine)
                results.append(seen)
                if _READS.isdisjoint(step):
                    # What comes next may look at what is there before it changes it.
                    kafka.settle()
    finally:
        broker.side.close()
    return results


def assert_same(tools: Tools, ours: Any, apache: Any, session: Session, names: Names) -> None:
    """Run a session on both clusters; fail with the lines that only one of them printed."""
    mine = run_session(tools, ours, session, names)
    theirs = run_session(tools, apache, session, names, mine)
    differing = [_shown(one, other) for one, other in zip(mine, theirs, strict=True) if one != other]
    assert not differing, "\n".join(differing)


def _shown(ours: Printed, theirs: Printed) -> str:
    mine, others = ([str(code), *lines] for _, code, lines in (ours, theirs))
    return "\n".join(
        (
            ours[0],
            *(f"  kcon   {line}" for line in mine if line not in others),
            *(f"  apache {line}" for line in others if line not in mine),
        )
    )
