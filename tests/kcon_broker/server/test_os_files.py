"""Few descriptors are enough for many files, and none is closed before what was written to it is synced."""

import errno
import os
import threading
from pathlib import Path

import pytest

from kcon_broker.server.os_files import OPEN_FILES_MIN, OsFile, OsFiles
from kcon_broker.storage.files import write_all, write_aside


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
    assert open_descriptors() - before <= OPEN_FILES_MIN
    assert [file.read(99, 0) for file in handles] == [f"content {number}".encode() for number in range(50)]
    files.close()
    assert open_descriptors() == before


def test_a_written_file_is_synced_before_it_is_closed_for_another(
    files: OsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    first = files.open("first", create=True)
    assert isinstance(first, OsFile)
    write_all(first, [b"x"], 0)
    descriptor = first.descriptor
    # Clean files go first, however recently they were used.
    others = [files.open(f"other-{number}", create=True) for number in range(OPEN_FILES_MIN)]
    assert (synced, first.descriptor) == ([], descriptor)
    for other in others:
        write_all(other, [b"y"], 0)
    assert synced[0] == descriptor
    assert (first.descriptor, first.is_dirty) == (-1, False)
    files.close()


def test_a_sync_that_fails_while_room_is_made_is_told_to_whoever_syncs_the_file(
    files: OsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    first = files.open("first", create=True)
    write_all(first, [b"x"], 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        for number in range(OPEN_FILES_MIN):
            write_all(files.open(f"other-{number}", create=True), [b"y"], 0)
    assert first.is_dirty
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
