"""What comes over the wire never acts on a terminal: the corpus through every command, in every format, on a PTY.

Names, hosts, settings, members, error messages: whatever a broker may say is drawn from the corpus of
`tests/hostile_text.py`. What reaches the terminal holds no byte that it acts on, but kcon's own.
"""

import io
import json
from pathlib import Path

import pytest

from kcon.cli.environment import Environment
from kcon.cli.run import run
from tests.answering_broker import AnsweringBroker
from tests.command_tree import formats_of
from tests.every_command import CHANGES, LOCAL, READS
from tests.hostile_text import CORPUS, is_forbidden
from tests.pty_output import run_on_terminal

NOW_MS = 1_795_487_700_000


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".git").mkdir()
    return {
        "KCON_CONFIG_DIR": str(tmp_path / "config"),
        "KCON_STATE_DIR": str(tmp_path / "state"),
        "HOME": str(tmp_path),
        "TZ": "UTC",
        "PATH": "/usr/bin:/bin",
        "KCON_TRACEBACK": "1",
    }


def check(argv: tuple[str, ...], variables: dict[str, str], folder: Path) -> tuple[int, bytes]:
    code, seen = run_on_terminal(argv, variables, folder, now_ms=NOW_MS)
    assert is_forbidden(seen) is None, (argv, is_forbidden(seen))
    assert b"Traceback" not in seen, seen.decode("utf-8", "replace")
    return code, seen


def test_the_corpus_is_large_and_bad() -> None:
    assert len(CORPUS) >= 300
    bad = [text for text in CORPUS if is_forbidden(text.encode("utf-8", "surrogateescape"), erasing=False)]
    assert len(bad) >= 300


