"""What is in records never acts on a terminal: the corpus as values, keys and headers, through each record command.

`--raw` hands it over to those who ask, and a pipe gets the exact bytes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kcon.core.wire_text import WireText
from tests.hostile_text import CORPUS, is_forbidden
from tests.kcon.cli.shell import Shell
from tests.pty_output import run_on_terminal

TOPIC = "hostile-records"
GROUP = "g\x1b]0;owned\x07\x9b2J\u202e"
HARM = b"a\x1b[2Jb\xc2\x9b2Jc"
"""The first value: what `--raw` must pass on."""
VALUES = [HARM, *(text.encode("utf-8", "surrogateescape") for text in CORPUS)]
TEMPLATE = "%t %p %o %k %s %h %T %K %S\\n"


class Records(NamedTuple):
    """A topic of hostile records, and who asks."""

    shell: Shell
    folder: Path

    def seen(self, *words: str, code: int | None = 0) -> bytes:
        """Return what reached the terminal of a command."""
        ran, seen = run_on_terminal(words, self.shell.variables, self.folder, now_ms=None)
        assert code is None or ran == code, (words, ran, seen[-500:])
        assert b"Traceback" not in seen
        return seen


@pytest.fixture(scope="module")
def records(kcon_broker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    """Fill a topic: each text of the corpus is a value, a key, a header's name and a header's value."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    folder = tmp_path_factory.mktemp("hostile")
    (folder / ".git").mkdir()
    shell = Shell(kcon_broker.bootstrap, folder)
    shell.variables["KCON_TRACEBACK"] = "1"
    shell("topic", "create", TOPIC, "-p", "1")
    producer = Producer({"bootstrap.servers": kcon_broker.bootstrap})
    for index, value in enumerate(VALUES):
        name = value.decode("utf-8", "replace").replace("\0", "0")
        producer.produce(TOPIC, value, VALUES[-index], headers=[(name or "h", value), ("none", None)], partition=0)
    assert producer.flush(60) == 0
    consumer = Consumer({"bootstrap.servers": kcon_broker.bootstrap, "group.id": GROUP})
    consumer.commit(offsets=[TopicPartition(TOPIC, 0, 1)], asynchronous=False)
    consumer.close()
    yield Records(shell, folder)
    shell("topic", "delete", TOPIC, "-y")
    shell("group", "delete", GROUP, "-y")


FORMATS: dict[str, tuple[str, ...]] = {
    "values": (),
    "keys": ("-K", "\\t"),
    "template": ("-f", TEMPLATE),
    "ndjson": ("-J",),
    "json": ("--output", "json"),
    "text": ("-s", "text"),
    "decoded": ("-s", "key=json,text", "-s", "value=json,text,hex", "-f", TEMPLATE),
}
ADDRESSES = tuple(f"{TOPIC}/0/{offset}" for offset in range(0, len(VALUES), 60))
COMMANDS: dict[str, tuple[str, ...]] = {
    "consume": ("consume", TOPIC, "-e"),
    "tail": ("tail", TOPIC, "-n", str(len(VALUES)), "-e"),
    "get": ("get", *ADDRESSES),
    "search": ("search", TOPIC, "--where", "true"),
}


@pytest.mark.parametrize("chosen", FORMATS)
@pytest.mark.parametrize("command", COMMANDS)
def test_records_are_harmless_on_a_terminal(records: Records, command: str, chosen: str) -> None:
    seen = records.seen(*COMMANDS[command], *FORMATS[chosen])
    assert is_forbidden(seen) is None, is_forbidden(seen)
    assert len(seen) > 100, "the records were shown"


REPORTS = [
    *(
        ("topic", "analyze", TOPIC, "-o", each)
        for each in ("table", "wide", "json", "ndjson", "yaml", "csv", "tsv", "name")
    ),
    *(("why", GROUP, "-o", each) for each in ("table", "json", "csv")),
]


@pytest.mark.parametrize("words", REPORTS, ids=lambda words: f"{words[0]} {words[-1]}")
def test_reports_about_records_are_harmless(records: Records, words: tuple[str, ...]) -> None:
    seen = records.seen(*words, code=None)
    assert is_forbidden(seen) is None, is_forbidden(seen)
    assert seen


@pytest.mark.parametrize("command", COMMANDS)
def test_raw_passes_the_bytes_to_a_terminal(records: Records, command: str) -> None:
    # A terminal is told CR LF for each LF; the value itself is as it was.
    assert HARM in records.seen(*COMMANDS[command], "--raw")
    assert HARM not in records.seen(*COMMANDS[command])


def test_a_pipe_gets_the_exact_bytes(records: Records) -> None:
    assert records.shell("consume", TOPIC, "-e", "-D", "").out == b"".join(VALUES)
    assert records.shell("consume", TOPIC, "-e").out == b"".join(value + b"\n" for value in VALUES)
    assert records.shell("get", f"{TOPIC}/0/0").out.rstrip(b"\n") == HARM


def test_json_in_a_pipe_is_exact_and_harmless(records: Records) -> None:
    import base64

    lines = records.shell("consume", TOPIC, "-e", "-J").out
    assert is_forbidden(lines) is None, "JSON escapes what a terminal could act on, so that `| head` is safe too"
    told = [json.loads(line) for line in lines.splitlines()]
    values = [base64.b64decode(item["value_b64"]) if "value_b64" in item else item["value"].encode() for item in told]
    assert values == VALUES


@pytest.mark.parametrize(
    "words",
    [
        ("consume", "{}", "-e"),
        ("tail", "{}", "-e"),
        ("search", "{}", "--where", "true"),
        ("get", "{}/0/0"),
        ("topic", "analyze", "{}"),
        ("why", "{}"),
        ("why", "group/{}"),
        ("consume", TOPIC, "-e", "-n", "1", "-s", "{}"),
        ("consume", TOPIC, "-e", "--where", "{}"),
        ("consume", TOPIC, "-e", "-f", "%{}"),
    ],
    ids=lambda words: " ".join(words).replace("{}", "…"),
)
def test_names_that_are_not_there_are_harmless(records: Records, words: tuple[str, ...]) -> None:
    for text in CORPUS[len(words[0]) :: 97]:
        if "\0" not in text:  # No word of a command line holds it.
            seen = records.seen(*(word.replace("{}", text) for word in words), "--timeout", "5s", code=None)
            assert is_forbidden(seen) is None, (text, is_forbidden(seen))


def test_a_hostile_group_is_told_by_its_safe_name(records: Records) -> None:
    seen = records.seen("group", "describe", GROUP)
    assert str(WireText(GROUP)).encode() in seen
