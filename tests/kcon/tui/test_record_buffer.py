"""What a record view holds: bounded, newest first to stay, and every drop counted."""

import pytest

from kcon.core.ids import topic_name
from kcon.records.record import RECORD_OVERHEAD_BYTES, Record, TimestampType
from kcon.tui.record_buffer import AHEAD, RecordBuffer

TOPIC = topic_name("orders")


def records(count: int, *, first: int = 0, size_bytes: int = 1) -> list[Record]:
    return [
        Record(TOPIC, 0, first + index, 0, TimestampType.CREATE_TIME, None, b"x" * size_bytes) for index in range(count)
    ]


@pytest.mark.parametrize(("count", "dropped"), [(9, 0), (10, 0), (11, 1), (500, 490)])
def test_the_oldest_go_and_are_counted(count: int, dropped: int) -> None:
    buffer = RecordBuffer(records_max=10)
    buffer.add(records(count))
    held = buffer.held()
    assert (held.read, held.dropped) == (count, dropped)
    assert [record.offset for record in held.records] == list(range(max(0, count - 10), count))


def test_records_that_never_were_in_view_count_as_dropped_too() -> None:
    buffer = RecordBuffer(records_max=10)
    for first in range(0, 60, 20):
        buffer.add(records(20, first=first))
    held = buffer.held()
    assert held.read == 60
    assert held.dropped + len(held.records) == held.read


def test_bytes_are_bounded_and_one_huge_record_is_still_shown() -> None:
    buffer = RecordBuffer(bytes_max=1_000)
    buffer.add(records(10, size_bytes=100))
    held = buffer.held()
    assert held.size_bytes <= 1_000
    assert held.size_bytes == len(held.records) * (100 + RECORD_OVERHEAD_BYTES)
    buffer.add(records(1, first=10, size_bytes=5_000))
    assert [record.offset for record in buffer.held().records] == [10]


def test_reading_ahead_is_bounded_and_goes_on_when_its_end_comes_near() -> None:
    buffer = RecordBuffer()
    buffer.wanted = AHEAD
    buffer.add(records(AHEAD))
    assert buffer.is_full
    buffer.look_at(0, AHEAD)
    assert buffer.is_full
    buffer.look_at(AHEAD - 1, AHEAD)
    assert not buffer.is_full


def test_following_is_full_only_while_it_is_paused() -> None:
    buffer = RecordBuffer()
    buffer.add(records(5_000))
    assert not buffer.is_full
    buffer.is_paused = True
    assert buffer.is_full
