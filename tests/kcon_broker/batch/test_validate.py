"""What a Produce request is told about its batch. Every row was sent to Apache Kafka 4.3 and is answered as there."""

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.batch import walk
from kcon_broker.batch.compression import compress
from kcon_broker.batch.header import LOG_APPEND_TIME, is_intact, read_header
from kcon_broker.batch.records import Record, encode_batch, iter_records
from kcon_broker.batch.validate import BatchError, BatchRules, ValidBatch, validate_batch
from kcon_broker.wire.error_codes import ErrorCode
from tests.kcon_broker.batch.conftest import BatchBench

PLAIN = BatchRules()
COMPACT = BatchRules(is_compacted=True)
APPEND_TIME = BatchRules(timestamp_type=LOG_APPEND_TIME)
HEADER = BatchRules(mode="header")
HOUR_MS = 3_600_000

E = ErrorCode


def judge(bench: Any, records: bytes | bytearray | memoryview | None, rules: BatchRules = PLAIN, **more: Any) -> int:
    answer = validate_batch(records, rules=rules, now_ms=bench.now_ms, **more)
    return answer.error_code if isinstance(answer, BatchError) else 0


def accept(bench: Any, records: bytes | bytearray | memoryview, rules: BatchRules = PLAIN) -> ValidBatch:
    answer = validate_batch(records, rules=rules, now_ms=bench.now_ms)
    assert isinstance(answer, ValidBatch), answer
    assert answer.header == read_header(answer.batch)
    assert answer.header.size_bytes == len(answer.batch)
    assert is_intact(answer.batch, answer.header)
    return answer


@pytest.mark.parametrize("rules", [PLAIN, COMPACT, APPEND_TIME, HEADER, BatchRules(codec=4), BatchRules(codec=0)])
@pytest.mark.parametrize("codec", range(5))
def test_good_batches_are_accepted(bench: Any, walker: str, codec: int, rules: BatchRules) -> None:
    """All codecs under all kinds of topics."""
    records = bench.records()
    valid = accept(bench, encode_batch(records, codec=codec), rules)
    assert valid.header.codec == (codec if rules.codec is None else rules.codec)
    times = [bench.now_ms] * 3 if rules is APPEND_TIME else [record.timestamp_ms for record in records]
    assert [record.timestamp_ms for record in iter_records(valid.batch)] == times


@pytest.mark.parametrize("mode", [PLAIN, HEADER])
@pytest.mark.parametrize("codec", range(5))
def test_headers_that_lie(bench: Any, walker: str, codec: int, mode: BatchRules) -> None:
    """What the header alone shows is refused in both modes."""
    good = encode_batch(bench.records(), codec=codec)
    put = bench.put
    rows = {
        "count above delta": (put(good, 57, ">i", 5), E.INVALID_RECORD),
        "delta above count": (put(good, 23, ">i", 7), E.INVALID_RECORD),
        "no records": (put(put(good, 57, ">i", 0), 23, ">i", -1), E.INVALID_RECORD),
        "negative count": (put(good, 57, ">i", -1), E.INVALID_RECORD),
        "control batch": (put(good, 21, ">h", 0x20 | codec), E.INVALID_RECORD),
        "producer id without sequence": (put(good, 43, ">q", 5), E.INVALID_RECORD),
        "base offset": (put(good, 0, ">q", 5), E.INVALID_RECORD),
        "bad CRC": (good[:17] + b"zzzz" + good[21:], E.CORRUPT_MESSAGE),
        "two batches": (good + good, E.INVALID_RECORD),
        "truncated": (good[:-1], E.INVALID_RECORD),
        "truncated in the header": (good[:40], E.INVALID_RECORD),
        "magic 1": (good[:16] + b"\1" + good[17:], E.INVALID_RECORD),
        "magic 3": (good[:16] + b"\3" + good[17:], E.CORRUPT_MESSAGE),
        "length 5": (good[:8] + b"\0\0\0\5" + good[12:], E.CORRUPT_MESSAGE),
        "negative length": (good[:8] + b"\xff\0\0\5" + good[12:], E.CORRUPT_MESSAGE),
        "length 40": (good[:8] + b"\0\0\0\x28" + good[12:], E.CORRUPT_MESSAGE),
        "stray zeros that look like a batch": (good + bytes(30), E.CORRUPT_MESSAGE),
    }
    got = {name: judge(bench, batch, mode) for name, (batch, _) in rows.items()}
    assert got == {name: code for name, (_, code) in rows.items()}


