"""The history checker finds each kind of violation, or a clean run of the kill loops would prove nothing."""

from tests.crash.history import Written, check_history

LOG = {0: {0: b"a:0", 1: b"b:0", 2: b"a:1"}, 1: {0: b"a:2"}}
ACKNOWLEDGED = [Written(0, 0, b"a:0"), Written(0, 2, b"a:1"), Written(1, 0, b"a:2")]


def test_a_clean_history_has_no_violation() -> None:
    assert not check_history(ACKNOWLEDGED, ACKNOWLEDGED, LOG)


def test_an_acknowledged_record_that_is_missing_is_lost() -> None:
    assert check_history([Written(1, 1, b"a:3")], [], LOG).lost == [Written(1, 1, b"a:3")]


def test_an_acknowledged_record_at_another_offset_is_lost() -> None:
    assert check_history([Written(0, 1, b"a:0")], [], LOG).lost


def test_a_value_stored_twice_is_duplicated() -> None:
    assert check_history([], [], {0: {0: b"a:0"}, 1: {0: b"a:0"}}).duplicated == [b"a:0"]


def test_a_sequence_that_goes_back_is_reordered() -> None:
    assert check_history([], [], {0: {0: b"a:1", 1: b"a:0"}}).reordered == [(0, b"a:1", b"a:0")]


def test_a_reader_that_saw_another_value_is_reported() -> None:
    assert check_history([], [Written(0, 1, b"x:9")], LOG).two_values == [(0, 1, b"x:9", b"b:0")]


def test_a_reader_that_saw_what_is_gone_is_reported() -> None:
    assert check_history([], [Written(0, 7, b"x:9")], LOG).two_values == [(0, 7, b"x:9", b"<nothing>")]


def test_a_missing_offset_is_a_gap() -> None:
    assert check_history([], [], {0: {0: b"a:0", 2: b"a:1"}}).gaps == [(0, 1)]
