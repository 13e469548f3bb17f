"""A reset plan says exactly what will be written: clamped, with its notes, and never an offset that cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.offset_spec import OFFSET_MAX, Absolute, AtTime, FromCurrent, FromEnd, FromStart, OffsetSpec
from kcon.core.reset_plan import PartitionState, ResetNote, ResetPlan, ResetRow, plan_reset, plan_reset_to
from kcon.core.snapshot import OffsetAt

GROUP = group_id("billing")
ORDERS = topic_name("orders")


def state(
    partition: int = 0,
    *,
    committed: int | None = 50,
    start: int | None = 10,
    end: int | None = 100,
    at_time: OffsetAt | None = None,
) -> PartitionState:
    return PartitionState(
        partition=TopicPartition(ORDERS, partition), committed=committed, start=start, end=end, at_time=at_time
    )


def one(spec: OffsetSpec, of: PartitionState) -> ResetRow:
    (row,) = plan_reset(GROUP, spec, [of], target="t").rows
    return row


@pytest.mark.parametrize(
    ("spec", "new", "delta", "lag"),
    [
        (FromStart(), 10, -40, 90),
        (FromStart(5), 15, -35, 85),
        (FromEnd(), 100, 50, 0),
        (FromEnd(30), 70, 20, 30),
        (Absolute(60), 60, 10, 40),
        (FromCurrent(5), 55, 5, 45),
        (FromCurrent(-5), 45, -5, 55),
    ],
)
def test_target_within_the_partition(spec: OffsetSpec, new: int, delta: int, lag: int) -> None:
    row = one(spec, state())
    assert (row.new, row.delta, row.lag, row.notes, row.asked) == (new, delta, lag, (), None)


@pytest.mark.parametrize(
    ("spec", "new", "note", "asked"),
    [
        (Absolute(9), 10, ResetNote.CLAMPED_TO_START, 9),
        (Absolute(101), 100, ResetNote.CLAMPED_TO_END, 101),
        (FromStart(91), 100, ResetNote.CLAMPED_TO_END, 101),
        (FromEnd(91), 10, ResetNote.CLAMPED_TO_START, 9),
        (FromCurrent(-41), 10, ResetNote.CLAMPED_TO_START, 9),
        (FromCurrent(51), 100, ResetNote.CLAMPED_TO_END, 101),
        (FromEnd(OFFSET_MAX), 10, ResetNote.CLAMPED_TO_START, 100 - OFFSET_MAX),
    ],
)
def test_target_outside_is_clamped_and_says_so(spec: OffsetSpec, new: int, note: ResetNote, asked: int) -> None:
    row = one(spec, state())
    assert (row.new, row.notes, row.asked) == (new, (note,), asked)


@pytest.mark.parametrize("spec", [Absolute(10), Absolute(100)])
def test_bounds_themselves_are_not_clamped(spec: Absolute) -> None:
    assert one(spec, state()).notes == ()


def test_time_moves_to_the_first_record_at_or_after_it() -> None:
    row = one(AtTime(1), state(at_time=OffsetAt(42, 7, 0)))
    assert (row.new, row.notes) == (42, ())


def test_partition_without_a_record_that_late_moves_to_the_end() -> None:
    row = one(AtTime(1), state(at_time=OffsetAt(-1, -1, -1)))
    assert (row.new, row.notes) == (100, (ResetNote.NO_RECORD_AT_TIME,))


def test_new_commit_is_marked() -> None:
    row = one(FromStart(), state(committed=None))
    assert (row.new, row.delta, row.notes) == (10, None, (ResetNote.NEW_COMMIT,))
    assert row.changes


def test_current_without_a_commit_leaves_the_row_alone() -> None:
    row = one(FromCurrent(5), state(committed=None))
    assert (row.new, row.notes, row.changes) == (None, (ResetNote.NO_COMMIT,), False)


def test_unchanged_row_is_not_written() -> None:
    row = one(Absolute(50), state())
    assert row.notes == (ResetNote.UNCHANGED,)
    assert not row.changes


def test_current_before_the_start_is_clamped() -> None:
    """`current` repairs a commit that retention overtook."""
    row = one(FromCurrent(), state(committed=3))
    assert (row.new, row.delta, row.notes) == (10, 7, (ResetNote.CLAMPED_TO_START,))


@pytest.mark.parametrize("spec", [FromStart(), FromEnd(), Absolute(50), AtTime(1), FromCurrent()])
@pytest.mark.parametrize(("start", "end"), [(None, 100), (10, None), (None, None)])
def test_unknown_bounds_write_nothing(spec: OffsetSpec, start: int | None, end: int | None) -> None:
    """What exists is unknown, so any number might be an offset that never was."""
    row = one(spec, state(start=start, end=end, at_time=OffsetAt(42, 7, 0)))
    assert row.new is None
    assert row.notes == (ResetNote.NO_BOUNDS,)


def test_time_that_could_not_be_asked_writes_nothing() -> None:
    assert one(AtTime(1), state()).notes == (ResetNote.NO_BOUNDS,)


def test_error_of_a_partition_is_kept() -> None:
    error = kafka_error(5)
    broken = PartitionState(partition=TopicPartition(ORDERS, 0), committed=1, start=None, end=None, error=error)
    plan = plan_reset(GROUP, FromEnd(), [broken], target="end")
    assert plan.failed_rows[0].error is error
    assert plan.offsets() == {}


def test_empty_partition_has_one_place() -> None:
    for spec in (FromStart(), FromEnd(), Absolute(7), FromStart(9), FromEnd(9)):
        assert one(spec, state(committed=None, start=0, end=0)).new == 0


def test_rows_are_sorted_and_only_changes_are_committed() -> None:
    plan = plan_reset(GROUP, Absolute(50), [state(2, committed=1), state(0), state(1, committed=None)], target="50")
    assert [row.partition.partition for row in plan.rows] == [0, 1, 2]
    assert {tp.partition: offset for tp, offset in plan.offsets().items()} == {1: 50, 2: 50}
    assert len(plan.changed_rows) == 2


def test_another_groups_offsets_are_taken_one_by_one() -> None:
    plan = plan_reset_to(
        GROUP, {TopicPartition(ORDERS, 0): 60, TopicPartition(ORDERS, 1): 7}, [state(0), state(1), state(2)], target="g"
    )
    assert [row.new for row in plan.rows] == [60, 10, None]
    assert plan.rows[2].notes == (ResetNote.NOT_IN_SOURCE,)


def test_warnings_count_what_a_person_should_know() -> None:
    plan = plan_reset(GROUP, Absolute(500), [state(0), state(1)], target="500")
    assert plan.warnings == ("2 targets behind the end: moved to the end.",)
    assert plan_reset(GROUP, FromEnd(), [state(0)], target="end").warnings == ()


BOUNDS = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(sorted)
ANY_SPEC = st.one_of(
    st.builds(FromStart, st.integers(0, 2 * 10**6)),
    st.builds(FromEnd, st.integers(0, 2 * 10**6)),
    st.builds(Absolute, st.integers(0, OFFSET_MAX)),
    st.builds(FromCurrent, st.integers(-(10**7), 10**7)),
    st.builds(AtTime, st.integers(0, 10**13)),
)


@given(
    ANY_SPEC,
    st.lists(st.tuples(BOUNDS, st.none() | st.integers(0, 10**6), st.integers(-1, 10**6)), max_size=5),
)
def test_a_plan_never_leaves_what_exists(spec: OffsetSpec, partitions: list[tuple[list[int], int | None, int]]) -> None:
    states = [
        PartitionState(
            partition=TopicPartition(ORDERS, index),
            committed=committed,
            start=start,
            end=end,
            at_time=OffsetAt(found, 0, 0),
        )
        for index, ((start, end), committed, found) in enumerate(partitions)
    ]
    plan: ResetPlan = plan_reset(GROUP, spec, states, target="t")
    for before, row in zip(states, plan.rows, strict=True):
        assert before.start is not None
        assert before.end is not None
        if row.new is None:
            assert isinstance(spec, FromCurrent)
            assert before.committed is None
            continue
        assert before.start <= row.new <= before.end
        assert row.lag == before.end - row.new
        if before.committed is not None:
            assert row.delta == row.new - before.committed
        assert (row.asked is not None) == any(
            note in row.notes for note in (ResetNote.CLAMPED_TO_END, ResetNote.CLAMPED_TO_START)
        )
