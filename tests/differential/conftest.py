"""The two sides of the comparison, and the table of counts at the end of a run."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster
from kcon_broker.settings import STANDARD_AUTHORIZER, BrokerSettings
from kcon_broker.testing import InProcessBroker
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


@pytest.fixture(scope="session")
def authorized_sides(apache_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """Yield both brokers in another set-up: with an authorizer, for which everybody may do everything."""
    properties = {"authorizer.class.name": STANDARD_AUTHORIZER, "super.users": "User:ANONYMOUS"}
    folder = tmp_path_factory.mktemp("authorized_apache_kafka")
    options = LocalClusterOptions(data_dir=folder, dies_with_parent=True, properties=properties)
    node = asyncio.run(start_local_cluster(apache_classpath, options))
    settings = BrokerSettings(data_dir=Path(), port=0, authorizer_class_name=STANDARD_AUTHORIZER)
    try:
        with InProcessBroker(settings=settings) as broker:
            yield Side("kcon", broker.bootstrap), Side("apache", node.bootstrap)
    finally:
        asyncio.run(node.stop(grace_s=0))


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
