"""The command reference: it says what the commands say."""

import re
from pathlib import Path

from kcon.commands.parse import parse
from kcon.commands.reference import render_pages
from kcon.errors import ExitCode

PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"


def test_the_pages_are_what_the_commands_say() -> None:
    """Run `python -m kcon.commands.reference` after a change of a command."""
    docs = PAGE.parent
    found = {str(path.relative_to(docs)) for kind in ("commands", "man") for path in (docs / kind).iterdir()}
    pages = render_pages()
    assert {"commands.md", *found} == pages.keys()
    for name, text in pages.items():
        assert (docs / name).read_text("utf-8") == text, name


def test_the_page_names_every_exit_code() -> None:
    table = PAGE.read_text("utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    for code in ExitCode:
        assert f" {code.value}" in table


def test_commands_in_the_readme_exist() -> None:
    """An example that does not parse is worse than none."""
    readme = (PAGE.parents[1] / "README.md").read_text("utf-8")
    lines = [
        line.partition("#")[0]
        for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
        for line in block.split("\n")
    ]
    commands = [part.split() for line in lines for part in re.split(r"\||&&", line) if part.split()[:1] == ["kcon"]]
    assert len(commands) > 5
    for words in commands:
        parse(words[1:])
