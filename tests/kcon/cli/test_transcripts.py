"""Every command on both brokers, as a user types it: the files in `transcripts`, byte by byte.

Both brokers must show the same. After a wanted change write the files anew, from kcon's own broker, and read the
difference: `KCON_WRITE_TRANSCRIPTS=1 pytest tests/kcon/cli/test_transcripts.py`.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from tests.command_tree import formats_of, leaf_of
from tests.kcon.cli.shell import Shell
from tests.newer_groups import make_share_group, make_streams_group
from tests.transcript import Normal, Step, in_each_format, read_transcript, shown, until_shown, words_of

FOLDER = Path(__file__).with_name("transcripts")
FILES = sorted(FOLDER.glob("*.txt"))
SETTLES_S = 0.4
DEADLINE_S = 30.0
"""For what stands beside a command to be there."""


class Scene:
    """What stands beside the commands: clients with a group or a transaction. All end with the test."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._ends = ExitStack()

    def __call__(self, words: list[str]) -> None:
        verb, *names = words
        verbs: dict[str, Callable[..., None]] = {
            "member": self._member,
            "transaction": self._transaction,
            "share": lambda group, topic: make_share_group(self._bootstrap, group, topic),
            "streams": lambda group, topic: make_streams_group(self._bootstrap, group, topic),
            "leave": self.close,
        }
        verbs[verb](*names)

    def close(self) -> None:
        """Let all of them leave."""
        self._ends.close()

    def _member(self, group: str, topic: str, protocol: str = "classic") -> None:
        """`member GROUP TOPIC`: a consumer that has joined, and stays."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": group,
                "client.id": "app",
                "group.protocol": protocol,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        joined, leaving = threading.Event(), threading.Event()
        consumer.subscribe([topic], on_assign=lambda *_: joined.set())

        def poll() -> None:
            while not leaving.is_set():
                consumer.poll(0.05)
            consumer.close()

        thread = threading.Thread(target=poll, name=f"member of {group}")
        thread.start()
        self._ends.callback(thread.join, DEADLINE_S)
        self._ends.callback(leaving.set)
        assert joined.wait(DEADLINE_S), "the member did not join"

    def _transaction(self, transactional_id: str, topic: str) -> None:
        """`transaction ID TOPIC`: one that is open, with one record in partition 0."""
        producer = Producer({"bootstrap.servers": self._bootstrap, "transactional.id": transactional_id})
        producer.init_transactions(DEADLINE_S)
        producer.begin_transaction()
        producer.produce(topic, value=b"open", partition=0)
        assert producer.flush(DEADLINE_S) == 0
        self._ends.callback(producer.purge)


@pytest.fixture
def scene(cluster: Any) -> Iterator[Scene]:
    made = Scene(cluster.bootstrap)
    yield made
    made.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_transcript_is_true(
    path: Path, cluster: Any, scene: Scene, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    (tmp_path / ".git").mkdir()
    shell = Shell(cluster.bootstrap, tmp_path)
    normal = Normal(f"{unique('t')}-", cluster.bootstrap, (tmp_path, cluster.data_dir))
    is_writing = bool(os.environ.get("KCON_WRITE_TRANSCRIPTS"))
    written = []
    for step in read_transcript(path):
        if step.only in {"", cluster.name}:
            writes = is_writing and (step.only or "kcon") == cluster.name
            seen = _seen(step, shell, scene, normal, writes=writes)
            assert writes or seen == step.expected, f"{path.name}:{step.number}: {step.line}"
            step = step._replace(expected=seen)
        written.append(f"{step.written}\n{step.expected}")
    if is_writing:
        path.write_text("".join(written), "utf-8")


def _seen(step: Step, shell: Shell, scene: Scene, normal: Normal, *, writes: bool) -> str:
    if step.line.startswith("@ "):
        scene(normal.name(step.line).split()[1:])
    if not step.line.startswith("$ "):
        return ""
    words, given, wanted = words_of(normal.name(step.line))

    def run() -> str:
        return normal(_run(shell, words, given, wanted))

    if writes:
        time.sleep(SETTLES_S)  # Nothing says what to wait for when a file is written.
        return run()
    return until_shown(run, step.expected, may_repeat=only_reads(words))


def _run(shell: Shell, words: list[str], given: bytes, wanted: str) -> str:
    formats = formats_of(leaf_of(words)) if words[-1] == "*" else ()
    told = ""
    for chosen, each in in_each_format(words, formats):
        ran = shell(*each, stdin=given, code=None)
        told += (f"--- {chosen}\n" if chosen else "") + shown(ran.code, ran.out, ran.err, wanted)
    return told


UNASKED = {
    *("topic create", "topic clone", "produce", "load", "probe"),
    *("incident start", "incident note", "incident stop"),
}
"""These change something without -y."""


def only_reads(words: list[str]) -> bool:
    """Running it again changes nothing."""
    path = leaf_of(words)
    if "--dry-run" in words:
        return True
    return path not in UNASKED and "-y" not in words and (path != "consume" or "-g" not in words)
