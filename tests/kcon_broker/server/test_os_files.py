"""Few descriptors are enough for many files, and none is closed before what was written to it is synced."""

import errno
import os
import threading
from pathlib import Path

import pytest

from kcon_broker.server import os_files
from kcon_broker.server.os_files import OPEN_FILES_MIN, OsFile, OsFiles
from kcon_broker.storage.files import write_all, write_aside
from kcon_broker.storage.log import DefaultLogSettings, Log
from tests.kcon_broker.storage.batches import TOPIC_ID, make_batch


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def files(tmp_path: Path) -> OsFiles:
    return OsFiles(tmp_path, open_files_max=OPEN_FILES_MIN)


def test_many_files_are_written_and_read_with_few_descriptors(files: OsFiles) -> None:
    before = open_descriptors()
    handles = [files.open(f"file-{number}", create=True) for number in range(50)]
    for _ in range(2):
        for number, file in enumerate(handles):
            write_all(file, [b"content ", str(number).encode()], 0)
            assert files.open_count <= OPEN_FILES_MIN
    assert open_descriptors() - before <= OPEN_FILES_MIN + 1
    assert [file.read(99, 0) for file in handles] == [f"content {number}".encode() for number in range(50)]
    files.close()
    assert open_descriptors() == before


class FakeDisk:
    """Stands for the two ways of syncing, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has_syncfs: bool) -> None:
        self.synced = 0
        self.fails = False
        monkeypatch.setattr(os, "fdatasync", self.sync)
        monkeypatch.setattr(os_files, "find_syncfs", lambda: self.sync if has_syncfs else None)

    def sync(self, _: int) -> None:
        if self.fails:
            raise OSError(errno.EIO, "the disk is gone")
        self.synced += 1


@pytest.mark.parametrize(("has_syncfs", "syncs"), [(True, 1), (False, 2)])
def test_a_written_file_is_synced_before_it_is_closed_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_syncfs: bool, syncs: int
) -> None:
    disk = FakeDisk(monkeypatch, has_syncfs=has_syncfs)
    files = OsFiles(tmp_path, open_files_max=OPEN_FILES_MIN)
    first = files.open("first", create=True)
    assert isinstance(first, OsFile)
    write_all(first, [b"x"], 0)
    descriptor = first.descriptor
    # Clean files go first, however recently they were used.
    others = [files.open(f"other-{number}", create=True) for number in range(OPEN_FILES_MIN)]
    assert (disk.synced, first.descriptor) == (0, descriptor)
    for other in others:
        write_all(other, [b"y"], 0)
    assert (first.descriptor, first.is_dirty) == (-1, False)
    for number in range(OPEN_FILES_MIN - 1):
        files.open(f"third-{number}", create=True)
    assert disk.synced == syncs
    files.close()


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_a_sync_that_fails_while_room_is_made_is_told_to_whoever_syncs_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_syncfs: bool
) -> None:
    disk = FakeDisk(monkeypatch, has_syncfs=has_syncfs)
    files = OsFiles(tmp_path, open_files_max=OPEN_FILES_MIN)
    first = files.open("first", create=True)
    write_all(first, [b"x"], 0)
    disk.fails = True
    for number in range(3 * OPEN_FILES_MIN):
        write_all(files.open(f"other-{number}", create=True), [b"y"], 0)
    assert files.open_count <= OPEN_FILES_MIN
    disk.fails = False
    assert first.is_dirty
    assert files.open("first") is first
    with pytest.raises(OSError, match="the disk is gone"):
        first.sync()
    files.close()


def test_a_file_stays_open_while_a_thread_syncs_it(files: OsFiles) -> None:
    file = files.open("file", create=True)
    assert isinstance(file, OsFile)
    write_all(file, [b"x"], 0)
    work = file.begin_sync()
    for number in range(2 * OPEN_FILES_MIN):
        files.open(f"other-{number}", create=True)
    files.remove("file")
    assert file.descriptor >= 0
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    file.end_sync(None)
    assert file.descriptor == -1
    files.close()


def test_writes_during_a_sync_leave_the_file_dirty(files: OsFiles) -> None:
    file = files.open("file", create=True)
    write_all(file, [b"x"], 0)
    work = file.begin_sync()
    write_all(file, [b"y"], 1)
    work()
    dirty = [file.is_dirty]
    file.end_sync(None)
    dirty.append(file.is_dirty)
    file.sync()
    dirty.append(file.is_dirty)
    assert dirty == [True, True, False]
    files.close()


def test_new_names_make_their_folder_dirty(files: OsFiles) -> None:
    root = files.folder("")
    for change in (
        lambda: files.make_folder("f"),
        lambda: files.open("a", create=True),
        lambda: files.rename("a", "b"),
    ):
        change()
        assert root.is_dirty
        root.sync()
        assert not root.is_dirty
    files.open("c", create=True)
    root.sync()
    files.open("c", create=True)
    assert not root.is_dirty
    files.close()


def test_a_file_is_one_object_until_it_is_closed(files: OsFiles) -> None:
    file = write_aside(files, "a", b"x", sync=False)
    assert file.is_dirty
    assert files.open("a") is file
    file.close()
    assert files.open("a") is file
    file.sync()
    file.close()
    assert files.open("a") is not file
    files.close()


def test_a_folder_moves_with_its_files(files: OsFiles) -> None:
    files.make_folder("f")
    write_all(files.open("f/a", create=True), [b"x"], 0)
    files.rename("f", "g")
    assert files.list_names("f") == []
    assert files.list_names("g") == ["a"]
    assert files.open("g/a").read(9, 0) == b"x"
    with pytest.raises(FileNotFoundError):
        files.open("f/a")
    files.remove_tree("g")
    assert not files.exists("g/a")
    files.close()


def test_reads_stop_at_the_end_of_the_file(files: OsFiles) -> None:
    file = files.open("a", create=True)
    write_all(file, [b"12345"], 0)
    buffer = bytearray(4)
    assert (file.read(10, 3), file.read(10, 7), file.size()) == (b"45", b"", 5)
    assert (file.read_into(memoryview(buffer), 2), bytes(buffer)) == (3, b"345\0")
    file.truncate(2)
    assert file.read(10, 0) == b"12"
    files.close()


def test_only_the_owner_of_the_folder_can_read_it(files: OsFiles, tmp_path: Path) -> None:
    files.make_folder("f")
    files.open("f/a", create=True)
    assert (tmp_path / "f").stat().st_mode & 0o077 == 0
    assert (tmp_path / "f" / "a").stat().st_mode & 0o077 == 0
    files.close()


def test_nothing_is_open_of_a_segment_that_another_thread_is_to_remove(tmp_path: Path) -> None:
    """Its indexes were written a moment ago and never synced: the thread would close them under the loop's feet."""
    files = OsFiles(tmp_path, open_files_max=64)
    settings = DefaultLogSettings(segment_bytes=1_000)
    log = Log.open(files, "t-0", settings=settings, leader_epoch=0, topic_id=TOPIC_ID)
    for seed in range(4):
        log.append(make_batch(2, size=400, seed=seed), now_ms=0)
        log.write_pending()
    assert [file for file in files._open if file.path.endswith("index")]
    log.delete_before(6)
    paths = log.take_deleted_paths()
    assert len(paths) == 9
    assert not [file.path for file in files._open if file.path in paths]
    files.close()
