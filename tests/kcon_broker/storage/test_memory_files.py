"""The disk in memory forgets exactly what a real one may forget; or every crash test would prove too much."""

import errno
import random

import pytest

from kcon_broker.storage.files import read_bytes, write_all, write_aside
from kcon_broker.storage.memory_files import Crashed, MemoryFiles


def cuts(files: MemoryFiles, count: int = 200) -> list[MemoryFiles]:
    return [files.power_cut(len(files.journal), random.Random(seed)) for seed in range(count)]


def test_synced_bytes_under_a_synced_name_survive_every_power_cut() -> None:
    files = MemoryFiles()
    file = files.open("a", create=True)
    write_all(file, [b"kept"], 0)
    file.sync()
    files.folder("").sync()
    write_all(file, [b"lost"], 4)
    contents = {disk.content("a") for disk in cuts(files)}
    assert all(content.startswith(b"kept") for content in contents)
    assert {b"kept", b"kept" + b"lost"} <= contents
    assert any(4 < len(content) < 8 for content in contents)


def test_an_unsynced_name_may_be_lost_with_its_synced_bytes() -> None:
    files = MemoryFiles()
    file = files.open("a", create=True)
    write_all(file, [b"x"], 0)
    file.sync()
    assert {tuple(disk.paths()) for disk in cuts(files)} == {(), ("a",)}


def test_a_later_write_may_survive_an_earlier_one_and_leaves_zeros() -> None:
    files = MemoryFiles()
    file = files.open("a", create=True)
    files.folder("").sync()
    write_all(file, [b"11"], 0)
    write_all(file, [b"22"], 2)
    assert b"\0\x0022" in {disk.content("a") for disk in cuts(files)}


def test_names_of_a_folder_are_lost_from_the_newest_on() -> None:
    files = MemoryFiles()
    for name in ("a", "b", "c"):
        files.open(name, create=True)
    assert {tuple(disk.paths()) for disk in cuts(files)} == {(), ("a",), ("a", "b"), ("a", "b", "c")}


def test_a_file_written_aside_is_the_old_or_the_new_one() -> None:
    files = MemoryFiles()
    write_aside(files, "a", b"old", sync=True)
    write_aside(files, "a", b"new", sync=True)
    found = {files.power_cut(step, random.Random(step)).content("a") for step in range(5, len(files.journal) + 1)}
    assert found == {b"old", b"new"}


def test_a_file_written_aside_without_a_sync_may_lose_its_bytes() -> None:
    files = MemoryFiles()
    write_aside(files, "a", b"old", sync=True)
    assert write_aside(files, "a", b"new", sync=False).is_dirty
    assert {disk.content("a") for disk in cuts(files)} >= {b"old", b"new", b""}


def test_the_process_dies_before_the_step_it_is_told() -> None:
    files = MemoryFiles()
    files.faults.crash_after_steps = 1
    file = files.open("a", create=True)
    with pytest.raises(Crashed):
        file.write([b"x"], 0)
    assert files.content("a") == b""


def test_faults_hit_the_paths_they_name() -> None:
    files = MemoryFiles()
    first, second = files.open("first", create=True), files.open("second", create=True)
    files.faults.write_errors["fir"] = errno.EIO
    files.faults.read_errors["sec"] = errno.EIO
    with pytest.raises(OSError, match="EIO"):
        first.write([b"x"], 0)
    assert second.write([b"x"], 0) == 1
    with pytest.raises(OSError, match="EIO"):
        second.read(1, 0)


def test_space_is_used_by_growth_only() -> None:
    files = MemoryFiles()
    file = files.open("a", create=True)
    files.faults.free_bytes = 4
    assert file.write([b"123"], 0) == 3
    assert file.write([b"abc"], 0) == 3
    assert file.write([b"xyz"], 3) == 1
    with pytest.raises(OSError, match="space"):
        file.write([b"z"], 4)


def test_a_folder_is_moved_and_removed_with_its_content() -> None:
    files = MemoryFiles()
    files.make_folder("f")
    write_all(files.open("f/a", create=True), [b"x"], 0)
    files.rename("f", "g")
    assert (files.list_names(""), files.list_names("g"), files.content("g/a")) == (["g"], ["a"], b"x")
    files.remove_tree("g")
    assert (files.exists("g"), files.paths()) == (False, [])


def test_a_file_larger_than_it_can_be_is_not_read() -> None:
    files = MemoryFiles()
    files.overwrite("a", b"12345")
    assert read_bytes(files, "a", bytes_max=5) == b"12345"
    assert read_bytes(files, "a", bytes_max=4) is None
    assert read_bytes(files, "b", bytes_max=4) is None