@pytest.mark.parametrize("path", READS)
def test_names_of_the_wire_are_harmless_in_every_format(path: str, variables: dict[str, str], tmp_path: Path) -> None:
    """The formats together see the whole corpus; `test_the_whole_corpus_in_every_format` is the long form."""
    _go_through_formats(path, variables, tmp_path, many=len(CORPUS) // 8)


@pytest.mark.slow
@pytest.mark.parametrize("path", READS)
def test_the_whole_corpus_in_every_format(path: str, variables: dict[str, str], tmp_path: Path) -> None:
    _go_through_formats(path, variables, tmp_path, many=len(CORPUS))


def _go_through_formats(path: str, variables: dict[str, str], tmp_path: Path, *, many: int) -> None:
    seen_bytes = 0
    with AnsweringBroker(CORPUS, many=many) as broker:
        variables["KCON_BOOTSTRAP"] = broker.address
        for chosen in formats_of(path) or [""]:
            words = (*path.split(), *READS[path])
            _, seen = check((*words, "--output", chosen) if chosen else words, variables, tmp_path)
            seen_bytes = max(seen_bytes, len(seen))
            assert broker.asked, (words, seen)
    assert seen_bytes > 100, "something was printed"


@pytest.mark.parametrize("path", [*READS, *CHANGES])
@pytest.mark.parametrize("output", ["table", "json"])
def test_errors_of_the_wire_are_harmless(path: str, output: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Error messages are text of the broker too; each item of an answer may have one."""
    entry = CHANGES.get(path)
    words = entry[1][0] if entry is not None else READS[path]
    with AnsweringBroker(CORPUS, error_code=29) as broker:  # TOPIC_AUTHORIZATION_FAILED
        variables["KCON_BOOTSTRAP"] = broker.address
        options = ("--output", output) if output in formats_of(path) else ()
        _, seen = check((*path.split(), *words, *options, "--timeout", "5s"), variables, tmp_path)
        if (path, output) not in _SILENT:
            assert seen


_SILENT = frozenset({("share describe", "table"), ("streams describe", "table")})
"""With no group of the kind there is nothing to say."""


USAGES: dict[str, tuple[str, ...]] = {
    "a command": ("{}",),
    "a verb": ("topic", "{}"),
    "a word too many": ("cluster", "info", "{}"),
    "an option": ("topic", "list", "--{}"),
    "an option's value": ("topic", "list", "--output", "{}"),
    "a number": ("topic", "list", "--limit", "{}"),
    "a duration": ("topic", "list", "--timeout", "{}"),
    "a zone": ("topic", "list", "--tz", "{}"),
    "an address": ("context", "add", "a", "--replace", "-b", "{}"),
    "a context": ("topic", "list", "-C", "{}"),
    "a setting": ("topic", "list", "-X", "{}=1"),
    "a setting's value": ("topic", "list", "-X", "security.protocol={}"),
    "an offset": ("group", "reset", "g", "--to", "{}"),
    "an error code": ("errcode", "{}"),
    "an api": ("raw", "{}"),
    "a folder": ("doctor", "--data-dir", "{}"),
    "a file": ("context", "import", "--from", "java", "{}"),
    "a name": ("context", "use", "{}"),
    "a new name": ("context", "add", "{}", "-b", "h:1"),
    "an audited target": ("audit", "{}"),
}


@pytest.mark.parametrize("usage", USAGES)
def test_words_of_the_command_line_are_harmless(usage: str, variables: dict[str, str], tmp_path: Path) -> None:
    """A script may paste what somebody else wrote."""
    variables["KCON_BOOTSTRAP"] = "127.0.0.1:1"
    step = 40 if usage == "a zone" else 3  # An unknown zone is compared with all that there are.
    for text in CORPUS[len(usage) % step :: step]:
        if "\0" in text:
            continue  # No word of a command line holds it.
        check(tuple(word.format(text) if "{}" in word else word for word in USAGES[usage]), variables, tmp_path)


@pytest.mark.parametrize("path", LOCAL)
def test_files_of_this_machine_are_harmless(path: str, variables: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    lines = ['[context.prod]\nbootstrap = "h:1"\n']
    for index, text in enumerate(text for text in CORPUS if text.isprintable() or text.isascii()):
        lines.append(f"[[context.prod.serde]]\ntopic = {_toml(text)}\nvalue = {_toml(text or 'x')}\n")
        if index > 300:
            break
    config.write_text("".join(lines), "utf-8")
    audit = tmp_path / "state" / "audit.jsonl"
    audit.parent.mkdir()
    entries = [{"time_ms": 1, "event": text, "operation": text, "targets": [text], "user": text} for text in CORPUS]
    audit.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for chosen in formats_of(path) or [""]:
        words = (*path.split(), *LOCAL[path])
        check((*words, "--output", chosen) if chosen else words, variables, tmp_path)


def _toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(char):08X}" if not char.isalnum() else char for char in text) + '"'


def test_a_pipe_gets_the_exact_names(variables: dict[str, str], tmp_path: Path) -> None:
    """What is made safe for a terminal is not changed for a program: each name arrives as the broker said it."""
    names = [text for text in CORPUS if text and not any(0xDC80 <= ord(char) <= 0xDCFF for char in text)]
    out = io.BytesIO()
    with AnsweringBroker(names, many=len(names), fixed={"topic_id": None, "partitions": ()}) as broker:
        variables["KCON_BOOTSTRAP"] = broker.address
        nothing = Environment(stdin=io.BytesIO(), stdout=out, stderr=io.BytesIO(), variables=variables, folder=tmp_path)
        assert run(("topic", "list", "-o", "json", "--internal"), nothing) == 0
    told = {item["name"] for item in json.loads(out.getvalue())["items"]}
    assert len(told & set(names)) >= 250
    assert out.getvalue().isascii() or is_forbidden(out.getvalue()) is None


def test_the_reader_of_the_terminal_can_see_harm(variables: dict[str, str], tmp_path: Path) -> None:
    """The checks above can fail: a sequence that is written is found."""
    assert is_forbidden(b"a\x1b[2Jb")
    assert is_forbidden("a\x9bb".encode())
    assert is_forbidden("a\u202eb".encode())
    assert is_forbidden(b"progress\r\x1b[Kdone\r\n") is None
