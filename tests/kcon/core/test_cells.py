"""Cells: what a terminal's columns really hold."""

import pytest

from kcon.core.cells import cells, cut, isolate, pad


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("日本", 4), ("👍", 2), ("한", 2), ("ａ", 2), ("a\u200db", 2)],
)
def test_cells_of_text(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),  # The second one would leave no cell for the ellipsis.
    ],
)
def test_cut_never_exceeds_the_width(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected
    assert cells(cut(text, width)) <= width


def test_pad_counts_cells_not_characters() -> None:
    assert pad("日", 4) == "日  "
    assert pad("7", 3, right=True) == "  7"
    assert pad("too long", 3) == "too long"


def test_right_to_left_text_is_isolated() -> None:
    """Without the isolate a Hebrew topic name would swap places with the number beside it."""
    assert isolate("orders") == "orders"
    assert isolate("שלום") == "\u2068שלום\u2069"
    assert cells(isolate("שלום")) == 4
