"""May these produced bytes be appended, and as what?

Answers as Apache Kafka 4.3 does, in its order: ProduceRequest.validateRecords, UnifiedLog.analyzeAndValidateRecords,
LogValidator. In "full" mode every record is walked; in "header" mode what the header shows is checked, what it cannot
show is bounded, and the records are walked only where the topic demands it (compaction, another codec).

What the log may not be told wrongly is corrected: the greatest timestamp, which would poison the time index and
retention, and the timestamp type. Bytes after the batch are left out.

Must not do: no state, no clock. May run on any thread, which is where large compressed batches belong.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from kcon_broker.batch.compression import (
    DECOMPRESSED_BYTES_MAX,
    DecompressedTooLargeError,
    DecompressionError,
    decompress,
)
from kcon_broker.batch.header import (
    CODEC_MASK,
    CODEC_NONE,
    CODEC_ZSTD,
    CONTROL_FLAG,
    CREATE_TIME,
    DELETE_HORIZON_FLAG,
    HEADER,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    LOG_OVERHEAD,
    MAGIC,
    NO_PRODUCER_ID,
    NO_TIMESTAMP,
    TIMESTAMP_TYPE_FLAG,
    TRANSACTIONAL_FLAG,
    BatchHeader,
    Buffer,
    compute_crc,
    is_intact,
    patch_timestamps,
    read_header,
)
from kcon_broker.batch.records import encode_batch, iter_records
from kcon_broker.batch.walk import (
    BadRecordsError,
    OverlongNumberError,
    RecordPlace,
    Walk,
    read_timestamps,
    summarize,
    walk_compiled,
    walk_exact,
)
from kcon_broker.wire.error_codes import ErrorCode

MESSAGE_BYTES_MAX: Final = 1_048_588
"""Kafka's default of max.message.bytes."""

TIMESTAMP_AFTER_MAX_MS: Final = 3_600_000
"""Kafka's default of message.timestamp.after.max.ms."""

_INT64_MAX: Final = (1 << 63) - 1
_UP_TO_MAGIC_BYTES: Final = 17
_MAGIC_AT: Final = 16
_LEGACY_OVERHEAD_BYTES: Final = 14
_RECORD_BYTES_MIN: Final = 7
"""Size, attributes, two deltas, two sizes and the count of headers."""

_KEPT_FLAGS: Final = CODEC_MASK | TRANSACTIONAL_FLAG | CONTROL_FLAG | DELETE_HORIZON_FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules:
    """What a topic demands of the batches produced to it; made once for each configuration."""

    mode: Literal["full", "header"] = "full"
    max_message_bytes: int = MESSAGE_BYTES_MAX
    is_compacted: bool = False
    timestamp_type: int = CREATE_TIME
    timestamp_before_max_ms: int = _INT64_MAX
    timestamp_after_max_ms: int = TIMESTAMP_AFTER_MAX_MS
    codec: int | None = None
    """The codec to store batches in; None keeps the producer's."""
    decompressed_bytes_max: int = DECOMPRESSED_BYTES_MAX


class ValidBatch(NamedTuple):
    """A batch to append: writable memory with nothing after it, and its header."""

    batch: memoryview
    header: BatchHeader


class BatchError(NamedTuple):
    """Why a batch is refused. `record_errors` are pairs of record index and message."""

    error_code: int
    message: str
    record_errors: tuple[tuple[int, str], ...] = ()
    is_unfit: bool = False
    """It is not one batch of the one known format, and no log is asked about it (ProduceRequest.validateRecords)."""


class _RefusedError(Exception):
    def __init__(self, error_code: int, message: str, record_errors: tuple[tuple[int, str], ...] = ()) -> None:
        super().__init__(message)
        self.answer = BatchError(error_code, message, record_errors)


class _UnfitError(_RefusedError):
    def __init__(self, error_code: int, message: str) -> None:
        super().__init__(error_code, message)
        self.answer = self.answer._replace(is_unfit=True)


