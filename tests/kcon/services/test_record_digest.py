"""Tallies: whatever is lost, doubled, changed or displaced shows, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.services.record_digest import RawHeader, Tally

Line = tuple[bytes | None, bytes | None, int, tuple[RawHeader, ...]]

_BYTES = st.one_of(st.none(), st.binary(max_size=3))
_LINES = st.lists(
    st.tuples(
        _BYTES, _BYTES, st.integers(-1, 3), st.lists(st.tuples(st.text(max_size=2), _BYTES), max_size=2).map(tuple)
    ),
    max_size=3,
)


def tally(lines: list[Line]) -> Tally:
    made = Tally()
    for key, value, time_ms, headers in lines:
        made.add(key, value, time_ms, headers)
    return made


@given(_LINES, _LINES)
def test_tallies_are_equal_exactly_when_the_records_are(left: list[Line], right: list[Line]) -> None:
    assert (tally(left) == tally(right)) == (left == right)


@given(_LINES)
def test_a_tally_goes_on_from_its_text(lines: list[Line]) -> None:
    half = len(lines) // 2
    resumed = Tally.of_text(tally(lines[:half]).as_text())
    for key, value, time_ms, headers in lines[half:]:
        resumed.add(key, value, time_ms, headers)
    assert resumed == tally(lines)


def test_bytes_do_not_move_between_key_and_value() -> None:
    assert tally([(b"ab", b"c", 0, ())]) != tally([(b"a", b"bc", 0, ())])
    assert tally([(None, b"", 0, ())]) != tally([(b"", None, 0, ())])


@pytest.mark.parametrize("text", ["", "3", "x:00", "3:zz"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Tally.of_text(text)
