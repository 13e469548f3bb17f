"""Answers: what kio writes is read back, and no bytes whatever end the process, or are taken for an answer."""

import struct
from dataclasses import fields, is_dataclass
from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kio.serial import entity_writer

from kcon.admin.apis import Api
from kcon.admin.decode import UnreadableAnswer, decode_response, read_array, read_head
from kcon.admin.encode import build
from kcon.admin.schema import entity_type, field_shape

EVERY = [(api, version) for api in Api for version in range(api.version_min, api.version_max + 1)]


def encode(entity: Any) -> bytes:
    buffer = BytesIO()
    entity_writer(type(entity))(buffer, entity)
    return buffer.getvalue()


@pytest.mark.parametrize(("api", "version"), EVERY, ids=lambda v: v.title if isinstance(v, Api) else str(v))
def test_what_kio_writes_is_read_back_in_every_version(api: Api, version: int) -> None:
    """kio is the oracle: the fields of an answer with one item in each array, filled with telling values."""
    top = entity_type(api, version, "response")
    values = telling(top)
    answer = decode_response(api, version, encode(built(top, values)))
    assert plain(answer) == values


def telling(of_type: Any) -> dict[str, Any]:
    """Return a value for each field that shows when neighbours are mixed up."""
    values: dict[str, Any] = {}
    for number, item in enumerate(fields(of_type), start=1):
        inner, is_array, _ = field_shape(item)
        value: Any = telling(inner) if is_dataclass(inner) else PLAIN[item.metadata["kafka_type"]](number)
        values[item.name] = (value,) if is_array else value
    return values


PLAIN: dict[str, Any] = {
    "string": lambda number: f"text {number}",
    "bytes": lambda number: bytes([number]) * 3,
    "bool": lambda number: number % 2 == 0,
    "uuid": lambda number: UUID(int=number),
    **dict.fromkeys(
        ["int8", "int16", "int32", "int64", "uint16", "error_code", "timedelta_i32"], lambda number: number
    ),
}


def built(of_type: Any, values: dict[str, Any]) -> Any:
    """Make kio's entity of plain values."""
    arguments = {}
    for item in fields(of_type):
        inner, is_array, _ = field_shape(item)
        given = values[item.name] if is_array else (values[item.name],)
        made = [built(inner, value) if is_dataclass(inner) else kio_value(item, value) for value in given]
        arguments[item.name] = tuple(made) if is_array else made[0]
    return of_type(**arguments)


def kio_value(item: Any, value: Any) -> Any:
    match item.metadata["kafka_type"]:
        case "error_code":
            return SimpleNamespace(value=value)
        case "timedelta_i32":
            return timedelta(milliseconds=value)
        case _:
            return value


def plain(answer: Any) -> Any:
    """Turn named tuples into dicts."""
    if hasattr(answer, "_asdict"):
        return {name: plain(value) for name, value in answer._asdict().items()}
    return tuple(map(plain, answer)) if isinstance(answer, tuple) else answer


def metadata_body(name: bytes = b"orders", error_code: int = 0, version: int = 12) -> bytes:
    """A Metadata answer with one topic of one partition, as kio writes it, then patched."""
    m = entity_type(Api.METADATA, version, "response")
    placeholder = "N" * len(name)
    entity = build(
        m,
        {
            "brokers": [{"node_id": 1, "host": "h", "port": 9092, "rack": None}],
            "cluster_id": "c",
            "controller_id": 1,
            "topics": [
                {
                    "error_code": SimpleNamespace(value=error_code),
                    "name": placeholder,
                    "partitions": [
                        {
                            "error_code": SimpleNamespace(value=0),
                            "partition_index": 0,
                            "leader_id": 1,
                            "replica_nodes": [1],
                        }
                    ],
                }
            ],
        },
    )
    return encode(entity).replace(placeholder.encode(), name)


@pytest.mark.parametrize("version", range(7, 13))
def test_unknown_error_code_stays_a_number(version: int) -> None:
    answer = decode_response(Api.METADATA, version, metadata_body(error_code=9_999, version=version))
    assert int(answer.topics[0].error_code) == 9_999
    assert answer.topics[0].partitions[0].leader_id == 1


def test_name_that_is_not_utf8_survives() -> None:
    answer = decode_response(Api.METADATA, 12, metadata_body(name=b"caf\xe9\xff"))
    assert answer.topics[0].name.encode("utf-8", "surrogateescape") == b"caf\xe9\xff"


def test_array_is_read_piece_by_piece() -> None:
    top = entity_type(Api.METADATA, 12, "response")
    head, _, count = read_head(top, metadata_body(), 0, "topics")
    assert (head["cluster_id"], count) == ("c", 1)
    assert [item.name for item in read_array(top, metadata_body(), 0, "topics")] == ["orders"]


@pytest.mark.parametrize("cut", range(1, 30))
def test_answer_that_is_cut_off_is_unreadable(cut: int) -> None:
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
