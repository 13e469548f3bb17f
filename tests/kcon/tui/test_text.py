"""The door for text: whatever a cluster sends, a terminal can act on none of it, and nothing is markup."""

import pytest
from rich.cells import cell_len
from rich.style import Style

from kcon.core.ids import topic_name
from kcon.core.wire_text import WireText
from kcon.tui.text import Part, age, cells, content, cut, cut_middle, fit, line_strip, show, show_eta, show_rate

HOSTILE = [
    "[@click=app.quit]x[/]",
    "[bold red]x[/bold red]",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[6n",
    "\x9b2J\x9d52;c;eA==\x9c",
    "a\u202eb\u2066c",
    "a\u200bb\ufeffc",
    "tab\tnew\nline\rback",
    "\ud800\udfff",
    "bell\x07 del\x7f nul\x00",
]
ROLE = Style(bold=True)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_reaches_a_strip_as_it_came(hostile: str) -> None:
    for part in (Part(hostile), Part(topic_name(hostile))):
        strip = line_strip([part], 60, Style(), lambda _role: ROLE)
        text = "".join(segment.text for segment in strip)
        allowed = {"\u2068", "\u2069"}
        assert all(char.isprintable() or char in allowed for char in text), repr(text)
        assert cell_len(text) == 60


@pytest.mark.parametrize("hostile", HOSTILE)
def test_content_for_stock_widgets_is_plain(hostile: str) -> None:
    shown = content(hostile)
    assert shown.spans == []
    assert all(char.isprintable() for char in shown.plain)


def test_markup_stays_visible_text() -> None:
    assert content("[@click=app.quit]x[/]").plain == "[@click=app.quit]x[/]"


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 2), ("日本語", 3), ("日本語", 4), ("abc", 0), ("", 3), ("e\u0301x", 1)]
)
def test_text_is_cut_and_padded_by_cells(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(cut(text, width)) <= width


def test_values_read_as_the_cli_writes_them() -> None:
    assert [show(value) for value in (None, True, 48_211, "x", (1, 2), ())] == ["—", "yes", "48,211", "x", "1,2", "—"]
    assert show_rate(None) == "—"
    assert show_rate(float("nan")) == "—"
    assert show_eta(float("inf")) == "never"
    assert show_eta(None) == "—"


def test_an_age_is_short_and_never_negative() -> None:
    assert [age(0, now) for now in (-5, 999, 59_999, 60_000, 3_600_000)] == ["0s", "0s", "59s", "1m", "1h"]


@pytest.mark.parametrize("width", range(1, 24))
def test_a_place_that_is_cut_keeps_its_partition(width: int) -> None:
    """Cut at the end, the rows of a topic with a long name could not be told apart."""
    shown = cut_middle(WireText("orders-europe-west/17"), width)
    assert cells(shown) == min(width, len("orders-europe-west/17"))
    assert width < 6 or shown.endswith("/17")


def test_a_wide_name_is_cut_by_cells() -> None:
    assert cells(cut_middle("注文注文注文注文注文/3", 11)) <= 11
