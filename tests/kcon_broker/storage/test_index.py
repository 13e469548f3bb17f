"""The sparse indexes lead to a place at or before what is wanted, and files that cannot be theirs are refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.storage.index import OffsetIndex, TimeIndex, decode_offset_index, decode_time_index

rising = st.lists(st.integers(0, (1 << 31) - 1), unique=True, max_size=30).map(sorted)


@given(rising, st.integers(0, (1 << 31) - 1))
def test_an_offset_leads_to_the_last_entry_at_or_before_it(offsets: list[int], wanted: int) -> None:
    index = OffsetIndex()
    for number, offset in enumerate(offsets):
        index.add(offset, 100 * (number + 1))
    below = [number for number, offset in enumerate(offsets) if offset <= wanted]
    expected = (100 * (below[-1] + 1), offsets[below[-1]]) if below else (0, -1)
    assert index.entry_at_offset(wanted) == expected


@given(rising)
def test_both_files_come_back(values: list[int]) -> None:
    offsets, times = OffsetIndex(), TimeIndex()
    for number, value in enumerate(values):
        offsets.add(number, value)
        times.add(value << 20, number)
    again = decode_offset_index(offsets.encode(), segment_bytes=1 << 31)
    assert again is not None
    assert (again.relative_offsets, again.positions) == (offsets.relative_offsets, offsets.positions)
    times_again = decode_time_index(times.encode())
    assert times_again is not None
    assert (times_again.timestamps_ms, times_again.relative_offsets) == (times.timestamps_ms, times.relative_offsets)


def test_the_files_are_big_endian_as_kafkas() -> None:
    offsets, times = OffsetIndex(), TimeIndex()
    offsets.add(5, 4_096)
    times.add(1_700_000_000_000, 5)
    assert offsets.encode() == struct.pack(">II", 5, 4_096)
    assert times.encode() == struct.pack(">qI", 1_700_000_000_000, 5)


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 7,
        b"\0" * 16,
        struct.pack(">IIII", 5, 10, 5, 20),
        struct.pack(">IIII", 5, 20, 6, 10),
        struct.pack(">II", 5, 100),
    ],
)
def test_an_offset_index_that_cannot_be_the_segments_is_refused(content: bytes) -> None:
    assert decode_offset_index(content, segment_bytes=100) is None


@pytest.mark.parametrize("content", [b"\0" * 11, b"\0" * 24, struct.pack(">qIqI", 5, 1, 4, 2)])
def test_a_time_index_that_cannot_be_one_is_refused(content: bytes) -> None:
    assert decode_time_index(content) is None


@given(rising.filter(lambda values: len(values) > 2), st.data())
def test_a_damaged_time_entry_leads_to_its_neighbours_or_to_the_start(values: list[int], data: st.DataObject) -> None:
    """Never beyond what is wanted: what lies between would not be found."""
    index = TimeIndex()
    for number, value in enumerate(values):
        index.add(value, 10 * (number + 1))
    damaged = data.draw(st.integers(1, len(values) - 2))
    # Below the entry before it, or above the one after it.
    index.timestamps_ms[damaged] = data.draw(st.sampled_from((-1, 1 << 40)))
    wanted = data.draw(st.sampled_from(values))
    truth = max((10 * (number + 1) for number, value in enumerate(values) if value < wanted), default=0)
    assert index.relative_offset_before(wanted) <= truth


def test_a_time_that_is_not_newer_adds_nothing() -> None:
    index = TimeIndex()
    for timestamp_ms, offset in ((10, 1), (10, 2), (9, 3), (11, 4)):
        index.add(timestamp_ms, offset)
    assert list(index.timestamps_ms) == [10, 11]
    assert [index.relative_offset_before(time) for time in (9, 10, 11, 12)] == [0, 0, 1, 4]