@pytest.mark.parametrize("codec", range(5))
def test_records_that_lie(bench: Any, walker: str, codec: int) -> None:
    """What only a walk over the records shows."""
    good = encode_batch(bench.records(), codec=codec)
    put, around = bench.put, bench.around
    uncompressed = encode_batch(bench.records())[61:]
    unreadable = E.INVALID_RECORD if codec == 0 else E.UNKNOWN_SERVER_ERROR
    rows = {
        "one more than there are": (put(put(good, 57, ">i", 4), 23, ">i", 3), E.INVALID_RECORD),
        "one less than there are": (put(put(good, 57, ">i", 2), 23, ">i", 1), E.INVALID_RECORD),
        "2^31 - 1 of them": (put(put(good, 57, ">i", 2**31 - 1), 23, ">i", 2**31 - 2), E.INVALID_RECORD),
        "a byte more": (around(compress(codec, uncompressed + b"x"), 3, codec), E.INVALID_RECORD),
        "nothing": (around(compress(codec, b""), 3, codec), E.INVALID_RECORD),
        "garbage": (around(b"garbage!" * 10, 3, codec), unreadable),
        "ones": (around(b"\xff" * 60, 3, codec), E.UNKNOWN_SERVER_ERROR),
    }
    got = {name: judge(bench, batch) for name, (batch, _) in rows.items()}
    assert got == {name: code for name, (_, code) in rows.items()}


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_unknown_codecs(bench: Any, codec: int) -> None:
    """An illegal argument to Kafka, so an unknown error to the client."""
    assert judge(bench, bench.put(encode_batch(bench.records()), 21, ">h", codec)) == E.UNKNOWN_SERVER_ERROR


def test_no_batch(bench: Any) -> None:
    """Every partition of a request must have one."""
    assert judge(bench, b"") == judge(bench, None) == E.INVALID_RECORD


def test_zstd_before_version_7(bench: Any) -> None:
    """Consumers of that age could not read it (KIP-110)."""
    batch = encode_batch(bench.records(), codec=4)
    assert judge(bench, batch, allow_zstd=False) == E.UNSUPPORTED_COMPRESSION_TYPE
    assert judge(bench, batch) == 0
    assert judge(bench, encode_batch(bench.records(), codec=3), allow_zstd=False) == 0


@pytest.mark.parametrize("mode", ["full", "header"])
def test_size_limit(bench: Any, mode: Any) -> None:
    """max.message.bytes counts the whole batch: one below, at, one above."""
    batch = encode_batch(bench.records())
    for limit, code in ((len(batch) + 1, 0), (len(batch), 0), (len(batch) - 1, E.MESSAGE_TOO_LARGE)):
        assert judge(bench, batch, BatchRules(mode=mode, max_message_bytes=limit)) == code


def test_size_limit_counts_after_compressing_anew(bench: Any) -> None:
    """A batch may fit as zstd and not as the topic stores it."""
    batch = encode_batch([Record(0, bench.now_ms, b"k", b"v" * 5000)], codec=4)
    assert judge(bench, batch, BatchRules(codec=0, max_message_bytes=1000)) == E.MESSAGE_TOO_LARGE
    assert judge(bench, batch, BatchRules(codec=0, max_message_bytes=6000)) == 0


@pytest.mark.parametrize("stray", [b"x", b"\x7f" * 13, bytes(8) + b"\0\0\1\0" + bytes(4) + b"\2" + bytes(20)])
def test_stray_bytes_are_not_written(bench: Any, walker: str, stray: bytes) -> None:
    """Kafka accepts what is no batch any more, and appends the batch alone."""
    batch = encode_batch(bench.records())
    assert bytes(accept(bench, batch + stray).batch) == batch


@pytest.mark.parametrize("codec", range(5))
def test_timestamps_out_of_range_name_their_records(bench: Any, walker: str, codec: int) -> None:
    """A record two hours ahead, in a batch whose header says nothing of it."""
    now = bench.now_ms
    ahead = encode_batch([*bench.records(2), Record(0, now + 2 * HOUR_MS, b"k", b"")], codec=codec)
    innocent = bench.put(ahead, 35, ">q", now)
    answer = validate_batch(innocent, rules=PLAIN, now_ms=now)
    assert isinstance(answer, BatchError)
    assert answer.error_code == E.INVALID_TIMESTAMP
    assert [index for index, _ in answer.record_errors] == [2]
    for at, code in ((now + HOUR_MS, 0), (now + HOUR_MS + 1, E.INVALID_TIMESTAMP), (-1, 0), (-5, 0)):
        assert judge(bench, encode_batch(bench.records(at=at), codec=codec)) == code
    assert judge(bench, encode_batch(bench.records(at=-(2**63)), codec=codec)) == E.INVALID_TIMESTAMP


