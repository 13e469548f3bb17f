"""Read and write the unsigned varints of the flexible versions (KIP-482), bounded to what Kafka accepts."""

from typing import Final

from kcon_broker.wire.schema import WireError

_VALUE_MAX: Final = 0x7FFF_FFFF
_SIZE_MAX: Final = 5


def read_uvarint(buf: memoryview | bytes | bytearray, offset: int) -> tuple[int, int]:
    """Return the value at `offset` and the offset after it. Raises WireError, or IndexError at the end of `buf`."""
    byte = buf[offset]
    if byte < 0x80:
        return byte, offset + 1
    value = byte & 0x7F
    for shift in range(7, 7 * _SIZE_MAX, 7):
        offset += 1
        byte = buf[offset]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > _VALUE_MAX:
                raise WireError("a varint is larger than an int32 can hold")
            return value, offset + 1
    raise WireError("a varint is longer than five bytes")


def encode_uvarint(value: int) -> bytes:
    """Return the varint of a value that is not negative."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def skip_tags(buf: memoryview, offset: int) -> int:
    """Return the offset after a section of tagged fields that are all unknown here."""
    count, offset = read_uvarint(buf, offset)
    end = len(buf)
    for _ in range(count):
        _, offset = read_uvarint(buf, offset)
        size, offset = read_uvarint(buf, offset)
        offset += size
        if offset > end:
            raise WireError("a tagged field is longer than the message")
    return offset
