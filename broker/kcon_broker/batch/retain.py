"""What is a batch without some of its records?

Compaction takes records out. What stays keeps its offset, so the batch keeps its first and last offset, its producer
and its sequence numbers, and the bytes of the records are copied as they are (Kafka: MemoryRecords.filterTo).

A batch with tombstones gets a delete horizon (KIP-534): from that time on they may go. The horizon stands where the
base timestamp was, under a flag, and the records' timestamps are counted from it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kcon_broker.batch.compression import DECOMPRESSED_BYTES_MAX, compress, decompress
from kcon_broker.batch.header import (
    CODEC_MASK,
    CREATE_TIME,
    DELETE_HORIZON_FLAG,
    HEADER,
    HEADER_BYTES,
    LOG_OVERHEAD,
    MAGIC,
    NO_TIMESTAMP,
    BatchHeader,
    Buffer,
    patch_timestamps,
)
from kcon_broker.batch.records import encode_varint
from kcon_broker.batch.walk import BadRecordsError, OverlongNumberError, read_varint, read_varlong

_ATTRIBUTES_BYTES: Final = 1


class RecordSpan(NamedTuple):
    """Where one record is in its batch's records, and what of it decides whether it stays."""

    start: int
    end: int
    offset_delta: int
    key: bytes | None
    has_value: bool


def delete_horizon_ms(header: BatchHeader) -> int | None:
    """Return from when on the tombstones of a batch may go; None: nobody has said so yet."""
    return header.base_timestamp if header.attributes & DELETE_HORIZON_FLAG else None


def records_of(batch: Buffer, header: BatchHeader) -> bytes:
    """Return the records of a batch, decompressed. Raises DecompressionError."""
    return bytes(decompress(header.codec, memoryview(batch)[HEADER_BYTES : header.size_bytes], DECOMPRESSED_BYTES_MAX))


def iter_spans(records: bytes, header: BatchHeader) -> Iterator[RecordSpan]:
    """Yield where each record is. Raises BadRecordsError at the first that is impossible."""
    at = 0
    try:
        for _ in range(header.record_count):
            start = at
            size, at = read_varint(records, at)
            end = at + size
            _, at = read_varlong(records, at + _ATTRIBUTES_BYTES)
            offset_delta, at = read_varint(records, at)
            key_size, at = read_varint(records, at)
            key = None
            if key_size >= 0:
                key = records[at : at + key_size]
                at += key_size
            value_size, at = read_varint(records, at)
            if end > len(records) or at > end:
                raise BadRecordsError("a record is longer than its batch")
            yield RecordSpan(start, end, offset_delta, key, value_size >= 0)
            at = end
    except (IndexError, OverlongNumberError) as broken:
        raise BadRecordsError("a record has an impossible structure") from broken


def greatest_timestamp(records: bytes, spans: Sequence[RecordSpan], header: BatchHeader) -> int:
    """Return the greatest timestamp of these records, at least one; all have the header's where the broker set it."""
    if header.timestamp_type != CREATE_TIME:
        return header.max_timestamp
    return max(_timestamps(records, spans, header.base_timestamp))


def keep_records(
    header: BatchHeader,
    records: bytes,
    kept: Sequence[RecordSpan],
    *,
    max_timestamp: int,
    horizon_ms: int | None = None,
) -> bytearray:
    """Return the batch with these of its records, at least one; `max_timestamp` is the greatest of theirs.

    `horizon_ms` gives it a delete horizon, which it must not have yet.
    """
    body = join_records(header, records, kept, horizon_ms=horizon_ms)
    return with_records(header, body, len(kept), max_timestamp=max_timestamp, horizon_ms=horizon_ms)


def join_records(
    header: BatchHeader, records: bytes, kept: Sequence[RecordSpan], *, horizon_ms: int | None = None
) -> bytes:
    """Return the bytes of these records, as they stand in a batch that gets this delete horizon, if any."""
    if horizon_ms is None:
        return b"".join([records[span.start : span.end] for span in kept])
    # Records of a batch with the broker's time all have that of the header.
    shift_ms = header.base_timestamp - horizon_ms if header.timestamp_type == CREATE_TIME else 0
    return b"".join([_moved(records, span, shift_ms) for span in kept])


def with_records(
    header: BatchHeader, body: bytes, count: int, *, max_timestamp: int, horizon_ms: int | None = None
) -> bytearray:
    """Return the batch with what `join_records` returned for so many records instead of its own. Any thread."""
    return _assemble(
        header,
        compress(header.codec, body),
        attributes=header.attributes if horizon_ms is None else header.attributes | DELETE_HORIZON_FLAG,
        base_timestamp=header.base_timestamp if horizon_ms is None else horizon_ms,
        max_timestamp=max_timestamp,
        count=count,
    )


def keep_no_records(header: BatchHeader) -> bytearray:
    """Return the batch without records: it still says what its producer sent last, and where the log went to."""
    attributes = header.attributes & ~(CODEC_MASK | DELETE_HORIZON_FLAG)
    return _assemble(
        header, b"", attributes=attributes, base_timestamp=NO_TIMESTAMP, max_timestamp=header.max_timestamp, count=0
    )


def _assemble(
    header: BatchHeader, payload: Buffer, *, attributes: int, base_timestamp: int, max_timestamp: int, count: int
) -> bytearray:
    batch = bytearray(HEADER_BYTES + len(payload))
    HEADER.pack_into(
        batch,
        0,
        header.base_offset,
        len(batch) - LOG_OVERHEAD,
        header.partition_leader_epoch,
        MAGIC,
        0,
        attributes,
        header.last_offset_delta,
        base_timestamp,
        max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        count,
    )
    batch[HEADER_BYTES:] = payload
    patch_timestamps(batch, attributes, max_timestamp)
    return batch


def _timestamps(records: bytes, kept: Sequence[RecordSpan], base_timestamp: int) -> Iterator[int]:
    for span in kept:
        _, at = read_varint(records, span.start)
        delta, _ = read_varlong(records, at + _ATTRIBUTES_BYTES)
        yield base_timestamp + delta


def _moved(records: bytes, span: RecordSpan, shift_ms: int) -> bytes:
    """Return a record whose timestamp is counted from elsewhere."""
    _, attributes_at = read_varint(records, span.start)
    delta, rest_at = read_varlong(records, attributes_at + _ATTRIBUTES_BYTES)
    attributes = records[attributes_at : attributes_at + _ATTRIBUTES_BYTES]
    body = attributes + encode_varint(delta + shift_ms) + records[rest_at : span.end]
    return encode_varint(len(body)) + body