def validate_batch(
    records: Buffer | None, *, rules: BatchRules, now_ms: int, allow_zstd: bool = True
) -> ValidBatch | BatchError:
    """Judge the `records` of one partition of a Produce request.

    `now_ms` is the wall clock. `allow_zstd` is false before Produce v7 (KIP-110). The batch that comes back is a
    view of `records`, patched in place, where these are writable and need no new encoding; a new one otherwise.
    """
    batch = memoryview(records if records is not None else b"")
    try:
        header = _flawless_header(batch, rules) if allow_zstd else None
        if header is not None and _is_flawless(batch, header, rules, now_ms):
            return ValidBatch(batch, header)
        if header is None:
            batch = _first_batch(batch, allow_zstd)
            header = read_header(batch)
            _check_header(batch, header, rules)
        if rules.mode == "header" and not rules.is_compacted and rules.codec in (None, header.codec):
            max_timestamp = _bounded_timestamp(batch, header, rules, now_ms)
        else:
            walk, payload = _walk(batch, header, rules, now_ms)
            max_timestamp = walk.max_timestamp
            if rules.codec not in (None, header.codec):
                return _encode_anew(header, payload, rules, now_ms)
        return _settle(batch, header, rules, max_timestamp if rules.timestamp_type == CREATE_TIME else now_ms)
    except _RefusedError as refused:
        return refused.answer


def _flawless_header(batch: memoryview, rules: BatchRules) -> BatchHeader | None:
    """Return the header of a batch that the checks below would pass, at a fraction of their cost; else None."""
    size = len(batch)
    if not HEADER_BYTES <= size <= rules.max_message_bytes:
        return None
    fields = HEADER.unpack_from(batch)
    base_offset, length, _, magic, crc, attributes, last_delta, _, _, producer_id, _, sequence, count = fields
    if (
        base_offset != 0
        or length != size - LOG_OVERHEAD
        or magic != MAGIC
        or not 0 <= attributes & ~TRANSACTIONAL_FLAG <= CODEC_ZSTD
        or not 0 < count == last_delta + 1
        or (producer_id > NO_PRODUCER_ID and sequence < 0)
        or crc != compute_crc(batch)
    ):
        return None
    return BatchHeader._make(fields)


def _is_flawless(batch: memoryview, header: BatchHeader, rules: BatchRules, now_ms: int) -> bool:
    """Say whether the records are all that the checks below ask for and nothing has to be changed: nearly all are."""
    if (
        header.attributes & ~TRANSACTIONAL_FLAG
        or rules.timestamp_type != CREATE_TIME
        or rules.is_compacted
        or rules.codec not in (None, CODEC_NONE)
        or rules.mode != "full"
        or batch.readonly
    ):
        return False
    timestamps = read_timestamps(batch)
    if not timestamps:
        return False
    first, last = min(timestamps), max(timestamps)
    is_in_range = now_ms - first <= rules.timestamp_before_max_ms and last - now_ms <= rules.timestamp_after_max_ms
    return first >= 0 and last == header.max_timestamp and is_in_range


def _first_batch(view: memoryview, allow_zstd: bool) -> memoryview:
    """Return the only batch, without what follows it (ByteBufferLogInputStream, ProduceRequest.validateRecords)."""
    size = _next_batch_bytes(view)
    if size is None:
        raise _UnfitError(ErrorCode.INVALID_RECORD, "A produce request must have one record batch per partition.")
    if view[_MAGIC_AT] != MAGIC:
        raise _UnfitError(ErrorCode.INVALID_RECORD, "Only record batches with magic version 2 are accepted.")
    batch = view[:size]
    if size >= HEADER_BYTES and not allow_zstd and read_header(batch).codec == CODEC_ZSTD:
        raise _RefusedError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "zstd needs version 7 of the produce request.")
    if size >= HEADER_BYTES and not allow_zstd and read_header(batch).codec > CODEC_ZSTD:
        # Before v7 the codec is looked at early, and one that means nothing is no known error.
        raise _UnfitError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Unknown compression codec {read_header(batch).codec}.")
    if _next_batch_bytes(view[size:]) is not None:
        raise _UnfitError(ErrorCode.INVALID_RECORD, "A produce request may have one record batch per partition only.")
    if size < HEADER_BYTES:
        raise _RefusedError(ErrorCode.CORRUPT_MESSAGE, "The record batch is shorter than its header.")
    return batch


def _next_batch_bytes(view: memoryview) -> int | None:
    """Return the bytes of the batch that `view` begins with, None where it ends before that batch does."""
    if len(view) < LOG_OVERHEAD:
        return None
    length = int.from_bytes(view[8:LOG_OVERHEAD], "big", signed=True)
    if length < _LEGACY_OVERHEAD_BYTES:
        raise _RefusedError(ErrorCode.CORRUPT_MESSAGE, f"A record batch cannot be {length} bytes long.")
    if len(view) < _UP_TO_MAGIC_BYTES:
        return None
    if view[_MAGIC_AT] > MAGIC:
        raise _RefusedError(ErrorCode.CORRUPT_MESSAGE, f"Unknown magic {view[_MAGIC_AT]} in a record batch.")
    size = length + LOG_OVERHEAD
    return size if size <= len(view) else None


