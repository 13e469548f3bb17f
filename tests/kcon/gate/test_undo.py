"""Undo records: exact, private, bound to one cluster, bounded in number, and a condition for the change."""

import json
import stat
from pathlib import Path

import pytest

from kcon.core.ids import ClusterId, GroupId, TopicPartition, group_id, topic_name
from kcon.core.snapshot import CommittedOffset
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError, RefusedError
from kcon.gate.undo import UndoEntry, UndoRecord, UndoStore

CLUSTER = ClusterId(WireText("cluster-1"))
GROUP = group_id("billing")
ENTRIES = (
    UndoEntry(TopicPartition(topic_name("orders"), 0), CommittedOffset(5, 3, WireText("by me\udc80")), 9),
    UndoEntry(TopicPartition(topic_name("orders"), 1), None, 0),
    UndoEntry(TopicPartition(topic_name("or\x1bders"), 2), CommittedOffset(7, -1, None), None),
)


def save(
    store: UndoStore, now_ms: int = 1_000, group: GroupId = GROUP, cluster_id: ClusterId | None = CLUSTER
) -> UndoRecord:
    return store.save(
        cluster_id=cluster_id, group=group, context="prod", operation="reset to start", now_ms=now_ms, entries=ENTRIES
    )


def test_record_reads_back_exactly(tmp_path: Path) -> None:
    store = UndoStore(tmp_path / "undo")
    saved = save(store)
    assert UndoStore(tmp_path / "undo").records(CLUSTER) == [saved]
    assert saved.entries == ENTRIES


def test_files_are_private(tmp_path: Path) -> None:
    save(UndoStore(tmp_path / "undo"))
    (path,) = (tmp_path / "undo").rglob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not list((tmp_path / "undo").rglob("*.tmp"))


def test_another_cluster_sees_nothing(tmp_path: Path) -> None:
    """The same context name may point somewhere else tomorrow."""
    store = UndoStore(tmp_path)
    save(store)
    assert store.records(ClusterId(WireText("cluster-2"))) == []


def test_record_moved_to_another_clusters_folder_is_not_taken(tmp_path: Path) -> None:
    store = UndoStore(tmp_path)
    save(store)
    (tmp_path / "cluster-1").rename(tmp_path / "cluster-2")
    assert store.records(ClusterId(WireText("cluster-2"))) == []


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", "", "x" * 300, "\x00"])
def test_cluster_id_cannot_choose_the_path(tmp_path: Path, name: str) -> None:
    cluster = ClusterId(WireText(name))
    store = UndoStore(tmp_path / "undo")
    saved = save(store, cluster_id=cluster)
    assert store.records(cluster) == [saved]
    (path,) = tmp_path.rglob("*.json")
    assert path.parent.parent == tmp_path / "undo"


def test_newest_that_was_not_undone_is_next(tmp_path: Path) -> None:
    store = UndoStore(tmp_path)
    first, second = save(store, 1_000), save(store, 2_000)
    assert store.find(CLUSTER, GROUP) == second
    store.mark_undone(second, 3_000)
    assert store.find(CLUSTER, GROUP) == first
    assert store.find(CLUSTER, GROUP, second.id).undone_ms == 3_000
    store.mark_undone(first, 4_000)
    with pytest.raises(NotFoundError):
        store.find(CLUSTER, GROUP)


def test_group_and_id_must_match(tmp_path: Path) -> None:
    store = UndoStore(tmp_path)
    saved = save(store)
    with pytest.raises(NotFoundError):
        store.find(CLUSTER, group_id("other"), saved.id)
    with pytest.raises(NotFoundError):
        store.find(CLUSTER, GROUP, "20200101-000000-0000")


def test_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = UndoStore(tmp_path, records_max=3)
    for second in range(5):
        save(store, second * 1_000)
    assert [record.created_ms for record in store.records(CLUSTER)] == [4_000, 3_000, 2_000]


def test_unwritable_folder_refuses_the_change(tmp_path: Path) -> None:
    (tmp_path / "undo").touch()
    with pytest.raises(RefusedError, match="undo record"):
        save(UndoStore(tmp_path / "undo"))


def test_cluster_without_an_id_refuses_the_change(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        save(UndoStore(tmp_path), cluster_id=None)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 99}', '{"format": 1}', "\x80"])
def test_damaged_or_newer_file_hides_no_good_one(tmp_path: Path, text: str) -> None:
    store = UndoStore(tmp_path)
    saved = save(store)
    (tmp_path / "cluster-1" / "99990101-000000-0000.json").write_text(text, "latin-1")
    assert store.records(CLUSTER) == [saved]


def test_format_is_written(tmp_path: Path) -> None:
    save(UndoStore(tmp_path))
    (path,) = tmp_path.rglob("*.json")
    assert json.loads(path.read_text())["format"] == 1
