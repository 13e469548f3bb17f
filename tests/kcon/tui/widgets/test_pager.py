"""Long texts: wrapped by cells, and nothing of them is lost."""

from rich.cells import cell_len

from kcon.tui.text import Part
from kcon.tui.widgets.pager import wrap


def test_nothing_is_lost_and_nothing_is_too_wide() -> None:
    text = "ascii 日本語 and more, " * 20
    for width in (1, 2, 7, 40):
        rows = ["".join(str(part.text) for part in row) for row in wrap([Part(text)], width)]
        assert "".join(rows) == text
        assert all(cell_len(row) <= max(2, width) for row in rows)


def test_an_empty_line_stays_a_line() -> None:
    assert wrap([Part("")], 10) == [[]]


def test_roles_stay_with_their_words() -> None:
    rows = wrap([Part("abc", "ok"), Part("defgh", "bad")], 4)
    assert rows == [[Part("abc", "ok"), Part("d", "bad")], [Part("efgh", "bad")]]
