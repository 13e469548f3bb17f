"""Which man pages does kcon have? One a command, and kcon(1), as roff made of what the commands say of themselves."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

import kcon
from kcon.commands.describe import describe_command
from kcon.commands.examples import split_examples
from kcon.commands.table import COMMANDS, ROOT_EXAMPLES, ROOT_SUMMARY
from kcon.errors import ExitCode

EXIT_MEANINGS: Final[dict[ExitCode, str]] = {
    ExitCode.OK: "Done; also ctrl-C of a command that follows, and a broken pipe.",
    ExitCode.FAILED: "Failed, or items failed for different causes (one cause for all: its own code).",
    ExitCode.USAGE: "The command line is off.",
    ExitCode.UNREACHABLE: "Cannot connect, or a deadline passed.",
    ExitCode.AUTH: "Authentication or authorization failed.",
    ExitCode.NOT_FOUND: "The named thing does not exist.",
    ExitCode.REFUSED: "Refused by kcon: read-only context, not confirmed, group active.",
    ExitCode.CHECK_FAILED: "A check failed.",
    ExitCode.INTERRUPTED: "Ctrl-C.",
    ExitCode.TERMINATED: "SIGTERM.",
}

_ENVIRONMENT: Final = (
    ("KCON_CONTEXT", "The context to use; -C comes before it."),
    ("KCON_BOOTSTRAP", "The address of the cluster; -b comes before it."),
    ("KCON_READ_ONLY", "1: refuse every change."),
    ("KCON_MODE, KCON_TZ, KCON_TIMEOUT, KCON_COLOR", "The setting of that name."),
    ("KCON_SECURITY_NAME", "The security setting NAME, e.g. KCON_SECURITY_PROTOCOL."),
    ("KCON_SECURITY_PASSWORD, KCON_SECURITY_KEY_PASSWORD, KCON_SECURITY_TOKEN", "A secret itself."),
    ("KCON_CONFIG_DIR, KCON_STATE_DIR", "The folders of the configuration and of the state."),
)
_FILES: Final = (
    ("~/.config/kcon/config.toml", "The contexts. `kcon config paths` names every file and folder."),
    (".kcon.toml", "The project's choice of a context, in this folder or one above it up to .git."),
)


def man_pages(root: click.Group) -> dict[str, str]:
    """Return the pages by file name, e.g. `kcon-topic.1`."""
    context = click.Context(root, info_name="kcon")
    pages = {"kcon.1": _root_page(root)}
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None, "a listed command exists"
        pages[f"kcon-{name}.1"] = _page(command, f"kcon {name}")
    return pages


def _root_page(root: click.Group) -> str:
    described = describe_command(root, "kcon")
    lines = [*_head("kcon", ROOT_SUMMARY), ".SH SYNOPSIS", ".B kcon", _text("[OPTIONS] [COMMAND] ...")]
    lines += [".SH DESCRIPTION", _text(f"{ROOT_SUMMARY} Without a command, on a terminal: the console.")]
    section = ""
    for name, heading, summary, _module, _spellings in COMMANDS:
        if heading != section:
            section = heading
            lines.append(f".SH {_text(f'{heading} commands'.upper())}")
        lines += [".TP", f".BR {_text(f'kcon-{name}')} (1)", _text(summary)]
    lines += [".SH OPTIONS", *_options(described["options"], everything=True)]
    lines += [".SH EXAMPLES", *_examples(ROOT_EXAMPLES), *_tail()]
    return "\n".join(lines) + "\n"


def _page(command: click.Command, path: str) -> str:
    described = describe_command(command, path)
    summary, _ = split_examples(described["help"])
    lines = [*_head(path.replace(" ", "-"), described["summary"])]
    lines += [".SH SYNOPSIS", f".B {_text(path)}", _text(described["usage"])]
    lines += [".SH DESCRIPTION", *_paragraphs(summary)]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *_verbs(command, path)]
    else:
        lines += [".SH OPTIONS", *_options(described["options"], everything=False)]
    lines += [".SH EXAMPLES", *_examples(described["examples"])]
    lines += [".SH CONNECTION OPTIONS", *_options(described["options"], section="Connection"), *_tail()]
    lines += [".SH SEE ALSO", r".BR kcon (1)"]
    return "\n".join(lines) + "\n"


def _verbs(group: click.Group, path: str) -> Iterator[str]:
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        assert verb is not None, "a listed command exists"
        if isinstance(verb, click.Group):
            yield from _verbs(verb, f"{path} {name}")
            continue
        described = describe_command(verb, f"{path} {name}")
        yield f".SS {_text(f'{path} {name}')} {_text(described['usage'])}"
        yield from _paragraphs(described["help"])
        yield from _options(described["options"], everything=False)
        yield from _examples(described["examples"])


def _head(name: str, summary: str) -> Sequence[str]:
    return (
        r".\" Made by `python -m kcon.commands.reference`; do not edit.",
        f'.TH {_text(name.upper())} 1 "" "kcon {kcon.__version__}" "kcon manual"',
        ".SH NAME",
        f"{_text(name)} \\- {_text(summary.rstrip('.'))}",
    )


def _tail() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_MEANINGS.items():
        yield from (".TP", f".B {int(code)}", _text(meaning))
    yield ".SH ENVIRONMENT"
    for name, meaning in _ENVIRONMENT:
        yield from (".TP", f".B {_text(name)}", _text(meaning))
    yield ".SH FILES"
    for name, meaning in _FILES:
        yield from (".TP", f".I {_text(name)}", _text(meaning))


def _options(options: list[dict[str, Any]], *, everything: bool = True, section: str | None = None) -> Iterator[str]:
    for option in options:
        if section not in {None, option["section"]}:
            continue
        if not everything and option["section"] in {"Connection", "Help"}:
            continue
        names = ", ".join(f"\\fB{_text(name)}\\fR" for name in option["names"])
        value = "|".join(option["choices"]) if "choices" in option else option["value"]
        yield from (".TP", names + (f" \\fI{_text(value)}\\fR" if value else ""), _text(option["help"]))


def _examples(examples: Sequence[str]) -> Iterator[str]:
    for example in examples:
        yield from (".PP", ".nf", _text(example), ".fi")


def _paragraphs(text: str) -> Iterator[str]:
    for part in text.split("\n\n"):
        yield from (".PP", _text(" ".join(part.split())))


def _text(text: str) -> str:
    """Return text that roff prints as it is: no line of it is a request, and a hyphen can be copied."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
