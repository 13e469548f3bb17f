"""What stands in docs/commands.md? Every command with its words and options, made from the commands themselves.

`python -m kcon.commands.reference > docs/commands.md` makes it anew.
"""

import sys
from collections.abc import Iterator
from typing import Any

import click

from kcon.commands.describe import describe_command
from kcon.commands.tree import root_command

_HEAD = """\
<!-- Made by `python -m kcon.commands.reference > docs/commands.md`; do not edit. -->

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
`{"kind", "apiVersion": "kcon/v1", "context", "items", "errors"}`. Data goes to standard output, everything else to
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


def render_reference() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_command_lines(root_command(), "kcon")])


def _command_lines(command: click.Command, path: str) -> Iterator[str]:
    described = describe_command(command, path)
    if isinstance(command, click.Group):
        if path != "kcon":
            yield from (f"## {path}", "", described["help"], "")
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, "a listed command exists"
            yield from _command_lines(found, f"{path} {name}")
        if path == "kcon":
            yield from ("## Options of every command that talks to a cluster", "")
            yield from _option_lines(described["options"], "Connection")
        return
    yield from (
        f"### {path}" if path.count(" ") > 1 else f"## {path}",
        "",
        "```",
        f"{path} {described['usage']}",
        "```",
    )
    yield from ("", _paragraphs(described["help"]), "")
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
    sys.stdout.write(render_reference())
