"""What is appended comes back byte for byte, whole or not at all, whatever fails in between."""

import errno
from dataclasses import replace

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kcon_broker.batch.header import read_header
from kcon_broker.storage.batch_frame import batch_bounds
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.log_reader import split_batches
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from tests.kcon_broker.storage.batches import FOLDER, SETTINGS, TOPIC_ID, make_batch, open_log, stored, sync_log

FIRST_LOG = f"{FOLDER}/{0:020d}.log"
DENSE = DefaultLogSettings(segment_bytes=2_000, index_interval_bytes=150)


def append(log: Log, *batches: bytearray) -> None:
    for batch in batches:
        log.append(batch, now_ms=0)
    log.write_pending()


def filled(files: MemoryFiles, settings: DefaultLogSettings = DENSE, batches: int = 30) -> Log:
    log = open_log(files, settings=settings)
    append(log, *(make_batch(1 + seed % 4, size=seed * 7 % 90, seed=seed) for seed in range(batches)))
    sync_log(log)
    return log


# Append


def test_append_gives_offset_and_epoch_in_place() -> None:
    files = MemoryFiles()
    log = open_log(files, leader_epoch=4)
    first, second = make_batch(3, seed=1), make_batch(2, seed=2)
    assert (log.append(first, now_ms=0), log.append(second, now_ms=0)) == (0, 3)
    assert (read_header(second).base_offset, read_header(second).partition_leader_epoch) == (3, 4)
    assert (log.written_offset, log.log_end_offset) == (0, 5)
    log.write_pending()
    assert files.content(FIRST_LOG) == bytes(first + second)
    assert (log.written_offset, log.durable_offset) == (5, 0)


def test_a_partition_has_no_folder_before_its_first_append() -> None:
    files = MemoryFiles()
    log = open_log(files)
    assert log.read(0, 100, limit_offset=10) == []
    log.write_pending()
    log.close()
    assert files.journal == []


def test_durable_moves_only_with_the_sync_of_every_dirty_file() -> None:
    """The first append makes names in two folders and four files: all are in the first round."""
    files = MemoryFiles()
    log = open_log(files)
    append(log, make_batch(2))
    paths = {file.path for file in sync_log(log)}
    assert paths == {"", FOLDER, FIRST_LOG, f"{FOLDER}/partition.metadata", f"{FOLDER}/leader-epoch-checkpoint"}
    assert (log.durable_offset, log.dirty_files()) == (2, [])
    append(log, make_batch(1))
    assert [file.path for file in log.dirty_files()] == [FIRST_LOG]


def test_what_is_written_during_a_sync_is_for_the_next() -> None:
    log = open_log(MemoryFiles())
    append(log, make_batch(1))
    sync_log(log)
    append(log, make_batch(1))
    (file,) = log.dirty_files()
    target = log.written_offset
    work = file.begin_sync()
    append(log, make_batch(1))
    work()
    file.end_sync(None)
    log.mark_durable(target)
    assert (log.durable_offset, log.written_offset) == (2, 3)
    assert log.dirty_files() == [file]


def test_the_leader_epoch_is_noted_with_its_first_append() -> None:
    files = MemoryFiles()
    for epoch in (0, 1, 2):
        log = open_log(files, leader_epoch=epoch)
        if epoch != 1:
            append(log, make_batch(2, seed=epoch))
            sync_log(log)
    assert files.content(f"{FOLDER}/leader-epoch-checkpoint") == b"0\n2\n0 0\n2 2\n"
    assert log.end_offset_for_epoch(1) == (0, 2)
    assert log.end_offset_for_epoch(2) == (2, 4)
    assert log.end_offset_for_epoch(7) == (2, 4)


# Segments


def test_a_segment_rolls_before_it_grows_beyond_its_size() -> None:
    files = MemoryFiles()
    filled(files)
    sizes = [len(files.content(path)) for path in files.paths() if path.endswith(".log")]
    assert len(sizes) > 2
    assert all(size <= DENSE.segment_bytes for size in sizes)


def test_a_batch_larger_than_a_segment_has_one_for_itself() -> None:
    files = MemoryFiles()
    log = open_log(files, settings=replace(DENSE, segment_bytes=200))
    append(log, make_batch(1, size=500), make_batch(1, size=500))
    assert [len(files.content(path)) > 500 for path in files.paths() if path.endswith(".log")] == [True, True]


@pytest.mark.parametrize(("age_ms", "segments"), [(999, 1), (1_000, 1), (1_001, 2)])
def test_a_segment_rolls_by_the_time_of_its_records(age_ms: int, segments: int) -> None:
    files = MemoryFiles()
    log = open_log(files, settings=replace(SETTINGS, segment_ms=1_000))
    append(log, make_batch(1, timestamp_ms=5_000), make_batch(1, timestamp_ms=5_000 + age_ms))
    assert len([path for path in files.paths() if path.endswith(".log")]) == segments


