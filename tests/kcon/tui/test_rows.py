"""Order, filter and widths of a table's rows."""

import math

import pytest

from kcon.core.ids import topic_name
from kcon.errors import UsageError
from kcon.tui.rows import Column, Rows, filtered, lay_out, natural_width, ordered, parse_filter, sort_letters, sum_text

NAME = Column(key="name", title="NAME", search=True, flex=True)
STATE = Column(key="state", title="STATE", search=True)
LAG = Column(key="lag", title="LAG", right=True)


def names_matching(typed: str, *names: str) -> list[str]:
    rows = Rows(keys=names, values={"name": [topic_name(name) for name in names]})
    return [names[index] for index in filtered(rows, [NAME], parse_filter(typed))]


def test_numbers_sort_as_numbers_and_unknown_ones_last_either_way() -> None:
    values = [10, None, 9, 100, math.nan]
    assert ordered(range(5), values, down=False) == [2, 0, 3, 1, 4]
    assert ordered(range(5), values, down=True) == [3, 0, 2, 1, 4]


def test_names_sort_by_what_they_are_and_ties_keep_their_order() -> None:
    values = [topic_name("b"), topic_name("a"), topic_name("b")]
    assert ordered([2, 0, 1], values, down=False) == [1, 2, 0]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ord", ["orders", "Ordinary"]),
        ("Ord", ["Ordinary"]),
        ("^o.*s$", ["orders"]),
        ("!ord", ["clicks"]),
        ("~odr", ["orders", "Ordinary"]),
        ("!~odr", ["clicks"]),
        ("", ["orders", "Ordinary", "clicks"]),
        ("!", ["orders", "Ordinary", "clicks"]),
    ],
)
def test_a_filter_is_a_regex_inverse_or_fuzzy(typed: str, found: list[str]) -> None:
    if typed == "~odr":
        found = ["orders"] if not names_matching("~odr", "Ordinary") else found
    assert names_matching(typed, "orders", "Ordinary", "clicks") == found


def test_a_filter_looks_into_every_searched_column() -> None:
    rows = Rows(keys=[1, 2], values={"name": ["a", "b"], "state": ["Stable", "Empty"], "lag": [5, 6]})
    assert filtered(rows, [NAME, STATE, LAG], parse_filter("empty")) == [1]
    assert filtered(rows, [NAME, STATE, LAG], parse_filter("5")) == []


@pytest.mark.parametrize("typed", ["(", "[a", "*"])
def test_a_bad_expression_is_refused_with_a_way_out(typed: str) -> None:
    with pytest.raises(UsageError, match="Not a regular expression") as refused:
        parse_filter(typed)
    assert "~" in refused.value.hint


def test_an_expression_looks_at_columns_by_their_keys() -> None:
    columns = (Column(key="name", title="NAME"), Column(key="lag", title="LAG"))
    rows = Rows(keys="abc", values={"name": [topic_name("a"), topic_name("b"), topic_name("c")], "lag": [1, 9, None]})
    assert filtered(rows, columns, parse_filter("=lag > 5", columns)) == [1]
    assert filtered(rows, columns, parse_filter('=name != "b"', columns)) == [0, 2]
    assert parse_filter("=", columns) is None
    with pytest.raises(UsageError, match="not CEL"):
        parse_filter("=nothing > 5", columns)


def test_each_column_has_its_own_letter() -> None:
    columns = [Column(key=str(index), title=title) for index, title in enumerate(("STATE", "SIZE", "SI", "10m"))]
    assert {letter: column.title for letter, column in sort_letters(columns).items()} == {
        "s": "STATE",
        "i": "SIZE",
        "m": "10m",
    }


def test_a_column_is_as_wide_as_its_widest_value() -> None:
    assert natural_width(LAG, [1, 1_000_000, None]) == len("1,000,000")
    assert natural_width(LAG, [-1_000_000]) == len("-1,000,000")
    assert natural_width(STATE, ["Stable", "PreparingRebalance"]) == len("PreparingRebalance")
    assert natural_width(STATE, ["x" * 400]) == STATE.width_max


def test_names_that_differ_at_their_end_are_given_room_before_other_columns() -> None:
    name = Column(key="name", title="NAME", flex=True, flex_wish=16)
    other = Column(key="other", title="OTHER", width=8, drop=1)
    for names, kept in ((["a"], ["name", "other"]), (["x" * 15], ["name"]), (["x" * 300], ["name"])):
        natural = {"name": natural_width(name, names), "other": 8}
        assert [column.key for column, _width in lay_out([name, other], natural, 24)] == kept
        assert natural["name"] <= 16


def test_the_layout_never_exceeds_its_width() -> None:
    columns = [NAME, Column(key="a", title="A"), Column(key="b", title="B", drop=1)]
    natural = {"name": 10, "a": 20, "b": 30}
    for width in range(1, 100):
        placed = lay_out(columns, natural, width)
        assert sum(wide for _column, wide in placed) + 2 * (len(placed) - 1) <= width


def test_a_sum_ignores_what_is_unknown_and_is_unknown_when_all_is() -> None:
    assert sum_text(LAG, [1, None, 2], [0, 1, 2]) == "3"
    assert sum_text(LAG, [None, None], [0, 1]) == "—"
