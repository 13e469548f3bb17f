"""Every message in every version, against kio's codec, which was generated from Kafka's schemas independently."""

import io
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import pytest
from kio.schema.index import schema_name_map
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from kcon_broker.wire.api_table import API_TABLE
from kcon_broker.wire.schema import Field, Message, Struct, WireError

_ROUNDS = 12

_SIDES: dict[str, Literal[EntityType.request, EntityType.response]] = {
    "Request": EntityType.request,
    "Response": EntityType.response,
}

CASES = [
    pytest.param(key, side, version, id=f"{spec.name}{side}-v{version}")
    for key, spec in API_TABLE.items()
    for side in _SIDES
    for version in range(spec.min_version, spec.max_version + 1)
]


def message_class(key: int, side: str) -> type[Message]:
    spec = API_TABLE[key]
    return spec.request_class if side == "Request" else spec.response_class


def same_value(ours: Any, theirs: Any) -> bool:
    """Compare a decoded value with one that was built; views count as bytes."""
    if isinstance(ours, Struct):
        return all(same_value(getattr(ours, f.name), getattr(theirs, f.name)) for f in ours.FIELDS)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same_value, ours, theirs))
    return bool(ours == theirs)


@pytest.mark.parametrize(("key", "side", "version"), CASES)
def test_bytes_equal_those_of_kio(maker: Callable[[int], Any], key: int, side: str, version: int) -> None:
    """kio reads what we write, writes the same bytes, and we read them back to the same values."""
    cls = message_class(key, side)
    path = schema_name_map[API_TABLE[key].module][version][_SIDES[side]]
    module_name, _, class_name = path.partition(":")
    kio_class = getattr(import_module(module_name), class_name)
    read, write = entity_reader(kio_class), entity_writer(kio_class)
    for seed in range(_ROUNDS):
        message = maker(seed * 1000 + version).message(cls, version)
        encoded = message.encode(version)
        theirs, size = read(encoded, 0)
        assert size == len(encoded)
        again = io.BytesIO()
        write(again, theirs)
        assert again.getvalue() == encoded
        decoded, end = cls.decode(b"xy" + encoded, 2, version)
        assert end == 2 + len(encoded)
        assert same_value(decoded, message)


@pytest.mark.parametrize("key", API_TABLE)
def test_table_agrees_with_the_classes(key: int) -> None:
    """The header is read by the table, the body by the class: they must not differ about a version."""
    spec = API_TABLE[key]
    for cls in (spec.request_class, spec.response_class):
        assert key == cls.API_KEY
        assert (spec.min_version, spec.max_version) == (cls.MIN_VERSION, cls.MAX_VERSION)
        for version in range(spec.min_version, spec.max_version + 1):
            assert spec.is_flexible(version) == (version >= cls.FLEXIBLE_SINCE)
        for outside in (spec.min_version - 1, spec.max_version + 1):
            with pytest.raises(WireError, match="has no version"):
                cls.decode(b"", 0, outside)
            with pytest.raises(WireError, match="has no version"):
                cls().encode(outside)


def all_structs(cls: type[Struct]) -> list[type[Struct]]:
    found = [cls]
    for field in cls.FIELDS:
        if isinstance(field.kind, type):
            found += all_structs(field.kind)
    return found


@pytest.mark.parametrize("key", API_TABLE)
def test_names_are_kafkas_in_snake_case_and_slots_match(key: int) -> None:
    """A field that is not a slot could not be set, a slot that is no field would never be sent."""
    for top in (API_TABLE[key].request_class, API_TABLE[key].response_class):
        for cls in all_structs(top):
            names = [field.name for field in cls.FIELDS]
            assert sorted(names) == sorted(cls.__slots__)
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_default_lists_are_not_shared() -> None:
    """Handlers append to the lists of a fresh message."""
    cls = API_TABLE[3].response_class
    first, second = cls(), cls()
    first.topics.append("x")  # type: ignore[attr-defined]  # The class is found by its key.
    assert second.topics == []  # type: ignore[attr-defined]


def test_versions_of_a_field_read_as_kafka_writes_them() -> None:
    """ "3+" is open, "2-4" and "3" are closed, "" is never."""
    spans = {"0+": {0, 1, 5, 99}, "2-4": {2, 3, 4}, "3": {3}, "": set()}
    for text, expected in spans.items():
        field = Field("x", "int8", text, nullable=text)
        got = {version for version in (0, 1, 2, 3, 4, 5, 99) if field.is_in(version)}
        assert got == (expected if text != "0+" else {0, 1, 2, 3, 4, 5, 99})
        assert field.is_nullable_in(3) == (3 in got)
