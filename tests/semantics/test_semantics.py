"""Does our broker do what a client of Apache Kafka relies on? Every case, on both brokers."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Cluster
from tests.semantics.case import Case, load_cases
from tests.semantics.kafka import Broker, Kafka
from tests.semantics.page import render

_CASES_MIN = 400


def _named(cases: list[Case]) -> list[object]:
    return [
        pytest.param(case, id=re.sub(r"[^\w.:-]+", "-", case.id), marks=[pytest.mark.slow] if case.waits else [])
        for case in cases
    ]


@pytest.fixture(scope="session")
def broker_of() -> Iterator[Callable[[Cluster], Broker]]:
    """Yield a function that returns what the cases of one cluster share."""
    brokers: dict[str, Broker] = {}

    def get(cluster: Cluster) -> Broker:
        return brokers.setdefault(cluster.name, Broker(cluster.name, cluster.bootstrap))

    yield get
    for broker in brokers.values():
        broker.side.close()


@pytest.mark.xdist_group("java")
@pytest.mark.parametrize("case", _named(load_cases()))
def test_case(case: Case, cluster: Cluster, broker_of: Callable[[Cluster], Broker]) -> None:
    with Kafka(broker_of(cluster)) as kafka:
        case.check(kafka)


def test_the_page_of_cases_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "semantics.md"
    assert page.read_text() == render(), "run: python -m tests.semantics.page > docs/semantics.md"


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(load_cases()) >= _CASES_MIN
