"""Batches of records, against aiokafka's encoder and decoder; markers; timestamps."""

from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.batch.header import CODEC_NONE, LOG_APPEND_TIME, is_intact, read_header
from kcon_broker.batch.records import (
    MARKER_ABORT,
    MARKER_COMMIT,
    Record,
    encode_batch,
    encode_marker,
    find_timestamp,
    iter_records,
    read_marker,
)
from kcon_broker.batch.walk import BadRecordsError

_HEADERS = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=9)), max_size=3)
_RECORDS = st.lists(
    st.builds(
        lambda at, key, value, headers: Record(
            0, at, key, value, tuple((name.encode(), item) for name, item in headers)
        ),
        st.integers(-1, 1 << 42),
        st.none() | st.binary(max_size=200),
        st.none() | st.binary(max_size=200),
        _HEADERS,
    ),
    min_size=1,
    max_size=80,
)


@given(_RECORDS, st.sampled_from(range(5)), st.integers(0, 1 << 40))
def test_round_trip(records: list[Record], codec: int, base_offset: int) -> None:
    """What is encoded is read back, with offsets in order from the base."""
    batch = encode_batch(records, base_offset=base_offset, codec=codec, leader_epoch=3)
    header = read_header(batch)
    assert is_intact(batch, header)
    assert header.size_bytes == len(batch)
    assert header.max_timestamp == max(record.timestamp_ms for record in records)
    expected = [record._replace(offset=base_offset + index) for index, record in enumerate(records)]
    assert list(iter_records(batch)) == expected


@given(_RECORDS)
def test_aiokafka_reads_what_we_write(records: list[Record]) -> None:
    """An independent decoder sees the same records."""
    theirs: Any = DefaultRecordBatch(bytes(encode_batch(records, base_offset=7)))
    assert theirs.validate_crc()
    got = [
        Record(r.offset, r.timestamp, r.key, r.value, tuple((name.encode(), item) for name, item in r.headers))
        for r in theirs
    ]
    assert got == [record._replace(offset=7 + index) for index, record in enumerate(records)]


@pytest.mark.parametrize("codec", range(5))
def test_we_read_what_aiokafka_writes(codec: int) -> None:
    """Another encoder's bytes, with headers, nulls and all codecs."""
    builder = DefaultRecordBatchBuilder(2, codec, True, 5, 1, 9, 1 << 20)
    for index in range(50):
        builder.append(index, 1000 + index, None if index % 2 else b"k", b"v" * index, [("h", None), ("g", b"1")])
    batch = bytes(builder.build())
    header = read_header(batch)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (5, 1, 9)
    assert header.is_transactional
    headers = ((b"h", None), (b"g", b"1"))
    expected = [Record(i, 1000 + i, None if i % 2 else b"k", b"v" * i, headers) for i in range(50)]
    assert list(iter_records(batch)) == expected


@pytest.mark.parametrize("commit", [True, False])
def test_markers(commit: bool) -> None:
    """The bytes that end a transaction, as EndTxnMarker and its key say."""
    batch = encode_marker(commit=commit, producer_id=5, producer_epoch=2, coordinator_epoch=9, timestamp_ms=77)
    header = read_header(batch)
    assert header.is_control
    assert header.is_transactional
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (5, 2, -1)
    (record,) = iter_records(batch)
    assert record.key == (b"\0\0\0\1" if commit else b"\0\0\0\0")
    assert record.value == b"\0\0\0\0\0\x09"
    assert read_marker(batch) == (MARKER_COMMIT if commit else MARKER_ABORT)


def test_other_control_batches_are_no_markers() -> None:
    """Leader changes and snapshots of KRaft are control records too."""
    assert read_marker(encode_batch([Record(0, 1, b"\0\0\0\2", b"")], is_control=True)) is None
    assert read_marker(encode_batch([Record(0, 1, None, b"")], is_control=True)) is None


@pytest.mark.parametrize("codec", [0, 1, 4])
def test_find_timestamp_returns_the_record_itself(codec: int) -> None:
    """ListOffsets answers the first record at or after the time, inside compressed batches too."""
    times = [10, 30, 20, -1, 40]
    batch = encode_batch([Record(0, at, None, b"") for at in times], base_offset=100, codec=codec)
    found = {target: find_timestamp(batch, target) for target in (-1, 10, 11, 31, 41)}
    offsets = {target: record and record.offset for target, record in found.items()}
    assert offsets == {-1: 100, 10: 100, 11: 101, 31: 104, 41: None}


def test_log_append_time_stands_for_all_records() -> None:
    """The header's greatest timestamp is the time of each record then."""
    batch = encode_batch([Record(0, 5, None, b"")] * 2, timestamp_type=LOG_APPEND_TIME)
    assert [record.timestamp_ms for record in iter_records(batch)] == [5, 5]
    header = read_header(batch)
    assert header.timestamp_type == LOG_APPEND_TIME
    assert header.codec == CODEC_NONE


def test_damaged_records_raise() -> None:
    """Replay of a damaged batch must not go on with half of it."""
    batch = encode_batch([Record(0, 5, b"key", b"value")] * 2)
    batch[-1] = 7
    with pytest.raises(BadRecordsError):
        list(iter_records(batch))
