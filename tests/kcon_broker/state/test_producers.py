"""Idempotence decides between lost, doubled and ordered: every verdict has its case here."""

from kcon_broker.state.producers import REMEMBERED_BATCHES, Duplicate, ProducerTable, SentBatch, last_sequence_of
from kcon_broker.wire.error_codes import ErrorCode

_SEQUENCE_MAX = (1 << 31) - 1


def batch(first: int, last: int, offset: int = 0, timestamp_ms: int = 1_000) -> SentBatch:
    return SentBatch(first, last, offset, offset + (last - first) % (1 << 31), timestamp_ms)


def table_with(*batches: SentBatch, producer_id: int = 7, epoch: int = 0) -> ProducerTable:
    table = ProducerTable()
    for entry in batches:
        table.appended(producer_id, epoch, entry, producers_max=100)
    table.written()
    return table


def test_unknown_producer_may_start_anywhere() -> None:
    assert ProducerTable().check(7, 0, 41, 50) is None


def test_unknown_producer_of_a_transaction_of_version_2_starts_at_zero() -> None:
    assert ProducerTable().check(7, 0, 41, 50, must_begin=True) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert ProducerTable().check(7, 0, 0, 9, must_begin=True) is None
    assert table_with(batch(0, 9)).check(7, 0, 10, 12, must_begin=True) is None


def test_next_sequence_is_accepted_and_a_gap_is_not() -> None:
    table = table_with(batch(0, 9))
    assert table.check(7, 0, 10, 12) is None
    assert table.check(7, 0, 11, 12) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_any_of_the_last_five_batches_is_a_duplicate() -> None:
    """Five requests may be in flight, and all five may be sent again."""
    batches = [batch(number, number, offset=100 + number) for number in range(7)]
    table = table_with(*batches)
    for number in range(7 - REMEMBERED_BATCHES, 7):
        assert table.check(7, 0, number, number) == Duplicate(batches[number])
    assert table.check(7, 0, 1, 1) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_batch_of_another_length_is_no_duplicate() -> None:
    table = table_with(batch(0, 9))
    assert table.check(7, 0, 0, 8) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_older_epoch_is_fenced_and_newer_must_start_at_zero() -> None:
    table = table_with(batch(0, 9), epoch=3)
    assert table.check(7, 2, 10, 10) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert table.check(7, 4, 5, 5) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert table.check(7, 4, 0, 5) is None


def test_newer_epoch_forgets_the_batches_of_the_older() -> None:
    table = table_with(batch(0, 9))
    table.appended(7, 1, batch(0, 0, offset=10), producers_max=100)
    assert table.check(7, 1, 1, 1) is None
    assert table.check(7, 0, 10, 10) is ErrorCode.INVALID_PRODUCER_EPOCH


def test_sequences_wrap_around_to_zero() -> None:
    table = table_with(batch(_SEQUENCE_MAX - 1, 1))
    assert last_sequence_of(_SEQUENCE_MAX - 1, 3) == 1
    assert table.check(7, 0, 2, 2) is None
    exact = table_with(batch(_SEQUENCE_MAX, _SEQUENCE_MAX))
    assert exact.check(7, 0, 0, 0) is None


def test_failed_write_takes_the_verdicts_back() -> None:
    """Otherwise the producer's retry would be acknowledged as a duplicate of a batch that is nowhere."""
    table = table_with(batch(0, 9))
    table.appended(7, 0, batch(10, 19, offset=10), producers_max=100)
    table.appended(7, 0, batch(20, 29, offset=20), producers_max=100)
    table.appended(8, 0, batch(0, 0, offset=30), producers_max=100)
    table.write_failed()
    assert table.check(7, 0, 10, 19) is None
    assert 8 not in table.entries


def test_producer_silent_for_longest_is_forgotten_first() -> None:
    table = ProducerTable()
    for producer_id in range(3):
        table.appended(producer_id, 0, batch(0, 0), producers_max=2)
    assert list(table.entries) == [1, 2]


def test_expired_producers_are_forgotten() -> None:
    table = table_with(batch(0, 0, timestamp_ms=10))
    table.expire(10)
    assert table.entries
    table.expire(11)
    assert not table.entries


def test_snapshot_brings_the_last_batch_back() -> None:
    table = table_with(batch(0, 9), batch(10, 14, offset=10))
    restored = ProducerTable()
    restored.restore(table.snapshot(), [])
    assert restored.check(7, 0, 10, 14) == Duplicate(batch(10, 14, offset=10))
    assert restored.check(7, 0, 15, 15) is None