def test_timestamps_too_far_back(bench: Any, walker: str) -> None:
    """message.timestamp.before.max.ms, at the limit and beyond it."""
    rules = BatchRules(timestamp_before_max_ms=60_000)
    assert judge(bench, encode_batch(bench.records(at=bench.now_ms - 60_000)), rules) == 0
    assert judge(bench, encode_batch(bench.records(at=bench.now_ms - 60_001)), rules) == E.INVALID_TIMESTAMP


@pytest.mark.parametrize("codec", range(5))
def test_a_lying_greatest_timestamp_is_corrected(bench: Any, walker: str, codec: int) -> None:
    """Trusted, it would poison the time index and retention."""
    good = encode_batch(bench.records(), codec=codec)
    valid = accept(bench, bench.put(good, 35, ">q", bench.now_ms + 10**9))
    assert bytes(valid.batch) == good


@pytest.mark.parametrize("codec", range(5))
def test_timestamp_type_set_by_a_producer(bench: Any, walker: str, codec: int) -> None:
    """Its time stands for all records; the flag goes, or the batch is refused where the broker sets the time."""
    flagged = bytes(bench.put(encode_batch(bench.records(), codec=codec), 21, ">h", 8 | codec))
    assert accept(bench, flagged).header.attributes == codec
    assert judge(bench, flagged, APPEND_TIME) == E.INVALID_TIMESTAMP
    assert judge(bench, bench.put(flagged, 35, ">q", -1)) == E.INVALID_TIMESTAMP
    assert judge(bench, bench.put(flagged, 35, ">q", bench.now_ms + 2 * HOUR_MS)) == E.INVALID_TIMESTAMP


@pytest.mark.parametrize("mode", ["full", "header"])
@pytest.mark.parametrize("codec", range(5))
def test_keyless_records_on_a_compacted_topic(bench: Any, walker: str, codec: int, mode: Any) -> None:
    """They could never be compacted away; the records at fault are named in both modes."""
    mixed = [*bench.records(1), *bench.records(2, key=None)]
    rules = BatchRules(is_compacted=True, mode=mode)
    answer = validate_batch(encode_batch(mixed, codec=codec), rules=rules, now_ms=bench.now_ms)
    assert isinstance(answer, BatchError)
    assert answer.error_code == E.INVALID_RECORD
    assert [index for index, _ in answer.record_errors] == [1, 2]


@pytest.mark.parametrize("codec", range(5))
def test_offset_deltas_out_of_order(bench: Any, walker: str, codec: int) -> None:
    """Uncompressed, Kafka does not look; compressed, it fails; compressed anew, it numbers them again."""
    a, b = (encode_batch(bench.records(1))[61:] for _ in range(2))
    payload = a + b
    batch = bench.around(compress(codec, payload), 2, codec)
    assert judge(bench, batch) == (0 if codec == 0 else E.UNKNOWN_SERVER_ERROR)
    other = 4 if codec != 4 else 1
    valid = accept(bench, batch, BatchRules(codec=other))
    assert [record.offset for record in iter_records(valid.batch)] == [0, 1]


def test_compressing_anew_keeps_the_producer(bench: Any) -> None:
    """Sequences and the transaction belong to the batch, not to its codec."""
    batch = encode_batch(
        bench.records(), producer_id=7, producer_epoch=2, base_sequence=40, is_transactional=True, codec=1
    )
    header = accept(bench, batch, BatchRules(codec=4)).header
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (7, 2, 40)
    assert header.is_transactional
    for producer in ({"producer_id": 7, "base_sequence": 1}, {"producer_id": -2}, {"is_transactional": True}):
        half = encode_batch(bench.records(), codec=1, **producer)
        assert judge(bench, half, BatchRules(codec=4)) == E.UNKNOWN_SERVER_ERROR
        assert judge(bench, half) == 0
    before_1970 = encode_batch(bench.records(at=-5), codec=1)
    assert judge(bench, before_1970, BatchRules(codec=4)) == E.UNKNOWN_SERVER_ERROR


