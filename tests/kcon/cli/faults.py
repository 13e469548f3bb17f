"""Which command lines meet a broken cluster in the tests? The examples of every command that talks to one."""

import shlex
from collections.abc import Iterator

import click

from kcon.cli.run import LIVE_NOUNS
from kcon.commands.examples import examples_of
from kcon.commands.tree import root_command

APART = frozenset({"consume", "tail", "produce", "load", "search", "get", "copy", "redrive", "migrate"}) | frozenset(
    {"top", "probe", "metrics", "wait"}
)
"""They go through librdkafka, or on for as long as they are told; they have fault tests of their own."""
LOCAL_VERBS = frozenset({"up", "status", "kill", "pause", "resume", "add", "remove", "down"})
"""Of `kcon cluster`: about processes, not about a cluster that is asked."""


def command_lines() -> list[tuple[str, ...]]:
    """Return one line of words for each command, without `kcon`, confirmed where that can be."""
    root = root_command()
    context = click.Context(root, info_name="kcon")
    found: list[tuple[str, ...]] = []
    assert isinstance(root, click.Group)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        if name in LIVE_NOUNS - APART:
            found += _lines(command, f"kcon {name}")
    return found


def _lines(command: click.Command, path: str) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            verb = command.get_command(context, name)
            assert verb is not None
            if not (path == "kcon cluster" and name in LOCAL_VERBS):
                yield from _lines(verb, f"{path} {name}")
        return
    for example in examples_of(command, path)[:1]:
        words = shlex.split(example.split("|")[0].split(">")[0])[1:]
        follows = {"--watch", "-f", "--follow"} & set(words)
        confirmed = any(param.name == "yes" for param in command.params) and not {"-y", "--dry-run", "--execute"} & set(
            words
        )
        yield tuple(word for word in words if word not in follows) + (("-y",) if confirmed else ())
