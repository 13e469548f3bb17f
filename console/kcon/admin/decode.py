"""How do bytes become answers? Readers compiled from the schema.

The bytes are not trusted: a count is checked against the bytes that are left before anything is allocated, error
codes stay plain integers, and bytes that are not UTF-8 survive as lone surrogates.

The few answers that name tens of thousands of partitions are read by hand where they are used, with `Cursor`.
"""

import struct
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from kcon.admin.apis import Api
from kcon.admin.encode import NUMBER_FORMS
from kcon.admin.schema import Field, Struct, entity_type, nested_type
from kcon.errors import KconError

Reader: TypeAlias = Callable[[bytes, int], tuple[Any, int]]
"""Bytes and offset to the value and the offset behind it."""

BAD_BYTES: Final = (struct.error, IndexError, ValueError)
"""What a reader raises when the bytes end early, or a length is impossible."""


class UnreadableAnswer(KconError):
    """A broker sent bytes that do not follow the protocol."""


def decode_response(api: Api, version: int, body: bytes, offset: int = 0) -> Any:
    """Decode a whole answer into named tuples. UnreadableAnswer when it does not follow the protocol."""
    of_type = entity_type(api, version, "response")
    with reading(of_type):
        return struct_reader(of_type)(body, offset)[0]


def read_head(of_type: Struct, body: bytes, offset: int, name: str) -> tuple[dict[str, Any], "Cursor", int]:
    """Read the fields before the array `name`; return them, a cursor at its first item, and the count of items.

    So a large answer is decoded in pieces, with other work between them.
    """
    head: dict[str, Any] = {}
    flexible = of_type.flexible
    with reading(of_type):
        for item in of_type.fields:
            if item.name == name:
                cursor = Cursor(body, offset)
                return head, cursor, cursor.array_length(flexible) or 0
            head[item.name], offset = _field_reader(item, flexible)(body, offset)
    raise AssertionError(f"{of_type.name} has no {name}")


def read_array(of_type: Struct, body: bytes, offset: int, name: str) -> Iterator[Any]:
    """Return the items of the array `name`, each decoded when it is asked for. Fields behind it are not read."""
    _, cursor, count = read_head(of_type, body, offset, name)
    item_type = nested_type(of_type, name)
    reader = struct_reader(item_type)
    for _ in range(count):
        with reading(item_type):
            value, cursor.offset = reader(cursor.body, cursor.offset)
        yield value


@contextmanager
def reading(of_type: Struct) -> Iterator[None]:
    """Turn what a reader raises on bad bytes into UnreadableAnswer."""
    try:
        yield
    except BAD_BYTES as error:
        raise UnreadableAnswer(
            f"The broker's answer ({of_type.name} v{of_type.version}) cannot be read.",
            "The broker may speak a dialect of the protocol; please report it with its name and version.",
        ) from error


class Cursor:
    """A position in some bytes, for what is read by hand. Raises one of BAD_BYTES."""

    __slots__ = ("body", "offset")

    def __init__(self, body: bytes, offset: int) -> None:
        self.body = body
        self.offset = offset

    def int16(self) -> int:
        (value,) = _INT16.unpack_from(self.body, self.offset)
        self.offset += 2
        return cast("int", value)

    def int32(self) -> int:
        (value,) = _INT32.unpack_from(self.body, self.offset)
        self.offset += 4
        return cast("int", value)

    def array_length(self, flexible: bool) -> int | None:
        """Read an array's count; None for null. More items than bytes are impossible."""
        byte = self.body[self.offset]
        if flexible and 0 < byte < 0x80:
            self.offset += 1
            if byte - 1 > len(self.body) - self.offset:
                raise ValueError("more items than bytes")
            return byte - 1
        count, self.offset = _array_length(self.body, self.offset, flexible)
        return count

    def text(self, flexible: bool) -> str | None:
        """Read a string; None for null."""
        length = self.body[self.offset]
        if flexible and 0 < length < 0x80:
            start = self.offset + 1
            end = start + length - 1
            if end > len(self.body):
                raise ValueError("a length goes beyond the end")
            self.offset = end
            return self.body[start:end].decode("utf-8", "surrogateescape")
        value, self.offset = _text_reader(flexible)(self.body, self.offset)
        return cast("str | None", value)

    def text_bytes(self) -> bytes:
        """Read a compact string without decoding it; b"" for null."""
        length = self.body[self.offset]
        if 0 < length < 0x80:
            start = self.offset + 1
            self.offset += length
            if self.offset > len(self.body):
                raise ValueError("a length goes beyond the end")
            return self.body[start : self.offset]
        return (self.text(True) or "").encode("utf-8", "surrogateescape")

    def int32s(self) -> tuple[int, ...]:
        """Read a compact array of int32."""
        length = self.body[self.offset]
        if 0 < length < 0x80:
            form = _INT32S[length - 1] if length <= len(_INT32S) else struct.Struct(f">{length - 1}i")
            values = form.unpack_from(self.body, self.offset + 1)
            self.offset += 1 + form.size
            return values
        count = self.array_length(True) or 0
        values = struct.unpack_from(f">{count}i", self.body, self.offset)
        self.offset += 4 * count
        return values

    def unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        """Read the numbers of a Struct."""
        values = form.unpack_from(self.body, self.offset)
        self.offset += form.size
        return values

    def skip_tags(self) -> None:
        """Pass over tagged fields."""
        if self.body[self.offset] == 0:
            self.offset += 1
            return
        _, self.offset = _read_tags({}, self.body, self.offset)


