"""The two sides of the comparison, and the table of counts at the end of a run."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kcon_broker.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from tests.authorized import authorized_brokers
from tests.differential.catalogue import advertised
from tests.differential.run import Count, Counts, table
from tests.differential.session import Side
from tests.differential.tally import SHARE_WITHOUT_ERROR_MIN, share_without_error
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
    with authorized_brokers(apache_classpath, tmp_path_factory.mktemp("authorized_apache_kafka")) as (ours, apache):
        yield Side("kcon", ours), Side("apache", apache)


@pytest.fixture
def seed() -> int:
    """Return the seed of this run."""
    return SEED


@pytest.fixture
def note_counts(record_property: Callable[[str, object], None]) -> Callable[[Counts], None]:
    """Return a function that adds to the table; properties reach the process that prints from every worker."""

    def note(counts: Counts) -> None:
        record_property(_COUNTS, [(int(key), version, *count.numbers()) for (key, version), count in counts.items()])

    return note


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of all APIs whose answers are mostly refusals."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    counts = {} if reporter is None else _counts(reporter)
    is_whole = {key for key, _ in counts} >= set(advertised())
    if is_whole and share_without_error(counts) < SHARE_WITHOUT_ERROR_MIN and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table."""
    counts = _counts(terminalreporter)
    if counts:
        terminalreporter.section(f"requests to both brokers, seed {SEED}")
        for line in table(counts):
            terminalreporter.write_line(line)


def _counts(reporter: Any) -> Counts:
    counts: Counts = {}
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for key, version, *numbers in dict(report.user_properties).get(_COUNTS, ()):
                    counts.setdefault((ApiKey(key), version), Count()).add(numbers)
    return counts