def _check_header(batch: memoryview, header: BatchHeader, rules: BatchRules) -> None:
    if header.base_offset != 0:
        raise _RefusedError(ErrorCode.INVALID_RECORD, f"The base offset must be 0, but it is {header.base_offset}.")
    if header.size_bytes > rules.max_message_bytes:
        raise _RefusedError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The record batch has {header.size_bytes} bytes, max.message.bytes is {rules.max_message_bytes}.",
        )
    if not is_intact(batch, header):
        raise _RefusedError(ErrorCode.CORRUPT_MESSAGE, "The CRC of the record batch does not fit its bytes.")
    if header.codec > CODEC_ZSTD:
        raise _RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Unknown compression codec {header.codec}.")
    count = header.last_offset_delta + 1
    if count <= 0 or header.record_count <= 0 or count != header.record_count:
        raise _RefusedError(
            ErrorCode.INVALID_RECORD,
            f"The batch claims {header.record_count} records and a last offset delta of {header.last_offset_delta}.",
        )
    if header.is_control:
        raise _RefusedError(ErrorCode.INVALID_RECORD, "Clients may not write control records.")
    if header.has_producer_id and header.base_sequence < 0:
        raise _RefusedError(
            ErrorCode.INVALID_RECORD,
            f"Sequence {header.base_sequence} is impossible with producer id {header.producer_id}.",
        )


def _bounded_timestamp(batch: memoryview, header: BatchHeader, rules: BatchRules, now_ms: int) -> int:
    """Return the greatest timestamp that the header claims, within the topic's bounds ("header" mode)."""
    payload_bytes = len(batch) - HEADER_BYTES
    if payload_bytes < (_RECORD_BYTES_MIN * header.record_count if header.codec == CODEC_NONE else 1):
        raise _RefusedError(ErrorCode.INVALID_RECORD, "The batch is too short for the records it claims.")
    claimed = header.max_timestamp
    if rules.timestamp_type == LOG_APPEND_TIME:
        if header.timestamp_type == LOG_APPEND_TIME:
            raise _RefusedError(ErrorCode.INVALID_TIMESTAMP, "Producers may not set the timestamp type.")
    elif claimed != NO_TIMESTAMP and any(
        _is_out_of_range(timestamp, rules, now_ms) for timestamp in (claimed, header.base_timestamp)
    ):
        raise _RefusedError(ErrorCode.INVALID_TIMESTAMP, f"Timestamp {claimed} of the batch is out of range.")
    return claimed


def _walk(batch: memoryview, header: BatchHeader, rules: BatchRules, now_ms: int) -> tuple[Walk, Buffer]:
    """Walk all records; return what was found and the records uncompressed."""
    payload: Buffer = batch[HEADER_BYTES:]
    codec = header.codec
    compressed = codec != CODEC_NONE
    is_kept = rules.codec in (None, codec)
    try:
        if codec == CODEC_ZSTD and not len(payload):
            raise BadRecordsError("the records are missing")
        payload = decompress(codec, payload, rules.decompressed_bytes_max)
        walk = walk_compiled(batch, header, payload if compressed else None, keys=rules.is_compacted)
        if walk is None or not walk.is_in_order or not _is_fine(walk, rules, now_ms):
            places = walk_exact(payload, header, lenient=compressed and is_kept)
            _check_records(places, header, rules, now_ms)
            walk = summarize(places)
    except DecompressedTooLargeError as large:
        # Producers answer this code with smaller batches.
        raise _RefusedError(ErrorCode.MESSAGE_TOO_LARGE, str(large)) from large
    except BadRecordsError as bad:
        raise _RefusedError(ErrorCode.INVALID_RECORD, f"Bad records: {bad}.") from bad
    except (DecompressionError, OverlongNumberError) as bad:
        raise _RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Unreadable records: {bad}.") from bad
    if compressed and is_kept and not walk.is_in_order:
        # Kafka means to encode such a batch anew and fails, having skipped the keys and values.
        raise _RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, "The offset deltas of compressed records are out of order.")
    if not is_kept and walk.min_timestamp < NO_TIMESTAMP:
        raise _RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, "Records before 1970 cannot be compressed anew.")
    return walk, payload


