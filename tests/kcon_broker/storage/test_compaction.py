"""A compacted log has the last value of each key, every offset keeps its record or loses it, and no crash costs one."""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from kcon_broker.batch.header import CODEC_LZ4, CODEC_NONE, CODEC_ZSTD, read_header
from kcon_broker.batch.records import Record, encode_batch, encode_marker, iter_records
from kcon_broker.storage.compaction import Compacted, CompactionAbandoned, compact_log
from kcon_broker.storage.compaction_plan import CompactionPlan, plan_compaction
from kcon_broker.storage.dirty_keys import PAUSE_RECORDS
from kcon_broker.storage.log import Log
from kcon_broker.storage.log_settings import DefaultLogSettings
from kcon_broker.storage.memory_files import Crashed, MemoryFiles
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.steps import Steps, run_at_once
from tests.kcon_broker.storage.batches import FOLDER, TOPIC_ID, sync_log

NOW_MS = 1_000_000
NEVER_MS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(DefaultLogSettings):
    """A compacted topic's settings, with small segments."""

    segment_bytes: int = 2_000
    index_interval_bytes: int = 200
    min_cleanable_dirty_ratio: float = 0.0
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = NEVER_MS
    delete_retention_ms: int = 1_000


SETTINGS = Settings()


def open_log(files: MemoryFiles, *, recovery_point: int = 0) -> Log:
    return Log.open(
        files,
        FOLDER,
        settings=SETTINGS,
        leader_epoch=0,
        topic_id=TOPIC_ID,
        recovery_point=recovery_point,
        gaps_allowed=True,
    )


def append(log: Log, batch: bytearray) -> int:
    offset = log.append(batch, now_ms=0)
    log.write_pending()
    sync_log(log)
    return offset


def put(log: Log, *pairs: tuple[bytes | None, bytes | None], timestamp_ms: int = 10, codec: int = CODEC_NONE) -> int:
    return append(log, encode_batch([Record(0, timestamp_ms, key, value) for key, value in pairs], codec=codec))


def seal(log: Log) -> None:
    """Have everything so far in sealed segments."""
    log.roll()
    put(log, (b"the active segment", b""))


def read(log: Log) -> dict[int, Record]:
    batches = log.read_batches(log.log_start_offset, limit_offset=log.log_end_offset)
    return {record.offset: record for batch in batches for record in iter_records(batch)}


def plan(log: Log, settings: Settings = SETTINGS, *, cleaned: int = 0, now_ms: int = NOW_MS) -> CompactionPlan | None:
    return plan_compaction(
        log.segments,
        settings,
        cleaned_offset=cleaned,
        log_start_offset=log.log_start_offset,
        limit_offset=log.durable_offset,
        now_ms=now_ms,
        load_indexes=log.load_indexes,
    )


def steps(
    files: MemoryFiles,
    log: Log,
    *,
    cleaned: int = 0,
    keys_max: int = 1_000,
    now_ms: int = NOW_MS,
    producers: Sequence[ProducerSnapshot] = (),
) -> Steps[Compacted]:
    found = plan(log, cleaned=cleaned, now_ms=now_ms)
    assert found is not None
    return compact_log(files, log, found, SETTINGS, keys_max=keys_max, producers=producers, now_ms=now_ms)


def compact(
    files: MemoryFiles,
    log: Log,
    *,
    cleaned: int = 0,
    keys_max: int = 1_000,
    now_ms: int = NOW_MS,
    producers: Sequence[ProducerSnapshot] = (),
) -> int:
    done = run_at_once(steps(files, log, cleaned=cleaned, keys_max=keys_max, now_ms=now_ms, producers=producers))
    for path in done.deleted_paths:
        files.remove(path)
    return done.end_offset


def fill(log: Log, chance: random.Random, batches: int, keys: int = 20) -> None:
    for _ in range(batches):
        pairs = [
            (b"k%d" % chance.randrange(keys), chance.randbytes(chance.randrange(60)) if chance.random() < 0.9 else None)
            for _ in range(chance.randint(1, 6))
        ]
        put(log, *pairs, codec=chance.choice((CODEC_NONE, CODEC_LZ4, CODEC_ZSTD)))
        if chance.random() < 0.1:
            log.roll()


def check_compacted(before: dict[int, Record], after: dict[int, Record], end_offset: int) -> None:
    """Every offset is as it was or gone; of each key, the last record below `end_offset` alone is there."""
    check_nothing_lost(before, after, end_offset)
    last = last_places(before, end_offset)
    assert {offset for offset in after if offset < end_offset} <= last


