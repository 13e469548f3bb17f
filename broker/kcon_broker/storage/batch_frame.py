"""Can a stored header be what was written there?

The CRC does not cover the first 17 bytes of a batch (base offset, length, leader epoch, magic): they are judged by
bounds here, and by their neighbours in `recovery`.
"""

from struct import Struct as Packer

from kcon_broker.batch.header import HEADER_BYTES, LOG_OVERHEAD, MAGIC, NO_TIMESTAMP, BatchHeader, Buffer, read_header

_OFFSET_AND_LENGTH = Packer(">qi")
_LAST_OFFSET_DELTA = Packer(">i")
_MAX_TIMESTAMP = Packer(">q")


def read_stored_header(buffer: Buffer, at: int) -> BatchHeader | str:
    """Return the header at `at`; or, in words, why no batch can begin there."""
    header = read_header(buffer, at)
    if header.magic != MAGIC:
        return f"magic is {header.magic}, not {MAGIC}"
    if header.batch_length < HEADER_BYTES - LOG_OVERHEAD:
        return f"a batch of {header.batch_length} bytes is shorter than its header"
    if header.base_offset < 0 or header.last_offset_delta < 0:
        return f"base offset {header.base_offset} with last offset delta {header.last_offset_delta}"
    return header


def batch_bounds(buffer: Buffer, at: int) -> tuple[int, int, int]:
    """Return (base offset, next offset, size in bytes) of the batch at `at`, unchecked."""
    base_offset, batch_length = _OFFSET_AND_LENGTH.unpack_from(buffer, at)
    (last_offset_delta,) = _LAST_OFFSET_DELTA.unpack_from(buffer, at + 23)
    return base_offset, base_offset + last_offset_delta + 1, batch_length + LOG_OVERHEAD


def max_timestamp_ms(buffer: Buffer) -> int:
    """Return the greatest timestamp of a batch's records; -1 when compaction left none in it."""
    (timestamp_ms,) = _MAX_TIMESTAMP.unpack_from(buffer, 35)
    return int(timestamp_ms) if any(buffer[57:61]) else NO_TIMESTAMP
