"""A batch without some of its records keeps everything else: offsets, times, producer, sequences."""

import pytest

from kcon_broker.batch.header import (
    CODEC_GZIP,
    CODEC_LZ4,
    CODEC_NONE,
    CODEC_SNAPPY,
    CODEC_ZSTD,
    LOG_APPEND_TIME,
    is_intact,
    read_header,
)
from kcon_broker.batch.records import Record, encode_batch, iter_records
from kcon_broker.batch.retain import (
    delete_horizon_ms,
    greatest_timestamp,
    iter_spans,
    keep_no_records,
    keep_records,
    records_of,
)
from kcon_broker.batch.walk import BadRecordsError

RECORDS = [
    Record(0, 1_000, b"a", b"one", ((b"h", b"x"),)),
    Record(1, 900, None, b"two"),
    Record(2, 5_000, b"c", None),
    Record(3, 1_200, b"d" * 300, b"four" * 100),
]


def batch_of(codec: int = CODEC_NONE, timestamp_type: int = 0) -> bytearray:
    return encode_batch(
        RECORDS,
        base_offset=100,
        leader_epoch=3,
        codec=codec,
        timestamp_type=timestamp_type,
        producer_id=9,
        producer_epoch=2,
        base_sequence=50,
    )


def kept(batch: bytearray, deltas: set[int], horizon_ms: int | None = None) -> bytearray:
    header = read_header(batch)
    records = records_of(batch, header)
    spans = [span for span in iter_spans(records, header) if span.offset_delta in deltas]
    max_timestamp = greatest_timestamp(records, spans, header)
    return keep_records(header, records, spans, max_timestamp=max_timestamp, horizon_ms=horizon_ms)


def test_spans_tell_key_and_value_apart() -> None:
    batch = batch_of()
    header = read_header(batch)
    spans = list(iter_spans(records_of(batch, header), header))
    assert [(span.offset_delta, span.key, span.has_value) for span in spans] == [
        (0, b"a", True),
        (1, None, True),
        (2, b"c", False),
        (3, b"d" * 300, True),
    ]


@pytest.mark.parametrize("codec", [CODEC_NONE, CODEC_GZIP, CODEC_SNAPPY, CODEC_LZ4, CODEC_ZSTD])
def test_what_is_kept_is_what_it_was(codec: int) -> None:
    rest = kept(batch_of(codec), {0, 3})
    header = read_header(rest)
    assert is_intact(rest, header)
    assert (header.base_offset, header.last_offset, header.record_count) == (100, 103, 2)
    assert (header.producer_id, header.producer_epoch, header.base_sequence, header.last_sequence) == (9, 2, 50, 53)
    assert (header.codec, header.partition_leader_epoch, header.max_timestamp) == (codec, 3, 1_200)
    expected = [record._replace(offset=100 + record.offset) for record in (RECORDS[0], RECORDS[3])]
    assert list(iter_records(rest)) == expected


def test_a_delete_horizon_changes_no_timestamp() -> None:
    """KIP-534: the horizon takes the place of the base timestamp."""
    rest = kept(batch_of(), {0, 2}, horizon_ms=77_000)
    header = read_header(rest)
    assert delete_horizon_ms(header) == 77_000
    assert delete_horizon_ms(read_header(batch_of())) is None
    assert is_intact(rest, header)
    assert [(record.offset, record.timestamp_ms) for record in iter_records(rest)] == [(100, 1_000), (102, 5_000)]
    again = kept(rest, {2})
    assert delete_horizon_ms(read_header(again)) == 77_000
    assert [(record.offset, record.timestamp_ms) for record in iter_records(again)] == [(102, 5_000)]


def test_the_brokers_time_stays() -> None:
    rest = kept(batch_of(timestamp_type=LOG_APPEND_TIME), {1, 2}, horizon_ms=77_000)
    assert [record.timestamp_ms for record in iter_records(rest)] == [5_000, 5_000]


def test_a_batch_without_records_keeps_its_producers_sequence() -> None:
    """A producer that comes back after a compaction must not be told that it left a gap."""
    rest = keep_no_records(read_header(batch_of(CODEC_ZSTD)))
    header = read_header(rest)
    assert is_intact(rest, header)
    assert list(iter_records(rest)) == []
    assert (header.base_offset, header.last_offset, header.last_sequence, header.codec) == (100, 103, 53, CODEC_NONE)
    assert (header.max_timestamp, header.newest_timestamp) == (5_000, -1)


def test_records_that_lie_about_their_size_are_refused() -> None:
    batch = batch_of()
    header = read_header(batch)
    records = bytearray(records_of(batch, header))
    for cut in range(len(records)):
        with pytest.raises(BadRecordsError):
            list(iter_spans(bytes(records[:cut]), header))