def check_nothing_lost(before: dict[int, Record], after: dict[int, Record], end_offset: int) -> None:
    """Nothing is other than it was, and the last value of each key is there."""
    assert all(before[offset] == record for offset, record in after.items())
    assert {offset for offset in before if offset >= end_offset} <= set(after)
    assert {offset for offset in last_places(before, end_offset) if before[offset].value is not None} <= set(after)


def last_places(records: dict[int, Record], end_offset: int) -> set[int]:
    last = {record.key: offset for offset, record in sorted(records.items()) if offset < end_offset}
    return set(last.values())


@pytest.mark.parametrize("seed", range(12))
def test_a_compacted_log_has_the_last_value_of_each_key(seed: int) -> None:
    """Again and again, with tables of keys from too small to large, as the log grows."""
    chance = random.Random(seed)
    files = MemoryFiles()
    log = open_log(files)
    cleaned = 0
    for _ in range(4):
        fill(log, chance, 25)
        before = read(log)
        if plan(log, cleaned=cleaned) is None:
            continue
        cleaned = compact(files, log, cleaned=cleaned, keys_max=chance.choice((3, 10, 1_000)), now_ms=NOW_MS)
        after = read(log)
        check_compacted(before, after, cleaned)
        reopened = read(open_log(files.copy(), recovery_point=chance.choice((0, cleaned, log.durable_offset))))
        assert reopened == after
        for offset in range(log.log_start_offset, log.log_end_offset):
            # A read from anywhere begins with the batch that holds the offset, or the next one.
            first = log.read(offset, 1, limit_offset=log.log_end_offset)
            assert read_header(first[0]).last_offset >= offset


def test_the_active_segment_and_what_is_not_durable_stay() -> None:
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"1"))
    log.roll()
    put(log, (b"a", b"2"))
    log.append(encode_batch([Record(0, 0, b"a", b"3")]), now_ms=0)
    log.write_pending()
    assert compact(files, log) == 1
    assert list(read(log)) == [0, 1, 2]
    log.roll()
    log.append(encode_batch([Record(0, 0, b"a", b"4")]), now_ms=0)
    log.write_pending()
    assert plan(log, cleaned=1) is None


def test_records_without_a_key_go() -> None:
    """They were there before the topic was compacted."""
    files = MemoryFiles()
    log = open_log(files)
    put(log, (None, b"1"), (b"a", b"2"))
    seal(log)
    compact(files, log)
    assert list(read(log)) == [1, 2]


def test_small_neighbours_are_merged() -> None:
    files = MemoryFiles()
    log = open_log(files)
    for number in range(20):
        put(log, (b"a", b"x" * 900), (b"%d" % number, b"y"))
        log.roll()
    seal(log)
    segments = len(log.segments)
    compact(files, log)
    compact(files, log, now_ms=NOW_MS)
    assert len(log.segments) < segments / 4
    assert sorted(path for path in files.paths() if path.endswith((".deleted", ".cleaned", ".swap"))) == []


def test_a_segment_of_which_nothing_goes_is_left_alone() -> None:
    files = MemoryFiles()
    log = open_log(files)
    put(log, *[(b"%d" % number, b"x" * 150) for number in range(12)])
    seal(log)
    segment = log.segments[0]
    compact(files, log)
    assert log.segments[0] is segment


def test_a_tombstone_goes_when_its_horizon_has_passed() -> None:
    """KIP-534: the horizon begins with the compaction that first keeps the tombstone."""
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"1"), (b"b", b"1"))
    put(log, (b"a", None), (b"b", b"2"))
    seal(log)
    compact(files, log)
    assert [(offset, record.value) for offset, record in read(log).items()] == [(2, None), (3, b"2"), (4, b"")]
    compact(files, log, now_ms=NOW_MS + 999)
    assert 2 in read(log)
    compact(files, log, now_ms=NOW_MS + 1_000)
    assert list(read(log)) == [3, 4]


def test_readers_see_how_far_a_log_goes_whose_end_was_compacted_away() -> None:
    """The last batch of the compacted part stays, empty if need be: a reader waits for nothing."""
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", None))
    log.roll()
    put(log, (b"b", b"1"))
    compact(files, log)
    compact(files, log, now_ms=NOW_MS + 1_000)
    assert list(read(log)) == [1]
    (batch,) = log.read(0, 1, limit_offset=log.log_end_offset)
    assert (read_header(batch).record_count, read_header(batch).next_offset) == (0, 1)


