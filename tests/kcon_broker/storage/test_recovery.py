"""After a stop that was not clean: the log is cut exactly at the first bad batch, and damage is reported, not cut."""

import random
from itertools import product

import pytest

from kcon_broker.batch.header import BatchHeader
from kcon_broker.storage.batch_frame import batch_bounds
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.log_reader import LogDamagedError
from kcon_broker.storage.memory_files import MemoryFiles
from tests.kcon_broker.storage.batches import FOLDER, SETTINGS, TOPIC_ID, make_batch, open_log, stored, sync_log

FIRST_LOG = f"{FOLDER}/{0:020d}.log"
SMALL_SEGMENTS = DefaultLogSettings(segment_bytes=1_000, index_interval_bytes=100)
HEADER_WITHOUT_CRC_BYTES = 17


def written_log(batches: list[bytearray], settings: DefaultLogSettings = SETTINGS) -> tuple[MemoryFiles, Log]:
    files = MemoryFiles()
    log = open_log(files, settings=settings)
    for batch in batches:
        log.append(batch, now_ms=0)
    log.write_pending()
    sync_log(log)
    return files, log


@pytest.mark.parametrize(("codec", "values", "size"), list(product(range(5), (1, 5), (0, 40, 300))))
def test_a_torn_last_batch_is_cut_off_wherever_it_tore(codec: int, values: int, size: int) -> None:
    """Every byte of the last batch, five codecs, six sizes."""
    batches = [make_batch(values, size=size, seed=seed, codec=codec) for seed in range(3)]
    files, _ = written_log(batches)
    content = files.content(FIRST_LOG)
    keep = len(batches[0]) + len(batches[1])
    for torn_at in range(keep, len(content)):
        torn = files.copy()
        torn.overwrite(FIRST_LOG, content[:torn_at])
        log = open_log(torn)
        assert log.log_end_offset == 2 * values
        assert stored(log) == content[:keep]
        assert torn.content(FIRST_LOG) == content[:keep]
        assert len(log.reports) == (torn_at > keep)


def test_zeros_after_the_last_batch_are_cut_off() -> None:
    """A power cut may leave the new size of a file without its bytes."""
    files, _ = written_log([make_batch(2)])
    content = files.content(FIRST_LOG)
    files.overwrite(FIRST_LOG, content + bytes(5_000))
    assert open_log(files).log_end_offset == 2
    assert files.content(FIRST_LOG) == content


def flips(content: bytes, *, seed: int, count: int) -> list[tuple[int, bytes]]:
    """Return copies with one flipped bit each, and where: some anywhere, and each of the bytes without a CRC."""
    chance = random.Random(seed)
    second = batch_bounds(content, 0)[2]
    positions = [chance.randrange(len(content)) for _ in range(count)]
    positions += [start + at for start in (0, second) for at in range(HEADER_WITHOUT_CRC_BYTES)]
    flipped = []
    for position in positions:
        copy = bytearray(content)
        copy[position] ^= 1 << chance.randrange(8)
        flipped.append((position, bytes(copy)))
    return flipped


@pytest.mark.parametrize("seed", range(10))
def test_a_flipped_bit_above_the_recovery_point_cuts_the_log_there(seed: int) -> None:
    batches = [make_batch(3, size=30, seed=seed + index) for index in range(5)]
    files, _ = written_log(batches)
    content = files.content(FIRST_LOG)
    starts = [sum(map(len, batches[:index])) for index in range(6)]
    for position, flipped in flips(content, seed=seed, count=200):
        disk = files.copy()
        disk.overwrite(FIRST_LOG, flipped)
        log = open_log(disk)
        bad = max(index for index in range(5) if starts[index] <= position)
        assert log.log_end_offset == 3 * bad
        assert stored(log) == content[: starts[bad]]
        assert log.reports


@pytest.mark.parametrize("seed", range(10))
def test_a_flipped_bit_in_synced_data_is_reported_and_nothing_is_cut(seed: int) -> None:
    """Records that were acknowledged are not deleted in silence, and nothing takes their offsets."""
    batches = [make_batch(3, size=30, seed=seed + index) for index in range(5)]
    files, _ = written_log(batches)
    content = files.content(FIRST_LOG)
    starts = [sum(map(len, batches[:index])) for index in range(6)]
    for position, flipped in flips(content, seed=seed, count=200):
        disk = files.copy()
        disk.overwrite(FIRST_LOG, flipped)
        log = open_log(disk, recovery_point=15)
        bad = max(index for index in range(5) if starts[index] <= position)
        assert log.damage is not None
        assert log.damage.offset == 3 * bad
        assert str(log.damage) in log.reports
        assert disk.content(FIRST_LOG) == flipped
        assert log.log_end_offset == 15
        if bad:
            assert b"".join(log.read(0, 1 << 20, limit_offset=15)) == content[: starts[bad]]
        with pytest.raises(LogDamagedError):
            log.read(log.damage.offset, 1 << 20, limit_offset=15)
        with pytest.raises(LogDamagedError):
            log.append(make_batch(), now_ms=0)


