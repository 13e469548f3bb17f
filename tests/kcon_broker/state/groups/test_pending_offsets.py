"""An offset of a transaction counts from its marker on, and never over one that is later in the log."""

from kcon_broker.state.groups.pending_offsets import OffsetPlace, PendingOffsets
from kcon_broker.state.groups.records import CommittedOffset

_PLACE = OffsetPlace("g", "t", 0)
_OTHER = OffsetPlace("h", "t", 0)


def _all(_: str) -> bool:
    return True


def test_commit_hands_the_offsets_over_and_abort_drops_them() -> None:
    pending = PendingOffsets()
    pending.add(1, _PLACE, CommittedOffset(offset=5))
    pending.add(2, _OTHER, CommittedOffset(offset=6))
    assert _PLACE in pending
    assert pending.end(1, _all, is_commit=True) == [(_PLACE, CommittedOffset(offset=5))]
    assert pending.end(2, _all, is_commit=False) == []
    assert _PLACE not in pending
    assert _OTHER not in pending
    assert pending.group_ids() == []


def test_last_offset_of_one_transaction_counts() -> None:
    pending = PendingOffsets()
    pending.add(1, _PLACE, CommittedOffset(offset=5))
    pending.add(1, _PLACE, CommittedOffset(offset=4))
    assert pending.end(1, _all, is_commit=True) == [(_PLACE, CommittedOffset(offset=4))]
    assert not pending.has_group("g")


def test_later_record_counts_more_than_a_transaction_that_ends_after_it() -> None:
    pending = PendingOffsets()
    pending.add(1, _PLACE, CommittedOffset(offset=5))
    pending.overtaken(_PLACE)
    assert _PLACE in pending, "its outcome is still open"
    assert pending.end(1, _all, is_commit=True) == []


def test_order_of_records_counts_and_not_the_order_of_markers() -> None:
    pending = PendingOffsets()
    pending.add(1, _PLACE, CommittedOffset(offset=5))
    pending.add(2, _PLACE, CommittedOffset(offset=9))
    assert pending.end(2, _all, is_commit=True) == [(_PLACE, CommittedOffset(offset=9))]
    assert pending.end(1, _all, is_commit=True) == []
    pending.add(1, _PLACE, CommittedOffset(offset=5))
    pending.add(2, _PLACE, CommittedOffset(offset=9))
    assert pending.end(1, _all, is_commit=True) == [(_PLACE, CommittedOffset(offset=5))]
    assert pending.end(2, _all, is_commit=True) == [(_PLACE, CommittedOffset(offset=9))]


def test_marker_concerns_the_groups_of_its_partition_only() -> None:
    pending = PendingOffsets()
    pending.add(1, _PLACE, CommittedOffset(offset=5))
    pending.add(1, _OTHER, CommittedOffset(offset=6))
    assert pending.end(1, lambda group: group == "h", is_commit=True) == [(_OTHER, CommittedOffset(offset=6))]
    assert _PLACE in pending
    pending.forget("g")
    assert pending.end(1, _all, is_commit=True) == []
