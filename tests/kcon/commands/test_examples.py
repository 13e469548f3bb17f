"""The examples in the help: every command has one, and each is a command line that parses."""

import shlex
from collections.abc import Iterator

import click
import pytest

from kcon.commands.examples import examples_of, split_examples
from kcon.commands.parse import HelpRequested, parse
from kcon.commands.table import ROOT_EXAMPLES
from kcon.commands.tree import root_command


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}")


TREE = dict(commands(root_command(), "kcon"))


def words_of(example: str) -> list[str]:
    """Return the words of the kcon command in a shell line: what stands before a pipe or a redirection."""
    lexer = shlex.shlex(example.removeprefix("source <(").rstrip(")"), posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    words = list(lexer)
    ends = [index for index, word in enumerate(words) if set(word) <= set("|<>")]
    return words[: ends[0]] if ends else words


@pytest.mark.parametrize("path", [path for path in TREE if path != "kcon"])
def test_every_help_has_examples_and_each_of_them_parses(path: str) -> None:
    """A new command brings its own: a paragraph `Example: kcon ...` in its docstring."""
    examples = examples_of(TREE[path], path)
    assert examples
    for example in examples:
        words = words_of(example)
        assert words[0] == "kcon", example
        assert " ".join(words).startswith(path), example
        parse(words[1:])
    with pytest.raises(HelpRequested) as asked:
        parse([*path.split()[1:], "--help"])
    assert all(f"\n  {example}\n" in asked.value.text for example in examples), "whole, to be copied"


def test_the_examples_of_the_root_parse() -> None:
    for example in ROOT_EXAMPLES:
        parse(words_of(example)[1:])


def test_examples_are_not_part_of_the_text() -> None:
    text, examples = split_examples("Do it.\n\nMore.\n\nExample: kcon x\n  y\n\nLast.\n\nExample: kcon z")
    assert text == "Do it.\n\nMore.\n\nLast."
    assert examples == ("kcon x y", "kcon z")
