"""Offsets in Apache's CSV: what is written reads back, and a bad line is named by its number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.offsets_csv import format_offsets_csv, parse_offsets_csv
from kcon.errors import UsageError

A0 = TopicPartition(topic_name("a"), 0)
A1 = TopicPartition(topic_name("a"), 1)


def test_reads_and_writes_apaches_lines() -> None:
    text = "a,0,5\na,1,7\n"
    assert parse_offsets_csv(text) == {A0: 5, A1: 7}
    assert format_offsets_csv({A1: 7, A0: 5}) == text


def test_takes_one_group_of_a_file_of_several() -> None:
    assert parse_offsets_csv("g,a,0,5\nh,a,0,9\n\n", group="g") == {A0: 5}


@pytest.mark.parametrize(
    "line", ["a,0", "a,x,1", "a,0,-1", "a,0,x", "a,0,9223372036854775808", "a,0,1", "g,a,0,1", "a,٣,1"]
)
def test_bad_line_is_named(line: str) -> None:
    with pytest.raises(UsageError, match="Line 2"):
        parse_offsets_csv(f"a,0,5\n{line}\n")


@given(st.dictionaries(st.tuples(st.text("abc._-", min_size=1), st.integers(0, 9)), st.integers(0, 2**63 - 1)))
def test_round_trip(offsets: dict[tuple[str, int], int]) -> None:
    wanted = {TopicPartition(topic_name(name), partition): offset for (name, partition), offset in offsets.items()}
    assert parse_offsets_csv(format_offsets_csv(wanted)) == wanted
