"""Does our broker answer as Apache Kafka answers the same bytes?

Each API in each version that we advertise, valid requests, refused ones, broken ones, and valid ones with a value at
the limit of its type. KCON_DIFFERENTIAL_SEED changes what chance decides, KCON_DIFFERENTIAL_CASES how many requests
of each kind an API and version gets in the slow tier.
"""

import os
from collections.abc import Callable

import pytest

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.catalogue import Amount, advertised
from tests.differential.run import Count, compare_until_stable, plan, too_few
from tests.differential.session import Side

FEW = Amount(valid=2, invalid=2, mutated=1)
MANY = Amount(*[int(os.environ.get("KCON_DIFFERENTIAL_CASES", "20"))] * 3)
SHOWN_MAX = 20

pytestmark = [pytest.mark.java, pytest.mark.differential, pytest.mark.xdist_group("java")]

Sides = tuple[Side, Side]
NoteCounts = Callable[[dict[tuple[ApiKey, int], Count]], None]


def _compare(
    sides: Sides, key: ApiKey, amount: Amount, seed: int, note_counts: NoteCounts, unique: Callable[[str], str]
) -> None:
    ours, apache = sides
    result = compare_until_stable(lambda: plan([key], amount, seed=seed, prefix=unique("compared")), ours, apache)
    counts = {place: count for place, count in result.counts.items() if place[0] == key}
    note_counts(counts)
    shown = "\n".join(list(result.differences.values())[:SHOWN_MAX])
    assert not result.differences, f"{len(result.differences)} answers differ (seed {seed})\n{shown}"
    assert not too_few(counts, min(amount.valid, amount.invalid))


@pytest.mark.parametrize("key", advertised(), ids=lambda key: key.name.lower())
def test_both_brokers_answer_the_same(
    sides: Sides, key: ApiKey, seed: int, note_counts: NoteCounts, unique: Callable[[str], str]
) -> None:
    _compare(sides, key, FEW, seed, note_counts, unique)


@pytest.mark.slow
@pytest.mark.parametrize("key", advertised(), ids=lambda key: key.name.lower())
def test_both_brokers_answer_many_requests_the_same(
    sides: Sides, key: ApiKey, seed: int, note_counts: NoteCounts, unique: Callable[[str], str]
) -> None:
    _compare(sides, key, MANY, seed, note_counts, unique)


_ABOUT_RULES = (ApiKey.CREATE_ACLS, ApiKey.DESCRIBE_ACLS, ApiKey.DELETE_ACLS)


@pytest.mark.parametrize("key", _ABOUT_RULES, ids=lambda key: key.name.lower())
def test_both_brokers_with_an_authorizer_answer_the_same(
    authorized_sides: Sides, key: ApiKey, seed: int, note_counts: NoteCounts, unique: Callable[[str], str]
) -> None:
    _compare(authorized_sides, key, FEW, seed, note_counts, unique)


@pytest.mark.slow
@pytest.mark.parametrize("key", _ABOUT_RULES, ids=lambda key: key.name.lower())
def test_both_brokers_with_an_authorizer_answer_many_requests_the_same(
    authorized_sides: Sides, key: ApiKey, seed: int, note_counts: NoteCounts, unique: Callable[[str], str]
) -> None:
    _compare(authorized_sides, key, MANY, seed, note_counts, unique)