def test_roll_begins_a_new_segment_with_the_next_batch() -> None:
    files = MemoryFiles()
    log = open_log(files)
    append(log, make_batch(2))
    log.roll()
    append(log, make_batch(1), make_batch(1))
    assert [path for path in files.paths() if path.endswith(".log")] == [FIRST_LOG, f"{FOLDER}/{2:020d}.log"]


# Read


def test_a_read_returns_whole_batches_from_the_one_that_holds_the_offset() -> None:
    log = filled(MemoryFiles())
    batches = list(log.read_batches(0, limit_offset=log.log_end_offset))
    for start in range(log.log_end_offset):
        expected = [batch for batch in batches if batch_bounds(batch, 0)[1] > start]
        for max_bytes in (0, 100, 700, 5_000):
            for limit in (start, start + 3, log.log_end_offset - 1, log.log_end_offset, log.log_end_offset + 9):
                parts = log.read(start, max_bytes, limit_offset=limit)
                wanted = bytearray()
                for batch in expected:
                    if batch_bounds(batch, 0)[1] > limit or (wanted and len(wanted) + len(batch) > max_bytes):
                        break
                    wanted += batch
                assert b"".join(parts) == wanted


def test_without_min_one_a_first_batch_that_is_too_large_is_left_out() -> None:
    log = open_log(MemoryFiles())
    batch = make_batch(1, size=300)
    append(log, batch)
    assert log.read(0, len(batch) - 1, limit_offset=1, min_one=False) == []
    assert log.read(0, len(batch), limit_offset=1, min_one=False) == [batch]
    assert log.read(0, 1, limit_offset=1, min_one=True) == [batch]


def test_a_batch_larger_than_the_read_ahead_is_read_whole() -> None:
    log = open_log(MemoryFiles())
    batches = [make_batch(1, size=size, seed=size) for size in (100_000, 10, 50_000)]
    append(log, *batches)
    assert log.read(0, 10, limit_offset=3) == [batches[0]]
    assert log.read(2, 10, limit_offset=3) == [batches[2]]
    assert split_batches(log.read(0, 1 << 20, limit_offset=3)) == batches


def test_the_first_batch_since_a_time() -> None:
    log = open_log(MemoryFiles(), settings=DENSE)
    times = [5_000, 3_000, 7_000, 7_000, 6_000, 9_000] * 10
    for index, timestamp_ms in enumerate(times):
        append(log, make_batch(1, size=60, timestamp_ms=timestamp_ms + index, seed=index))
    for wanted in range(2_990, 9_100, 7):
        expected = next((index for index, time in enumerate(times) if time + index >= wanted), None)
        batch = log.batch_for_timestamp(wanted, limit_offset=60)
        assert (None if batch is None else batch_bounds(batch, 0)[0]) == expected
    latest = log.batch_with_max_timestamp(limit_offset=60)
    assert latest is not None
    assert batch_bounds(latest, 0)[0] == 59
    earlier = log.batch_with_max_timestamp(limit_offset=58)
    assert earlier is not None
    assert batch_bounds(earlier, 0)[0] == 53


# What fails


@pytest.mark.parametrize("free_bytes", range(0, 700, 25))
def test_a_full_disk_drops_the_whole_write_and_the_log_goes_on_when_there_is_room(free_bytes: int) -> None:
    files = MemoryFiles()
    log = open_log(files, settings=replace(DENSE, segment_bytes=400))
    append(log, make_batch(2, seed=1))
    before = stored(log)
    files.faults.free_bytes = free_bytes
    for seed in range(2, 8):
        log.append(make_batch(2, size=60, seed=seed), now_ms=0)
    with pytest.raises(OSError, match="space"):
        log.write_pending()
    assert (log.log_end_offset, log.written_offset, stored(log)) == (2, 2, before)
    files.faults.free_bytes = None
    append(log, make_batch(3, seed=9))
    assert log.log_end_offset == 5
    after = stored(log)
    assert after.startswith(before)
    assert stored(open_log(files.copy(), settings=SETTINGS)) == after


def test_short_writes_are_completed() -> None:
    files = MemoryFiles()
    files.faults.write_bytes_max = 7
    log = open_log(files)
    batches = [make_batch(2, seed=seed) for seed in range(3)]
    append(log, *batches)
    assert files.content(FIRST_LOG) == b"".join(batches)


