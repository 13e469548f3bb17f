"""The two sides of the comparison, and the table of counts at the end of a run."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kcon.services.local_cluster import LocalClusterOptions, start_local_cluster
from kcon_broker.settings import STANDARD_AUTHORIZER, BrokerSettings
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from tests.differential.run import Count, table
from tests.differential.session import Side
from tests.kcon_broker.raw_client import RawClient

SEED = int(os.environ.get("KCON_DIFFERENTIAL_SEED", "1"))
"""Repeats a run."""
_COUNTS = "differential counts"
_UNSAFE_DOWNGRADE = 3


def turn_off_what_ours_lacks(bootstrap: str) -> None:
    """Bring the features of share and streams groups to level 0, which they have on our broker."""
    updates = [
        FeatureUpdateKey(feature=name, max_version_level=0, upgrade_type=_UNSAFE_DOWNGRADE)
        for name in ("share.version", "streams.version")
    ]
    with RawClient(bootstrap) as client:
        told = client.ask(UpdateFeaturesRequest(timeout_ms=30_000, feature_updates=updates), UpdateFeaturesResponse, 1)
        assert told.error_code == 0, told
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            request = ApiVersionsRequest(client_software_name="kcon", client_software_version="1")
            levels = client.ask(request, ApiVersionsResponse, 4).finalized_features
            if not {each.name for each in levels} & {each.feature for each in updates}:
                return
            time.sleep(0.05)
    pytest.fail("the features did not go")


@pytest.fixture(scope="session")
def plain_apache_kafka(apache_kafka: Any) -> Any:
    """Return Apache Kafka with the features that our broker has."""
    turn_off_what_ours_lacks(apache_kafka.bootstrap)
    return apache_kafka


@pytest.fixture
def sides(kcon_broker: Any, plain_apache_kafka: Any) -> tuple[Side, Side]:
    """Return our broker and Apache Kafka."""
    apache_kafka = plain_apache_kafka
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