# --- structs --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1_024)
def struct_reader(of_type: Struct) -> Reader:
    """Compile the reader of one struct; it answers with a named tuple of the struct's fields."""
    flexible = of_type.flexible
    plain = [item for item in of_type.fields if item.tag is None]
    tagged = [item for item in of_type.fields if item.tag is not None]
    row = _row_type(of_type)
    steps = _steps(plain, flexible)
    tag_readers = {item.tag or 0: (index, _field_reader(item, flexible)) for index, item in enumerate(tagged)}
    defaults = [item.default for item in tagged]

    def read(body: bytes, offset: int) -> tuple[Any, int]:
        values: list[Any] = []
        for fixed, reader in steps:
            if fixed is not None:
                values += fixed.unpack_from(body, offset)
                offset += fixed.size
            else:
                assert reader is not None
                value, offset = reader(body, offset)
                values.append(value)
        if flexible:
            found, offset = _read_tags(tag_readers, body, offset)
            values += [found.get(index, default) for index, default in enumerate(defaults)]
        return row._make(values), offset

    return read


@lru_cache(maxsize=1_024)
def _row_type(of_type: Struct) -> Any:
    """Return the named tuple of a struct: its plain fields, then its tagged ones."""
    ordered = sorted(of_type.fields, key=lambda item: item.tag is not None)
    return namedtuple(of_type.name, [item.name for item in ordered])


def _steps(items: list[Field], flexible: bool) -> list[tuple[struct.Struct | None, Reader | None]]:
    """Join neighbours of fixed size into one Struct; the others have a reader each."""
    steps: list[tuple[struct.Struct | None, Reader | None]] = []
    run = ""
    for item in items:
        form = _fixed_form(item)
        if form:
            run += form
            continue
        if run:
            steps.append((struct.Struct(">" + run), None))
            run = ""
        steps.append((None, _field_reader(item, flexible)))
    if run:
        steps.append((struct.Struct(">" + run), None))
    return steps


def _read_tags(readers: dict[int, tuple[int, Reader]], body: bytes, offset: int) -> tuple[dict[int, Any], int]:
    """Read `count [tag size bytes]`; unknown tags are passed over (KIP-482)."""
    count, offset = _uvarint(body, offset)
    found: dict[int, Any] = {}
    for _ in range(count):
        tag, offset = _uvarint(body, offset)
        size, offset = _uvarint(body, offset)
        if offset + size > len(body):
            raise ValueError("a tagged field goes beyond the end")
        if tag in readers:
            index, reader = readers[tag]
            found[index] = reader(body, offset)[0]
        offset += size
    return found, offset


# --- fields ---------------------------------------------------------------------------------------------------


