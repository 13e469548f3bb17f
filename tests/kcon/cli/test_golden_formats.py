"""Every command in every format, byte by byte: what scripts and people got used to changes only on purpose.

The answers are those of `tests/answering_broker.py` for a few plain names. What needs records, or a group that moves,
is in `transcripts`. After a wanted change write the files anew: `KCON_WRITE_GOLDEN=1 pytest
tests/kcon/cli/test_golden_formats.py`, and read the difference.
"""

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from kcon.cli.environment import Environment
from kcon.cli.run import run
from tests.answering_broker import AnsweringBroker
from tests.command_tree import formats_of
from tests.every_command import CHANGES, LOCAL, READS, READS_RECORDS

GOLDEN = Path(__file__).with_name("golden")
NAMES = ("orders", "日本", "tab\there", "e-mail", "x")
NOW_MS = 1_795_487_700_000
CONTEXTS = (
    '[context.prod]\nbootstrap = "h:1"\nmode = "read-only"\ncolor = "red"\n[context.dev]\nbootstrap = ["a:1", "b:2"]\n'
)
CHANGED = [path for path, (api, _words) in CHANGES.items() if api is not None and formats_of(path)]
COMMANDS = sorted({*READS, *CHANGED, *LOCAL, "top"} - {"completion"})
"""A completion script names every command there is: it would be written anew for each of them."""

FIXED: dict[str, object] = {"state": "Empty", "group_state": "Empty", "group_type": "classic"}
"""What the broker says so that a change is possible."""
MORE: dict[str, dict[str, object]] = {
    "user create": {"results": []},
    "cluster unregister": {"is_fenced": True, "replica_nodes": [2]},
    "cluster elect": {"replica_nodes": [2, 1], "isr_nodes": [2, 1]},
}
STDIN = {"group offsets import": b"x,0,3\n", "topic apply": b"[topic.x]\n", "user create": b"pw", "user alter": b"pw"}
CHOSEN = (
    (re.compile(rb"\b20\d{6}-\d{6}-[0-9a-f]{4}\b"), b"UNDO_ID"),
    (re.compile(rb'(look_ms"?: ?|look )[\d.]+(?: m?s)?'), rb"\1MS"),
    (re.compile(rb"(poll_time_ms|poll_duration_seconds)(\{[^}]*\}) [\d.]+"), rb"\1\2 TIME"),
    (re.compile(rb"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), b"TIME"),
)
"""What no clock of a test decides."""


def told(command: str, words: tuple[str, ...], output: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return what a command writes for a terminal of 100 columns, and how it ends."""
    out, err = io.BytesIO(), io.BytesIO()
    # By relative paths: a table is as wide as what is in it, and where tests run is none of its business.
    monkeypatch.chdir(folder)
    config = Path("config", "config.toml")
    config.parent.mkdir()
    config.write_text(CONTEXTS)
    config.chmod(0o600)
    Path(".git").mkdir()
    noun = command.partition(" ")[0]
    fixed: dict[str, Any] = {**FIXED, **MORE.get(command, {})} if command in CHANGES else {}
    fixed |= {"group_type": noun} if noun in {"share", "streams"} else {}
    with AnsweringBroker(NAMES, fixed=fixed, is_steady=True) as broker:
        environment = Environment(
            stdin=io.BytesIO(STDIN.get(command, b"")),
            stdout=out,
            stderr=err,
            stdout_is_terminal=True,
            columns=100,
            now_ms=lambda: NOW_MS,
            folder=Path(),
            variables={
                **({} if command in LOCAL else {"KCON_BOOTSTRAP": broker.address}),
                "KCON_CONFIG_DIR": str(config.parent),
                "KCON_STATE_DIR": "state",
                "HOME": "home",
                "TZ": "UTC",
            },
        )
        chosen = ("--output", output) if output else ()
        code = run((*command.split(), *words, *chosen), environment)
        host, _, port = broker.address.rpartition(":")
    text = out.getvalue() + b"".join(b"! %s\n" % line for line in err.getvalue().splitlines())
    text += b"= %d\n" % code if code else b""
    for pattern, word in CHOSEN:
        text = pattern.sub(word, text)
    return re.sub(rb"(?<!\d)%s(?!\d)" % port.encode(), b"PORT", text).replace(host.encode(), b"HOST")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_every_format(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def times_at(*_: object) -> dict[object, int]:
        return {}  # Of records, which this broker does not have.

    monkeypatch.setattr("kcon.cli.group_reset.times_at", times_at)
    # It waits until the topic is gone, which it never is here.
    given = {"topic delete": ("x", "--dry-run")}
    words = (
        given.get(command) or CHANGES[command][1][0]
        if command in CHANGES
        else {**READS, **READS_RECORDS, **LOCAL}[command]
    )
    seen = b""
    for output in formats_of(command) or ("",):
        folder = tmp_path / (output or "one")
        folder.mkdir()
        seen += b"--- %s\n%s" % (output.encode(), told(command, words, output, folder, monkeypatch))
    file = GOLDEN / f"{command.replace(' ', '-')}.txt"
    if os.environ.get("KCON_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(seen)
    assert seen.decode("utf-8", "backslashreplace") == file.read_text("utf-8")


def test_no_file_is_left_over() -> None:
    elsewhere = {"why"}  # tests/kcon/cli/test_why.py, where a group has a history.
    known = {command.replace(" ", "-") for command in COMMANDS}
    assert {file.stem for file in GOLDEN.glob("*.txt")} == known | elsewhere
