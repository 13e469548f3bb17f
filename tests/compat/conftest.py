"""How do other people's programs get run against a cluster? As child processes with a deadline."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.compat.apache_tools import Tools

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
SHOWN_WITHIN_S = 30.0
"""Apache Kafka shows a change a moment after it has acknowledged it."""


def until(holds: Callable[[Ran], bool], run: Run, *arguments: str) -> Ran:
    """Run a command that only reads until its output holds; return what it said at last."""
    deadline = time.monotonic() + SHOWN_WITHIN_S
    ran = run(*arguments)
    while not holds(ran) and time.monotonic() < deadline:
        ran = run(*arguments)
    return ran


def run_program(*argv: str, given: bytes = b"") -> Ran:
    done = subprocess.run(argv, input=given, capture_output=True, timeout=DEADLINE_S, check=False)
    return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


@pytest.fixture
def kcat() -> Run:
    """Return a function that runs kcat."""
    return lambda *arguments, given=b"": run_program("kcat", *arguments, given=given)


@pytest.fixture(scope="session")
def tools(apache_classpath: str) -> Iterator[Tools]:
    """Yield Apache Kafka's command line tools, in one JVM for the whole run: starting one for each takes a second."""
    running = Tools(apache_classpath)
    yield running
    running.close()


@pytest.fixture
def kafka_tool(tools: Tools) -> Run:
    """Return a function that runs one of Apache Kafka's command line tools by its usual name."""

    def run(tool: str, *arguments: str, given: bytes = b"") -> Ran:
        code, out, err = tools.run(tool.removeprefix("kafka-"), *arguments, given=given)
        return Ran(code=code, out=out, err=err)

    return run
