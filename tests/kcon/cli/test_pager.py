"""The pager, NO_COLOR and TERM=dumb: what happens on a terminal, and that nothing of it happens elsewhere."""

import io
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kcon.cli.environment import Environment
from kcon.cli.pager import PAGER_DEFAULT, page, pager_of
from kcon.cli.run import run

CLEAN = {
    key: value for key, value in os.environ.items() if not key.startswith("KCON_") and key not in {"PAGER", "LESS"}
}
LONG = ("errcode", "-o", "table")  # More lines than any screen.


def environment(**changes: object) -> Environment:
    streams = {"stdin": io.BytesIO(), "stdout": io.BytesIO(), "stderr": io.BytesIO()}
    return Environment(**{**streams, "owns_process": True, "stdout_is_terminal": True, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, PAGER_DEFAULT.split()),
        ({"PAGER": "more -s"}, ["more", "-s"]),
        ({"PAGER": "more", "KCON_PAGER": "less 'a b'"}, ["less", "a b"]),
        ({"PAGER": "more", "KCON_PAGER": ""}, []),
        ({"PAGER": "cat"}, []),
        ({"PAGER": "'"}, []),
        ({"TERM": "dumb", "PAGER": "more"}, []),
    ],
)
def test_which_pager(variables: dict[str, str], words: list[str]) -> None:
    assert pager_of(environment(variables=variables)) == words


def test_no_pager_without_a_terminal_or_inside_the_console() -> None:
    assert pager_of(environment(stdout_is_terminal=False)) == []
    assert pager_of(environment(owns_process=False)) == []


def test_a_missing_pager_is_ignored() -> None:
    assert not page(environment(variables={"PAGER": "/no/such/pager"}, lines=2, stdout=sys.__stdout__), b"a\nb\nc\n")


def on_terminal(words: tuple[str, ...], variables: dict[str, str], stderr: int | None = None) -> tuple[int, bytes]:
    """Run kcon as a process whose standard streams are a pseudo-terminal of 24 lines."""
    controller, terminal = pty.openpty()
    import termios

    termios.tcsetwinsize(terminal, (24, 100))
    process = subprocess.Popen(
        [sys.executable, "-m", "kcon", *words],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal if stderr is None else stderr,
        env={**CLEAN, "TERM": "xterm", **variables},
    )
    os.close(terminal)
    received = bytearray()
    while True:
        try:
            part = os.read(controller, 65_536)
        except OSError:
            break
        if not part:
            break
        received += part
    os.close(controller)
    return process.wait(60), bytes(received)


@pytest.fixture
def pager(tmp_path: Path) -> dict[str, str]:
    """Return variables that name a pager which says that it ran."""
    script = tmp_path / "pager"
    script.write_text("import sys\nprint('PAGED', len(sys.stdin.read().splitlines()))\n")
    words = shlex.join([sys.executable, str(script)])
    return {"KCON_PAGER": words, "KCON_CONFIG_DIR": str(tmp_path), "KCON_STATE_DIR": str(tmp_path)}


def test_a_long_answer_and_a_long_help_are_paged(pager: dict[str, str]) -> None:
    for words in (LONG, ("topic", "list", "--help"), ("--help",)):
        code, seen = on_terminal(words, pager)
        assert (code, seen.startswith(b"PAGED")) == (0, True), (words, seen)
        assert int(seen.split()[1]) > 24


def test_what_is_short_or_not_to_be_paged_is_written(pager: dict[str, str]) -> None:
    for words in (("errcode", "3"), (*LONG, "--no-pager"), ("topic", "list", "--help", "--no-pager")):
        code, seen = on_terminal(words, pager)
        assert code == 0
        assert b"PAGED" not in seen, (words, seen)


def test_a_pager_that_leaves_at_once_is_no_error(pager: dict[str, str]) -> None:
    code, seen = on_terminal(LONG, {**pager, "KCON_PAGER": "true"})
    assert (code, seen) == (0, b"")
    code, seen = on_terminal(LONG, {**pager, "KCON_PAGER": "/no/such/pager"})
    assert code == 0
    assert b"UNKNOWN_TOPIC_OR_PARTITION" in seen


def test_a_pipe_is_never_paged(pager: dict[str, str]) -> None:
    ran = subprocess.run([sys.executable, "-m", "kcon", *LONG], capture_output=True, env={**CLEAN, **pager}, check=True)
    assert b"UNKNOWN_TOPIC_OR_PARTITION" in ran.stdout


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_no_colours_are_written_where_they_are_not_wanted(variables: dict[str, str], pager: dict[str, str]) -> None:
    chosen = {**pager, "KCON_PAGER": "", **variables}
    for words in (
        LONG,
        ("--help",),
        ("group", "--help"),
        ("topic", "list", "-b", "127.0.0.1:1", "--timeout", "1s"),
        ("x",),
    ):
        _code, seen = on_terminal(words, chosen)
        assert seen
        assert b"\x1b" not in seen, (words, seen)


def test_a_dumb_terminal_gets_no_progress_line(pager: dict[str, str]) -> None:
    waiting = ("wait", "urp=0", "-b", "127.0.0.1:1", "--for", "1s", "--timeout", "1s")
    assert b"\x1b[K" in on_terminal(waiting, pager)[1]
    assert b"\x1b" not in on_terminal(waiting, {**pager, "TERM": "dumb"})[1]


def test_the_console_says_that_a_dumb_terminal_is_none(tmp_path: Path) -> None:
    err = io.BytesIO()
    dumb = environment(
        stderr=err, stdin_is_terminal=True, owns_process=False, variables={"TERM": "dumb", "HOME": str(tmp_path)}
    )
    assert run(("ui", "-b", "127.0.0.1:1"), dumb) == 2
    assert b"kcon ui --plain" in err.getvalue()
