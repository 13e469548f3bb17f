"""How do requests become bytes and bytes become answers? kio's codec, and a patient one where kio gives up.

kio's compiled reader is all or nothing: one error code it does not know, or one name that is not UTF-8, fails
a whole answer. Then the same dataclasses are filled field by field from their own metadata: unknown codes stay
plain integers, bytes that are not UTF-8 survive as lone surrogates, impossible times stay integers.
"""

import struct
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from importlib import import_module
from io import BytesIO
from types import UnionType
from typing import Any, Final, TypeAlias, Union, cast, get_args, get_origin
from uuid import UUID

from kcon.admin.apis import Api
from kcon.errors import KconError

EntityType: TypeAlias = Any
"""A kio dataclass; the schema modules are chosen at run time, so their types cannot be named here."""


class UnreadableAnswer(KconError):
    """A broker sent bytes that do not follow the protocol."""


@lru_cache(maxsize=256)
def entity_type(api: Api, version: int, kind: str) -> EntityType:
    """Return kio's top-level class of one API version. kind: `request` or `response`."""
    module = import_module(f"kio.schema.{api.schema}.v{version}.{kind}")
    return cast("EntityType", getattr(module, f"{api.title}{kind.title()}"))


def nested_type(top: EntityType, path: str) -> EntityType:
    """Return the class of the array field at a dotted path of `top`, e.g. `groups.topics`."""
    for name in path.split("."):
        top = next(_shape(f)[0] for f in fields(top) if f.name == name)
    return top


def is_flexible(api: Api, version: int) -> bool:
    """Compact strings and tagged fields (KIP-482)."""
    return bool(entity_type(api, version, "request").__flexible__)


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
    inner, is_array, _ = _shape(item)
    if is_array and value is not None:
        sequence = cast("Sequence[object]", value)
        if is_dataclass(inner):
            return tuple(build(inner, cast("Mapping[str, object]", v), droppable) for v in sequence)
        return tuple(sequence)
    if item.metadata.get("kafka_type") in {"timedelta_i32", "timedelta_i64"} and isinstance(value, int):
        from datetime import timedelta

        return timedelta(milliseconds=value)
    return value


def _zero(item: "Field[Any]") -> object:
    inner, is_array, nullable = _shape(item)
    if is_array:
        return ()
    if nullable:
        return None
    if is_dataclass(inner):
        return build(inner, {})
    kafka_type = str(item.metadata.get("kafka_type", ""))
    if kafka_type.startswith("timedelta"):
        from datetime import timedelta

        return timedelta(0)
    return _ZEROS.get(kafka_type, 0)


_ZEROS: Final[dict[str, object]] = {"string": "", "bool": False, "bytes": b"", "records": b"", "uuid": None}


# --- decoding -----------------------------------------------------------------------------------------------


def decode_response(api: Api, version: int, body: bytes, offset: int = 0) -> Any:
    """Decode a whole answer. UnreadableAnswer when neither reader can."""
    return read_entity(entity_type(api, version, "response"), body, offset)[0]


def read_entity(of_type: EntityType, body: bytes, offset: int) -> tuple[Any, int]:
    """Read one entity at `offset`; return it and the offset behind it."""
    try:
        value, size = _reader(of_type)(body, offset)
    except _refusals():
        return read_slowly(of_type, body, offset)
    return value, offset + size


def read_array(of_type: EntityType, body: bytes, offset: int, name: str) -> tuple[dict[str, Any], Iterator[Any]]:
    """Read the fields before the array `name`, and return its items as an iterator that decodes each when asked.

    So a large answer is decoded in pieces, with other work between them. Fields behind the array are not read.
    """
    head: dict[str, Any] = {}
    cursor = Cursor(body, offset)
    with reading(of_type):
        for item in fields(of_type):
            if item.name == name:
                count = cursor.array_length(bool(of_type.__flexible__)) or 0
                return head, read_items(_shape(item)[0], cursor, count)
            head[item.name] = _read_field(item, of_type, cursor)
    raise AssertionError(f"{of_type.__name__} has no {name}")


def read_items(of_type: EntityType, cursor: "Cursor", count: int) -> Iterator[Any]:
    """Decode `count` entities one by one; the cursor stands behind the last one decoded."""
    for _ in range(count):
        value, cursor.offset = read_entity(of_type, cursor.body, cursor.offset)
        yield value


def read_slowly(of_type: EntityType, body: bytes, offset: int) -> tuple[Any, int]:
    """Read one entity field by field from its dataclass metadata, keeping what kio refuses."""
    cursor = Cursor(body, offset)
    with reading(of_type):
        return _read_struct(of_type, cursor), cursor.offset


@contextmanager
def reading(of_type: EntityType) -> Iterator[None]:
    """Turn what a cursor raises on bad bytes into UnreadableAnswer."""
    try:
        yield
    except BAD_BYTES as error:
        raise UnreadableAnswer(
            f"The broker's answer ({of_type.__name__} v{of_type.__version__}) cannot be read.",
            "The broker may speak a dialect of the protocol; please report it with its name and version.",
        ) from error


@lru_cache(maxsize=512)
def _reader(of_type: EntityType) -> Callable[[bytes, int], tuple[Any, int]]:
    """Return kio's compiled reader, which answers with the value and its size."""
    from kio.serial import entity_reader

    return cast("Callable[[bytes, int], tuple[Any, int]]", entity_reader(of_type))


