"""The offset map: every commit goes to the first record at or after it, whatever the gaps on either side."""

from hypothesis import given
from hypothesis import strategies as st

from kcon.services.offset_map import MappedRange, mapped_ranges, translate


def test_an_offset_within_a_range_is_exact() -> None:
    ranges = [MappedRange(first=10, following=20, target=3, count=10)]
    assert [translate(offset, ranges, 14).offset for offset in (0, 10, 11, 19, 20)] == [3, 3, 4, 12, 14]


def test_an_offset_behind_a_gap_is_counted() -> None:
    (inside,) = [MappedRange(first=10, following=20, target=3, count=4)]
    assert translate(10, [inside], 8).count_from is None
    found = translate(15, [inside], 8)
    assert (found.offset, found.count_from) == (3, 10)


def test_ranges_are_read_by_partition_and_other_topics_are_not() -> None:
    state = {"next": 5, "target": 0, "count": 5}
    records = {"j/t/t/0/0": state, "j/t/t/1/7": {**state, "next": 9}, "j/t": {}, "j/t/settled": {}, "j/t/tt/0/0": state}
    found = mapped_ranges(records, "j/t/t")
    assert {partition: [each.first for each in ranges] for partition, ranges in found.items()} == {0: [0], 1: [7]}


@given(
    st.lists(st.integers(0, 60), max_size=40, unique=True), st.lists(st.integers(1, 6), max_size=20), st.integers(0, 70)
)
def test_a_commit_lands_on_its_record(offsets: list[int], sizes: list[int], commit: int) -> None:
    """Cut any records into ranges, with a marker between them at the target; then translate any commit."""
    offsets.sort()
    ranges: list[MappedRange] = []
    where: dict[int, int] = {}
    target, rest = 0, list(offsets)
    for size in [*sizes, 60]:
        part, rest = rest[:size], rest[size:]
        if part:
            ranges.append(MappedRange(first=part[0], following=part[-1] + 1, target=target, count=len(part)))
            where |= {offset: target + index for index, offset in enumerate(part)}
            target += len(part) + 1  # The marker of the transaction.
    found = translate(commit, ranges, target)
    landed = found.offset
    if found.count_from is not None:
        landed += sum(found.count_from <= offset < commit for offset in offsets)
    following = [offset for offset in offsets if offset >= commit]
    assert landed == (where[following[0]] if following else target)
