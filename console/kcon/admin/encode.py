"""How do requests become bytes? One writer for every message by its schema, a few hand tools for the hot ones.

What a version lacks is left out only where that means the same or less.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from kcon.admin.apis import Api
from kcon.admin.schema import Field, Struct, entity_type
from kcon.errors import KconError


def encode_request(
    api: Api, version: int, values: Mapping[str, object], droppable: frozenset[str] = frozenset()
) -> bytes:
    """Encode the body of a request. A field the version lacks must be neutral or droppable, else KconError.

    What is not named gets the schema's default, or zero. KconError also for a value that does not fit its field.
    """
    out = bytearray()
    _write_struct(out, entity_type(api, version, "request"), values, droppable)
    return bytes(out)


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


def _write_struct(out: bytearray, of: Struct, values: Mapping[str, object], droppable: frozenset[str]) -> None:
    """Write `fields [tags: count [tag size bytes]]`."""
    if not isinstance(values, Mapping):
        raise TypeError("not a struct")
    tagged: list[tuple[int, bytes]] = []
    for item in of.fields:
        if item.tag is None:
            _write_field(out, of, item, values[item.name] if item.name in values else _default(item), droppable)
        elif item.name in values and values[item.name] != _default(item):
            part = bytearray()
            _write_field(part, of, item, values[item.name], droppable)
            tagged.append((item.tag, bytes(part)))
    unknown = values.keys() - {item.name for item in of.fields} - droppable if values else ()
    for name in unknown:
        if values[name] not in (None, False, 0, -1, "", (), []):
            raise KconError(
                f"The broker is too old for this: {of.name} v{of.version} has no {name}.",
                "Leave that setting out, or use a newer broker.",
            )
    if of.flexible:
        out += encode_uvarint(len(tagged))
        for tag, data in sorted(tagged):
            out += encode_uvarint(tag) + encode_uvarint(len(data)) + data


def _default(item: Field) -> object:
    if item.has_default:
        return item.default
    if item.is_array:
        return ()
    if item.nullable:
        return None
    return {} if item.nested is not None else _ZEROS.get(item.type, 0)


def _write_field(out: bytearray, of: Struct, item: Field, value: object, droppable: frozenset[str]) -> None:
    try:
        if not item.is_array:
            _write_value(out, of, item, value, droppable)
        elif value is None and item.nullable:
            out += b"\0" if of.flexible else _INT32.pack(-1)
        else:
            sequence = cast("Sequence[object]", value)
            out += encode_uvarint(len(sequence) + 1) if of.flexible else _INT32.pack(len(sequence))
            element = item._replace(is_array=False, nullable=False)
            for one in sequence:
                _write_value(out, of, element, one, droppable)
    except (struct.error, TypeError, AttributeError, ValueError) as error:
        raise KconError(f"{of.name}.{item.name} cannot be {value!r}.", f"It is of type {item.type}.") from error


def _write_value(out: bytearray, of: Struct, item: Field, value: Any, droppable: frozenset[str]) -> None:
    if item.nested is not None:
        if item.nullable:
            out += b"\xff" if value is None else b"\x01"
        if value is not None or not item.nullable:
            _write_struct(out, item.nested, value, droppable)
    elif item.type in {"string", "bytes", "records"}:
        _write_blob(out, of.flexible, item, value)
    elif item.type == "uuid":
        out += bytes(16) if value is None else value.bytes
    elif item.type == "bool" and not isinstance(value, bool):
        raise TypeError("not a bool")
    else:
        out += struct.pack(">" + NUMBER_FORMS[item.type], value)


def _write_blob(out: bytearray, flexible: bool, item: Field, value: str | bytes | None) -> None:
    if value is None:
        if not item.nullable:
            raise ValueError("null where a value must be")
        data = None
    elif item.type == "string":
        data = cast("str", value).encode("utf-8", "surrogateescape")
    else:
        data = bytes(memoryview(cast("bytes", value)))
    if flexible:
        out += b"\0" if data is None else encode_compact_string(data)
    else:
        length = _INT16 if item.type == "string" else _INT32
        out += length.pack(-1 if data is None else len(data)) + (data or b"")


_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_ZEROS: Final[dict[str, object]] = {"string": "", "bool": False, "bytes": b"", "records": b"", "uuid": None}
NUMBER_FORMS: Final = {
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "float64": "d",
    "bool": "?",
    "error_code": "h",
    "timedelta_i32": "i",
    "timedelta_i64": "q",
    "datetime_i64": "q",
}
"""How `struct` writes a type of fixed size. Times are milliseconds."""
