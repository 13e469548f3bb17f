"""How do requests become bytes? kio's writers for most, a few hand tools for the hot ones.

What a version lacks is left out only where that means the same or less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any, Final, cast

from kcon.admin.apis import Api
from kcon.admin.schema import EntityType, entity_type, field_shape
from kcon.errors import KconError


def encode_request(
    api: Api, version: int, values: Mapping[str, object], droppable: frozenset[str] = frozenset()
) -> bytes:
    """Encode the body of a request. A field the version lacks must be neutral or droppable, else KconError."""
    from kio.serial import entity_writer

    top = entity_type(api, version, "request")
    buffer = BytesIO()
    entity_writer(top)(buffer, build(top, values, droppable))
    return buffer.getvalue()


def build(of_type: EntityType, values: Mapping[str, object], droppable: frozenset[str] = frozenset()) -> object:
    """Make an entity from field values; what is not named gets the schema's default, or zero."""
    arguments: dict[str, object] = {}
    known = set()
    for item in fields(of_type):
        known.add(item.name)
        if item.name in values:
            arguments[item.name] = _build_value(item, values[item.name], droppable)
        elif item.default is MISSING:
            arguments[item.name] = _zero(item)
    for name in values.keys() - known - droppable:
        if values[name] not in (None, False, 0, -1, "", (), []):
            raise KconError(
                f"The broker is too old for this: {of_type.__name__} v{of_type.__version__} has no {name}.",
                "Leave that setting out, or use a newer broker.",
            )
    return of_type(**arguments)


def _build_value(item: "Field[Any]", value: object, droppable: frozenset[str]) -> object:
    inner, is_array, _ = field_shape(item)
    if is_array and value is not None:
        sequence = cast("Sequence[object]", value)
        if is_dataclass(inner):
            return tuple(build(inner, cast("Mapping[str, object]", v), droppable) for v in sequence)
        return tuple(sequence)
    if item.metadata.get("kafka_type") in {"timedelta_i32", "timedelta_i64"} and isinstance(value, int):
        return timedelta(milliseconds=value)
    return value


def _zero(item: "Field[Any]") -> object:
    inner, is_array, nullable = field_shape(item)
    if is_array:
        return ()
    if nullable:
        return None
    if is_dataclass(inner):
        return build(inner, {})
    kafka_type = str(item.metadata.get("kafka_type", ""))
    if kafka_type.startswith("timedelta"):
        return timedelta(0)
    return _ZEROS.get(kafka_type, 0)


_ZEROS: Final[dict[str, object]] = {"string": "", "bool": False, "bytes": b"", "records": b"", "uuid": None}


def encode_compact_string(text: bytes) -> bytes:
    """Encode a compact string from its UTF-8 bytes."""
    return encode_uvarint(len(text) + 1) + text


def encode_uvarint(value: int) -> bytes:
    """Encode an unsigned varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