def test_an_error_of_the_disk_is_told_and_the_next_write_may_do() -> None:
    files = MemoryFiles()
    log = open_log(files)
    append(log, make_batch(1))
    files.faults.write_errors[".log"] = errno.EIO
    log.append(make_batch(1), now_ms=0)
    with pytest.raises(OSError, match="EIO"):
        log.write_pending()
    files.faults.write_errors.clear()
    append(log, make_batch(1))
    assert log.log_end_offset == 2


def test_a_failed_sync_stays_failed() -> None:
    """The kernel may have dropped the pages: a second sync that succeeds proves nothing."""
    files = MemoryFiles()
    log = open_log(files)
    append(log, make_batch(1))
    files.faults.sync_errors[".log"] = errno.EIO
    file = next(file for file in log.dirty_files() if file.path == FIRST_LOG)
    with pytest.raises(OSError, match="EIO"):
        file.sync()
    files.faults.sync_errors.clear()
    assert file in log.dirty_files()
    with pytest.raises(OSError, match="EIO"):
        file.sync()


def test_a_fenced_log_accepts_nothing_and_can_be_read() -> None:
    log = open_log(MemoryFiles())
    append(log, make_batch(2))
    log.append(make_batch(1), now_ms=0)
    log.fence(OSError(errno.EIO, "gone"))
    assert (log.log_end_offset, log.has_pending) == (2, False)
    assert len(log.read(0, 100, limit_offset=2)) == 1
    with pytest.raises(OSError, match="gone"):
        log.append(make_batch(1), now_ms=0)


# Let go


def test_delete_before_hides_records_and_drops_whole_segments() -> None:
    files = MemoryFiles()
    log = filled(files)
    segments = [path for path in files.paths() if path.endswith(".log")]
    third = int(segments[2].rpartition("/")[2][:20])
    log.delete_before(third + 1)
    assert log.log_start_offset == third + 1
    assert [path for path in files.paths() if path.endswith(".log")] == segments[2:]
    deleted = log.take_deleted_paths()
    assert {path for path in deleted if path.endswith(".log.deleted")} == {f"{path}.deleted" for path in segments[:2]}
    assert set(deleted) <= set(files.paths())
    assert log.take_deleted_paths() == []
    assert log.epochs.start_offsets == [third + 1]


def test_retention_by_size_keeps_at_least_what_is_asked() -> None:
    log = filled(MemoryFiles(), replace(DENSE, retention_bytes=3_000, retention_ms=-1))
    assert log.size_bytes > 5_000
    assert log.apply_retention(now_ms=0) > 0
    assert 3_000 <= log.size_bytes < 5_000
    assert log.apply_retention(now_ms=0) == 0


def test_retention_by_time_drops_what_is_older_in_all_its_records() -> None:
    log = open_log(MemoryFiles(), settings=replace(SETTINGS, retention_ms=1_000))
    for timestamp_ms in (1_000, 2_000, 3_000):
        append(log, make_batch(1, timestamp_ms=timestamp_ms))
        log.roll()
    sync_log(log)
    assert log.apply_retention(now_ms=2_000) == 0
    assert log.apply_retention(now_ms=3_001) == 2
    assert log.log_start_offset == 2
    assert log.apply_retention(now_ms=9_000) == 1
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (3, 3, 0)
    append(log, make_batch(1))
    assert log.log_end_offset == 4


def test_nothing_is_left_to_sync_of_a_segment_that_went_before_it_was_synced() -> None:
    files = MemoryFiles()
    log = open_log(files, settings=replace(SETTINGS, retention_ms=1_000))
    append(log, make_batch(1, timestamp_ms=1_000))
    sync_log(log)
    log.roll()
    assert log.apply_retention(now_ms=9_000) == 1
    assert not [file.path for file in log.dirty_files() if file.path.endswith(".deleted")]


def test_records_of_the_future_age_from_when_they_are_seen() -> None:
    """A producer with a wrong clock, or a clock that went back: neither kept for ever nor dropped at once."""
    log = open_log(MemoryFiles(), settings=replace(SETTINGS, retention_ms=1_000))
    append(log, make_batch(1, timestamp_ms=10**12))
    sync_log(log)
    assert log.apply_retention(now_ms=5_000) == 0
    assert log.apply_retention(now_ms=6_000) == 0
    assert log.apply_retention(now_ms=6_001) == 1


def test_retention_never_drops_what_is_not_durable() -> None:
    log = open_log(MemoryFiles(), settings=replace(SETTINGS, retention_ms=1))
    append(log, make_batch(1, timestamp_ms=1))
    assert log.apply_retention(now_ms=10_000) == 0
    sync_log(log)
    assert log.apply_retention(now_ms=10_000) == 1


