"""How are the primitive fields of a coordinator record read and written?

Only the few types that the keys and values of `__consumer_offsets` use. Big-endian throughout; a length
that does not fit the bytes left raises UnreadableRecordError before anything is copied.
"""

import struct
from collections.abc import Sequence

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_VARINT_BYTES_MAX = 5


class UnreadableRecordError(ValueError):
    """A record's bytes do not have the shape that its version says."""


class RecordReader:
    """Read fields one after another from one key or value."""

    __slots__ = ("_buffer", "_position")

    def __init__(self, buffer: bytes) -> None:
        self._buffer = buffer
        self._position = 0

    def int8(self) -> int:
        return int.from_bytes(self.take(1), "big", signed=True)

    def int16(self) -> int:
        return int(_INT16.unpack(self.take(2))[0])

    def int32(self) -> int:
        return int(_INT32.unpack(self.take(4))[0])

    def int64(self) -> int:
        return int(_INT64.unpack(self.take(8))[0])

    def varint(self) -> int:
        """Read an unsigned varint of at most 32 bits."""
        value = 0
        for index in range(_VARINT_BYTES_MAX):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise UnreadableRecordError("a varint is longer than five bytes")

    def string(self, *, compact: bool) -> str | None:
        length = self._length(compact=compact, width=2)
        return None if length is None else self._text(length)

    def required_string(self, *, compact: bool) -> str:
        text = self.string(compact=compact)
        if text is None:
            raise UnreadableRecordError("a string that must be there is null")
        return text

    def data(self, *, compact: bool) -> bytes:
        length = self._length(compact=compact, width=4)
        return b"" if length is None else self.take(length)

    def array_length(self, *, compact: bool) -> int:
        """Read an array's length, at most the bytes left: an element has at least one."""
        length = self.nullable_array_length(compact=compact)
        if length is None:
            raise UnreadableRecordError("an array that must be there is null")
        return length

    def nullable_array_length(self, *, compact: bool) -> int | None:
        """Read the length of an array that may be null."""
        length = self._length(compact=compact, width=4)
        if length is not None and length > len(self._buffer) - self._position:
            raise UnreadableRecordError("an array is longer than its record")
        return length

    def int32_array(self) -> tuple[int, ...]:
        """Read a compact array of 32-bit numbers."""
        return tuple(self.int32() for _ in range(self.array_length(compact=True)))

    def string_array(self) -> tuple[str, ...]:
        """Read a compact array of compact strings."""
        return tuple(self.required_string(compact=True) for _ in range(self.array_length(compact=True)))

    def tagged_fields(self) -> dict[int, bytes]:
        fields: dict[int, bytes] = {}
        for _ in range(self.varint()):
            tag = self.varint()
            fields[tag] = self.take(self.varint())
        return fields

    def take(self, count: int) -> bytes:
        end = self._position + count
        if count < 0 or end > len(self._buffer):
            raise UnreadableRecordError("a field ends beyond its record")
        taken = self._buffer[self._position : end]
        self._position = end
        return taken

    def _length(self, *, compact: bool, width: int) -> int | None:
        """Read a length; None stands for null (-1, or 0 in the compact form that stores length + 1)."""
        length = self.varint() - 1 if compact else int.from_bytes(self.take(width), "big", signed=True)
        if length < -1:
            raise UnreadableRecordError("a length is negative")
        return None if length == -1 else length

    def _text(self, length: int) -> str:
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableRecordError("a string is not UTF-8") from error


def int8(value: int) -> bytes:
    return value.to_bytes(1, "big", signed=True)


def int16(value: int) -> bytes:
    return _INT16.pack(value)


def int32(value: int) -> bytes:
    return _INT32.pack(value)


def int64(value: int) -> bytes:
    return _INT64.pack(value)


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def string(value: str | None) -> bytes:
    """Encode a string after its 16-bit length, -1 for null."""
    if value is None:
        return _INT16.pack(-1)
    encoded = value.encode("utf-8")
    return _INT16.pack(len(encoded)) + encoded


def compact_string(value: str | None) -> bytes:
    """Encode a string after the varint of its length plus one, 0 for null."""
    if value is None:
        return b"\0"
    encoded = value.encode("utf-8")
    return varint(len(encoded) + 1) + encoded


def data(value: bytes) -> bytes:
    """Encode bytes after their 32-bit length."""
    return _INT32.pack(len(value)) + value


def int32_array(values: Sequence[int]) -> bytes:
    """Encode a compact array of 32-bit numbers."""
    return varint(len(values) + 1) + b"".join(map(_INT32.pack, values))


def string_array(values: Sequence[str]) -> bytes:
    """Encode a compact array of compact strings."""
    return varint(len(values) + 1) + b"".join(map(compact_string, values))


def tagged_fields(fields: dict[int, bytes]) -> bytes:
    """Encode tagged fields in the order of their tags."""
    encoded = varint(len(fields))
    for tag, value in sorted(fields.items()):
        encoded += varint(tag) + varint(len(value)) + value
    return encoded
