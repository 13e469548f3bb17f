"""The history checker finds each kind of violation, or a clean run of the kill loops would prove nothing."""

from tests.crash.history import Fate, Stored, Written, check_history
from tests.crash.segment_reader import wait_until_decided


def stored(**partitions: list[Stored | str | None]) -> dict[int, dict[int, Stored]]:
    """Return a log; text is a visible value, None a missing offset."""
    return {
        int(name[1:]): {
            offset: Stored(entry.encode()) if isinstance(entry, str) else entry
            for offset, entry in enumerate(entries)
            if entry is not None
        }
        for name, entries in partitions.items()
    }


LOG = stored(p0=["a:0", "b:0", "a:1"], p1=["a:2"])
MARKER = Stored(b"", Fate.MARKER)
TRANSACTIONS = stored(p0=["a:0", Stored(b"t:0", Fate.ABORTED), MARKER, "t:1", MARKER, "a:1", Stored(b"t:2", Fate.OPEN)])
ACKNOWLEDGED = [Written(0, 0, b"a:0"), Written(0, 2, b"a:1"), Written(1, 0, b"a:2")]
OBSERVED = [Written(0, 0, b"a:0"), Written(1, 0, b"a:2"), Written(0, 1, b"b:0"), Written(0, 2, b"a:1")]
SEEN = [Written(0, 0, b"a:0"), Written(0, 3, b"t:1"), Written(0, 5, b"a:1")]


def test_a_clean_history_has_no_violation() -> None:
    assert not check_history(ACKNOWLEDGED, OBSERVED, LOG)
    assert not check_history(SEEN, SEEN, TRANSACTIONS, aborted=[b"t:0"])


def test_an_acknowledged_record_that_is_missing_is_lost() -> None:
    assert check_history([Written(1, 1, b"a:3")], [], LOG).lost == [Written(1, 1, b"a:3")]


def test_an_acknowledged_record_at_another_offset_is_lost() -> None:
    assert check_history([Written(0, 1, b"a:0")], [], LOG).lost


def test_a_committed_record_that_the_log_has_not_as_committed_is_lost() -> None:
    for offset, value in ((1, b"t:0"), (6, b"t:2")):
        assert check_history([Written(0, offset, value)], [], TRANSACTIONS).lost == [Written(0, offset, value)]


def test_a_value_stored_twice_is_duplicated() -> None:
    assert check_history([], [], stored(p0=["a:0"], p1=["a:0"])).duplicated == [b"a:0"]


def test_a_sequence_that_goes_back_is_reordered() -> None:
    assert check_history([], [], stored(p0=["a:1", "a:0"])).reordered == [(0, b"a:1", b"a:0")]


def test_a_reader_that_saw_another_value_is_reported() -> None:
    assert check_history([], [Written(0, 1, b"x:9")], LOG).two_values == [(0, 1, b"x:9", b"b:0")]


def test_a_reader_that_saw_what_is_gone_is_reported() -> None:
    assert check_history([], [Written(0, 7, b"x:9")], LOG).two_values == [(0, 7, b"x:9", b"<nothing>")]


def test_a_reader_that_saw_what_the_log_aborts_or_leaves_open_is_reported() -> None:
    for record in (Written(0, 1, b"t:0"), Written(0, 6, b"t:2")):
        assert check_history([], [record], TRANSACTIONS).aborted_reads == [record]


def test_a_reader_that_saw_what_its_producer_aborted_is_reported() -> None:
    """Also where the log has it as committed."""
    assert check_history([], SEEN, TRANSACTIONS, aborted=[b"t:1"]).aborted_reads == [SEEN[1]]


def test_a_reader_that_passes_over_a_record_is_reported() -> None:
    assert check_history([], [OBSERVED[0], OBSERVED[3]], LOG).poll_skips == [(0, 1)]
    assert check_history([], [SEEN[0], SEEN[2]], TRANSACTIONS).poll_skips == [(0, 3)]


def test_a_reader_that_goes_back_is_reported() -> None:
    assert check_history([], [OBSERVED[2], OBSERVED[0]], LOG).poll_skips == [(0, 0)]
    assert check_history([], [OBSERVED[0], OBSERVED[0]], LOG).poll_skips == [(0, 0)]


def test_a_missing_offset_is_a_gap() -> None:
    assert check_history([], [], stored(p0=["a:0", None, "a:1"])).gaps == [(0, 1)]


def test_files_are_read_again_until_the_markers_of_confirmed_transactions_are_there() -> None:
    decided = stored(p0=["t:2", MARKER])
    reads = [TRANSACTIONS, stored(p0=[Stored(b"t:2", Fate.OPEN)]), decided]
    assert wait_until_decided(lambda: reads.pop(0), 60) is decided
    assert reads == []


def test_a_transaction_that_stays_open_is_told_after_the_deadline() -> None:
    assert wait_until_decided(lambda: TRANSACTIONS, 0) is TRANSACTIONS