def test_synced_records_that_are_missing_are_reported() -> None:
    files, _ = written_log([make_batch(3), make_batch(3)])
    files.overwrite(FIRST_LOG, files.content(FIRST_LOG)[:-1])
    log = open_log(files, recovery_point=6)
    assert log.damage is not None
    assert log.damage.offset == 3
    assert log.log_end_offset == 6


def test_a_bad_batch_in_a_sealed_segment_drops_the_segments_after_it() -> None:
    batches = [make_batch(2, size=300, seed=seed) for seed in range(6)]
    files, _ = written_log(batches, SMALL_SEGMENTS)
    logs = [path for path in files.paths() if path.endswith(".log")]
    assert len(logs) == 6
    content = bytearray(files.content(logs[2]))
    content[100] ^= 1
    files.overwrite(logs[2], bytes(content))
    log = open_log(files, settings=SMALL_SEGMENTS)
    assert log.log_end_offset == 4
    assert [path for path in files.paths() if path.endswith(".log")] == logs[:3]
    log.append(make_batch(1), now_ms=0)
    log.write_pending()
    assert log.log_end_offset == 5


def test_a_gap_between_segments_cuts_the_log_there() -> None:
    files, log = written_log([make_batch(2, size=300, seed=seed) for seed in range(6)], SMALL_SEGMENTS)
    logs = [path for path in files.paths() if path.endswith(".log")]
    files.remove(logs[3])
    reopened = open_log(files, settings=SMALL_SEGMENTS, recovery_point=4)
    assert reopened.log_end_offset == 6
    assert [path for path in files.paths() if path.endswith(".log")] == logs[:3]
    assert log.log_end_offset == 12


@pytest.mark.parametrize(("recovery_point", "end_offset"), [(4, 6), (5, 6), (6, 6), (7, 12), (12, 12)])
def test_a_gap_in_a_compacted_log_is_allowed_below_the_recovery_point_only(
    recovery_point: int, end_offset: int
) -> None:
    """Nothing above it was compacted: there a power cut took the end of a segment, and what follows never counted."""
    files, _ = written_log([make_batch(2, size=300, seed=seed) for seed in range(6)], SMALL_SEGMENTS)
    files.remove(f"{FOLDER}/{6:020d}.log")
    log = open_log(files, settings=SMALL_SEGMENTS, recovery_point=recovery_point, gaps_allowed=True)
    assert (log.log_end_offset, log.damage) == (end_offset, None)


LEFTOVERS = {
    "an index without a log": f"{FOLDER}/{77:020d}.index",
    "a time index without a log": f"{FOLDER}/{77:020d}.timeindex",
    "a deleted log": f"{FOLDER}/{0:020d}.log.deleted",
    "a cleaned log": f"{FOLDER}/{2:020d}.log.cleaned",
    "a swap of an unfinished compaction": f"{FOLDER}/{4:020d}.log.swap",
    "a file written aside": f"{FOLDER}/leader-epoch-checkpoint.tmp",
}


@pytest.mark.parametrize("combination", range(1 << len(LEFTOVERS)))
def test_leftovers_in_every_combination_change_nothing(combination: int) -> None:
    files, _ = written_log([make_batch(2, size=300, seed=seed) for seed in range(6)], SMALL_SEGMENTS)
    expected = stored(open_log(files.copy(), settings=SMALL_SEGMENTS))
    paths = [path for bit, path in enumerate(LEFTOVERS.values()) if combination >> bit & 1]
    if LEFTOVERS["a swap of an unfinished compaction"] in paths:
        # Without a .cleaned file beside it a swap is finished, and takes effect: another test.
        paths.append(LEFTOVERS["a cleaned log"])
    for path in paths:
        files.overwrite(path, b"anything")
    log = open_log(files, settings=SMALL_SEGMENTS)
    assert stored(log) == expected
    assert not set(paths) & set(files.paths())


