"""The same commands against kcon's own broker and against Apache Kafka; signals and terminals with real processes."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kcon.cli.environment import Environment
from kcon.cli.run import run

WAIT_S = 60.0


class Ran(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Shell:
    """Runs `kcon` as a user's shell would, against one cluster."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("KCON_")},
            "KCON_BOOTSTRAP": bootstrap,
            "KCON_CONFIG_DIR": str(folder / "config"),
            "KCON_STATE_DIR": str(folder / "state"),
            "TZ": "UTC",
        }
        self.folder = folder
        self.argv = [sys.executable, "-m", "kcon"]

    def run(self, *words: str, stdin: bytes = b"", code: int | None = 0) -> Ran:
        """Run a command line in this process, as the `kcon` command does, and check its exit code."""
        out, err = io.BytesIO(), io.BytesIO()
        environment = Environment(
            stdin=io.BytesIO(stdin), stdout=out, stderr=err, variables=self.environment, folder=self.folder
        )
        ran = Ran(run(words, environment), out.getvalue(), err.getvalue())
        assert code is None or ran.returncode == code, (words, ran)
        return ran

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command line and read its JSON."""
        return json.loads(self.run(*words, "--output", "json", code=code).stdout)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command line that goes on."""
        return subprocess.Popen(
            [*self.argv, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )


@pytest.fixture
def kcon(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


@pytest.fixture
def topic(kcon: Shell, unique: Callable[[str], str]) -> Iterator[str]:
    """Make a topic of two partitions with the values 0..19, even ones in partition 0."""
    name = unique("live")
    kcon.run("topic", "create", name, "-p", "2")
    for partition in (0, 1):
        lines = "".join(f"k{number}:{number}\n" for number in range(partition, 20, 2))
        kcon.run("produce", name, "-K", ":", "-p", str(partition), stdin=lines.encode())
    yield name
    kcon.run("topic", "delete", name, "-y")


def test_topic_life(kcon: Shell, topic: str) -> None:
    assert kcon.run("topic", "list", topic, "-o", "name").stdout == f"{topic}\n".encode()
    (described,) = kcon.json("topic", "describe", topic)["items"]
    assert [(part["start"], part["end"]) for part in described["partitions"]] == [(0, 10), (0, 10)]
    assert kcon.json("topic", "create", topic, code=1)["errors"][0]["exitCode"] == 1
    kcon.run("topic", "describe", f"{topic}-nope", code=5)


def test_consume_writes_the_exact_values(kcon: Shell, topic: str) -> None:
    assert kcon.run("consume", topic, "-p", "0", "-e").stdout == b"".join(b"%d\n" % n for n in range(0, 20, 2))
    assert kcon.run("consume", topic, "-p", "1", "-o", "-2", "-e", "-K", "=").stdout == b"k17=17\nk19=19\n"
    assert kcon.run("consume", topic, "-p", "0", "-o", "2..4", "-f", "%p/%o %s\\n").stdout == b"0/2 4\n0/3 6\n"
    assert len(kcon.json("consume", topic, "-e")["items"]) == 20
    assert len(kcon.run("consume", topic, "-n", "3").stdout.splitlines()) == 3
    assert len(kcon.run("tail", topic, "-n", "4", "-e").stdout.splitlines()) == 4


def test_produced_headers_keys_and_nulls_come_back(kcon: Shell, unique: Callable[[str], str]) -> None:
    name = unique("exact")
    kcon.run("topic", "create", name, "-p", "1")
    kcon.run("produce", name, "NULL", "-k", "key", "-H", "a=1", "-Z", "NULL")
    kcon.run("produce", name, stdin=b"\xff\x00\nlast without an end")
    records = [json.loads(line) for line in kcon.run("consume", name, "-e", "-J").stdout.splitlines()]
    assert [record.get("value", record.get("value_b64")) for record in records] == [None, "/wA=", "last without an end"]
    assert records[0]["key"] == "key"
    assert records[0]["headers"] == [{"name": "a", "value": "1"}]
    kcon.run("topic", "delete", name, "-y")


def test_reset_and_undo(kcon: Shell, topic: str, unique: Callable[[str], str]) -> None:
    group = unique("group")
    kcon.run("consume", topic, "-g", group, "-e", "-q")
    lag = kcon.json("group", "lag", group)["items"]
    assert [(row["partition"], row["committed"], row["lag"]) for row in lag] == [(0, 10, 0), (1, 10, 0)]
    kcon.run("group", "reset", group, "--to", "start", code=6)
    kcon.run("group", "reset", group, "--to", "start", "--dry-run")
    assert [row["lag"] for row in kcon.json("group", "lag", group)["items"]] == [0, 0]
    plan = kcon.json("group", "reset", group, "--to", "end-3", "-t", f"{topic}:1", "--execute")["items"]
    assert [(row["partition"], row["current"], row["new"], row["delta"], row["result"]) for row in plan] == [
        (1, 10, 7, -3, "committed")
    ]
    assert plan[0]["time"] is not None
    assert [row["lag"] for row in kcon.json("group", "lag", group)["items"]] == [0, 3]
    kcon.run("group", "undo", group, "-y")
    assert [row["lag"] for row in kcon.json("group", "lag", group)["items"]] == [0, 0]
    kcon.run("group", "delete", group, "-y")
    kcon.run("group", "describe", group, code=5)


def test_an_undo_deletes_commits_that_were_not_there(kcon: Shell, topic: str, unique: Callable[[str], str]) -> None:
    group = unique("group")
    kcon.run("group", "reset", group, "--to", "start", "-t", topic, "-y")
    assert len(kcon.json("group", "lag", group)["items"]) == 2
    kcon.run("group", "undo", group, "-y")
    # Apache Kafka forgets an empty group only after a while, so it may still be there, without commits.
    assert len(kcon.run("group", "lag", group, code=None).stdout.splitlines()) == 1


def test_an_active_group_is_not_moved(kcon: Shell, topic: str, unique: Callable[[str], str]) -> None:
    group = unique("busy")
    member = kcon.start("consume", topic, "-g", group)
    assert member.stdout is not None
    try:
        read = [member.stdout.readline() for _ in range(20)]
        deadline = time.monotonic() + WAIT_S
        while kcon.run("group", "describe", group, code=None).returncode != 0 or not active(kcon, group):
            assert time.monotonic() < deadline
        refused = kcon.run("group", "reset", group, "--to", "start", "-t", topic, "-y", code=6)
        assert b"cannot be moved" in refused.stderr
    finally:
        member.send_signal(signal.SIGINT)
        out, err = member.communicate(timeout=WAIT_S)
    assert (member.returncode, out, len(set(read))) == (0, b"", 20), err
    kcon.run("group", "reset", group, "--to", "start", "-y", "--wait", "30s")


def active(kcon: Shell, group: str) -> bool:
    (described,) = kcon.json("group", "describe", group)["items"]
    return described["state"] == "Stable" and bool(described["members"][0]["assignment"])


def test_load_reports_bad_rows_by_line(kcon: Shell, topic: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n1,a\n2,b,too many\n3,c\n")
    ran = kcon.run("load", str(path), "-t", topic, "-k", "id", "-o", "json", code=1)
    (report,) = json.loads(ran.stdout)["items"]
    assert (report["rows"], report["delivered"], report["bad"]) == (3, 2, 1)
    assert b"line 3" in ran.stderr
    kcon.run("load", str(path), "-t", topic, "--skip-bad")


def test_what_does_not_exist(kcon: Shell, unique: Callable[[str], str]) -> None:
    missing = unique("missing")
    for words in (
        ("consume", missing, "-e"),
        ("produce", missing, "v"),
        ("group", "lag", missing),
        ("group", "reset", missing, "--to", "end", "-y"),
        ("group", "undo", missing),
        ("topic", "delete", missing, "-y"),
    ):
        kcon.run(*words, code=5)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_a_follower_ends_with_its_signal(kcon: Shell, topic: str, number: signal.Signals, code: int) -> None:
    follower = kcon.start("tail", topic, "-n", "1")
    assert follower.stdout is not None
    assert follower.stdout.readline()  # It has connected, and follows now.
    follower.send_signal(number)
    _out, err = follower.communicate(timeout=WAIT_S)
    assert follower.returncode == code
    assert err == b""


def test_a_reader_that_leaves_is_no_error(kcon: Shell, topic: str) -> None:
    writer = kcon.start("consume", topic, "-f", "%s" + "x" * 100_000 + "\\n", "-e")
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.read(10)
    writer.stdout.close()
    assert writer.wait(WAIT_S) == 0
    assert writer.stderr.read() == b""
    writer.stderr.close()


def on_terminal(argv: list[str], environment: Mapping[str, str], answer: bytes = b"") -> tuple[int, bytes]:
    """Run a command on a pseudo-terminal; return the exit code and every byte that reached the terminal."""
    pid, master = pty.fork()
    if pid == 0:
        try:
            # Nobody is there to leave a pager.
            os.execvpe(argv[0], argv, {**environment, "TERM": "xterm-256color", "KCON_PAGER": "cat"})
        finally:
            os._exit(127)
    seen = b""
    deadline = time.monotonic() + WAIT_S
    asked = not answer
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 1.0)
        if not ready:
            continue
        try:
            data = os.read(master, 65_536)
        except OSError:  # Linux says EIO when the other end is gone.
            break
        if not data:
            break
        seen += data
        if not asked and b"[y/N]" in seen:
            os.write(master, answer)
            asked = True
    _, status = os.waitpid(pid, 0)
    os.close(master)
    return os.waitstatus_to_exitcode(status), seen


HOSTILE = b"\x1b]52;c;ZXZpbA==\x07\x1b]0;owned\x1b\\\x9b2J\xc2\x9b6n\xe2\x80\xaeok"


def test_nothing_hostile_reaches_a_terminal(kcon: Shell, topic: str, unique: Callable[[str], str]) -> None:
    """A group id and a record are chosen by whoever may write; the operator's terminal must not act on them."""
    group = unique("evil") + HOSTILE.decode("utf-8", "replace").replace("\ufffd", "\u009b")
    kcon.run("produce", topic, "-p", "0", "-k", "evil", stdin=HOSTILE)
    kcon.run("group", "reset", group, "--to", "start", "-t", topic, "-y")
    for words in (
        ("group", "list"),
        ("group", "list", "-o", "json"),
        ("group", "list", "-o", "name"),
        ("group", "lag", group),
        ("group", "reset", group, "--to", "end"),
        ("consume", topic, "-e", "-K", ":"),
        ("consume", topic, "-e", "-J"),
    ):
        _code, seen = on_terminal([*kcon.argv, *words], kcon.environment, b"n\n")
        assert b"evil" in seen, words
        assert b"\x1b" not in seen, (words, seen)
        assert b"\x07" not in seen
        assert b"\xc2\x9b" not in seen
        assert b"\xe2\x80\xae" not in seen
    kcon.run("group", "delete", group, "-y")


def test_a_terminal_is_asked_and_answered(kcon: Shell, unique: Callable[[str], str]) -> None:
    name = unique("asked")
    kcon.run("topic", "create", name)
    code, seen = on_terminal([*kcon.argv, "topic", "delete", name], kcon.environment, b"n\n")
    assert code == 6
    assert b"This cannot be undone. [y/N]" in seen
    code, _seen = on_terminal([*kcon.argv, "topic", "delete", name], kcon.environment, b"\x03")
    assert code == 130, "ctrl-C at the question ends it at once"
    kcon.run("topic", "describe", name)
    code, _seen = on_terminal([*kcon.argv, "topic", "delete", name], kcon.environment, b"y\n")
    assert code == 0
    kcon.run("topic", "describe", name, code=5)
