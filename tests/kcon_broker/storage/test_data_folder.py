"""A folder knows whether the last run ended well, and never takes a dead start for a clean stop."""

import json

import pytest
from crc32c import crc32c

from kcon_broker.errors import FolderUnreadableError
from kcon_broker.storage.data_folder import CLEAN_MARKER, DataFolder
from kcon_broker.storage.log import Log
from kcon_broker.storage.memory_files import Crashed, MemoryFiles
from kcon_broker.storage.metadata_log import MetadataLog
from tests.kcon_broker.storage.batches import SETTINGS, TOPIC_ID, make_batch, sync_log

OTHER_ID = bytes(16)


def open_folder(files: MemoryFiles) -> DataFolder:
    return DataFolder.open(files, new_cluster_id=lambda: "a cluster")


def open_log(folder: DataFolder, partition: int = 0, topic_id: bytes = TOPIC_ID) -> Log:
    return folder.open_log("t", partition, topic_id=topic_id, settings=SETTINGS, leader_epoch=folder.start_epoch)


def append(log: Log, count: int = 2) -> None:
    log.append(make_batch(count), now_ms=0)
    log.write_pending()
    sync_log(log)


def stop(folder: DataFolder, *logs: Log) -> None:
    for partition, log in enumerate(logs):
        log.close()
        folder.note("t", partition, log)
    folder.close()


def test_the_cluster_id_stays_and_the_start_epoch_rises() -> None:
    files = MemoryFiles()
    assert [open_folder(files).start_epoch for _ in range(3)] == [0, 1, 2]
    again = DataFolder.open(files, new_cluster_id=lambda: "another")
    assert again.cluster_id == "a cluster"


def test_only_a_clean_stop_leaves_the_marker() -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    assert not folder.was_clean
    stop(folder)
    assert files.exists(CLEAN_MARKER)
    assert open_folder(files).was_clean
    assert not open_folder(files).was_clean


def test_a_start_that_dies_at_any_step_never_looks_clean() -> None:
    """KAFKA-10471: a marker that outlives the start would hide the need to recover."""
    files = MemoryFiles()
    stop(open_folder(files))
    stop_at = 0
    while True:
        disk = files.copy()
        disk.faults.crash_after_steps = stop_at
        try:
            open_log(open_folder(disk))
            break
        except Crashed:
            left = disk.copy()
            # The marker is the first thing to go, before anything is changed.
            assert left.exists(CLEAN_MARKER) == (stop_at == 0)
            stop_at += 1
    assert stop_at > 3


def test_a_partition_that_a_run_did_not_open_is_recovered_by_the_next() -> None:
    files = MemoryFiles()
    log = open_log(open_folder(files))
    append(log)
    killed = files.copy()
    stop(open_folder(killed))
    folder = open_folder(killed)
    assert folder.was_clean
    recovered = open_log(folder)
    assert recovered.was_walked
    assert recovered.log_end_offset == 2


def test_checkpoints_bring_recovery_point_and_log_start_back() -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    log = open_log(folder)
    append(log, 5)
    log.delete_before(3)
    stop(folder, log)
    again = open_log(open_folder(files))
    assert (again.log_start_offset, again.log_end_offset, again.was_walked) == (3, 5, False)


def test_checkpoints_are_written_only_when_something_changed() -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    log = open_log(folder)
    append(log)
    folder.note("t", 0, log)
    folder.write_checkpoints()
    steps = len(files.journal)
    folder.note("t", 0, log)
    folder.write_checkpoints()
    assert len(files.journal) == steps


@pytest.mark.parametrize("name", ["recovery-point-offset-checkpoint", "log-start-offset-checkpoint"])
def test_a_damaged_checkpoint_is_told_and_loses_no_record(name: str) -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    log = open_log(folder)
    append(log)
    stop(folder, log)
    content = files.content(name)
    for position in range(len(content)):
        disk = files.copy()
        flipped = bytearray(content)
        flipped[position] ^= 1
        disk.overwrite(name, bytes(flipped))
        again = open_folder(disk)
        assert again.reports
        reopened = open_log(again)
        assert (reopened.log_start_offset, reopened.log_end_offset, reopened.damage) == (0, 2, None)


