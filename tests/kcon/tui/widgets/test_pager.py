"""Long texts: wrapped by cells, and nothing of them is lost."""

from rich.cells import cell_len

from kcon.tui.text import Part
from kcon.tui.widgets.pager import wrap, wrap_words


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


def test_a_sentence_is_broken_between_its_words() -> None:
    text = " ! Nothing listens there; check the port."
    rows = ["".join(str(part.text) for part in line) for line in wrap_words(Part(text, "bad"), 20)]
    assert rows == [" ! Nothing listens", " there; check the", " port."]
    assert [len(str(line[0].text)) for line in wrap_words(Part("x" * 45), 20)] == [20, 20, 5]
    assert wrap_words(Part(""), 20) == [[]]