def test_an_emptied_log_keeps_its_offsets_over_a_restart() -> None:
    files = MemoryFiles()
    log = open_log(files, settings=replace(SETTINGS, retention_ms=1))
    append(log, make_batch(5, timestamp_ms=1))
    sync_log(log)
    log.apply_retention(now_ms=10_000)
    for is_clean in (False, True):
        again = open_log(files.copy(), recovery_point=5, is_clean=is_clean)
        assert (again.log_start_offset, again.log_end_offset, again.damage) == (5, 5, None)


def test_a_snapshot_of_producers_saves_the_walk_before_it() -> None:
    files = MemoryFiles()
    log = open_log(files)
    append(log, make_batch(1, producer_id=1, base_sequence=0), make_batch(1, producer_id=2, base_sequence=0))
    sync_log(log)
    snapshot = [ProducerSnapshot(1, 0, 0, 0, 0, 1_000), ProducerSnapshot(2, 0, 0, 1, 0, 1_000)]
    log.write_producer_snapshot(snapshot)
    append(log, make_batch(1, producer_id=1, base_sequence=1))
    sync_log(log)
    restored: list[ProducerSnapshot] = []
    offsets: list[int] = []
    Log.open(
        files.copy(),
        FOLDER,
        settings=SETTINGS,
        leader_epoch=1,
        topic_id=TOPIC_ID,
        recovery_point=2,
        on_batch=lambda batch: offsets.append(batch.base_offset),
        on_producers=lambda producers, _: restored.extend(producers),
    )
    assert (restored, offsets) == (snapshot, [2])


# Against a model


class LogMachine(RuleBasedStateMachine):
    """A log and a plain list of batches, through appends, failures, deletions and both kinds of restart."""

    @initialize(interval=st.sampled_from([0, 100, 4_096]), segment_bytes=st.sampled_from([300, 1_500, 1 << 20]))
    def start(self, interval: int, segment_bytes: int) -> None:
        self.settings = DefaultLogSettings(segment_bytes=segment_bytes, index_interval_bytes=interval)
        self.files = MemoryFiles()
        self.epoch = 0
        self.model: list[bytes] = []
        self.log = open_log(self.files, settings=self.settings)

    @rule(counts=st.lists(st.integers(1, 3), min_size=1, max_size=4), size=st.integers(0, 200), seed=st.integers(0, 99))
    def append(self, counts: list[int], size: int, seed: int) -> None:
        batches = [make_batch(count, size=size, seed=seed + index) for index, count in enumerate(counts)]
        append(self.log, *batches)
        self.model += [bytes(batch) for batch in batches]

    @rule(free_bytes=st.integers(0, 60), count=st.integers(1, 3))
    def fail_to_append(self, free_bytes: int, count: int) -> None:
        for seed in range(count):
            self.log.append(make_batch(1, size=100, seed=seed), now_ms=0)
        self.files.faults.free_bytes = free_bytes
        with pytest.raises(OSError, match="space"):
            self.log.write_pending()
        self.files.faults.free_bytes = None

    @rule()
    def sync(self) -> None:
        sync_log(self.log)

    @rule()
    def roll(self) -> None:
        self.log.roll()

    @rule(share=st.floats(0, 1))
    def delete(self, share: float) -> None:
        self.log.delete_before(int(self.log.log_end_offset * share))
        while self.model and batch_bounds(self.model[0], 0)[1] <= self.log.log_start_offset:
            self.model.pop(0)

    @rule(is_clean=st.booleans())
    def restart(self, is_clean: bool) -> None:
        if is_clean:
            sync_log(self.log)
            self.log.close()
        self.epoch += 1
        self.files = self.files.copy()
        self.log = open_log(
            self.files,
            settings=self.settings,
            leader_epoch=self.epoch,
            recovery_point=self.log.durable_offset,
            is_clean=is_clean,
            log_start_offset=self.log.log_start_offset,
        )
        assert (self.log.damage, self.log.durable_offset) == (None, self.log.log_end_offset)

    @precondition(lambda self: bool(self.model))
    @rule(share=st.floats(0, 1), max_bytes=st.integers(0, 3_000))
    def read(self, share: float, max_bytes: int) -> None:
        start = self.log.log_start_offset
        offset = start + int((self.log.log_end_offset - 1 - start) * share)
        found = b"".join(self.log.read(offset, max_bytes, limit_offset=self.log.written_offset))
        rest = b"".join(batch for batch in self.model if batch_bounds(batch, 0)[1] > offset)
        assert found
        assert rest.startswith(found)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert stored(self.log) == b"".join(self.model)
        if self.model:
            assert self.log.log_end_offset == batch_bounds(self.model[-1], 0)[1]


TestLogAgainstModel = LogMachine.TestCase
TestLogAgainstModel.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)
