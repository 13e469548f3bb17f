"""Nothing is forgotten: each command of the tree is in the tables that tests go through, and has its own tests."""

import re
import shlex
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

from kcon.commands.parse import parse
from tests.command_tree import TREE, formats_of, leaf_of
from tests.every_command import APART, CHANGES, CHANGES_ELSEWHERE, LOCAL, READS, READS_RECORDS, TABLES
from tests.transcript import read_transcript, words_of

ROOT = Path(__file__).resolve().parents[3]
CLI = ROOT / "tests" / "kcon" / "cli"


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


@cache
def lines_by_command() -> dict[str, list[list[str]]]:
    """Return the lines of all transcripts, which run on both brokers."""
    found: dict[str, list[list[str]]] = {}
    for file in sorted((CLI / "transcripts").glob("*.txt")):
        for step in read_transcript(file):
            if step.line.startswith("$ "):
                words, _given, _wanted = words_of(step.line)
                found.setdefault(leaf_of(words), []).append(words)
    return found


def fixed_formats(path: str) -> set[str]:
    """Return the formats of a command that are compared byte by byte; "" is the one form of a command without."""
    golden = CLI / "golden" / f"{path.replace(' ', '-')}.txt"
    if golden.exists():
        return set(re.findall(r"^--- (\S*)$", golden.read_text("utf-8"), re.MULTILINE))
    lines = lines_by_command().get(path, [])
    if not formats_of(path):
        return {""} if lines else set()
    asked = {word for words in lines for option, word in pairwise(words) if option in _OUTPUT}
    return set(formats_of(path)) if "*" in asked else asked


_OUTPUT = {"-o", "--output"}


def test_every_command_runs_on_both_brokers() -> None:
    """Write a line for it into a file of tests/kcon/cli/transcripts."""
    assert TREE.keys() - LOCAL.keys() - APART.keys() - lines_by_command().keys() == set()


def test_every_format_of_every_command_is_fixed() -> None:
    """By a file of tests/kcon/cli/golden, or by a line of a transcript that ends in `-o *`."""
    lacking = {path: set(formats_of(path) or ("",)) - fixed_formats(path) for path in TREE.keys() - APART.keys()}
    assert {path: formats for path, formats in lacking.items() if formats} == {}


def test_what_stands_apart_has_tests_of_its_own() -> None:
    for path, (_why, test) in APART.items():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8"), path


def test_every_command_stands_in_the_parity_page() -> None:
    """Beside what other tools have for it, or at the end among what none of them has."""
    page = (ROOT / "docs" / "parity.md").read_text("utf-8").replace("\\|", "|")
    forms = [shlex.split(form)[1:] for form in re.findall(r"`(kcon [^`]+)`", page)]
    told = {parse_path(words) for words in forms}
    assert TREE.keys() - told == set()


def parse_path(words: list[str]) -> str:
    """Return the command of a line that may use another spelling of it."""
    spelt = [{"seek": "reset"}.get(word, word) for word in words]
    return "" if spelt == ["--version"] else leaf_of(spelt)