def test_either_copy_of_the_meta_file_is_enough() -> None:
    files = MemoryFiles()
    open_folder(files)
    for name in ("meta.json", "meta.json.copy"):
        for content in (b"", b"{}", b"[]", b'{"format_version": 1}', b"\xff"):
            disk = files.copy()
            disk.overwrite(name, content)
            folder = open_folder(disk)
            assert (folder.cluster_id, folder.start_epoch) == ("a cluster", 1)


def test_a_folder_with_data_and_without_meta_is_refused() -> None:
    files = MemoryFiles()
    open_folder(files)
    MetadataLog.open(files)
    files.remove("meta.json")
    files.overwrite("meta.json.copy", b"{}")
    with pytest.raises(FolderUnreadableError, match=r"meta\.json"):
        open_folder(files)


def test_a_folder_of_a_later_version_is_refused_and_left_alone() -> None:
    files = MemoryFiles()
    fields = {"cluster_id": "c", "format_version": 2, "start_epoch": 4}
    crc = crc32c(json.dumps(fields, sort_keys=True).encode())
    files.overwrite("meta.json", json.dumps({**fields, "crc32c": crc}).encode())
    with pytest.raises(FolderUnreadableError, match="format version 2"):
        open_folder(files)
    assert files.journal == []


def test_a_deleted_partition_is_out_of_the_way_at_once() -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    log = open_log(folder, 3)
    append(log)
    log.close()
    assert folder.partition_folders() == [("t", 3)]
    folder.delete_log("t", 3, TOPIC_ID)
    assert folder.partition_folders() == []
    assert not folder.has_records("t", 3)
    (left,) = folder.deleted_folders()
    files.remove_tree(left)
    assert folder.deleted_folders() == []


def test_the_folder_of_an_earlier_topic_of_the_same_name_is_not_taken_for_the_new_one() -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    append(open_log(folder))
    log = open_log(folder, topic_id=OTHER_ID)
    assert log.log_end_offset == 0
    append(log, 1)
    assert len(folder.deleted_folders()) == 1


def test_the_offsets_of_an_earlier_topic_of_the_same_name_are_forgotten() -> None:
    """A crash before the next checkpoint: taken for the new topic's they would make it look damaged, or empty."""
    files = MemoryFiles()
    folder = open_folder(files)
    log = open_log(folder)
    for _ in range(3):
        append(log, 5)
    log.delete_before(12)
    folder.note("t", 0, log)
    folder.note_cleaned("t", 0, 12)
    folder.write_checkpoints()
    log.close()
    folder.delete_log("t", 0, TOPIC_ID)
    log = open_log(folder, topic_id=OTHER_ID)
    append(log, 2)
    again = open_folder(files.copy())
    reopened = open_log(again, topic_id=OTHER_ID)
    assert (reopened.log_start_offset, reopened.log_end_offset, reopened.damage) == (0, 2, None)
    assert again.cleaned_offset("t", 0) is None
    # The same when the deletion itself was not done: the folder still holds the earlier topic.
    third = open_folder(files.copy())
    log = open_log(third, topic_id=TOPIC_ID)
    append(log, 1)
    left = third.files
    assert isinstance(left, MemoryFiles)
    reopened = open_log(open_folder(left.copy()), topic_id=TOPIC_ID)
    assert (reopened.log_start_offset, reopened.log_end_offset, reopened.damage) == (0, 1, None)


def test_without_the_cleaners_checkpoint_gaps_are_no_damage_in_any_later_run() -> None:
    files = MemoryFiles()
    folder = open_folder(files)
    log = open_log(folder)
    append(log)
    folder.note_cleaned("t", 0, 1)
    stop(folder, log)
    files.overwrite("cleaner-offset-checkpoint", b"damaged")
    second = open_folder(files)
    second.note_cleaned("other", 0, 1)
    second.write_checkpoints()
    assert open_folder(files).cleaned_offset("t", 0) == 0


def test_a_checkpoint_that_was_being_written_is_dropped() -> None:
    files = MemoryFiles()
    open_folder(files)
    files.overwrite("recovery-point-offset-checkpoint.7.next", b"half")
    open_folder(files)
    assert not [path for path in files.paths() if path.endswith(".next")]