def test_the_last_batch_of_a_producer_keeps_its_sequence() -> None:
    files = MemoryFiles()
    log = open_log(files)
    for sequence in (0, 1):
        batch = encode_batch([Record(0, 0, b"a", b"x")], producer_id=7, producer_epoch=0, base_sequence=sequence)
        append(log, batch)
    put(log, (b"a", b"newest"))
    seal(log)
    compact(files, log, producers=[ProducerSnapshot(7, 0, 1, 1, 0, 0)])
    headers = [read_header(batch) for batch in log.read_batches(0, limit_offset=3)]
    assert [(header.base_offset, header.base_sequence, header.record_count) for header in headers] == [
        (1, 1, 0),
        (2, -1, 1),
    ]


def transaction(log: Log, producer_id: int, key: bytes, value: bytes) -> int:
    record = Record(0, 0, key, value)
    batch = encode_batch([record], producer_id=producer_id, producer_epoch=0, base_sequence=0, is_transactional=True)
    return append(log, batch)


def end_transaction(log: Log, producer_id: int, *, commit: bool) -> int:
    marker = encode_marker(
        commit=commit, producer_id=producer_id, producer_epoch=0, coordinator_epoch=0, timestamp_ms=0
    )
    return append(log, marker)


def test_aborted_records_go_and_do_not_push_out_others() -> None:
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"kept"))
    transaction(log, 1, b"a", b"aborted")
    transaction(log, 2, b"b", b"committed")
    end_transaction(log, 1, commit=False)
    end_transaction(log, 2, commit=True)
    seal(log)
    compact(files, log)
    after = read(log)
    assert {0, 2} <= set(after)
    assert 1 not in after
    assert {3, 4} <= set(after), "the markers stay until their horizon"
    compact(files, log, now_ms=NOW_MS + 1)
    assert {3, 4} <= set(read(log))
    compact(files, log, now_ms=NOW_MS + 1_001)
    assert sorted(read(log)) == [0, 2, 4, 5], "the abort marker went, the commit's transaction still has a record"


def test_an_open_transaction_bounds_the_compaction() -> None:
    """What may still be aborted must not replace anything."""
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"1"))
    put(log, (b"a", b"2"))
    transaction(log, 1, b"a", b"undecided")
    put(log, (b"a", b"3"))
    seal(log)
    assert compact(files, log) == 2
    assert sorted(read(log)) == [0, 1, 2, 3, 4], "what reads of committed records do not see yet replaces nothing"
    end_transaction(log, 1, commit=True)
    seal(log)
    assert compact(files, log, cleaned=2) == 6
    assert sorted(offset for offset, record in read(log).items() if record.key == b"a") == [3]


def test_a_ratio_a_lag_and_a_deadline_decide_when_it_is_worth_it() -> None:
    log = open_log(MemoryFiles())
    put(log, (b"a", b"1"), timestamp_ms=500)
    log.roll()
    put(log, (b"a", b"2"), timestamp_ms=600)
    log.roll()
    put(log, (b"a", b"3"), timestamp_ms=700)
    half = replace(SETTINGS, min_cleanable_dirty_ratio=0.5)
    assert plan(log, half, cleaned=1) is None
    first = plan(log, half, cleaned=0)
    assert first is not None
    assert (first.first_dirty_offset, first.end_offset, first.dirty_ratio) == (0, 2, 1.0)
    overdue = replace(half, max_compaction_lag_ms=1_000)
    assert plan(log, overdue, cleaned=1, now_ms=1_600) is None
    assert plan(log, overdue, cleaned=1, now_ms=1_601) is not None
    lagging = plan(log, replace(SETTINGS, min_compaction_lag_ms=400), now_ms=999)
    assert lagging is not None
    assert lagging.end_offset == 1


def test_a_checkpoint_of_another_log_is_not_believed() -> None:
    log = open_log(MemoryFiles())
    put(log, (b"a", b"1"))
    seal(log)
    found = plan(log, cleaned=99)
    assert found is not None
    assert found.first_dirty_offset == 0


def test_a_log_that_is_cut_meanwhile_is_left_alone() -> None:
    """Whatever happens to the log between two steps, the compaction notices before it changes a name."""
    abandoned = 0
    for step in range(1, 12):
        files = MemoryFiles()
        log = open_log(files)
        put(log, (b"a", b"1"))
        log.roll()
        put(log, (b"a", b"2"))
        seal(log)

        def cut(log: Log = log) -> None:
            log.delete_before(1)

        try:
            run_interrupted(steps(files, log), step, cut)
        except CompactionAbandoned:
            abandoned += 1
        assert sorted(read(log)) == [1, 2], step
        assert sorted(read(open_log(files.copy(), recovery_point=2))) == [1, 2], step
    assert abandoned > 2


