"""The two sides of the comparison, and the table of counts at the end of a run."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.run import Count, table
from tests.differential.session import Side

SEED = int(os.environ.get("KCON_DIFFERENTIAL_SEED", "1"))
"""Repeats a run."""
_COUNTS = "differential counts"


@pytest.fixture
def sides(kcon_broker: Any, apache_kafka: Any) -> tuple[Side, Side]:
    """Return our broker and Apache Kafka."""
    return Side("kcon", kcon_broker.bootstrap), Side("apache", apache_kafka.bootstrap)


@pytest.fixture
def seed() -> int:
    """Return the seed of this run."""
    return SEED


@pytest.fixture
def note_counts(record_property: Callable[[str, object], None]) -> Callable[[dict[tuple[ApiKey, int], Count]], None]:
    """Return a function that adds to the table; properties reach the process that prints from every worker."""

    def note(counts: dict[tuple[ApiKey, int], Count]) -> None:
        record_property(_COUNTS, [(int(key), version, *count.numbers()) for (key, version), count in counts.items()])

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table."""
    counts: dict[tuple[ApiKey, int], Count] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for key, version, *numbers in dict(report.user_properties).get(_COUNTS, ()):
                    counts.setdefault((ApiKey(key), version), Count()).add(numbers)
    if counts:
        terminalreporter.section(f"requests to both brokers, seed {SEED}")
        for line in table(counts):
            terminalreporter.write_line(line)