def test_a_finished_compaction_takes_the_place_of_its_segments() -> None:
    files, _ = written_log([make_batch(2, size=300, seed=seed) for seed in range(4)], SMALL_SEGMENTS)
    logs = [path for path in files.paths() if path.endswith(".log")]
    merged = files.content(logs[0]) + files.content(logs[1])
    files.overwrite(logs[0] + ".swap", merged)
    log = open_log(files, settings=SMALL_SEGMENTS)
    assert [path for path in files.paths() if path.endswith(".log")] == [logs[0], *logs[2:]]
    assert files.content(logs[0]) == merged
    assert log.log_end_offset == 8


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("damage", ["missing", "empty", "torn", "flipped", "from another segment"])
@pytest.mark.parametrize("is_clean", [True, False])
def test_an_index_that_lies_is_built_anew(suffix: str, damage: str, is_clean: bool) -> None:
    """Index sanity never gates recovery, and no wrong record is served."""
    batches = [make_batch(2, size=30, seed=seed, timestamp_ms=1_000 + 10 * seed) for seed in range(60)]
    settings = DefaultLogSettings(segment_bytes=4_000, index_interval_bytes=200)
    files, log = written_log(batches, settings)
    log.close()
    content = stored(log)
    paths = [path for path in files.paths() if path.endswith(suffix)]
    for number, path in enumerate(paths):
        index = files.content(path)
        if damage == "missing":
            files.remove(path)
        elif damage == "flipped":
            flipped = bytearray(index)
            flipped[random.Random(number).randrange(len(index))] ^= 4
            files.overwrite(path, bytes(flipped))
        else:
            other = files.content(paths[number - 1]) if damage == "from another segment" else b""
            files.overwrite(path, index[:-3] if damage == "torn" else other)
    again = open_log(files, settings=settings, recovery_point=120, is_clean=is_clean)
    assert again.damage is None
    assert again.log_end_offset == 120
    assert stored(again) == content
    for offset in range(120):
        first = again.read(offset, 1, limit_offset=120)[0]
        base_offset, next_offset, _ = batch_bounds(first, 0)
        assert base_offset <= offset < next_offset


@pytest.mark.parametrize("content", [b"", b"0\n", b"0\n1\n5 0\n", b"0\n2\n3 0\n2 5\n", b"\xff\xfe", b"1\n0\n"])
def test_a_damaged_epoch_file_is_built_anew(content: bytes) -> None:
    """An epoch file that can be read is believed: its epochs below the walk are not in doubt."""
    files, log = written_log([make_batch(2), make_batch(2)])
    files.overwrite(f"{FOLDER}/leader-epoch-checkpoint", content)
    again = open_log(files, leader_epoch=5, recovery_point=4)
    assert again.epochs.encode() == log.epochs.encode()
    assert again.damage is None


def test_the_walk_hands_every_batch_over() -> None:
    seen: list[BatchHeader] = []
    files, _ = written_log([make_batch(2, producer_id=7, base_sequence=2 * index, seed=index) for index in range(4)])
    Log.open(
        files, FOLDER, settings=SETTINGS, leader_epoch=1, topic_id=TOPIC_ID, recovery_point=0, on_batch=seen.append
    )
    assert [(batch.base_offset, batch.producer_id, batch.base_sequence) for batch in seen] == [
        (0, 7, 0),
        (2, 7, 2),
        (4, 7, 4),
        (6, 7, 6),
    ]


def test_a_clean_log_is_not_walked_but_one_that_ends_elsewhere_is() -> None:
    """A partition that the last run did not touch keeps its old recovery point, clean stop or not."""
    files, log = written_log([make_batch(2), make_batch(2)])
    log.close()
    assert not open_log(files.copy(), recovery_point=4, is_clean=True).was_walked
    assert open_log(files.copy(), recovery_point=2, is_clean=True).was_walked
    assert open_log(files.copy(), recovery_point=4, is_clean=False).was_walked


def test_recovered_records_are_synced_before_anybody_sees_them() -> None:
    """kill -9 leaves them in the page cache only; the next power cut must not take them away again."""
    files, _ = written_log([make_batch(2)])
    killed = files.copy()
    log = open_log(killed)
    assert log.durable_offset == 2
    assert FIRST_LOG in [step.path for step in killed.journal if step.kind == "sync"]


def test_a_log_that_was_synced_to_its_end_is_not_synced_again() -> None:
    """After kill -9 most partitions are as their last sync left them: their recovery writes nothing."""
    files, _ = written_log([make_batch(2)])
    killed = files.copy()
    assert open_log(killed, recovery_point=2).was_walked
    assert killed.journal == []


def test_a_log_start_beyond_the_end_is_taken_back() -> None:
    files, _ = written_log([make_batch(2)])
    log = open_log(files, log_start_offset=100)
    assert (log.log_start_offset, log.log_end_offset) == (0, 2)
    assert log.reports


def test_a_leader_epoch_that_goes_back_is_a_bad_batch() -> None:
    files = MemoryFiles()
    for epoch in (3, 5):
        log = open_log(files, leader_epoch=epoch)
        log.append(make_batch(1, seed=epoch), now_ms=0)
        log.write_pending()
        sync_log(log)
    content = bytearray(files.content(FIRST_LOG))
    second = batch_bounds(content, 0)[2]
    assert content[second + 15] == 5
    content[second + 15] = 2
    files.overwrite(FIRST_LOG, bytes(content))
    assert open_log(files, leader_epoch=6).log_end_offset == 1