def test_header_mode_bounds_what_it_cannot_see(bench: Any) -> None:
    """Too many records for the bytes, and times outside of the topic's range."""
    good = encode_batch(bench.records())
    assert judge(bench, bench.put(bench.put(good, 57, ">i", 40), 23, ">i", 39), HEADER) == E.INVALID_RECORD
    ahead = bench.now_ms + 2 * HOUR_MS
    assert judge(bench, bench.put(good, 35, ">q", ahead), HEADER) == E.INVALID_TIMESTAMP
    assert judge(bench, bench.put(good, 27, ">q", ahead), HEADER) == E.INVALID_TIMESTAMP
    rules = BatchRules(mode="header", timestamp_type=LOG_APPEND_TIME)
    assert accept(bench, bench.put(good, 35, ">q", ahead), rules).header.max_timestamp == bench.now_ms
    assert judge(bench, bench.put(good, 21, ">h", 8), rules) == E.INVALID_TIMESTAMP


def test_writable_bytes_are_patched_in_place_and_others_copied(bench: Any) -> None:
    """The frame's own memory goes to the log."""
    frame = bytearray(encode_batch(bench.records()))
    valid = accept(bench, memoryview(frame))
    assert valid.batch.obj is frame
    fixed = accept(bench, bytes(frame))
    assert not fixed.batch.readonly


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_bombs_are_refused_within_their_memory(bench: Any, walker: str, codec: int) -> None:
    """A batch of kilobytes that would become 64 MiB; producers answer this error with smaller batches."""
    zeros = bytes(64 << 20)
    bomb = bench.around(compress(codec, zeros), 1, codec)
    del zeros
    rules = BatchRules(max_message_bytes=1 << 27, decompressed_bytes_max=2 << 20)
    tracemalloc.start()
    try:
        assert judge(bench, memoryview(bomb), rules) == E.MESSAGE_TOO_LARGE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize("seed", range(8))
def test_any_bytes_end_in_an_answer(bench: Any, walker: str, seed: int) -> None:
    """Damaged headers, payloads and streams, half of them under a CRC that fits."""
    pick = random.Random(seed)
    choices = [PLAIN, COMPACT, APPEND_TIME, HEADER, BatchRules(codec=4), BatchRules(codec=0, is_compacted=True)]
    for _ in range(150):
        batch = encode_batch(bench.records(), codec=pick.choice([0, 0, 1, 2, 3, 4]))
        for _ in range(pick.choice([1, 1, 3])):
            at = pick.randrange(len(batch))
            match pick.randrange(3):
                case 0:
                    batch[at] = pick.randrange(256)
                case 1:
                    batch[at : at + 1] = pick.randbytes(pick.randrange(4))
                case _:
                    del batch[at : at + pick.randrange(3)]
        if pick.random() < 0.6 and len(batch) > 25:
            batch = bench.seal(batch)
        answer = validate_batch(memoryview(batch), rules=pick.choice(choices), now_ms=bench.now_ms)
        if isinstance(answer, ValidBatch):
            assert is_intact(answer.batch, answer.header)
            assert answer.header.size_bytes == len(answer.batch)


_TIMES = [-(2**63), -2, -1, 0, 1, BatchBench.now_ms - 5_000, BatchBench.now_ms - 5_001, BatchBench.now_ms]
_TIMES += [BatchBench.now_ms + 5_000, BatchBench.now_ms + 5_001, 2**63 - 1]


@given(
    times=st.lists(st.sampled_from(_TIMES), min_size=1, max_size=3),
    told_ms=st.none() | st.sampled_from(_TIMES),
    rules=st.sampled_from(
        [
            PLAIN,
            COMPACT,
            APPEND_TIME,
            HEADER,
            BatchRules(timestamp_before_max_ms=5_000, timestamp_after_max_ms=5_000),
            BatchRules(timestamp_before_max_ms=2**63 - 1, timestamp_after_max_ms=2**63 - 1),
        ]
    ),
    is_readonly=st.booleans(),
)
def test_quick_way_judges_as_the_long_one(
    times: list[int], told_ms: int | None, rules: BatchRules, is_readonly: bool
) -> None:
    """Batches in which nothing is wrong are let through early: only those, and they come out the same."""
    assert walk.load_compiled()
    base_ms = times[0]
    batch = encode_batch([Record(0, base_ms, b"k", b"v")] * len(times))
    if all(-(2**62) < at_ms < 2**62 for at_ms in times):
        batch = encode_batch([Record(0, at_ms, b"k", b"v") for at_ms in times])
    if told_ms is not None:
        batch = BatchBench().put(batch, 35, ">q", told_ms)
    records = bytes(batch) if is_readonly else memoryview(bytearray(batch))
    quick = validate_batch(records, rules=rules, now_ms=BatchBench.now_ms)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kcon_broker.batch.validate._is_flawless", lambda *_: False)
        long = validate_batch(bytes(batch), rules=rules, now_ms=BatchBench.now_ms)
    assert quick == long