def run_interrupted(work: Steps[Compacted], step: int, interruption: Callable[[], None]) -> None:
    """Do everything, and something else between the yielding of one piece of work and its end."""

    def interrupted() -> Steps[Compacted]:
        count, result = 0, None
        try:
            while True:
                wanted = work.send(result)
                count += 1
                if count == step:
                    interruption()
                result = None if wanted is None else wanted()
                yield None
        except StopIteration as stop:
            done: Compacted = stop.value
            return done

    run_at_once(interrupted())


def test_a_log_that_is_fenced_meanwhile_is_left_alone() -> None:
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"1"))
    seal(log)
    with pytest.raises(CompactionAbandoned):
        run_interrupted(steps(files, log), 1, lambda: log.fence(OSError(5, "a sync failed")))
    assert not [path for path in files.paths() if path.endswith(".cleaned")]


def test_damage_is_not_compacted_into_a_good_checksum() -> None:
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"1"), (b"b", b"2"))
    put(log, (b"a", b"3"))
    seal(log)
    path = next(path for path in files.paths() if path.endswith(".log"))
    content = bytearray(files.content(path))
    content[70] ^= 1
    files.overwrite(path, bytes(content))
    with pytest.raises(CompactionAbandoned, match="CRC"):
        compact(files, log)
    assert files.content(path) == bytes(content)


def test_a_full_disk_leaves_the_log_as_it_was() -> None:
    files = MemoryFiles()
    log = open_log(files)
    put(log, (b"a", b"1"), (b"b", b"2"))
    put(log, (b"a", b"3"))
    seal(log)
    before = read(log)
    files.faults.free_bytes = 10
    with pytest.raises(OSError, match="no space"):
        compact(files, log)
    files.faults.free_bytes = None
    assert read(log) == before
    assert not [path for path in files.paths() if path.endswith(".cleaned")]
    compact(files, log)
    check_compacted(before, read(log), 3)


def crash_points() -> Iterator[tuple[MemoryFiles, dict[int, Record], dict[int, Record]]]:
    """Yield the disk of a process that died at each step of a compaction, with what was before and would be after."""
    step = 0
    while True:
        chance = random.Random(3)
        files = MemoryFiles()
        log = open_log(files)
        fill(log, chance, 20, keys=6)
        seal(log)
        before = read(log)
        whole = files.copy()
        whole_log = open_log(whole)
        compact(whole, whole_log)
        files.faults.crash_after_steps = len(files.journal) + step
        try:
            compact(files, log)
        except Crashed:
            yield files, before, read(whole_log)
            step += 1
            continue
        return


def test_a_crash_at_any_step_loses_nothing() -> None:
    """The next start finds the old segments or the new ones, and the compaction can be done again."""
    count = 0
    for files, before, after in crash_points():
        count += 1
        left = files.copy()
        log = open_log(left, recovery_point=max(before))
        check_nothing_lost(before, read(log), max(before))
        assert not [path for path in left.paths() if path.endswith((".cleaned", ".swap", ".deleted"))]
        if plan(log) is not None:
            compact(left, log)
        assert read(log) == after
    assert count > 20


@pytest.mark.parametrize("seed", range(6))
def test_a_power_cut_at_any_step_loses_nothing(seed: int) -> None:
    """What was synced before the compaction is there after it, whatever the disk had not written yet."""
    chance = random.Random(seed)
    files = MemoryFiles()
    log = open_log(files)
    fill(log, chance, 20, keys=6)
    seal(log)
    before = read(log)
    began = len(files.journal)
    compact(files, log)
    for step in range(began, len(files.journal) + 1):
        left = files.power_cut(step, chance)
        reopened = open_log(left, recovery_point=max(before))
        assert reopened.damage is None, (seed, step)
        check_nothing_lost(before, read(reopened), max(before))


def test_a_large_batch_is_compacted_in_small_steps() -> None:
    """Between two pauses the loop serves others: each of the three passes over the records has its own."""
    files = MemoryFiles()
    log = open_log(files)
    records = 8 * PAUSE_RECORDS
    put(log, *((b"%d" % number, b"value") for number in range(records)))
    put(log, (b"0", b"newer"))
    seal(log)
    before = read(log)
    work = steps(files, log, keys_max=2 * records)
    pauses, result = 0, None
    with contextlib.suppress(StopIteration):
        while True:
            wanted = work.send(result)
            pauses += wanted is None
            result = None if wanted is None else wanted()
    assert pauses >= 3 * (records // PAUSE_RECORDS - 1)
    assert read(log) == {offset: record for offset, record in before.items() if offset != 0}