def _field_reader(item: Field, flexible: bool) -> Reader:
    if item.is_array:
        if item.nested is not None:
            return _array_reader(struct_reader(item.nested), flexible)
        form = NUMBER_FORMS.get(item.type)
        if form is not None:
            return _number_array_reader(form, flexible)
        return _array_reader(_value_reader(item.type, flexible, nullable=False), flexible)
    if item.nested is not None:
        reader = struct_reader(item.nested)
        return _nullable(reader) if item.nullable else reader
    return _value_reader(item.type, flexible, nullable=item.nullable)


def _value_reader(kafka_type: str, flexible: bool, *, nullable: bool) -> Reader:
    if kafka_type == "uuid":
        return _read_uuid
    if kafka_type in {"bytes", "records"}:
        return _blob_reader(flexible, _INT32)
    if kafka_type == "string":
        return _text_reader(flexible) if nullable else _present(_text_reader(flexible))
    form = struct.Struct(">" + NUMBER_FORMS[kafka_type])

    def read(body: bytes, offset: int) -> tuple[Any, int]:
        return form.unpack_from(body, offset)[0], offset + form.size

    return read


def _number_array_reader(form: str, flexible: bool) -> Reader:
    size = struct.calcsize(">" + form)

    def read(body: bytes, offset: int) -> tuple[Any, int]:
        count, offset = _array_length(body, offset, flexible)
        if not count:
            return (), offset
        return struct.unpack_from(f">{count}{form}", body, offset), offset + count * size

    return read


def _array_reader(reader: Reader, flexible: bool) -> Reader:
    def read(body: bytes, offset: int) -> tuple[Any, int]:
        count, offset = _array_length(body, offset, flexible)
        values = []
        for _ in range(count or 0):
            value, offset = reader(body, offset)
            values.append(value)
        return tuple(values), offset

    return read


def _nullable(reader: Reader) -> Reader:
    """Read a struct behind a byte that says whether it is there (KIP-893)."""

    def read(body: bytes, offset: int) -> tuple[Any, int]:
        return reader(body, offset + 1) if body[offset] == 1 else (None, offset + 1)

    return read


def _present(reader: Reader) -> Reader:
    def read(body: bytes, offset: int) -> tuple[Any, int]:
        value, offset = reader(body, offset)
        if value is None:
            raise ValueError("null where a string must be")
        return value, offset

    return read


@lru_cache(maxsize=2)
def _text_reader(flexible: bool) -> Reader:
    blob = _blob_reader(flexible, _INT16)

    def read(body: bytes, offset: int) -> tuple[Any, int]:
        data, offset = blob(body, offset)
        return None if data is None else data.decode("utf-8", "surrogateescape"), offset

    return read


def _blob_reader(flexible: bool, length: struct.Struct) -> Reader:
    def read(body: bytes, offset: int) -> tuple[Any, int]:
        if flexible:
            size, offset = _uvarint(body, offset)
            size -= 1
        else:
            (size,) = length.unpack_from(body, offset)
            offset += length.size
        if size < 0:
            return None, offset
        end = offset + size
        if end > len(body):
            raise ValueError("a length goes beyond the end")
        return body[offset:end], end

    return read


def _read_uuid(body: bytes, offset: int) -> tuple[Any, int]:
    from uuid import UUID

    raw = body[offset : offset + 16]
    if len(raw) < 16:
        raise ValueError("a uuid goes beyond the end")
    return UUID(bytes=raw) if any(raw) else None, offset + 16


def _array_length(body: bytes, offset: int, flexible: bool) -> tuple[int | None, int]:
    count: int
    if flexible:
        count, offset = _uvarint(body, offset)
        count -= 1
    else:
        (count,) = _INT32.unpack_from(body, offset)
        offset += 4
    if count < 0:
        return None, offset
    if count > len(body) - offset:
        raise ValueError("more items than bytes")
    return count, offset


def _uvarint(body: bytes, offset: int) -> tuple[int, int]:
    byte = body[offset]
    if byte < 0x80:
        return byte, offset + 1
    value, shift = byte & 0x7F, 7
    while True:
        offset += 1
        byte = body[offset]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset + 1
        shift += 7
        if shift > 28:
            raise ValueError("a varint is too long")


def _fixed_form(item: Field) -> str | None:
    return None if item.is_array or item.tag is not None else NUMBER_FORMS.get(item.type)


_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
_INT32S: Final = tuple(struct.Struct(f">{count}i") for count in range(8))
