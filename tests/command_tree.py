"""Which commands are there, and which formats has each? The leaves of kcon's tree, for tests to go through."""

from collections.abc import Iterator, Sequence

import click

from kcon.commands.tree import root_command


def _leaves(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _leaves(found, f"{path} {name}".strip())
    else:
        yield path, command


TREE = dict(_leaves(root_command()))
"""Every command by its words, e.g. `group offsets get`."""


def leaf_of(words: Sequence[str]) -> str:
    """Return the command that words begin with."""
    return next(path for length in (3, 2, 1) if (path := " ".join(words[:length])) in TREE)


def formats_of(path: str) -> tuple[str, ...]:
    """Return what a command takes for --output; nothing where it has one form alone."""
    for param in TREE[path].params:
        if "--output" in param.opts and isinstance(param.type, click.Choice):
            return tuple(map(str, param.type.choices))
    return ()
