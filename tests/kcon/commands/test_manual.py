"""The man pages: roff takes them without a warning, and nothing in a text is a request to it."""

import subprocess

import click
import pytest

from kcon.commands.manual import EXIT_MEANINGS, man_pages
from kcon.commands.table import COMMANDS
from kcon.commands.tree import root_command
from kcon.errors import ExitCode


def pages() -> dict[str, str]:
    root = root_command()
    assert isinstance(root, click.Group)
    return man_pages(root)


def test_there_is_a_page_for_each_command() -> None:
    assert pages().keys() == {"kcon.1", *(f"kcon-{entry[0]}.1" for entry in COMMANDS)}


def test_every_exit_code_has_a_meaning() -> None:
    assert EXIT_MEANINGS.keys() == set(ExitCode)


def test_no_line_of_text_is_a_request() -> None:
    known = {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".BR", ".I", ".nf", ".fi"}
    for name, page in pages().items():
        for line in page.splitlines()[1:]:
            assert not line.startswith("'"), (name, line)
            assert not line.startswith(".") or line.split()[0] in known, (name, line)


@pytest.mark.groff
def test_roff_has_nothing_to_complain_of() -> None:
    text = "".join(pages().values())
    ran = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=text.encode(), capture_output=True, check=True, timeout=60
    )
    assert ran.stderr == b""
