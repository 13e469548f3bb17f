"""What alerts and messages a file keeps: all of one look or none, through kills, damage and a second writer."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kcon.core.alert import Alert, labels_of
from kcon.errors import KconError, RefusedError
from kcon.observe.alert_store import APPLICATION_ID, AlertStore, Outgoing
from kcon.plugin_api.alerting import AlertMessage, AlertNotice

T0 = 1_795_487_700_000


def alert(group: str = "a", **more: int) -> Alert:
    return Alert(
        rule="Late", labels=labels_of(group=group), summary="Late.", value=1.5, since_ms=T0, seen_ms=T0, **more
    )


def outgoing(number: int, sink: str = "ops") -> Outgoing:
    notice = AlertNotice(
        status="firing",
        rule="Late",
        severity="warn",
        labels={"group": 'a"\n'},
        summary="Late.",
        value=None,
        since_ms=T0,
        at_ms=T0,
    )
    message = AlertMessage(id=f"id-{number}", cluster="prod", notices=(notice,))
    return Outgoing(number=number, sink=sink, message=message, created_ms=T0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts" / "c.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[AlertStore]:
    store = AlertStore(path)
    yield store
    store.close()


def test_what_is_saved_is_there_after_the_next_opening(path: Path, store: AlertStore) -> None:
    store.save([alert(), alert("b", fired_ms=T0, told_ms=T0)], [outgoing(1), outgoing(2)])
    store.save([alert("b", fired_ms=T0, told_ms=T0)], [outgoing(2)])
    store.close()
    again = AlertStore(path)
    assert again.alerts == [alert("b", fired_ms=T0, told_ms=T0)]
    assert again.outbox == [outgoing(2)]
    assert again.last_number() == 2
    again.close()
    assert os.stat(path).st_mode & 0o077 == 0


def test_readers_stand_beside_the_one_writer(path: Path, store: AlertStore) -> None:
    store.save([alert()], [])
    with pytest.raises(RefusedError):
        AlertStore(path)
    reader = AlertStore(path, read_only=True)
    assert reader.alerts == [alert()]
    reader.close()


def test_without_a_file_there_is_nothing_to_read(path: Path) -> None:
    with pytest.raises(KconError, match="No alerts are kept"):
        AlertStore(path, read_only=True)


@pytest.mark.parametrize("damage", [b"no database at all, for as many bytes as a header has............." * 20, b""])
def test_damage_is_set_aside_and_does_not_keep_it_from_starting(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    store = AlertStore(path)
    assert (store.quarantined is not None) == bool(damage)
    store.save([alert()], [])
    store.close()


def test_a_message_that_cannot_be_read_is_damage(path: Path, store: AlertStore) -> None:
    store.save([], [outgoing(1)])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE outbox SET message = '{}'")
    connection.close()
    again = AlertStore(path)
    assert (again.outbox, again.quarantined is not None) == ([], True)
    again.close()


def test_a_newer_format_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99;")
        connection.execute("CREATE TABLE alert (body TEXT)")
        connection.execute("CREATE TABLE outbox (message TEXT)")
    connection.close()
    with pytest.raises(RefusedError, match="newer kcon"):
        AlertStore(path)
    assert path.exists()


def test_what_could_not_be_written_is_written_with_the_next_look(path: Path, store: AlertStore) -> None:
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    store._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(KconError, match="cannot be written"):
        store.save([alert()], [outgoing(1)])
    blocker.execute("ROLLBACK")
    blocker.close()
    store.save([alert(), alert("b")], [outgoing(1)])
    reader = AlertStore(path, read_only=True)
    assert ([each.labels for each in reader.alerts], reader.outbox) == (
        [labels_of(group="a"), labels_of(group="b")],
        [outgoing(1)],
    )
    reader.close()


WRITER = """
import sys
from pathlib import Path
from kcon.observe.alert_store import AlertStore
from tests.kcon.observe.test_alert_store import alert, outgoing
store = AlertStore(Path(sys.argv[1]))
number = store.last_number()
while True:
    number += 1
    store.save([alert(str(number))], [outgoing(number)])
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_all_of_one_look(path: Path) -> None:
    """What the writer said is on the disk is there, and an alert never without its message."""
    told = 0
    for lines in (1, 3, 8, 21, 40):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(lines):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        writer.stdout.close()
        writer.wait(30)
        told = max([told, *(int(line) for line in rest if line.isdecimal())])
        store = AlertStore(path)
        assert store.quarantined is None
        (message,), (kept,) = store.outbox, store.alerts
        assert kept.labels == labels_of(group=message.number)
        assert message.number - told in {0, 1}
        store.close()
