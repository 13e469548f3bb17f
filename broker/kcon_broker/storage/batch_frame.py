"""Which batch stands at this position of a segment, and can it be what was written?

Layout of the header of a v2 batch (Kafka: DefaultRecordBatch):

    0  base_offset i64      8  batch_length i32 (bytes after this field)   12  leader_epoch i32   16  magic i8
    17 crc u32 (CRC-32C of everything after it)   21 attributes i16   23 last_offset_delta i32
    27 base_timestamp i64   35 max_timestamp i64   43 producer_id i64   51 producer_epoch i16
    53 base_sequence i32    57 record_count i32    61 the records

The CRC does not cover the first 17 bytes: they are judged by bounds and by their neighbours.
"""

import struct
from typing import NamedTuple

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
LENGTH_PREFIX_BYTES = 12
"""Base offset and length, which the length does not count."""
CRC_START = 21
_OFFSET_AND_LENGTH = struct.Struct(">qi")
_LAST_OFFSET_DELTA = struct.Struct(">i")


class BatchInfo(NamedTuple):
    """The header of a stored batch, and where it is."""

    base_offset: int
    last_offset: int
    position: int
    """In its segment, in bytes."""
    size: int
    """In bytes, with the header."""
    leader_epoch: int
    crc: int
    attributes: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def next_offset(self) -> int:
        """The offset after the batch."""
        return self.last_offset + 1

    @property
    def is_control(self) -> bool:
        """It holds a transaction marker."""
        return bool(self.attributes & 0x20)

    @property
    def is_transactional(self) -> bool:
        """It belongs to a transaction."""
        return bool(self.attributes & 0x10)


def read_header(buffer: bytes | bytearray | memoryview, at: int, position: int) -> BatchInfo | str:
    """Return the header at `at`, which is `position` in the segment; or a sentence why it cannot be one."""
    (
        base_offset,
        length,
        leader_epoch,
        magic,
        crc,
        attributes,
        last_offset_delta,
        base_timestamp_ms,
        max_timestamp_ms,
        producer_id,
        producer_epoch,
        base_sequence,
        record_count,
    ) = HEADER.unpack_from(buffer, at)
    if magic != 2:
        return f"magic is {magic}, not 2"
    if length < HEADER_BYTES - LENGTH_PREFIX_BYTES:
        return f"a batch of {length} bytes is shorter than its header"
    if base_offset < 0 or last_offset_delta < 0:
        return f"base offset {base_offset} with last offset delta {last_offset_delta}"
    return BatchInfo(
        base_offset,
        base_offset + last_offset_delta,
        position,
        length + LENGTH_PREFIX_BYTES,
        leader_epoch,
        crc,
        attributes,
        base_timestamp_ms,
        max_timestamp_ms,
        producer_id,
        producer_epoch,
        base_sequence,
        record_count,
    )


def batch_bounds(buffer: bytes | bytearray | memoryview, at: int) -> tuple[int, int, int]:
    """Return (base offset, next offset, size in bytes) of the batch at `at`, unchecked."""
    base_offset, length = _OFFSET_AND_LENGTH.unpack_from(buffer, at)
    (last_offset_delta,) = _LAST_OFFSET_DELTA.unpack_from(buffer, at + 23)
    return base_offset, base_offset + last_offset_delta + 1, length + LENGTH_PREFIX_BYTES


def patch(buffer: bytearray | memoryview, base_offset: int, leader_epoch: int) -> None:
    """Give a batch its offset and epoch in place; the CRC covers neither."""
    struct.pack_into(">q", buffer, 0, base_offset)
    struct.pack_into(">i", buffer, 12, leader_epoch)
