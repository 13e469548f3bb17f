"""Exactly-once loads against both brokers: killed at any moment, run again, every row is there once."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kcon.services import load_job
from tests.kcon.cli.shell import Shell

WAIT_S = 60.0
ROWS = 400


@pytest.fixture
def shell(cluster: Any, tmp_path: Path) -> Shell:
    return Shell(cluster.bootstrap, tmp_path)


@pytest.fixture
def topic(shell: Shell, unique: Callable[[str], str]) -> Iterator[str]:
    name = unique("loaded")
    shell("topic", "create", name, "-p", "2")
    yield name
    shell("topic", "delete", name, "-y")


def rows_file(folder: Path, count: int = ROWS) -> Path:
    path = folder / "rows.ndjson"
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(count)))
    return path


def values(shell: Shell, topic: str) -> list[bytes]:
    """Return what a reader of committed records sees, once the markers of the last transaction are written."""
    deadline = time.monotonic() + WAIT_S
    while "hidden" in (ran := shell("consume", topic, "-e")).err:
        assert time.monotonic() < deadline
    return ran.out.splitlines()


def test_the_same_command_goes_on_behind_the_last_row_that_is_committed(
    shell: Shell, topic: str, tmp_path: Path
) -> None:
    path = str(rows_file(tmp_path, 10))
    words = ("load", path, "-t", topic, "--exactly-once")
    (first,) = shell.json(*words, "-n", "4")["items"]
    assert (first["rows"], first["delivered"], first["before"]) == (4, 4, 0)
    (second,) = shell.json(*words)["items"]
    assert (second["rows"], second["delivered"], second["before"]) == (6, 6, 4)
    (third,) = shell.json(*words)["items"]
    assert (third["rows"], third["delivered"], third["before"]) == (0, 0, 10)
    assert Counter(values(shell, topic)) == Counter(b'{"n": %d}' % n for n in range(10))
    # What is appended to the file is the rest of it.
    with Path(path).open("a") as file:
        file.write('{"n": 10}\nno json\n')
    (grown,) = shell.json(*words, code=1)["items"]
    assert (grown["rows"], grown["delivered"], grown["bad"]) == (2, 1, 1)
    (again,) = shell.json(*words, "--again", "--skip-bad")["items"]
    assert (again["delivered"], again["before"]) == (11, 0)
    assert len(values(shell, topic)) == 22


def test_another_file_or_other_options_are_refused(shell: Shell, topic: str, tmp_path: Path) -> None:
    path = rows_file(tmp_path, 10)
    words = ("load", str(path), "-t", topic, "--exactly-once")
    shell(*words)
    assert "other options" in shell(*words, "-k", "n", code=6).err
    path.write_text("".join(f'{{"m": {n}}}\n' for n in range(20)))
    assert "its beginning differs" in shell(*words, code=6).err
    assert len(values(shell, topic)) == 10


def test_a_shorter_pipe_is_refused(shell: Shell, topic: str, unique: Callable[[str], str], tmp_path: Path) -> None:
    """Standard input has no fingerprint; that it ends before what was read shows that it is another one."""
    job = unique("job")
    path = rows_file(tmp_path, 10)
    shell("load", str(path), "-t", topic, "--job", job)
    path.write_text('{"n": 0}\n')
    assert "its beginning differs" in shell("load", str(path), "-t", topic, "--job", job, code=6).err
    assert "--job NAME" in shell("load", "-", "-t", topic, "--exactly-once", code=2).err
    assert "no name for a job" in shell("load", str(path), "-t", topic, "--job", "a b", code=2).err
    shell("load", str(tmp_path / "missing.csv"), "-t", topic, "--exactly-once", code=5)


def test_a_dry_run_reads_and_sends_nothing(shell: Shell, topic: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3\n")
    ran = shell("load", str(path), "-t", topic, "--dry-run", "-o", "json", code=1)
    (report,) = ran.items()
    assert (report["rows"], report["bad"], report["delivered"]) == (2, 1, 0)
    assert "line 3" in ran.err
    assert values(shell, topic) == []


def test_an_open_transaction_is_not_seen_and_the_rest_is_not_lost(
    shell: Shell, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that is refused within a transaction aborts all of it; nothing of it is ever read."""
    monkeypatch.setattr(load_job, "TRANSACTION_ROWS", 100)
    path = tmp_path / "rows.txt"
    path.write_text("".join(f"{n}\n" for n in range(150)) + "x" * 900_000 + "\n" + "last\n")
    shell("topic", "alter", topic, "--set", "max.message.bytes=100000", "-y")
    limit = ("topic", "describe", topic)
    deadline = time.monotonic() + WAIT_S
    while b"100000" not in shell(*limit, "-o", "json").out:
        assert time.monotonic() < deadline
    ran = shell("load", str(path), "-t", topic, "--exactly-once", "-z", "none", code=None)
    assert ran.code == 1, ran
    seen = values(shell, topic)
    assert Counter(seen) == Counter(b"%d" % n for n in range(100))
    shell("topic", "alter", topic, "--set", "max.message.bytes=1000000", "-y")
    while b"1000000" not in shell(*limit, "-o", "json").out:
        assert time.monotonic() < deadline
    shell("load", str(path), "-t", topic, "--exactly-once", "-z", "none")
    assert len(values(shell, topic)) == 152
    assert len(set(values(shell, topic))) == 152


def killed_and_resumed(shell: Shell, topic: str, path: Path, kills: int, seed: int) -> None:
    """Kill a load `kills` times at random moments, then let one finish; every row must be there once."""
    print(f"seed {seed}")
    moments = random.Random(seed)
    words = ("load", str(path), "-t", topic, "--exactly-once", "--rate", "150", "-o", "json")
    for _ in range(kills):
        running = shell.start(*words)
        deadline = time.monotonic() + moments.uniform(0.5, 3.0)
        while time.monotonic() < deadline and running.poll() is None:
            signal.sigtimedwait([], 0.01)
        running.kill()
        running.communicate(timeout=WAIT_S)
    (report,) = shell.json("load", str(path), "-t", topic, "--exactly-once")["items"]
    assert report["before"] + report["rows"] == ROWS
    assert Counter(values(shell, topic)) == Counter(b'{"n": %d}' % n for n in range(ROWS))


def test_a_killed_load_goes_on_without_loss_or_duplicates(shell: Shell, topic: str, tmp_path: Path) -> None:
    killed_and_resumed(shell, topic, rows_file(tmp_path), kills=1, seed=20_260_131)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_loads_killed_many_times_go_on(shell: Shell, topic: str, tmp_path: Path, seed: int) -> None:
    killed_and_resumed(shell, topic, rows_file(tmp_path), kills=4, seed=seed)
