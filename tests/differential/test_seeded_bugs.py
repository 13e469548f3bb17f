"""Would the comparison see a bug? Seeded ones, each alone, against answers of Apache Kafka recorded once."""

from collections.abc import Mapping
from typing import Any

import pytest

from kcon_broker.handlers.registry import HANDLERS
from kcon_broker.testing import InProcessBroker
from kcon_broker.wire.api_keys import ApiKey
from tests.differential.catalogue import Amount
from tests.differential.comparer import Seen
from tests.differential.run import Plan, compare_runs, perform, plan
from tests.differential.seeded_bugs import SEEDED_BUGS, SeededBug
from tests.differential.session import Side

AMOUNT = Amount(valid=4, invalid=8, mutated=0)
PREFIX = "seeded"

pytestmark = [pytest.mark.java, pytest.mark.differential, pytest.mark.xdist_group("java")]

Recorded = Mapping[ApiKey, tuple[Plan, list[Seen]]]


@pytest.fixture(scope="module")
def recorded(apache_kafka: Any) -> Recorded:
    """Return the requests of every API that a bug is put into, and what Apache Kafka did about them."""
    record = {}
    for key in {bug.key for bug in SEEDED_BUGS}:
        wanted = plan([key], AMOUNT, seed=1, prefix=f"{PREFIX}{key.value}")
        record[key] = wanted, perform(wanted, Side("apache", apache_kafka.bootstrap))
    return record


@pytest.mark.parametrize("bug", SEEDED_BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_bug_is_found(bug: SeededBug, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, apache = recorded[bug.key]
    with InProcessBroker() as broker:
        sound = compare_runs(wanted, perform(wanted, Side("kcon", broker.bootstrap)), apache)
    assert not sound.differences, "\n".join(list(sound.differences.values())[:5])
    monkeypatch.setitem(HANDLERS, bug.key, bug.handler())
    with InProcessBroker() as broker:
        buggy = compare_runs(wanted, perform(wanted, Side("kcon", broker.bootstrap)), apache)
    assert buggy.differences
