"""How do other people's programs get run against a cluster? As child processes with a deadline."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kcon.services.local_cluster import java_argv

KAFKA_TOOLS = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-acls": "org.apache.kafka.tools.AclCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
}
DEADLINE_S = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a program said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Return the lines of its output that are not empty."""
        return [line for line in self.out.splitlines() if line.strip()]


Run = Callable[..., Ran]


def run_program(*argv: str, given: bytes = b"") -> Ran:
    done = subprocess.run(argv, input=given, capture_output=True, timeout=DEADLINE_S, check=False)
    return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


@pytest.fixture
def kcat() -> Run:
    """Return a function that runs kcat."""
    return lambda *arguments, given=b"": run_program("kcat", *arguments, given=given)


@pytest.fixture
def kafka_tool(apache_classpath: str) -> Run:
    """Return a function that runs one of Apache Kafka's command line tools by its usual name."""

    def run(tool: str, *arguments: str, given: bytes = b"") -> Ran:
        # A short life is not worth the second compiler.
        argv = java_argv(apache_classpath, KAFKA_TOOLS[tool], *arguments, jvm_options=("-XX:TieredStopAtLevel=1",))
        return run_program(*argv, given=given)

    return run
