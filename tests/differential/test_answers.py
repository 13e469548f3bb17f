"""Does our broker answer as Apache Kafka answers the same bytes?

Each API in each version that we advertise, valid requests, refused ones, broken ones, and valid ones with a value at
the limit of its type. KCON_DIFFERENTIAL_SEED changes what chance decides, KCON_DIFFERENTIAL_CASES how many requests
of each kind an API and version gets in the slow tier. KCON_DIFFERENTIAL_TALLY names a file that keeps what was counted,
and that leaves out of a run what is in it already: see `tally`.
"""

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.catalogue import Amount, advertised
from tests.differential.run import Counts, compare_until_stable, plan, too_few
from tests.differential.session import Side
from tests.differential.tally import Part, read_parts

FEW = Amount(valid=2, invalid=2, mutated=1)
MANY = Amount(*[int(os.environ.get("KCON_DIFFERENTIAL_CASES", "20"))] * 3)
SHOWN_MAX = 20

pytestmark = [pytest.mark.java, pytest.mark.differential, pytest.mark.xdist_group("java")]

Sides = tuple[Side, Side]
NoteCounts = Callable[[Counts], None]


def _compare(
    sides: Sides, key: ApiKey, amount: Amount, seed: int, note_counts: NoteCounts, unique: Callable[[str], str],
    set_up: str = "plain",
) -> None:  # fmt: skip
    tally = Path(os.environ["KCON_DIFFERENTIAL_TALLY"]) if "KCON_DIFFERENTIAL_TALLY" in os.environ else None
    if tally is not None and tally.exists():
        done = [part for part in read_parts(tally) if (part.key, part.set_up) == (key, set_up)]
        if done and not any(count.differing for count in done[0].counts.values()):
            return
    ours, apache = sides
    result = compare_until_stable(lambda: plan([key], amount, seed=seed, prefix=unique("compared")), ours, apache)
    counts = {place: count for place, count in result.counts.items() if place[0] == key}
    note_counts(counts)
    if tally is not None:
        part = Part(
            key=key,
            set_up=set_up,
            seed=seed,
            cases=min(amount.valid, amount.invalid),
            date=f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
            counts=counts,
            requests=sum(count.total for count in result.counts.values()),
        )
        with tally.open("a") as file:
            file.write(f"{part.to_json()}\n")
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
    _compare(authorized_sides, key, FEW, seed, note_counts, unique, "authorized")


@pytest.mark.slow
@pytest.mark.parametrize("key", _ABOUT_RULES, ids=lambda key: key.name.lower())
def test_both_brokers_with_an_authorizer_answer_many_requests_the_same(
    authorized_sides: Sides, key: ApiKey, seed: int, note_counts: NoteCounts, unique: Callable[[str], str]
) -> None:
    _compare(authorized_sides, key, MANY, seed, note_counts, unique, "authorized")
