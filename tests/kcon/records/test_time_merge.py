"""Several partitions read as one, by time."""

from hypothesis import given
from hypothesis import strategies as st

from kcon.core.ids import TopicPartition, topic_name
from kcon.records.record import Record, TimestampType
from kcon.records.time_merge import TimeMerge

TOPIC = topic_name("orders")


def part(index: int) -> TopicPartition:
    return TopicPartition(TOPIC, index)


def record(partition: int, offset: int, timestamp_ms: int, value: bytes = b"") -> Record:
    return Record(TOPIC, partition, offset, timestamp_ms, TimestampType.CREATE_TIME, None, value)


def test_nothing_is_settled_while_a_partition_is_silent() -> None:
    """An older record may still come from it."""
    merge = TimeMerge([part(0), part(1)], bytes_max=10_000)
    merge.push(record(0, 0, 100))
    assert merge.pop_settled() == []
    merge.push(record(1, 0, 50))
    assert [found.partition for found in merge.pop_settled()] == [1]


def test_a_released_partition_holds_nobody_back() -> None:
    """It was read to its end, and may push again later."""
    merge = TimeMerge([part(0), part(1)], bytes_max=10_000)
    merge.push(record(0, 0, 100))
    merge.release(part(1))
    assert [found.offset for found in merge.pop_settled()] == [0]
    merge.push(record(1, 7, 5))
    assert merge.pop_settled() == []
    merge.push(record(0, 1, 101))
    assert [(found.partition, found.offset) for found in merge.pop_settled()] == [(1, 7), (0, 1)]


def test_a_partition_over_its_share_is_full_until_popped() -> None:
    """The bound is what keeps a merge of a quick and a slow partition from growing."""
    merge = TimeMerge([part(0), part(1)], bytes_max=2_000)
    merge.push(record(0, 0, 1, b"x" * 1_000))
    assert merge.is_full(part(0))
    merge.push(record(1, 0, 2))
    merge.pop_settled()
    assert not merge.is_full(part(0))


@given(st.lists(st.lists(st.integers(0, 50), max_size=20), min_size=1, max_size=5))
def test_the_merge_of_sorted_partitions_is_sorted_and_complete(times: list[list[int]]) -> None:
    """Whatever the partitions hold, nothing is lost and nothing overtakes."""
    merge = TimeMerge([part(index) for index in range(len(times))], bytes_max=1_000_000)
    merged: list[Record] = []
    for index, stamps in enumerate(times):
        for offset, stamp in enumerate(sorted(stamps)):
            merge.push(record(index, offset, stamp))
        merge.release(part(index))
        merged += merge.pop_settled()
    assert [(r.timestamp_ms, r.partition) for r in merged] == sorted(
        (stamp, index) for index, stamps in enumerate(times) for stamp in stamps
    )


@given(st.lists(st.lists(st.integers(0, 50), max_size=20), min_size=1, max_size=5))
def test_offsets_of_one_partition_never_change_places(times: list[list[int]]) -> None:
    """Timestamps within a partition need not be in order; offsets are."""
    merge = TimeMerge([part(index) for index in range(len(times))], bytes_max=1_000_000)
    for index, stamps in enumerate(times):
        for offset, stamp in enumerate(stamps):
            merge.push(record(index, offset, stamp))
        merge.release(part(index))
    merged = merge.pop_settled()
    for index, stamps in enumerate(times):
        assert [r.offset for r in merged if r.partition == index] == list(range(len(stamps)))
