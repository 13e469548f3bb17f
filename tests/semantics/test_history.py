"""Has every partition exactly one owner, whoever comes and goes, in both group protocols and between them?"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings
from kcon_broker.testing import InProcessBroker
from tests.conftest import Cluster
from tests.semantics.history import History, live_through
from tests.semantics.kafka import Broker, Kafka

_KINDS = {"classic": ("classic",), "new": ("new",), "mixed": ("classic", "new")}


@pytest.fixture(scope="module")
def quick_broker() -> Iterator[Broker]:
    """Yield a broker that assigns at every change, so that much happens in a short time."""
    settings = BrokerSettings(data_dir=Path(), port=0)
    groups = replace(settings.groups, consumer_assignment_interval_ms=0)
    with InProcessBroker(settings=replace(settings, groups=groups)) as broker:
        shared = Broker("kcon", broker.bootstrap)
        yield shared
        shared.side.close()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kinds", _KINDS.values(), ids=_KINDS)
def test_a_partition_never_has_two_owners(quick_broker: Broker, kinds: tuple[str, ...], seed: int) -> None:
    with Kafka(quick_broker) as kafka:
        live_through(kafka, kinds, changes=40, partitions=12, seed=seed)


@pytest.mark.parametrize("kinds", _KINDS.values(), ids=_KINDS)
def test_a_partition_of_fifty_members_never_has_two_owners(quick_broker: Broker, kinds: tuple[str, ...]) -> None:
    with Kafka(quick_broker) as kafka:
        live_through(kafka, kinds, changes=10, partitions=100, seed=1, members_first=50)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("java")
@pytest.mark.parametrize("kinds", _KINDS.values(), ids=_KINDS)
def test_a_partition_of_fifty_members_never_has_two_owners_on_either_broker(
    cluster: Cluster, kinds: tuple[str, ...]
) -> None:
    broker = Broker(cluster.name, cluster.bootstrap)
    with Kafka(broker) as kafka:
        history = live_through(kafka, kinds, changes=5, partitions=100, seed=2, members_first=50)
        print(f"{cluster.name}, {' and '.join(kinds)}: {len(history.events)} events, one owner at every instant")
    broker.side.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("java")
@pytest.mark.parametrize("kinds", _KINDS.values(), ids=_KINDS)
def test_a_partition_never_has_two_owners_on_either_broker(cluster: Cluster, kinds: tuple[str, ...]) -> None:
    broker = Broker(cluster.name, cluster.bootstrap)
    with Kafka(broker) as kafka:
        live_through(kafka, kinds, changes=12, partitions=12, seed=1)
    broker.side.close()


def test_a_history_with_two_owners_is_refused() -> None:
    history = History()
    history.owns("a", {"t": [0, 1]})
    history.owns("b", {"t": [2]})
    with pytest.raises(AssertionError, match="two owners, a and b"):
        history.owns("b", {"t": [1, 2]})