def _is_fine(walk: Walk, rules: BatchRules, now_ms: int) -> bool:
    """Say whether no record can be at fault, so that there is no need to look at each of them again."""
    if rules.is_compacted and walk.has_keyless:
        return False
    if rules.timestamp_type == LOG_APPEND_TIME:
        return True
    first, last = walk.min_timestamp, walk.max_timestamp
    if first != NO_TIMESTAMP and _is_out_of_range(first, rules, now_ms):
        return False
    return last in (first, NO_TIMESTAMP) or not _is_out_of_range(last, rules, now_ms)


def _is_out_of_range(timestamp: int, rules: BatchRules, now_ms: int) -> bool:
    # Kafka subtracts in 64 bits: a timestamp far below zero wraps and counts as far ahead.
    age = now_ms - timestamp
    return age > rules.timestamp_before_max_ms or -age > rules.timestamp_after_max_ms or age > _INT64_MAX


def _check_records(places: list[RecordPlace], header: BatchHeader, rules: BatchRules, now_ms: int) -> None:
    """Raise with one error for each record that the topic does not take (KIP-467)."""
    errors: list[tuple[int, str]] = []
    error_code = ErrorCode.INVALID_RECORD
    for index, place in enumerate(places):
        if rules.is_compacted and place.key_size < 0:
            errors.append((index, "A compacted topic cannot take a record without a key."))
        elif rules.timestamp_type == CREATE_TIME and place.timestamp != NO_TIMESTAMP:
            if _is_out_of_range(place.timestamp, rules, now_ms):
                first, last = now_ms - rules.timestamp_before_max_ms, now_ms + rules.timestamp_after_max_ms
                text = f"Timestamp {place.timestamp} is out of range, it must be within [{first}, {last}]."
                errors.append((index, text))
                error_code = ErrorCode.INVALID_TIMESTAMP
        elif header.timestamp_type == LOG_APPEND_TIME:
            errors.append((index, "Producers may not set the timestamp type to LogAppendTime."))
            error_code = ErrorCode.INVALID_TIMESTAMP
    if errors:
        raise _RefusedError(error_code, f"{len(errors)} records of the batch were refused.", tuple(errors))


def _settle(batch: memoryview, header: BatchHeader, rules: BatchRules, max_timestamp: int) -> ValidBatch:
    """Write the true timestamp type and greatest timestamp into the header, when they differ."""
    if batch.readonly:
        batch = memoryview(bytearray(batch))
    if (header.timestamp_type, header.max_timestamp) != (rules.timestamp_type, max_timestamp):
        attributes = header.attributes & _KEPT_FLAGS
        if rules.timestamp_type == LOG_APPEND_TIME:
            attributes |= TIMESTAMP_TYPE_FLAG
        patch_timestamps(batch, attributes, max_timestamp)
        header = read_header(batch)
    return ValidBatch(batch, header)


def _encode_anew(header: BatchHeader, payload: Buffer, rules: BatchRules, now_ms: int) -> ValidBatch:
    """Encode the records with the topic's codec (LogValidator.buildRecordsAndAssignOffsets)."""
    assert rules.codec is not None
    is_producer_whole = header.producer_epoch != -1 and header.base_sequence >= 0
    if not is_producer_whole if header.producer_id != NO_PRODUCER_ID else header.is_transactional:
        # As MemoryRecordsBuilder, which takes no half of a producer's state.
        raise _RefusedError(ErrorCode.UNKNOWN_SERVER_ERROR, "The producer of the batch is not named completely.")
    plain = header._replace(
        batch_length=HEADER_BYTES - LOG_OVERHEAD + len(payload), attributes=header.attributes & ~CODEC_MASK
    )
    encoded = encode_batch(
        list(iter_records(HEADER.pack(*plain) + payload)),
        codec=rules.codec,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        is_transactional=header.is_transactional,
    )
    if len(encoded) > rules.max_message_bytes:
        raise _RefusedError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The batch has {len(encoded)} bytes after compression, max.message.bytes is {rules.max_message_bytes}.",
        )
    new = read_header(encoded)
    max_timestamp = new.max_timestamp if rules.timestamp_type == CREATE_TIME else now_ms
    return _settle(memoryview(encoded), new, rules, max_timestamp)
