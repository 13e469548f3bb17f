"""Whatever a power cut leaves of unsynced writes, nothing that was synced is lost and every log opens."""

import random
from dataclasses import dataclass, field

import pytest

from kcon_broker.storage.batch_frame import batch_bounds
from kcon_broker.storage.data_folder import DataFolder
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.memory_files import Crashed, MemoryFiles
from kcon_broker.storage.metadata_log import MetadataLog
from kcon_broker.storage.steps import run_at_once
from tests.kcon_broker.storage.batches import TOPIC_ID, make_batch

PARTITIONS = 2
SMALL_SEGMENTS = DefaultLogSettings(segment_bytes=1_500, index_interval_bytes=200)


@dataclass
class Promise:
    """What was durable, and so may have been acknowledged, at one step of the journal."""

    step: int
    durable_offsets: list[int]
    metadata_records: int


@dataclass
class Run:
    """Everything a broker did in one life, as the check needs it."""

    files: MemoryFiles
    batches: list[dict[int, bytes]] = field(default_factory=lambda: [{} for _ in range(PARTITIONS)])
    """Base offset -> batch as it was handed to the log, by partition."""
    metadata: list[bytes] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    deleted_to: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    """Below it records may be gone, by partition."""


def open_folder(files: MemoryFiles) -> tuple[DataFolder, MetadataLog, list[Log]]:
    folder = DataFolder.open(files, new_cluster_id=lambda: "cluster")
    metadata = MetadataLog.open(files)
    logs = [
        folder.open_log("t", index, topic_id=TOPIC_ID, settings=SMALL_SEGMENTS, leader_epoch=folder.start_epoch)
        for index in range(PARTITIONS)
    ]
    return folder, metadata, logs


def live(run: Run, chance: random.Random, actions: int) -> None:
    """Let a broker append, write, sync, checkpoint, roll, delete and compact its metadata at random."""
    files = run.files
    folder, metadata, logs = open_folder(files)
    for _ in range(actions):
        index = chance.randrange(PARTITIONS)
        log = logs[index]
        action = chance.random()
        if action < 0.5:
            for _ in range(chance.randint(1, 3)):
                batch = make_batch(chance.randint(1, 4), size=chance.randint(0, 200), seed=chance.randrange(1 << 30))
                base_offset = log.append(batch, now_ms=0)
                # The buffer was patched by append: what is kept is what must come back.
                run.batches[index][base_offset] = bytes(batch)
            log.write_pending()
        elif action < 0.75:
            sync_round(chance, logs, metadata)
        elif action < 0.85:
            for number, each in enumerate(logs):
                folder.note("t", number, each)
            folder.write_checkpoints()
        elif action < 0.9:
            log.roll()
        elif action < 0.93:
            run.deleted_to[index] = max(run.deleted_to[index], chance.randint(0, log.durable_offset))
            log.delete_before(run.deleted_to[index])
            for path in log.take_deleted_paths():
                files.remove(path)
        elif action < 0.98 or metadata.durable_position != metadata.position:
            run.metadata.append(b"record %d" % len(run.metadata))
            metadata.append(run.metadata[-1])
        else:
            run_at_once(metadata.compact_steps(run.metadata))
        durable_records = len(run.metadata) if metadata.durable_position == metadata.position else None
        previous = run.promises[-1].metadata_records if run.promises else 0
        run.promises.append(
            Promise(
                len(files.journal),
                [each.durable_offset for each in logs],
                previous if durable_records is None else durable_records,
            )
        )


def sync_round(chance: random.Random, logs: list[Log], metadata: MetadataLog) -> None:
    """Sync everything dirty as the engine does: all begin, then end in any order."""
    targets = [log.written_offset for log in logs]
    position = metadata.position
    dirty = dict.fromkeys([file for log in logs for file in log.dirty_files()] + metadata.dirty_files())
    works = [(file, file.begin_sync()) for file in dirty]
    chance.shuffle(works)
    for file, work in works:
        work()
        file.end_sync(None)
    for log, target in zip(logs, targets, strict=True):
        log.mark_durable(target)
    metadata.mark_durable(position)


