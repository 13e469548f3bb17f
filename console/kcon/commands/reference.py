"""What stands in docs/commands.md, docs/commands/ and docs/man/? All of it is made from the commands themselves.

`python -m kcon.commands.reference` makes them anew, and prints the index.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kcon.commands.describe import describe_command
from kcon.commands.manual import man_pages
from kcon.commands.table import COMMANDS
from kcon.commands.tree import root_command

_MADE_BY = "<!-- Made by `python -m kcon.commands.reference`; do not edit. -->"

_HEAD = f"""\
{_MADE_BY}

# Commands of kcon

`kcon --help` is the short form of this page. Every command takes `--help` and `--help-json`. Nouns may be plural, and
`ls`, `desc` and `rm` stand for `list`, `describe` and `delete`. Names are globs; `-` reads them from standard input.

## Offsets

| text | place |
|---|---|
| `start`, `end` | the first record there is, and the place behind the last one |
| `N`, `start+N`, `end-N` | that offset, N after the start, N before the end |
| `@TIME` | the first record at or after a time: `@-1h`, `@14:05` (the latest past one), `@today`, \
`@2026-01-31`, RFC 3339, an epoch of 10 (seconds) or 13 (milliseconds) digits |
| `A..B` | a range, half-open (`consume`) |
| `-N` | the last N of each partition (`consume`) |
| `current`, `current+N`, `current-N` | from the group's commit (`group reset`) |

## Output

A table on a terminal, TSV with a header otherwise; `-o` or `--output` chooses. JSON is one envelope:
`{{"kind", "apiVersion": "kcon/v1", "context", "items", "errors"}}`. Data goes to standard output, everything else to
standard error. The record commands take kcat's letters instead: there `-o` is the offset, `-f` a format, `-J` one JSON
object a line.

## Exit codes

| code | meaning |
|---|---|
| 0 | done; also ctrl-C of a command that follows, and a broken pipe |
| 1 | failed, or items failed for different causes (one cause for all: its own code) |
| 2 | the command line is off |
| 3 | cannot connect, or a deadline passed |
| 4 | authentication or authorization failed |
| 5 | the named thing does not exist |
| 6 | refused by kcon: read-only context, not confirmed, group active |
| 7 | a check failed |
| 130, 143 | ctrl-C, SIGTERM |
"""


def render_pages() -> dict[str, str]:
    """Return every generated page by its path below docs/: the index, a page a command, and the man pages."""
    root = root_command()
    assert isinstance(root, click.Group), "kcon has commands"
    context = click.Context(root, info_name="kcon")
    pages = {"commands.md": render_reference()}
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None, "a listed command exists"
        pages[f"commands/{name}.md"] = (
            "\n".join([_MADE_BY, "", *_command_lines(command, f"kcon {name}")]).rstrip() + "\n"
        )
    return pages | {f"man/{name}": page for name, page in man_pages(root).items()}


def render_reference() -> str:
    """Return the index: every command with its summary, and what all of them share."""
    root = root_command()
    assert isinstance(root, click.Group), "kcon has commands"
    lines = [_HEAD, "## Commands"]
    section = ""
    for name, heading, _summary, _module, _spellings in COMMANDS:
        if heading != section:
            section = heading
            lines += ["", f"### {heading}", "", "| command | what it does |", "|---|---|"]
        command = root.get_command(click.Context(root, info_name="kcon"), name)
        assert command is not None, "a listed command exists"
        lines += [
            f"| [`{path}`](commands/{name}.md#{path.replace(' ', '-')}) | {_cell(summary)} |"
            for path, summary in _summaries(command, f"kcon {name}")
        ]
    lines += ["", "## Options of every command that talks to a cluster", ""]
    lines += _option_lines(describe_command(root, "kcon")["options"], "Connection")
    return "\n".join(lines)


def write_pages(folder: Path) -> None:
    """Write every page below the folder, and remove those of commands that are gone."""
    pages = render_pages()
    for kind in ("commands", "man"):
        (folder / kind).mkdir(exist_ok=True)
        for path in (folder / kind).iterdir():
            if f"{kind}/{path.name}" not in pages:
                path.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, "utf-8")


def _summaries(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(command, click.Group):
        yield path, command.get_short_help_str(limit=200)
        return
    context = click.Context(command, info_name=path)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, "a listed command exists"
        yield from _summaries(found, f"{path} {name}")


def _command_lines(command: click.Command, path: str) -> Iterator[str]:
    described = describe_command(command, path)
    depth = "#" * min(path.count(" "), 2)
    if isinstance(command, click.Group):
        yield from (f"{depth} {path}", "", described["help"], "")
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, "a listed command exists"
            yield from _command_lines(found, f"{path} {name}")
        return
    yield from (f"{depth} {path}", "", "```", f"{path} {described['usage']}", "```")
    yield from ("", _paragraphs(described["help"]), "")
    yield from ("```sh", *described["examples"], "```", "")
    options = [option for option in described["options"] if option["section"] not in {"Connection", "Help"}]
    yield from _option_lines(options, None)


def _option_lines(options: list[dict[str, Any]], section: str | None) -> Iterator[str]:
    chosen = [option for option in options if section in {None, option["section"]}]
    if not chosen:
        return
    yield from ("| option | meaning |", "|---|---|")
    for option in chosen:
        names = ", ".join(f"`{name}`" for name in option["names"])
        value = f" `{_value(option)}`" if option["value"] else ""
        yield f"| {names}{value} | {_cell(option['help'])} |"
    yield ""


def _value(option: dict[str, Any]) -> str:
    return _cell("|".join(option["choices"]) if "choices" in option else option["value"])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


if __name__ == "__main__":
    write_pages(Path(__file__).resolve().parents[3] / "docs")
    sys.stdout.write(render_reference())
