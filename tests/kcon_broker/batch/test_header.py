"""The header of a batch at its byte positions."""

import pytest

from kcon_broker.batch.header import (
    HEADER_BYTES,
    LOG_APPEND_TIME,
    NO_TIMESTAMP,
    is_intact,
    patch_timestamps,
    place_in_log,
    read_header,
)
from kcon_broker.batch.records import Record, encode_batch

GOLDEN = bytes.fromhex(
    "0000000000000007 00000042 00000003 02 eb4da0b5 0000 00000001 000000000000000a 000000000000000c"
    "ffffffffffffffff ffff ffffffff 00000002 10 00 00 00 02 61 02 61 00 0e 00 04 02 02 6b 01 00"
)


def test_golden_header() -> None:
    """Every field where Kafka has it."""
    batch = encode_batch([Record(0, 10, b"a", b"a"), Record(0, 12, b"k", None)], base_offset=7, leader_epoch=3)
    assert batch == GOLDEN
    header = read_header(b"xx" + batch, 2)
    assert header.base_offset == 7
    assert header.partition_leader_epoch == 3
    assert header.magic == 2
    assert header.size_bytes == len(batch)
    assert (header.last_offset, header.next_offset, header.record_count) == (8, 9, 2)
    assert (header.base_timestamp, header.max_timestamp) == (10, 12)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (-1, -1, -1)
    assert not header.has_producer_id
    assert header.last_sequence == -1
    assert batch[17:21] == header.crc.to_bytes(4, "big")
    assert batch[21:23] == b"\0\0"
    assert batch[57:61] == b"\0\0\0\2"


def test_too_few_bytes() -> None:
    """One byte less than a header is none."""
    batch = encode_batch([Record(0, 10, b"a", b"a")])
    with pytest.raises(ValueError, match="shorter than its header"):
        read_header(batch[: HEADER_BYTES - 1])
    assert read_header(batch[:HEADER_BYTES]).record_count == 1


def test_patching_the_place_keeps_the_crc() -> None:
    """Offset and leader epoch are outside of what the CRC covers."""
    batch = encode_batch([Record(0, 10, b"a", b"a")])
    assert place_in_log(memoryview(batch), 1 << 40, 9) == (1 << 40, 10)
    header = read_header(batch)
    assert (header.base_offset, header.partition_leader_epoch) == (1 << 40, 9)
    assert is_intact(batch, header)


def test_place_names_the_last_record_and_the_newest_time() -> None:
    batch = encode_batch([Record(0, at_ms, None, b"v") for at_ms in (10, 30, 20)])
    assert place_in_log(batch, 100, 1) == (102, 30)
    # Compaction may leave a batch without records: it keeps its offsets, and is as old as the log likes.
    batch[57:61] = bytes(4)
    assert place_in_log(batch, 100, 1) == (102, NO_TIMESTAMP)


def test_batch_with_bytes_around_it_has_no_place() -> None:
    batch = encode_batch([Record(0, 10, None, b"v")])
    with pytest.raises(AssertionError):
        place_in_log(batch + b"x", 0, 0)


def test_patching_timestamps_renews_the_crc() -> None:
    """The greatest timestamp and its type are covered."""
    batch = encode_batch([Record(0, 10, b"a", b"a")])
    patch_timestamps(batch, 8, 99)
    header = read_header(batch)
    assert (header.timestamp_type, header.max_timestamp) == (LOG_APPEND_TIME, 99)
    assert is_intact(batch, header)
    assert is_intact(batch + b"more", header)
    batch[-1] ^= 1
    assert not is_intact(batch, header)


def test_sequences_wrap() -> None:
    """After 2^31 - 1 comes 0 (DefaultRecordBatch.incrementSequence)."""
    record = Record(0, 10, b"a", b"a")
    batch = encode_batch([record] * 3, producer_id=1, producer_epoch=0, base_sequence=2**31 - 2)
    assert read_header(batch).last_sequence == 0
    assert read_header(encode_batch([record], producer_id=1, base_sequence=5)).last_sequence == 5
