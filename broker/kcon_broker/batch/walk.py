"""Are the records of a batch what its header promises, and what are their timestamps?

    record      size varint | attributes int8 | timestamp_delta varlong | offset_delta varint
                key_size varint | key | value_size varint | value | header_count varint | headers
    header      key_size varint | key | value_size varint | value

All varints are zig-zag; a size of -1 means null. `size` counts what follows it.

Two walks give the same answer. `walk_exact` is Python and refuses what Kafka refuses, by the same rules
(DefaultRecord.readFrom for uncompressed records, readPartiallyFrom for decompressed ones). `walk_compiled` uses
aiokafka's compiled reader, which is several times faster, and gives up (None) on anything unusual, so that the exact
walk decides. It differs in what no producer sends: a number written in more bytes than Kafka reads is not noticed,
and attributes of 128 and more are taken for a longer number.
Loading that reader takes a fifth of a second, so until `load_compiled` was called the exact walk does all.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final, NamedTuple, cast

from kcon_broker.batch.header import (
    ATTRIBUTES_AT,
    CODEC_MASK,
    CODEC_NONE,
    CREATE_TIME,
    HEADER_BYTES,
    NO_TIMESTAMP,
    TIMESTAMP_TYPE_FLAG,
    BatchHeader,
    Buffer,
)

_INT64_SIGN: Final = 1 << 63
_timestamp: Final = attrgetter("timestamp")
_row: Final = attrgetter("timestamp", "offset", "key")

_Reader = Callable[[Buffer], Iterator[Any]]
_compiled: _Reader | None = None
_compiled_errors: tuple[type[Exception], ...] = ()


class BadRecordsError(Exception):
    """The records are not what the header promises."""


class OverlongNumberError(Exception):
    """A number takes more bytes than its type can need."""


class Walk(NamedTuple):
    """What a walk over all records found."""

    max_timestamp: int
    min_timestamp: int
    has_keyless: bool
    is_in_order: bool
    """The offset deltas are 0, 1, 2 and so on."""


class RecordPlace(NamedTuple):
    """One record as the exact walk saw it: numbers, and where its bytes are in the payload."""

    timestamp: int
    offset_delta: int
    key_start: int
    key_size: int
    value_start: int
    value_size: int
    header_count: int
    headers_start: int


def load_compiled() -> bool:
    """Load the compiled reader; say whether there is one. Worth calling once the broker accepts connections."""
    global _compiled, _compiled_errors
    try:
        from aiokafka.errors import CorruptRecordException
        from aiokafka.record._crecords.default_records import DefaultRecordBatch
    except ImportError:
        return False
    # A header key that is not UTF-8 is a ValueError there.
    _compiled_errors = (CorruptRecordException, ValueError, OverflowError)
    _compiled = cast("_Reader", DefaultRecordBatch)  # It is declared for bytes, and takes any buffer.
    return True


def walk_compiled(batch: Buffer, header: BatchHeader, records: Buffer | None = None, *, keys: bool) -> Walk | None:
    """Walk with the compiled reader; None when it is not loaded or anything is unusual.

    `records` are the decompressed records of a compressed batch. `keys` asks for `has_keyless`.
    """
    reader = _compiled
    if reader is None or header.attributes & TIMESTAMP_TYPE_FLAG:
        return None
    if records is None and not keys:
        timestamps = read_timestamps(batch)
        if timestamps is None:
            return None
        return Walk(max(timestamps), min(timestamps), has_keyless=False, is_in_order=True)
    if records is not None:
        plain = bytearray(memoryview(batch)[:HEADER_BYTES])
        plain[ATTRIBUTES_AT + 1] &= ~CODEC_MASK
        batch = b"".join((plain, records))
    try:
        rows = list(map(_row, reader(batch)))
    except _compiled_errors:
        return None
    timestamps = [row[0] for row in rows]
    base = header.base_offset
    in_order = [row[1] for row in rows] == list(range(base, base + len(rows)))
    return Walk(max(timestamps), min(timestamps), any(row[2] is None for row in rows), in_order)


def read_timestamps(batch: Buffer) -> list[int] | None:
    """Return the timestamps of the records of an uncompressed batch that has those of its producer.

    None when the compiled reader is not loaded or anything is unusual.
    """
    if _compiled is None:
        return None
    try:
        return list(map(_timestamp, _compiled(batch)))
    except _compiled_errors:
        return None


def walk_exact(payload: Buffer, header: BatchHeader, *, lenient: bool = False) -> list[RecordPlace]:
    """Return all records of a payload that is not, or no longer, compressed.

    `lenient` does not hold the records against their sizes: so Kafka reads a compressed batch that it keeps as it is.
    Raises BadRecordsError, or OverlongNumberError where the size of an uncompressed record is overlong.
    """
    data = bytes(payload)
    end = len(data)
    log_append_time = None if header.timestamp_type == CREATE_TIME else header.max_timestamp
    places: list[RecordPlace] = []
    at = 0
    for _ in range(header.record_count):
        try:
            size, at = read_varint(data, at)
        except IndexError as cut:
            raise BadRecordsError("the records end before the last of them") from cut
        except OverlongNumberError as overlong:
            if header.codec == CODEC_NONE:
                raise
            raise BadRecordsError("the size of a record is overlong") from overlong
        if not lenient and size > end - at:
            raise BadRecordsError("a record is longer than the rest of its batch")
        try:
            place, stop = _read_record(data, at, header.base_timestamp, log_append_time)
        except (IndexError, OverlongNumberError) as broken:
            raise BadRecordsError("a record has an impossible structure") from broken
        if not lenient and stop - at != size:
            raise BadRecordsError("a record is not as long as it says")
        places.append(place)
        at = stop
    if at != end:
        raise BadRecordsError("bytes remain after the last record")
    return places


def summarize(places: list[RecordPlace]) -> Walk:
    """Return what the compiled walk would have said about the same records."""
    timestamps = [place.timestamp for place in places]
    return Walk(
        max(timestamps, default=NO_TIMESTAMP),
        min(timestamps, default=NO_TIMESTAMP),
        any(place.key_size < 0 for place in places),
        all(place.offset_delta == index for index, place in enumerate(places)),
    )


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a zig-zag int32 and the place after it. Raises IndexError or OverlongNumberError."""
    byte = data[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    raw, at = _read_raw(data, at, 5)
    raw &= 0xFFFF_FFFF
    return (raw >> 1) ^ -(raw & 1), at


def read_varlong(data: bytes, at: int) -> tuple[int, int]:
    """Return a zig-zag int64 and the place after it. Raises IndexError or OverlongNumberError."""
    byte = data[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    raw, at = _read_raw(data, at, 10)
    raw &= 0xFFFF_FFFF_FFFF_FFFF
    return (raw >> 1) ^ -(raw & 1), at


def _read_raw(data: bytes, at: int, bytes_max: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 7 * bytes_max, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise OverlongNumberError(f"a number is longer than {bytes_max} bytes")


def _read_record(data: bytes, at: int, base_timestamp: int, log_append_time: int | None) -> tuple[RecordPlace, int]:
    end = len(data)
    # The attributes of a record mean nothing yet; they must be there.
    if at >= end:
        raise IndexError
    delta, at = read_varlong(data, at + 1)
    timestamp = base_timestamp + delta if log_append_time is None else log_append_time
    if not -_INT64_SIGN <= timestamp < _INT64_SIGN:
        timestamp = (timestamp + _INT64_SIGN) % (2 * _INT64_SIGN) - _INT64_SIGN
    offset_delta, at = read_varint(data, at)
    key_size, key_start = read_varint(data, at)
    at = key_start + key_size if key_size > 0 else key_start
    value_size, value_start = read_varint(data, at)
    at = value_start + value_size if value_size > 0 else value_start
    header_count, at = read_varint(data, at)
    headers_start = at
    if header_count:
        if header_count < 0 or header_count > end - at:
            raise BadRecordsError("a record has an impossible number of headers")
        for _ in range(header_count):
            size, at = read_varint(data, at)
            if size < 0:
                raise BadRecordsError("a header has no key")
            size, at = read_varint(data, at + size)
            at += max(0, size)
    if at > end:
        raise IndexError
    place = RecordPlace(
        timestamp, offset_delta, key_start, key_size, value_start, value_size, header_count, headers_start
    )
    return place, at
