"""Requests in every version: what a version lacks is left out only when that means the same or less."""

from collections.abc import Callable
from typing import Any

import pytest

from kcon.admin.apis import Api
from kcon.admin.encode import encode_request
from kcon.errors import KconError

EVERY = [(api, version) for api in Api for version in range(api.version_min, api.version_max + 1)]


def test_field_that_a_version_lacks_is_refused_when_it_matters() -> None:
    with pytest.raises(KconError, match="too old"):
        encode_request(Api.METADATA, 3, {"topics": None, "allow_auto_topic_creation": True})


@pytest.mark.parametrize("value", [None, False, 0, -1, "", []])
def test_field_that_a_version_lacks_is_dropped_when_it_says_nothing(value: object) -> None:
    assert encode_request(Api.METADATA, 3, {"topics": None, "allow_auto_topic_creation": value})


def test_droppable_field_is_dropped() -> None:
    values = {"client_software_name": "kcon", "client_software_version": "1"}
    assert encode_request(Api.API_VERSIONS, 0, values, frozenset(values)) == b""


@pytest.mark.parametrize(("api", "version"), EVERY, ids=lambda v: v.title if isinstance(v, Api) else str(v))
def test_a_request_without_values_has_defaults_in_every_version(api: Api, version: int) -> None:
    assert isinstance(encode_request(api, version, {}), bytes)


@pytest.mark.parametrize(("api", "version"), EVERY, ids=lambda v: v.title if isinstance(v, Api) else str(v))
def test_bytes_are_those_of_kio_in_every_version(
    api: Api, version: int, kio_bytes: Callable[..., bytes], telling: Callable[..., dict[str, Any]]
) -> None:
    values = telling(api, version, "request")
    assert encode_request(api, version, values) == kio_bytes(api, version, "request", values)


@pytest.mark.parametrize(
    "values",
    [{"topics": [{"name": 7}]}, {"topics": 7}, {"allow_auto_topic_creation": "no"}, {"topics": [None]}],
    ids=str,
)
def test_a_value_that_does_not_fit_is_named(values: dict[str, Any]) -> None:
    with pytest.raises(KconError, match="cannot be"):
        encode_request(Api.METADATA, 12, values)
