"""A node of three fails in the middle of commands: they finish, or say clearly what they could not do, in their time.

The node is the one that matters most: it leads the topic, coordinates the group and is the active controller.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from kcon.errors import ExitCode
from tests.kcon.cli.shell import Ran, Shell
from tests.semantics.batches import batch_of
from tests.semantics.kafka import Broker, Kafka

pytestmark = pytest.mark.java

TIMEOUT_S = 15
ENDS_WITHIN_S = 4 * TIMEOUT_S
"""A command ends at its deadline, one of many records when nothing moved for so long; the rest is for slow machines."""
SETTLE_S = 60.0
CLEAR = frozenset({ExitCode.OK, ExitCode.FAILED, ExitCode.UNREACHABLE})
RECORDS = 200
UNKNOWN_PRODUCER = 987_654_321
TV1_PRODUCE = 11
"""From version 12 on the broker adds the partition to the transaction itself."""


class Running:
    """A command on a thread of its own."""

    def __init__(self, shell: Shell, words: tuple[str, ...]) -> None:
        self.words = words
        self.ran: Ran | None = None
        self.took_s = 0.0
        self._shell = shell
        self._thread = threading.Thread(target=self._run, name=" ".join(words), daemon=True)
        self._thread.start()

    def _run(self) -> None:
        begun_s = time.monotonic()
        self.ran = self._shell(*self.words, "--timeout", f"{TIMEOUT_S}s", code=None)
        self.took_s = time.monotonic() - begun_s

    def end(self) -> Ran:
        self._thread.join(ENDS_WITHIN_S)
        assert self.ran is not None, f"{self.words} did not end"
        return self.ran


def until(is_so: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + SETTLE_S
    while not is_so():
        assert time.monotonic() < end_s, what
        time.sleep(0.1)


@pytest.fixture
def shell(apache_cluster: Any, tmp_path: Any) -> Shell:
    (tmp_path / ".git").mkdir()
    return Shell(apache_cluster.bootstrap, tmp_path)


def group_of(shell: Shell, node: int, topic: str, unique: Callable[[str], str]) -> str:
    """Make groups until one is coordinated by the node."""
    for _ in range(40):
        group = unique("group")
        shell("group", "reset", group, "--to", "start", "-t", topic, "-y", "--timeout", "20s")
        (described,) = shell.json("group", "describe", group)["items"]
        if described["coordinator"] == node:
            return group
    raise AssertionError(f"no group is coordinated by node {node}")


@pytest.mark.parametrize("fault", ["kill", pytest.param("pause", marks=pytest.mark.slow)])
def test_the_node_that_does_everything_fails_in_the_middle(
    apache_cluster: Any, shell: Shell, unique: Callable[[str], str], fault: str
) -> None:
    node = next(row["node"] for row in shell.json("cluster", "quorum")["items"] if row["role"] == "leader")
    topic, other = unique("orders"), unique("made")
    shell("topic", "create", topic, "-p", "3", "-r", "3", "-y")
    shell("wait", "urp=0", "offline=0", "-t", topic, "--for", "40s", "--every", "100ms")
    shell("produce", topic, stdin=b"".join(b"%d\n" % number for number in range(RECORDS)))
    group = group_of(shell, node, topic, unique)
    started = threading.Barrier(2)

    def strike() -> None:
        started.wait(TIMEOUT_S)
        getattr(apache_cluster, fault)(node)

    striker = threading.Thread(target=strike)
    striker.start()
    commands = [
        Running(shell, words)
        for words in (
            ("group", "reset", group, "--to", "end", "-y"),
            ("group", "lag", group),
            ("topic", "create", other, "-r", "3", "-y"),
            ("topic", "alter", topic, "--set", "retention.ms=7200000", "-y"),
            ("topic", "describe", topic),
            ("consume", topic, "-e"),
            ("txn", "list"),
            ("quota", "alter", "--user", "someone", "--set", "producer_byte_rate=1000", "-y"),
            ("broker", "logdirs"),
            ("cluster", "quorum"),
            ("reassign", "status"),
        )
    ]
    started.wait(TIMEOUT_S)
    striker.join(TIMEOUT_S)
    for command in commands:
        ran = command.end()
        assert ran.code in CLEAR, (command.words, ran)
        assert "Something is broken" not in ran.err
        assert ran.code == 0 or "kcon: " in ran.err, (command.words, ran)
    # The other two do it all before long, and nothing that was told as done is undone.
    until(lambda: shell("topic", "create", other, "--if-not-exists", "-y", code=None).code == 0, "no controller")
    until(lambda: shell("group", "reset", group, "--to", "end", "-y", code=None).code == 0, "no coordinator")
    rows = shell.json("group", "lag", group)["items"]
    assert {row["lag"] for row in rows} == {0}
    assert sorted(map(int, shell("consume", topic, "-e").out.split())) == list(range(RECORDS))
    apache_cluster.restore()
    # One that was cut short may have deleted one of them: then the next finds nothing to delete.
    until(lambda: shell("topic", "delete", topic, other, "-y", code=None).code in {0, 5}, "no deletion")


LINES = [f"line-{number}".ljust(100, ".").encode() for number in range(3_000)]
A_FEW_SECONDS = "100KB"
"""So much a second, that the work is not done before the node fails."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_work_of_many_records_meets_a_node_that_fails(
    apache_cluster: Any, kcon_broker: Any, shell: Shell, unique: Callable[[str], str], fault: str
) -> None:
    """It ends well or says what stopped it; run again it goes on, and every record is there once."""
    node = next(row["node"] for row in shell.json("cluster", "quorum")["items"] if row["role"] == "leader")
    rows, loaded, copied, redriven = (unique(stem) for stem in ("rows", "loaded", "copied", "redriven"))
    for topic in (rows, loaded, redriven):
        shell("topic", "create", topic, "-p", "3", "-r", "3", "-y")
    shell("wait", "urp=0", "offline=0", "-t", rows, "-t", loaded, "-t", redriven, "--for", "40s", "--every", "100ms")
    shell("produce", rows, stdin=b"".join(line + b"\n" for line in LINES))
    file = shell.folder / "rows.txt"
    file.write_bytes(b"".join(line + b"\n" for line in LINES))
    laptop, moved = Shell(kcon_broker.bootstrap, shell.folder), unique("moved")
    laptop("topic", "create", moved, "-p", "3", "-y")
    laptop("produce", moved, stdin=file.read_bytes())
    writers = {
        loaded: ("load", str(file), "-t", loaded, "--exactly-once", "--rate", "1000"),
        copied: ("copy", rows, copied, "--create", "--max-rate", A_FEW_SECONDS, "-y"),
        redriven: ("redrive", rows, "--to", redriven, "--max-rate", A_FEW_SECONDS, "-y"),
        moved: ("migrate", kcon_broker.bootstrap, apache_cluster.bootstrap, moved, "--max-rate", A_FEW_SECONDS, "-y"),
    }
    running = [
        *(Running(shell, words) for words in writers.values()),
        Running(shell, ("search", rows, "--where", "value_size == 100", "-q", "--max-rate", A_FEW_SECONDS)),
        Running(shell, ("consume", rows, "-o", "-10", "-e")),
    ]
    try:
        until(
            lambda: any(row["offset"] for row in shell.json("topic", "offsets", loaded)["items"]), "nothing is loaded"
        )
        getattr(apache_cluster, fault)(node)
        running += [
            Running(shell, words)
            for words in (("group", "lag", "--all"), ("wait", "urp=0", "--for", "5s"), ("consume", rows, "-e"))
        ]
        for command in running:
            ran = command.end()
            assert ran.code in {*CLEAR, ExitCode.CHECK_FAILED}, (command.words, ran)
            assert "Something is broken" not in ran.err
            assert ran.code == 0 or "kcon: " in ran.err, (command.words, ran)
        for topic, words in writers.items():
            until(lambda words=words: shell(*words, code=None).code == 0, f"{words} does not go on")  # type: ignore[misc]
            assert sorted(shell("consume", topic, "-e").out.splitlines()) == sorted(LINES), topic
    finally:
        apache_cluster.restore()


