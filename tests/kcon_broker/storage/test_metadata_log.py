"""Decisions about topics come back in order; a torn tail is cut, anything worse stops the start with a sentence."""

import random

import pytest

from kcon_broker.errors import FolderUnreadableError
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.storage.metadata_log import MetadataLog
from kcon_broker.storage.steps import run_at_once

FIRST = "metadata/0000000001.log"
RECORDS = [b"one", b"two, which is longer", b"three"]


def sync(log: MetadataLog) -> None:
    for file in log.dirty_files():
        file.sync()
    log.mark_durable(log.position)


def compact(log: MetadataLog, snapshot: list[bytes]) -> None:
    run_at_once(log.compact_steps(snapshot))


def written(*, synced: int = len(RECORDS)) -> MemoryFiles:
    files = MemoryFiles()
    log = MetadataLog.open(files)
    for count, record in enumerate(RECORDS, 1):
        log.append(record)
        if count == synced:
            sync(log)
    return files


def test_records_come_back_in_order() -> None:
    files = written()
    log = MetadataLog.open(files)
    assert log.records == RECORDS
    assert log.reports == []
    log.append(b"four")
    assert MetadataLog.open(files.copy()).records == [*RECORDS, b"four"]


def test_a_record_is_durable_with_the_next_sync() -> None:
    log = MetadataLog.open(MemoryFiles())
    position = log.append(b"record")
    assert log.durable_position < position
    sync(log)
    assert log.durable_position == position
    assert log.dirty_files() == []


@pytest.mark.parametrize("lost_bytes", range(1, len(RECORDS[-1]) + 16))
def test_a_torn_last_record_is_cut_off_and_told(lost_bytes: int) -> None:
    files = written(synced=2)
    content = files.content(FIRST)
    files.overwrite(FIRST, content[:-lost_bytes])
    log = MetadataLog.open(files)
    assert log.records == RECORDS[:2]
    assert len(log.reports) == 1
    assert MetadataLog.open(files.copy()).reports == []


def test_a_hole_before_an_unsynced_record_is_a_torn_tail() -> None:
    """A power cut may keep the later of two unsynced writes."""
    files = written(synced=1)
    content = bytearray(files.content(FIRST))
    start = content.index(RECORDS[1]) - 16
    content[start : start + 16 + len(RECORDS[1])] = bytes(16 + len(RECORDS[1]))
    files.overwrite(FIRST, bytes(content))
    assert MetadataLog.open(files).records == RECORDS[:1]


def test_every_flipped_bit_below_a_synced_record_stops_the_start() -> None:
    """To go on without a topic would delete its records as strays."""
    files = written(synced=2)
    MetadataLog.open(files)
    content = files.content(FIRST)
    # The third record says that the first two were synced.
    end = content.index(RECORDS[2]) - 16
    for position in range(end):
        for bit in (1, 128):
            disk = files.copy()
            flipped = bytearray(content)
            flipped[position] ^= bit
            disk.overwrite(FIRST, bytes(flipped))
            with pytest.raises(FolderUnreadableError, match=r"damaged|format version"):
                MetadataLog.open(disk)


def test_a_log_of_a_later_version_is_refused() -> None:
    files = MemoryFiles()
    MetadataLog.open(files)
    content = bytearray(files.content(FIRST))
    content[11] = 9
    files.overwrite(FIRST, bytes(content))
    with pytest.raises(FolderUnreadableError):
        MetadataLog.open(files)


def test_a_compaction_replaces_the_history() -> None:
    files = written()
    log = MetadataLog.open(files)
    position = log.append(b"four")
    compact(log, [b"all"])
    assert log.durable_position == position
    assert log.append(b"five") > position
    assert MetadataLog.open(files.copy()).records == [b"all", b"five"]
    assert FIRST not in files.paths()


def test_a_compaction_that_fails_leaves_the_history() -> None:
    files = written()
    log = MetadataLog.open(files)
    files.faults.free_bytes = 3
    with pytest.raises(OSError, match="space"):
        compact(log, [b"all"])
    files.faults.free_bytes = None
    log.append(b"four")
    assert MetadataLog.open(files.copy()).records == [*RECORDS, b"four"]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_appended_during_a_compaction_outlives_every_crash(seed: int) -> None:
    """A record between any two steps, synced or not; killed, and with the power cut, at any step of the journal."""
    chance = random.Random(seed)
    files = written()
    log = MetadataLog.open(files)
    records = list(RECORDS)
    began = len(files.journal)
    durable = [(began, len(records))]

    def append() -> None:
        if chance.random() < 0.5:
            records.append(b"meanwhile %d" % len(records))
            log.append(records[-1])
        if chance.random() < 0.5:
            sync(log)
            durable.append((len(files.journal), len(records)))

    for work in log.compact_steps(list(RECORDS)):
        if work is not None:
            work()
        append()
    append()
    for step in range(began, len(files.journal) + 1):
        found = MetadataLog.open(files.power_cut(step, chance)).records
        assert found == records[: len(found)]
        assert len(found) >= max(count for at, count in durable if at <= step)
    assert MetadataLog.open(files.copy()).records == records
    assert [path for path in files.paths() if path.startswith("metadata/")] == ["metadata/0000000002.log"]


def test_a_compaction_of_a_log_that_is_fenced_meanwhile_is_given_up() -> None:
    files = written()
    log = MetadataLog.open(files)
    steps = log.compact_steps([b"all"])
    next(steps)
    log.fence(OSError(5, "gone"))
    with pytest.raises(OSError, match="gone"):
        run_at_once(steps)
    assert MetadataLog.open(files.copy()).records == RECORDS


def test_damage_inside_a_compacted_part_stops_the_start() -> None:
    files = MemoryFiles()
    log = MetadataLog.open(files)
    compact(log, [b"all", b"of it"])
    path = files.paths()[0]
    content = files.content(path)
    for torn in (content[:-1], content[: len(content) - 5] + b"?" + content[len(content) - 4 :]):
        disk = files.copy()
        disk.overwrite(path, torn)
        with pytest.raises(FolderUnreadableError):
            MetadataLog.open(disk)


def test_compaction_is_wanted_when_the_file_has_grown_well_beyond_its_content() -> None:
    log = MetadataLog.open(MemoryFiles())
    while not log.wants_compaction:
        log.append(bytes(100_000) + b"x")
    assert log.position > 1 << 20
    compact(log, [b"all"])
    assert not log.wants_compaction


def test_a_full_disk_changes_nothing() -> None:
    files = written()
    log = MetadataLog.open(files)
    files.faults.free_bytes = 5
    position = log.position
    with pytest.raises(OSError, match="space"):
        log.append(b"four")
    files.faults.free_bytes = None
    assert log.position == position
    log.append(b"five")
    assert MetadataLog.open(files.copy()).records == [*RECORDS, b"five"]


def test_a_fenced_log_accepts_nothing() -> None:
    log = MetadataLog.open(MemoryFiles())
    log.fence(OSError(5, "gone"))
    with pytest.raises(OSError, match="gone"):
        log.append(b"record")
    with pytest.raises(OSError, match="gone"):
        compact(log, [])


def test_what_a_start_finds_is_synced_before_anybody_is_told() -> None:
    """kill -9 leaves records in the page cache only; the next power cut must not take them away again."""
    killed = written(synced=1).copy()
    MetadataLog.open(killed)
    assert [step.path for step in killed.journal if step.kind == "sync"] == [FIRST]
