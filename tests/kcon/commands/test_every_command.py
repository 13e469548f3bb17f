"""The tables of all commands: a new command must say what it is, so that no test that goes through them forgets it."""

from collections import Counter
from collections.abc import Iterator

import click

from kcon.commands.parse import parse
from kcon.commands.tree import root_command
from tests.every_command import APART, CHANGES, CHANGES_ELSEWHERE, LOCAL, READS, READS_RECORDS, TABLES


def leaves(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, f"{path} {name}".strip())
    else:
        yield path, command


TREE = dict(leaves(root_command()))


def test_every_command_stands_in_one_table_of_tests_every_command() -> None:
    """Add a new command to READS, READS_RECORDS, CHANGES, LOCAL or APART of tests/every_command.py."""
    counted = Counter(path for table in TABLES for path in table)
    assert {path for path, count in counted.items() if count > 1} == set()
    assert counted.keys() == TREE.keys()


def test_a_command_that_wants_a_confirmation_is_a_change() -> None:
    for path, command in TREE.items():
        options = {name for param in command.params for name in param.opts}
        if options & {"--confirm", "--execute", "--dry-run"} and path not in APART | LOCAL:
            assert path in CHANGES or path in CHANGES_ELSEWHERE, path


def test_the_words_parse() -> None:
    for path, words in (READS | READS_RECORDS | LOCAL | CHANGES_ELSEWHERE).items():
        parse([*path.split(), *words])
    for path, (_api, several) in CHANGES.items():
        for words in several:
            parse([*path.split(), *words])