BAD_BYTES: Final = (struct.error, IndexError, ValueError)
"""What a cursor raises when the bytes end early, or a length is impossible."""


@lru_cache(maxsize=1)
def _refusals() -> tuple[type[Exception], ...]:
    """Return what kio raises for bytes it does not take; asked for when the first answer is decoded."""
    from kio.serial.errors import SerialError

    return SerialError, ValueError, OverflowError, LookupError, TypeError


class Cursor:
    """A position in an answer. Every read is checked against the end; counts before anything is allocated."""

    __slots__ = ("body", "offset")

    def __init__(self, body: bytes, offset: int) -> None:
        self.body = body
        self.offset = offset

    def number(self, form: struct.Struct) -> Any:
        (value,) = form.unpack_from(self.body, self.offset)
        self.offset += form.size
        return value

    def int16(self) -> int:
        return int(self.number(_INT16))

    def int32(self) -> int:
        return int(self.number(_INT32))

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self.body[self.offset]
            self.offset += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 28:
                raise ValueError("varint too long")

    def take(self, size: int) -> bytes:
        if size < 0 or self.offset + size > len(self.body):
            raise ValueError("length beyond the end")
        value = bytes(self.body[self.offset : self.offset + size])
        self.offset += size
        return value

    def array_length(self, flexible: bool) -> int | None:
        count = self.uvarint() - 1 if flexible else self.number(_INT32)
        if count < 0:
            return None
        if count > len(self.body) - self.offset:
            raise ValueError("array count beyond the end")
        return int(count)

    def blob(self, flexible: bool, length: struct.Struct) -> bytes | None:
        size = self.uvarint() - 1 if flexible else self.number(length)
        return None if size < 0 else self.take(size)

    def text(self, flexible: bool) -> str | None:
        data = self.blob(flexible, _INT16)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def skip_tags(self) -> None:
        for _ in range(self.uvarint()):
            self.uvarint()
            self.take(self.uvarint())


_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_NUMBERS: Final = {
    "int8": struct.Struct(">b"),
    "int16": _INT16,
    "int32": _INT32,
    "int64": struct.Struct(">q"),
    "uint8": struct.Struct(">B"),
    "uint16": struct.Struct(">H"),
    "uint32": struct.Struct(">I"),
    "uint64": struct.Struct(">Q"),
    "float64": struct.Struct(">d"),
    "bool": struct.Struct(">?"),
    "error_code": _INT16,
    "timedelta_i32": _INT32,
    "timedelta_i64": struct.Struct(">q"),
    "datetime_i64": struct.Struct(">q"),
}


def _read_struct(of_type: EntityType, cursor: Cursor) -> Any:
    values: dict[str, Any] = {}
    tagged: dict[int, Field[Any]] = {}
    for item in fields(of_type):
        if "tag" in item.metadata:
            tagged[item.metadata["tag"]] = item
            values[item.name] = item.default if item.default is not MISSING else _zero(item)
        else:
            values[item.name] = _read_field(item, of_type, cursor)
    if of_type.__flexible__:
        for _ in range(cursor.uvarint()):
            tag, size = cursor.uvarint(), cursor.uvarint()
            end = cursor.offset + size
            if tag in tagged:
                values[tagged[tag].name] = _read_field(tagged[tag], of_type, cursor)
            if end > len(cursor.body):
                raise ValueError("tagged field beyond the end")
            cursor.offset = end
    return of_type(**values)


def _read_field(item: "Field[Any]", of_type: EntityType, cursor: Cursor) -> Any:
    flexible = bool(of_type.__flexible__)
    inner, is_array, nullable = _shape(item)
    if is_array:
        count = cursor.array_length(flexible)
        if count is None:
            return None
        return tuple(_read_value(item, inner, flexible, cursor) for _ in range(count))
    if is_dataclass(inner) and nullable and cursor.number(_NUMBERS["int8"]) < 0:
        return None
    return _read_value(item, inner, flexible, cursor)


def _read_value(item: "Field[Any]", inner: Any, flexible: bool, cursor: Cursor) -> Any:
    if is_dataclass(inner):
        return _read_struct(cast("EntityType", inner), cursor)
    kafka_type = str(item.metadata["kafka_type"])
    if kafka_type == "string":
        return cursor.text(flexible)
    if kafka_type in {"bytes", "records"}:
        return cursor.blob(flexible, _INT32)
    if kafka_type == "uuid":
        raw = cursor.take(16)
        return UUID(bytes=raw) if any(raw) else None
    return cursor.number(_NUMBERS[kafka_type])


def _shape(item: "Field[Any]") -> tuple[Any, bool, bool]:
    return _item_type(cast("Hashable", item.type))


@lru_cache(maxsize=2_048)
def _item_type(annotation: Any) -> tuple[Any, bool, bool]:
    """Split a field's annotation into inner type, is it an array, may it be None."""
    nullable = False
    if get_origin(annotation) in (UnionType, Union):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
        nullable = True
    if get_origin(annotation) is tuple:
        inner = get_args(annotation)[0]
        return inner, True, nullable
    return annotation, False, nullable


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
