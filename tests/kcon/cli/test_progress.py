"""Progress is for people: on a terminal it is shown and taken away, elsewhere not a byte of it is written."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kcon.cli.shell import Shell
from tests.pty_output import run_on_terminal


@pytest.fixture
def shell(kcon_broker: Any, tmp_path: Any) -> Shell:
    return Shell(kcon_broker.bootstrap, tmp_path)


@pytest.fixture
def topic(shell: Shell, unique: Callable[[str], str]) -> Iterator[str]:
    name = unique("progress")
    shell("topic", "create", name, "-p", "1")
    shell("produce", name, stdin=b"".join(b"%d\n" % index for index in range(2_000)))
    yield name
    shell("topic", "delete", f"{name}*", "-y")


def long_work(topic: str) -> dict[str, tuple[str, ...]]:
    return {
        "load": ("load", "rows.txt", "-t", topic),
        "copy": ("copy", topic, f"{topic}-copy", "--create", "-y"),
        "search": ("search", topic, "--where", "value == 7"),
    }


@pytest.mark.parametrize("work", ["load", "copy", "search"])
def test_progress_is_for_a_terminal_alone(shell: Shell, topic: str, work: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(shell.folder)
    (shell.folder / "rows.txt").write_text("row\n" * 2_000)
    words = long_work(topic)[work]
    ran = shell(*words)
    assert "\r" not in ran.err
    assert "\x1b" not in ran.err
    assert b"\x1b" not in ran.out
    code, seen = run_on_terminal(words, shell.variables, shell.folder, now_ms=None)
    assert code == 0
    assert b"\r\x1b[K" in seen
