"""Tables: aligned by cells, narrowed by need, harmless."""

from collections.abc import Mapping

from kcon.cli.document import Block, Column, Value
from kcon.cli.table import format_blocks, format_table
from kcon.core.cells import cells
from kcon.core.wire_text import WireText

COLUMNS = (
    Column(key="name"),
    Column(key="lag", right=True),
    Column(key="host", drop=1),
    Column(key="client", drop=2),
)
ROWS: list[Mapping[str, Value]] = [
    {"name": WireText("orders"), "lag": 1_250_480, "host": "/10.0.0.1", "client": "app-1"},
    {"name": WireText("日本"), "lag": None, "host": None, "client": "app-2"},
]


def table(width: int | None, *, headers: bool = True) -> list[str]:
    return format_table(COLUMNS, ROWS, width=width, headers=headers).splitlines()


def test_columns_align_by_cells() -> None:
    assert table(None) == [
        "NAME          LAG  HOST       CLIENT",
        "orders  1,250,480  /10.0.0.1  app-1",
        "日本            —  —          app-2",
    ]


def test_the_least_needed_column_goes_first() -> None:
    assert table(30)[0].split() == ["NAME", "LAG", "HOST"]
    assert table(20)[0].split() == ["NAME", "LAG"]


def test_a_column_that_stays_is_cut_at_last() -> None:
    rows: list[Mapping[str, Value]] = [{"name": "x" * 50, "lag": 1, "host": "", "client": ""}]
    lines = format_table(COLUMNS, rows, width=20, headers=True).splitlines()
    assert lines[1] == "xxxxxxxxxxxxxx…    1"
    assert all(cells(line) <= 20 for line in lines)


def test_numbers_are_never_cut() -> None:
    """A cut number is a wrong number."""
    assert "1,250,480" in table(5)[1]


def test_without_headers() -> None:
    assert table(None, headers=False)[0].startswith("orders")


def test_hostile_text_is_shown_as_glyphs() -> None:
    rows: list[Mapping[str, Value]] = [{"name": WireText("a\x1b]0;x\x07b\u202e"), "lag": 1, "host": "", "client": ""}]
    text = format_table(COLUMNS, rows, width=None, headers=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "a␛]0;x␇b<202e>" in text


def test_values_that_are_no_text() -> None:
    columns = (Column(key="a"), Column(key="b"), Column(key="c"), Column(key="d"))
    rows: list[Mapping[str, Value]] = [{"a": True, "b": (1, 2), "c": (), "d": False}]
    assert format_table(columns, rows, width=None, headers=False) == "yes  1,2  —  no\n"


def test_blocks_are_not_cut() -> None:
    block = Block(heading="Topic t", facts=[("id", "x" * 200), ("long name", "y")], columns=COLUMNS[:2], rows=ROWS)
    assert format_blocks([block, Block(heading="Next")]).splitlines() == [
        "Topic t",
        "  id         " + "x" * 200,
        "  long name  y",
        "NAME          LAG",
        "orders  1,250,480",
        "日本            —",
        "",
        "Next",
    ]
