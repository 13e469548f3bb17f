"""The picture before the console is loaded."""

import os
import sys
from pathlib import Path

import pytest

from kcon.contexts.context import Context, Mode
from kcon.tui.first_frame import FirstFrame, top_line
from tests.terminal import Terminal

PROD = Context(name="prod", bootstrap=("b1:9092",), mode=Mode.READ_ONLY)


@pytest.mark.parametrize(
    ("address", "title"),
    [
        (None, "OVERVIEW"),
        ("topics", "TOPICS"),
        ("topic/orders", "TOPIC"),
        ("topic/orders/3", "RECORDS"),
        ("orders/3/42", "RECORDS"),
    ],
)
def test_the_top_line_says_where_the_user_is_going(address: str | None, title: str) -> None:
    assert top_line(PROD, address) == f" {title}  prod | read-only | connecting"


def test_a_name_from_a_file_acts_on_no_terminal() -> None:
    line = top_line(Context(name="a\x1b]0;x\x07", bootstrap=("b:1",)), "topics")
    assert not {"\x1b", "\x07"} & set(line)


def drawn(variables: dict[str, str], *steps: str) -> str:
    reading, writing = os.pipe()
    frame = FirstFrame(writing, variables, 40)
    for step in steps:
        frame.show(PROD, "topics") if step == "show" else getattr(frame, step)()
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        return file.read().decode()


def test_what_the_console_took_over_is_not_removed() -> None:
    assert drawn({}, "show", "remove", "remove").count("\x1b[?1049l") == 1
    assert "\x1b[?1049l" not in drawn({}, "show", "hand_over", "remove")
    assert drawn({}, "remove") == ""


def test_colours_are_used_where_the_terminal_has_them_and_the_user_wants_them() -> None:
    assert "48;2" in drawn({"COLORTERM": "truecolor"}, "show")
    for variables in ({}, {"COLORTERM": "truecolor", "NO_COLOR": "1"}):
        assert "48;2" not in drawn(variables, "show")


def test_a_console_that_cannot_start_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    """The sentence must stand where the user reads it, not on a picture that is gone."""
    environment = {"KCON_CONFIG_DIR": str(tmp_path), "KCON_STATE_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "kcon", "ui", "no/such", "-b", "127.0.0.1:1"]
    with Terminal(argv, columns=80, rows=24, environment=environment) as terminal:
        screen = terminal.wait_for("ended with 2")
    assert "Not an address: no/such" in screen
    assert "connecting" not in screen
