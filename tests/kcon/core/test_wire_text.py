"""Whatever a broker, a client or a record says, no terminal may act on it, and the exact text is never lost."""

import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kcon.core.wire_text import WireText, display_safe

HOSTILE = {
    "clear screen": "\x1b[2J",
    "set title": "\x1b]0;owned\x07",
    "set clipboard": "\x1b]52;c;cm0gLXJmIC8=\x1b\\",
    "hyperlink": "\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\",
    "report to stdin": "\x1b[6n",
    "device attributes": "\x1b[c",
    "C1 CSI": "\x9b2J",
    "C1 OSC": "\x9d0;owned\x9c",
    "DCS": "\x1bPq#0\x1b\\",
    "sixel C1": "\x90q#0\x9c",
    "bell": "\x07",
    "backspace": "rm\x08\x08ls",
    "carriage return": "safe\rrm -rf /",
    "form feed": "\x0c",
    "shift out": "\x0e",
    "nul": "a\x00b",
    "delete": "a\x7fb",
    "right-to-left override": "invoice\u202egnp.exe",
    "isolate": "\u2066admin\u2069",
    "zero width space": "or\u200bders",
    "zero width joiner": "or\u200dders",
    "byte order mark": "\ufefforders",
    "soft hyphen": "or\u00adders",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "tag characters": "a\U000e0041\U000e007fb",
    "lone surrogate": "a\ud800b",
    "surrogateescape": "a\udc1bb",
    "arabic letter mark": "a\u061cb",
    "mongolian vowel separator": "a\u180eb",
    "interlinear annotation": "a\ufff9b\ufffbc",
    "newline": "a\nb",
    "tab": "a\tb",
    "next line": "a\x85b",
}


def is_harmless(char: str) -> bool:
    """Nothing that a terminal acts on, hides or reorders."""
    category = unicodedata.category(char)
    invisible = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return category not in invisible or char in VISIBLE_FORMAT


# Format characters that are drawn, such as the Arabic number sign.
VISIBLE_FORMAT = {chr(c) for c in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_harmless(text: str) -> None:
    shown = display_safe(text)
    assert all(is_harmless(char) for char in shown), ascii(shown)
    assert shown != text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_harmless_in_a_pane(text: str) -> None:
    shown = display_safe(text, multiline=True)
    assert all(is_harmless(char) or char in "\n\t" for char in shown), ascii(shown)


def test_multiline_keeps_newline_and_tab_only() -> None:
    assert display_safe("a\n\tb\rc", multiline=True) == "a\n\tb\u240dc"


@given(st.text(alphabet=st.characters(max_codepoint=0x10FFFF, exclude_categories=[])))
@example("\x1b")
@example("\ud800\udc00")
def test_no_text_gets_through_to_a_terminal(text: str) -> None:
    for char in display_safe(text):
        assert char not in _CONTROLS
        assert not 0xD800 <= ord(char) < 0xE000


_CONTROLS = {*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0))}


@given(st.text(alphabet=string.ascii_letters + string.digits + "._- äßжд漢字🦜"))
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert display_safe(text) == text


@given(st.text())
def test_making_safe_twice_changes_nothing_more(text: str) -> None:
    assert display_safe(display_safe(text)) == display_safe(text)


@given(st.binary())
def test_bytes_survive(data: bytes) -> None:
    """A topic name that is not UTF-8 must be addressable by its very bytes."""
    assert WireText.decode(data).encode() == data


@given(st.binary())
def test_decoded_bytes_show_without_error(data: bytes) -> None:
    shown = str(WireText.decode(data))
    shown.encode("utf-8")
    assert not _CONTROLS & set(shown)


def test_every_way_to_a_string_is_safe() -> None:
    text = WireText("\x1b[2J")
    assert "\x1b" not in f"{text}{text!s}{text!r}{text!a}{text:>20}" + format(text) + "%s" % text  # noqa: UP031


def test_equality_and_hash_are_by_the_raw_text() -> None:
    """Two names that look the same must stay two keys."""
    assert WireText("a\x1b") != WireText("a\u241b")
    assert str(WireText("a\x1b")) == str(WireText("a\u241b"))
    assert {WireText("a"): 1}[WireText("a")] == 1
    assert WireText("a") != "a"


def test_sorts_by_raw_text() -> None:
    assert sorted([WireText("b"), WireText("a")]) == [WireText("a"), WireText("b")]


def test_truth_is_that_of_the_text() -> None:
    assert WireText("x")
    assert not WireText("")
