"""Read the records out of a batch, and make batches of records.

For what semantics demand: looking up a timestamp, replaying `__consumer_offsets`, compressing anew, markers. The
path from a producer to a consumer never comes here.
"""

from collections.abc import Iterator, Sequence
from struct import Struct as Packer
from typing import Final, NamedTuple

from kcon_broker.batch.compression import DECOMPRESSED_BYTES_MAX, compress, decompress
from kcon_broker.batch.header import (
    CODEC_NONE,
    CONTROL_FLAG,
    CREATE_TIME,
    HEADER,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    LOG_OVERHEAD,
    MAGIC,
    NO_PRODUCER_ID,
    NO_TIMESTAMP,
    TIMESTAMP_TYPE_FLAG,
    TRANSACTIONAL_FLAG,
    Buffer,
    patch_timestamps,
    read_header,
)
from kcon_broker.batch.walk import RecordPlace, read_varint, walk_exact

MARKER_ABORT: Final = 0
MARKER_COMMIT: Final = 1

_MARKER_KEY: Final = Packer(">hh")
_MARKER_VALUE: Final = Packer(">hi")


class Record(NamedTuple):
    """One record. `headers` are pairs of key and value, in order; keys are the bytes of a UTF-8 string."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[bytes, bytes | None], ...] = ()


def iter_records(batch: Buffer, *, limit: int = DECOMPRESSED_BYTES_MAX) -> Iterator[Record]:
    """Yield the records of one batch.

    Raises BadRecordsError, OverlongNumberError or DecompressionError before the first record.
    """
    header = read_header(batch)
    payload = memoryview(batch)[HEADER_BYTES : header.size_bytes]
    data = bytes(decompress(header.codec, payload, limit))
    for place in walk_exact(data, header, lenient=header.codec != CODEC_NONE):
        yield Record(
            header.base_offset + place.offset_delta,
            place.timestamp,
            _piece(data, place.key_start, place.key_size),
            _piece(data, place.value_start, place.value_size),
            _headers(data, place) if place.header_count else (),
        )


def encode_batch(
    records: Sequence[Record],
    *,
    base_offset: int = 0,
    leader_epoch: int = -1,
    codec: int = CODEC_NONE,
    timestamp_type: int = CREATE_TIME,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    is_transactional: bool = False,
    is_control: bool = False,
) -> bytearray:
    """Return a batch of one record or more. They get offsets from `base_offset` on, whatever offsets they had."""
    base_timestamp = records[0].timestamp_ms
    body = b"".join(
        _encode_record(record, record.timestamp_ms - base_timestamp, index) for index, record in enumerate(records)
    )
    payload = compress(codec, body)
    attributes = codec
    if timestamp_type == LOG_APPEND_TIME:
        attributes |= TIMESTAMP_TYPE_FLAG
    if is_transactional:
        attributes |= TRANSACTIONAL_FLAG
    if is_control:
        attributes |= CONTROL_FLAG
    max_timestamp = max(record.timestamp_ms for record in records)
    batch = bytearray(HEADER_BYTES + len(payload))
    length = len(batch) - LOG_OVERHEAD
    last = len(records) - 1
    producer = (producer_id, producer_epoch, base_sequence)
    head = (base_offset, length, leader_epoch, MAGIC, 0, attributes, last, base_timestamp, max_timestamp)
    HEADER.pack_into(batch, 0, *head, *producer, len(records))
    batch[HEADER_BYTES:] = payload
    patch_timestamps(batch, attributes, max_timestamp)
    return batch


def encode_marker(
    *, commit: bool, producer_id: int, producer_epoch: int, coordinator_epoch: int, timestamp_ms: int
) -> bytearray:
    """Return the control batch that ends a transaction (EndTxnMarker v0 under a control record key v0)."""
    key = _MARKER_KEY.pack(0, MARKER_COMMIT if commit else MARKER_ABORT)
    value = _MARKER_VALUE.pack(0, coordinator_epoch)
    return encode_batch(
        [Record(0, timestamp_ms, key, value)],
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        is_transactional=True,
        is_control=True,
    )


def read_marker(batch: Buffer) -> int | None:
    """Return MARKER_COMMIT or MARKER_ABORT for the marker of a transaction, None for another control batch."""
    record = next(iter_records(batch), None)
    if record is None or record.key is None or len(record.key) < _MARKER_KEY.size:
        return None
    _, kind = _MARKER_KEY.unpack_from(record.key)
    return kind if kind in (MARKER_ABORT, MARKER_COMMIT) else None


def read_marker_coordinator_epoch(batch: Buffer) -> int:
    """Return the epoch of the coordinator that wrote a marker; -1: it does not say."""
    record = next(iter_records(batch), None)
    if record is None or record.value is None or len(record.value) < _MARKER_VALUE.size:
        return -1
    return int(_MARKER_VALUE.unpack_from(record.value)[1])


def find_timestamp(batch: Buffer, target_ms: int, *, start_offset: int = 0) -> Record | None:
    """Return the first record at or after a time and an offset, None: the batch has none (a time of -1 is none)."""
    for record in iter_records(batch):
        if record.offset < start_offset:
            continue
        if record.timestamp_ms != NO_TIMESTAMP and record.timestamp_ms >= target_ms:
            return record
    return None


def _piece(data: bytes, start: int, size: int) -> bytes | None:
    return None if size < 0 else data[start : start + size]


def _headers(data: bytes, place: RecordPlace) -> tuple[tuple[bytes, bytes | None], ...]:
    headers: list[tuple[bytes, bytes | None]] = []
    at = place.headers_start
    for _ in range(place.header_count):
        key_size, at = read_varint(data, at)
        key = data[at : at + key_size]
        value_size, at = read_varint(data, at + key_size)
        headers.append((key, _piece(data, at, value_size)))
        at += max(0, value_size)
    return tuple(headers)


def _encode_record(record: Record, timestamp_delta: int, offset_delta: int) -> bytes:
    parts = [b"\0", encode_varint(timestamp_delta), encode_varint(offset_delta)]
    parts += _sized(record.key)
    parts += _sized(record.value)
    parts.append(encode_varint(len(record.headers)))
    for key, value in record.headers:
        parts += _sized(key)
        parts += _sized(value)
    body = b"".join(parts)
    return encode_varint(len(body)) + body


def _sized(value: bytes | None) -> tuple[bytes, bytes]:
    return (b"\x01", b"") if value is None else (encode_varint(len(value)), value)


def encode_varint(value: int) -> bytes:
    """Return a number as a zig-zag varint of up to 64 bits."""
    raw = value << 1 if value >= 0 else ~(value << 1)
    if raw < 0x80:
        return bytes((raw,))
    out = bytearray()
    while raw >= 0x80:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)
