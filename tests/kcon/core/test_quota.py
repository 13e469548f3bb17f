"""Which quota wins: the order of KIP-55."""

from collections.abc import Mapping

import pytest

from kcon.core.quota import Quota, QuotaEntity, resolve

ORDER: list[dict[str, str | None]] = [
    {"user": "u", "client-id": "c"},
    {"user": "u", "client-id": None},
    {"user": "u"},
    {"user": None, "client-id": "c"},
    {"user": None, "client-id": None},
    {"user": None},
    {"client-id": "c"},
    {"client-id": None},
]


def quota(parts: Mapping[str, str | None], value: float, key: str = "k") -> Quota:
    return Quota(QuotaEntity.of(parts), {key: value})


@pytest.mark.parametrize("index", range(len(ORDER)))
def test_the_more_exact_one_wins(index: int) -> None:
    quotas = [quota(parts, number) for number, parts in enumerate(ORDER)][index:]
    (won,) = resolve(quotas, user="u", client_id="c")
    assert (won.value, won.entity) == (float(index), QuotaEntity.of(ORDER[index]))


def test_keys_are_resolved_apart_and_others_do_not_count() -> None:
    quotas = [quota({"user": "u"}, 1), quota({"client-id": None}, 2, "other"), quota({"user": "x"}, 3)]
    assert [(each.key, each.value) for each in resolve(quotas, user="u", client_id="c")] == [("k", 1), ("other", 2)]
    assert resolve([quota({"user": "x"}, 3)], user="u", client_id=None) == []


def test_addresses() -> None:
    quotas = [quota({"ip": None}, 1), quota({"ip": "10.0.0.1"}, 2)]
    assert [each.value for each in resolve(quotas, user=None, client_id=None, ip="10.0.0.1")] == [2]
    assert [each.value for each in resolve(quotas, user=None, client_id=None, ip="10.0.0.2")] == [1]