def check(run: Run, disk: MemoryFiles, step: int) -> None:
    """Open what is left and compare it with what was promised up to that step."""
    kept = [promise for promise in run.promises if promise.step <= step]
    durable_offsets = kept[-1].durable_offsets if kept else [0] * PARTITIONS
    metadata_records = kept[-1].metadata_records if kept else 0
    _, metadata, logs = open_folder(disk)
    assert metadata.records == run.metadata[: len(metadata.records)]
    assert len(metadata.records) >= metadata_records
    for index, (log, appended) in enumerate(zip(logs, run.batches, strict=True)):
        assert log.damage is None
        assert log.log_end_offset >= durable_offsets[index]
        assert log.log_start_offset <= run.deleted_to[index]
        offset = log.log_start_offset
        for batch in log.read_batches(offset, limit_offset=log.log_end_offset):
            first_offset, next_offset, _ = batch_bounds(batch, 0)
            assert first_offset <= offset < next_offset
            assert bytes(batch) == appended[first_offset]
            offset = next_offset
        assert offset == log.log_end_offset


def stop_cleanly(disk: MemoryFiles) -> None:
    """Start on a disk and stop again, so that all its files say what its logs say."""
    folder, _, logs = open_folder(disk)
    for index, log in enumerate(logs):
        folder.note("t", index, log)
        for file in log.close():
            file.sync()
    folder.close()


@pytest.mark.parametrize("seed", range(50))
def test_no_power_cut_loses_what_was_synced(seed: int) -> None:
    """500 disks: ten cuts at random steps of each of 50 lives."""
    chance = random.Random(seed)
    run = Run(MemoryFiles())
    live(run, chance, actions=40)
    for _ in range(10):
        step = chance.randrange(len(run.files.journal) + 1)
        check(run, run.files.power_cut(step, chance), step)


@pytest.mark.parametrize("seed", range(12))
def test_a_process_killed_at_any_step_loses_nothing_it_wrote(seed: int) -> None:
    """kill -9 keeps the page cache: all that was written before is there, and is made durable by the next start."""
    chance = random.Random(seed)
    for stop_at in range(0, 120, 5):
        run = Run(MemoryFiles())
        run.files.faults.crash_after_steps = stop_at
        with pytest.raises(Crashed):
            live(run, random.Random(chance.random()), actions=400)
        disk = run.files.copy()
        check(run, disk.copy(), stop_at)
        _, _, logs = open_folder(disk)
        expected = [bytes(batch) for log in logs for batch in log.read_batches(0, limit_offset=1 << 40)]
        _, _, again = open_folder(disk.copy())
        assert [bytes(batch) for log in again for batch in log.read_batches(0, limit_offset=1 << 40)] == expected


@pytest.mark.parametrize("seed", range(10))
def test_a_cut_during_recovery_loses_nothing_either(seed: int) -> None:
    """Recovery dies at each of its steps; the next one finds the same log (RELIABILITY: kill during recovery)."""
    chance = random.Random(seed)
    run = Run(MemoryFiles())
    live(run, chance, actions=30)
    step = len(run.files.journal)
    disk = run.files.power_cut(step, chance)
    stop_at = 0
    while True:
        interrupted = disk.copy()
        interrupted.faults.crash_after_steps = stop_at
        try:
            open_folder(interrupted)
        except Crashed:
            check(run, interrupted.copy(), step)
            stop_at += 1
            continue
        break
    assert stop_at > 3


def test_without_a_sync_nothing_is_promised() -> None:
    """The model itself can lose data: a log that was never synced may come back empty, or the tests prove nothing."""
    files = MemoryFiles()
    _, _, logs = open_folder(files)
    logs[0].append(make_batch(3), now_ms=0)
    logs[0].write_pending()
    assert logs[0].durable_offset == 0
    ends = set()
    for seed in range(100):
        _, _, left = open_folder(files.power_cut(len(files.journal), random.Random(seed)))
        ends.add(left[0].log_end_offset)
    assert ends == {0, 3}