def hang(shell: Shell, topic: str) -> None:
    """Write a record of a transaction that no coordinator knows, to the leader itself, as soon as it is taken."""
    (described,) = shell.json("topic", "describe", topic)["items"]
    (leader,) = [
        row for row in shell.json("broker", "list")["items"] if row["id"] == described["partitions"][0]["leader"]
    ]
    batch = batch_of(b"open", producer_id=UNKNOWN_PRODUCER, epoch=0, sequence=0, transactional=True)
    # Not as a context manager, which waits for coordinators that one node alone has.
    kafka = Kafka(Broker("apache", f"{leader['host']}:{leader['port']}"))

    def is_taken() -> bool:
        told = kafka.produce(topic, batch=batch, version=TV1_PRODUCE, transactional_id=f"{topic}-old")
        return told.error_code == 0

    try:
        until(is_taken, "the broker still verifies partitions of transactions")
    finally:
        kafka.close("main")


def test_a_transaction_that_hangs_is_found_and_ended(shell: Shell, unique: Callable[[str], str]) -> None:
    """Written behind the coordinator's back, as by old clients: no AddPartitionsToTxn, and nobody verifies that."""
    topic = unique("orders")
    shell("topic", "create", topic, "-p", "1", "-r", "3", "-y")
    shell("wait", "urp=0", "offline=0", "-t", topic, "--for", "40s", "--every", "100ms")
    shell("broker", "config", "--set", "transaction.partition.verification.enable=false", "-y")
    hang(shell, topic)
    until(lambda: bool(shell.json("txn", "hanging", topic, "--older-than", "0s")["items"]), "it does not show")
    (row,) = shell.json("txn", "hanging", topic, "--older-than", "0s")["items"]
    assert (row["topic"], row["partition"], row["txn_start"]) == (topic, 0, 0)
    assert json.loads(shell("consume", topic, "-e", "--output", "json").out)["items"] == []
    words = ("txn", "abort", topic, "-p", "0", "--start-offset", "0")
    assert shell(*words, code=6).code == 6
    shell(*words, "-y")
    until(lambda: shell.json("txn", "hanging", topic, "--older-than", "0s")["items"] == [], "it hangs still")
    shell("broker", "config", "--delete", "transaction.partition.verification.enable", "-y")
    shell("produce", topic, "after")
    until(lambda: shell("consume", topic, "-e").out == b"after\n", "nobody can read on")
    shell("topic", "delete", topic, "-y")
