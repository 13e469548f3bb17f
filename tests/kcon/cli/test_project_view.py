"""`[view]` and `[[decoder]]` of a project file: what a checkout may choose about how answers look, and what not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kcon.cli.shell import Shell
from tests.pty_output import run_on_terminal


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    file = tmp_path / ".kcon.toml"
    file.write_text('[view]\noutput = "json"\n')
    return file


@pytest.fixture
def shell(kcon_broker: Any, tmp_path: Path) -> Shell:
    return Shell(kcon_broker.bootstrap, tmp_path)


def seen(shell: Shell, *words: str) -> str:
    code, out = run_on_terminal(words, shell.variables, shell.folder, now_ms=None)
    assert code == 0, out
    return out.decode().replace("\r\n", "\n")


def test_the_view_of_a_project_is_for_a_terminal_and_below_the_option(project: Path, shell: Shell) -> None:
    assert json.loads(seen(shell, "cluster", "info"))["kind"]
    assert not seen(shell, "cluster", "info", "-o", "table").startswith("{")
    # A pipe keeps what scripts were written for.
    assert not shell("cluster", "info").out.startswith(b"{")
    project.unlink()
    assert not seen(shell, "cluster", "info").startswith("{")


def test_the_view_of_a_project_does_not_change_a_plan(project: Path, shell: Shell, unique: Any) -> None:
    """A checkout must not hide what somebody agrees to."""
    name = unique("view")
    shell("topic", "create", name)
    project.write_text('[view]\noutput = "name"\n')
    with_view = seen(shell, "topic", "delete", name, "--dry-run")
    project.unlink()
    assert with_view == seen(shell, "topic", "delete", name, "--dry-run")
    shell("topic", "delete", name, "-y")


def test_several_contexts_take_the_view_too(project: Path, shell: Shell) -> None:
    for name in ("a", "b"):
        shell("context", "add", name, "-b", shell.variables["KCON_BOOTSTRAP"])
    assert {item["context"] for item in json.loads(seen(shell, "broker", "list", "-C", "a,b"))["items"]} == {"a", "b"}


def test_the_decoders_of_a_project_show_records(project: Path, shell: Shell, unique: Any) -> None:
    name = unique("decoders")
    shell("topic", "create", name, "-p", "1")
    shell("produce", name, "hi")
    project.write_text('[[decoder]]\ntopic = "decoders-*"\nvalue = "hex"\n')
    assert shell("consume", name, "-e").out == b"68 69\n"
    assert shell("consume", name, "-e", "--raw").out == b"hi\n"
    assert shell("consume", name, "-e", "-s", "value=text").out == b"hi\n"
    assert shell("search", name, "--where", "true", "-q").out == b"68 69\n"
    assert shell("get", f"{name}/0/0").out == b"68 69\n"
    shell("context", "add", "here", "-b", shell.variables["KCON_BOOTSTRAP"])
    assert shell("consume", name, "-e", "-C", "here").out == b"68 69\n"
    project.unlink()
    assert shell("consume", name, "-e").out == b"hi\n"
    shell("topic", "delete", name, "-y")
