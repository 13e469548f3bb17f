"""Answers: what kio writes is read back, and no bytes whatever end the process, or are taken for an answer."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kcon.admin.apis import Api
from kcon.admin.decode import UnreadableAnswer, decode_response, read_array, read_head
from kcon.admin.schema import entity_type

EVERY = [(api, version) for api in Api for version in range(api.version_min, api.version_max + 1)]


@pytest.mark.parametrize(("api", "version"), EVERY, ids=lambda v: v.title if isinstance(v, Api) else str(v))
def test_what_kio_writes_is_read_back_in_every_version(
    api: Api, version: int, kio_bytes: Callable[..., bytes], telling: Callable[..., dict[str, Any]]
) -> None:
    """kio is the oracle: the fields of an answer with one item in each array, filled with telling values."""
    values = telling(api, version, "response")
    answer = decode_response(api, version, kio_bytes(api, version, "response", values))
    assert plain(answer) == values


def plain(answer: Any) -> Any:
    """Turn named tuples into dicts."""
    if hasattr(answer, "_asdict"):
        return {name: plain(value) for name, value in answer._asdict().items()}
    return tuple(map(plain, answer)) if isinstance(answer, tuple) else answer


@pytest.fixture
def metadata_body(kio_bytes: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return a function that makes a Metadata answer with one topic of one partition, patched."""

    def make(name: bytes = b"orders", error_code: int = 0, version: int = 12) -> bytes:
        placeholder = "N" * len(name)
        partition = {"error_code": 0, "partition_index": 0, "leader_id": 1, "replica_nodes": (1,)}
        values = {
            "brokers": ({"node_id": 1, "host": "h", "port": 9092, "rack": None},),
            "cluster_id": "c",
            "controller_id": 1,
            "topics": ({"error_code": error_code, "name": placeholder, "partitions": (partition,)},),
        }
        return kio_bytes(Api.METADATA, version, "response", values).replace(placeholder.encode(), name)

    return make


@pytest.mark.parametrize("version", range(7, 13))
def test_unknown_error_code_stays_a_number(version: int, metadata_body: Callable[..., bytes]) -> None:
    answer = decode_response(Api.METADATA, version, metadata_body(error_code=9_999, version=version))
    assert int(answer.topics[0].error_code) == 9_999
    assert answer.topics[0].partitions[0].leader_id == 1


def test_name_that_is_not_utf8_survives(metadata_body: Callable[..., bytes]) -> None:
    answer = decode_response(Api.METADATA, 12, metadata_body(name=b"caf\xe9\xff"))
    assert answer.topics[0].name.encode("utf-8", "surrogateescape") == b"caf\xe9\xff"


def test_array_is_read_piece_by_piece(metadata_body: Callable[..., bytes]) -> None:
    top = entity_type(Api.METADATA, 12, "response")
    head, _, count = read_head(top, metadata_body(), 0, "topics")
    assert (head["cluster_id"], count) == ("c", 1)
    assert [item.name for item in read_array(top, metadata_body(), 0, "topics")] == ["orders"]


@pytest.mark.parametrize("cut", range(1, 30))
def test_answer_that_is_cut_off_is_unreadable(cut: int, metadata_body: Callable[..., bytes]) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(Api.METADATA, 12, metadata_body()[:-cut])


def test_absurd_count_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(Api.METADATA, 12, struct.pack(">i", 0) + b"\xff\xff\xff\xff\x07")


@settings(max_examples=300)
@given(st.sampled_from(EVERY), st.binary(max_size=60))
def test_no_bytes_crash_the_decoder(which: tuple[Api, int], body: bytes) -> None:
    api, version = which
    try:
        answer = decode_response(api, version, body)
    except UnreadableAnswer:
        return
    assert type(answer).__name__ == f"{api.title}Response"
