"""Is everything that the broker advertises compared, with as many requests as wished, and repeatably?"""

import pytest

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.schema import ApiMessage
from tests.differential.catalogue import MAKERS, Amount, advertised, chapter
from tests.differential.session import Side, Step, in_order

AMOUNT = Amount(valid=20, invalid=20, mutated=0)
WITHOUT_VALID = {(ApiKey.PRODUCE, version) for version in range(3)}
"""Advertised, but refused (KAFKA-18659)."""


def _chapter(key: ApiKey, version: int) -> list[Step]:
    return chapter(key, version, AMOUNT, seed=1, prefix="p", base_ms=1)


@pytest.mark.parametrize("key", advertised(), ids=lambda key: key.name.lower())
def test_each_version_gets_the_requests_asked_for(key: ApiKey) -> None:
    low, high = advertised()[key]
    for version in range(low, high + 1):
        kinds = [step.kind for step in _chapter(key, version)]
        assert kinds.count("valid") >= 20 or (key, version) in WITHOUT_VALID
        assert kinds.count("invalid") >= 20


def test_the_same_seed_makes_the_same_requests() -> None:
    first, second = (_chapter(ApiKey.METADATA, 12) for _ in range(2))
    assert [step.label for step in first] == [step.label for step in second]
    side = Side("none", "")
    assert [_body(step, side) for step in first] == [_body(step, side) for step in second]


def _body(step: Step, side: Side) -> bytes:
    request = step.build(side)
    return request.encode(step.version) if isinstance(request, ApiMessage) else request


def test_what_prepares_counts_for_no_kind() -> None:
    steps = in_order(_chapter(ApiKey.HEARTBEAT, 4))
    assert {step.kind for step in steps if step.api_key is not ApiKey.HEARTBEAT} == {""}


def test_makers_are_for_apis_that_are_advertised() -> None:
    assert set(MAKERS) <= set(advertised())
