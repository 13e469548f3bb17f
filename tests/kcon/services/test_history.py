"""A session finds the history of its cluster, with what kcon itself changed, or says what there is instead."""

import asyncio
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.context import Context
from kcon.core.ids import ClusterId
from kcon.core.wire_text import WireText
from kcon.errors import KconError, NotFoundError, UnreachableError
from kcon.gate.audit import AuditLog
from kcon.services.history import (
    HISTORY_FOLDER,
    ClusterPast,
    audit_marks,
    no_history_at,
    open_past,
    recording_of,
    snapshot_or_complain,
)
from kcon.services.session import AUDIT_FILE, open_session
from tests.kcon.observe.watched import NOW_MS, TICK_MS, Watched

CLUSTER = ClusterId(WireText("cluster-1"))


class Place:
    """A state folder with a history of the cluster in it."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.context = Context(name="prod", bootstrap=("fake:9092",))
        self.watched = Watched(cluster, folder / HISTORY_FOLDER)

    def open(self) -> ClusterPast:
        async def main() -> ClusterPast:
            async with open_session(self.context, {"KCON_STATE_DIR": str(self.folder)}) as session:
                return await open_past(session)

        return asyncio.run(main())


@pytest.fixture
def place(orders: Any, tmp_path: Path) -> Place:
    return Place(orders, tmp_path)


def test_without_a_history_there_is_a_sentence(place: Place) -> None:
    with pytest.raises(NotFoundError, match="no history of this cluster"):
        place.open()


def test_the_history_of_the_cluster_is_found(place: Place) -> None:
    place.watched.run(ticks=1)
    past = place.open()
    assert past.note == ""
    assert snapshot_or_complain(past, NOW_MS + TICK_MS, UTC).taken_ms == NOW_MS + TICK_MS
    past.close()


def test_a_cluster_that_does_not_answer_has_its_past_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.watched.run(ticks=1)
    place.open().close()

    class Down:
        @staticmethod
        async def connect(_settings: object) -> None:
            raise UnreachableError("nobody there")

    monkeypatch.setattr("kcon.services.session.Admin", Down)
    past = place.open()
    assert "does not answer" in past.note
    past.close()
    place.context = Context(name="other", bootstrap=("else:9092",))
    with pytest.raises(UnreachableError):
        place.open()


def test_the_writer_remembers_which_cluster_answered(place: Place) -> None:
    async def main() -> None:
        async with open_session(place.context, {"KCON_STATE_DIR": str(place.folder)}) as session:
            place.watched.recording = recording_of(session)
            await place.watched.look()
            await place.watched.recording.close()

    asyncio.run(main())
    known = json.loads((place.folder / HISTORY_FOLDER / "clusters.json").read_text())
    assert known == {"fake:9092": "cluster-1"}


def test_a_cluster_without_an_id_has_no_history(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nameless() -> Any:
        return Watched  # Anything with no id of a cluster.

    monkeypatch.setattr(Watched, "cluster_id", None, raising=False)
    monkeypatch.setattr(place.cluster, "cluster", nameless)
    with pytest.raises(KconError, match="does not tell its id"):
        place.open()


@pytest.mark.parametrize(
    ("at_ms", "words"),
    [
        (NOW_MS - 1, "There is no history for 2026-11-24T02:34:59+00:00."),
        (NOW_MS + 2 * TICK_MS + 1_800_000, "nobody looked from 2026-11-24T02:35:20+00:00 to 2026-11-24T03:35:30+00:00"),
        (NOW_MS + 90_000_000, "There is no history for 2026-11-25T03:35:00+00:00."),
    ],
)
def test_a_moment_without_history_says_what_there_is(place: Place, at_ms: int, words: str) -> None:
    async def main() -> None:
        await place.watched.look()
        await place.watched.look()
        await place.watched.look(3_610_000)
        await place.watched.recording.close()

    asyncio.run(main())
    past = place.open()
    with pytest.raises(NotFoundError) as raised:
        snapshot_or_complain(past, at_ms, UTC)
    assert raised.value.message.startswith(words) or words in raised.value.message
    assert "from 2026-11-24T02:35:10+00:00 to 2026-11-24T03:35:30+00:00" in raised.value.hint
    past.close()


def test_a_history_without_a_look_says_so(place: Place) -> None:
    place.watched.run()
    past = place.open()
    past.reader._file.connection.close()
    past.reader._file.connection = __import__("sqlite3").connect(":memory:")
    past.reader._file.connection.executescript("CREATE TABLE chunk (start_ms, end_ms); CREATE TABLE tick (at_ms)")
    assert "nothing was recorded yet" in no_history_at(past, NOW_MS, UTC).message
    past.close()


def test_changes_by_kcon_are_marks_of_that_cluster_and_time(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / AUDIT_FILE)
    entry = {"time_ms": 5, "event": "done", "operation": "offsets-commit", "cluster_id": "cluster-1", "user": "alice"}
    audit.write({**entry, "targets": ["billing"]})
    audit.write({**entry, "targets": ["a", "b", "c", "d\x1b"], "event": "failed"})
    for other in ({"event": "authorised"}, {"cluster_id": "cluster-2"}, {"time_ms": 10}, {"time_ms": 4}):
        audit.write({**entry, "targets": ["billing"], **other})
    marks = audit_marks(audit, CLUSTER, 5, 10)
    assert [mark.text for mark in marks] == [
        "alice: offsets-commit billing",
        "alice: offsets-commit a, b, c and 1 more (failed)",
    ]
    assert [mark.subject.raw for mark in marks] == ["billing", ""]


def test_marks_of_the_sampler_and_of_commands_stand_in_one_order(place: Place, orders: Any) -> None:
    place.watched.run(lambda: orders.commit("etl", "orders", 0, 1), ticks=20)
    AuditLog(place.folder / AUDIT_FILE).write(
        {
            "time_ms": NOW_MS,
            "event": "done",
            "operation": "topic-create",
            "cluster_id": "cluster-1",
            "user": "bob",
            "targets": ["t"],
        }
    )
    past = place.open()
    assert [mark.kind for mark in past.marks(0, NOW_MS + 10_000_000)] == ["change", "group", "status", "status"]
    assert [mark.kind for mark in past.marks(0, NOW_MS + 10_000_000, kinds=["group"])] == ["group"]
    past.close()
