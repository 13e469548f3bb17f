"""Rows of files become records; bad ones are named by their line and the rest goes on."""

import io
import json
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon.errors import UsageError
from kcon.services.load_rows import BadRow, Row, RowFormat, RowOptions, parse_time_ms, read_rows

CSV = RowOptions(format=RowFormat.CSV)
NDJSON = RowOptions(format=RowFormat.NDJSON)


def rows_of(text: str, options: RowOptions = CSV) -> list[Row | BadRow]:
    return list(read_rows(io.StringIO(text, newline=""), options))


def values_of(text: str, options: RowOptions = CSV) -> list[bytes]:
    return [row.value for row in rows_of(text, options) if isinstance(row, Row)]


def test_numbers_keep_their_digits_and_other_cells_are_strings() -> None:
    """A number that JSON would print otherwise must not change; a leading zero is no number."""
    text = "a,b,c,d,e,f\n1.10,12345678901234567890,007,,true,-0.5e3\n"
    assert values_of(text) == [b'{"a":1.10,"b":12345678901234567890,"c":"007","d":null,"e":"true","f":-0.5e3}']


def test_the_null_text_is_null() -> None:
    options = RowOptions(format=RowFormat.CSV, null_text="NA")
    assert values_of("a,b\nNA,x\n", options) == [b'{"a":null,"b":"x"}']


def test_key_and_time_come_from_their_columns() -> None:
    options = RowOptions(format=RowFormat.CSV, key_column="id", timestamp_column="at")
    found = rows_of("id,at\nk1,2013-01-01T10:00:00Z\n,1357034400\n", options)
    assert found == [
        Row(2, b'{"id":"k1","at":"2013-01-01T10:00:00Z"}', b"k1", 1357034400000),
        Row(3, b'{"id":null,"at":1357034400}', None, 1357034400000),
    ]


def test_bad_rows_are_named_by_line_and_the_rest_goes_on() -> None:
    options = RowOptions(format=RowFormat.CSV, timestamp_column="t")
    text = 'a,t\n1,2020-01-01\n2\n"x"y,2020-01-01\n3,never\n\udcff,2020-01-01\n4,2020-01-02\n'
    found = rows_of(text, options)
    assert [row.line for row in found if isinstance(row, BadRow)] == [3, 4, 5, 6]
    assert [row.line for row in found if isinstance(row, Row)] == [2, 7]


def test_a_row_over_several_lines_counts_from_its_first() -> None:
    """The line of a bad row after it must still be right."""
    found = rows_of('a,b\n"one\ntwo",2\n3\n')
    assert found[0] == Row(2, b'{"a":"one\\ntwo","b":2}', None, 0)
    assert isinstance(found[1], BadRow)
    assert found[1].line == 4


def test_a_quote_that_never_closes_is_one_bad_row() -> None:
    found = rows_of('a,b\n1,2\n"open,3\n')
    assert isinstance(found[-1], BadRow)
    assert found[-1].line == 3


def test_a_missing_column_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no column id"):
        rows_of("a,b\n1,2\n", RowOptions(format=RowFormat.CSV, key_column="id"))


def test_a_column_named_twice_is_a_usage_error() -> None:
    """JSON would silently keep one of them."""
    with pytest.raises(UsageError, match="twice"):
        rows_of("a,a\n1,2\n")


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert values_of("\ufeffa\n1\n") == [b'{"a":1}']


def test_column_names_may_hold_percent_and_quotes() -> None:
    assert json.loads(values_of('"100%","a""b"\n1,2\n')[0]) == {"100%": 1, 'a"b': 2}


def test_ndjson_keeps_the_line_and_takes_fields() -> None:
    options = RowOptions(format=RowFormat.NDJSON, key_column="id", timestamp_column="at")
    text = '{"id": 7, "at": 1700000000000}\n\n{"id": {"a": 1}}\nnope\n[1]\n{"x": NaN}\n'
    found = rows_of(text, options)
    assert found[0] == Row(1, b'{"id": 7, "at": 1700000000000}', b"7", 1700000000000)
    assert found[1] == Row(3, b'{"id": {"a": 1}}', b'{"a":1}', 0)
    assert [row.line for row in found[2:] if isinstance(row, BadRow)] == [4, 5, 6]


def test_lines_pass_through_unchanged() -> None:
    """A log may hold bytes that are not UTF-8."""
    found = rows_of("a b\r\n\n\udcff\n", RowOptions(format=RowFormat.LINES))
    assert [(row.line, row.value) for row in found if isinstance(row, Row)] == [(1, b"a b"), (3, b"\xff")]


def test_a_naive_time_is_in_the_given_zone() -> None:
    assert parse_time_ms("1970-01-01T02:00:00", timezone(timedelta(hours=1))) == 3_600_000
    assert parse_time_ms("2013-01-01", UTC) == 1356998400000


@pytest.mark.parametrize("text", ["", "now", "12:00", "1969-12-31", "99999999999", "2013-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time_ms(text, UTC)


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters='"\r\n,'), min_size=1), min_size=1)
)
def test_every_row_of_a_csv_is_valid_json(cells: list[str]) -> None:
    """Whatever the cells hold, the value parses and gives the text or its number back."""
    columns = ",".join(f"c{index}" for index in range(len(cells)))
    (value,) = values_of(f"{columns}\n{','.join(cells)}\n") or [b"{}"]
    for index, cell in enumerate(cells):
        found = json.loads(value, parse_int=str, parse_float=str)[f"c{index}"]
        assert found == cell
