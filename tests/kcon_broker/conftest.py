"""A broker in memory with one topic, and a connection to it, for tests of single APIs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kcon_broker.settings import BrokerSettings, SeedTopic
from kcon_broker.testing import InProcessBroker
from tests.kcon_broker.raw_client import RawClient


@pytest.fixture
def broker() -> Iterator[InProcessBroker]:
    """Give a broker with the topic "t" of two partitions."""
    settings = BrokerSettings(data_dir=Path(), port=0, seed_topics=(SeedTopic(name="t", partitions=2),))
    with InProcessBroker(settings=settings) as running:
        yield running


@pytest.fixture
def client(broker: InProcessBroker) -> Iterator[RawClient]:
    """Give a connection to the broker."""
    with RawClient(broker.bootstrap) as connected:
        yield connected
