"""What a reader of committed records skips: neither more nor less than what was aborted, also after a start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcon_broker.batch.records import encode_marker
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.memory_files import MemoryFiles
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.transaction_index import (
    ENTRY_BYTES,
    AbortedTransaction,
    TransactionIndex,
    decode_transaction_index,
    encode_transaction_index,
    sum_of,
)
from tests.kcon_broker.storage.batches import FOLDER, TOPIC_ID, make_batch, sync_log

ENTRIES = [AbortedTransaction(7, 0, 5, 6), AbortedTransaction(8, 3, 9, 10), AbortedTransaction(7, 12, 30, 20)]
SMALL_SEGMENTS = DefaultLogSettings(segment_bytes=600, index_interval_bytes=100)
FIRST_INDEX = f"{FOLDER}/{0:020d}.txnindex"


def index_of(entries: list[AbortedTransaction]) -> TransactionIndex:
    index = TransactionIndex()
    for entry in entries:
        index.append(entry)
    return index


def test_entries_have_kafkas_form() -> None:
    """Version i16, then four i64 (Kafka: AbortedTxn)."""
    content = encode_transaction_index(ENTRIES[:1])
    assert content == bytes.fromhex("0000" + "0000000000000007" + f"{0:016x}{5:016x}{6:016x}")
    assert len(content) == ENTRY_BYTES == 34


def test_a_file_is_believed_only_with_its_sum() -> None:
    content = encode_transaction_index(ENTRIES)
    assert decode_transaction_index(content, sum_of(0, ENTRIES)) == ENTRIES
    # More may have been added since.
    assert decode_transaction_index(content, sum_of(0, ENTRIES[:2])) == ENTRIES[:2]
    assert decode_transaction_index(content[:-1], sum_of(0, ENTRIES)) is None
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 0x10
        assert decode_transaction_index(bytes(flipped), sum_of(0, ENTRIES)) is None


def test_ranges_are_by_record_and_by_marker() -> None:
    index = index_of(ENTRIES)
    assert index.between(6, 12) == ENTRIES[1:2]
    assert index.between(6, 13) == ENTRIES[1:]
    assert index.marked_between(5, 9) == ENTRIES[:1]
    assert index.marked_between(6, 31) == ENTRIES[1:]
    index.keep_marked(0, 10, {9})
    assert index.entries == ENTRIES[1:]
    index.forget_from(30)
    assert index.entries == ENTRIES[1:2]
    index.forget_before(10)
    assert not index


class Life:
    """A log with transactions of two producers, and who follows them."""

    def __init__(self, files: MemoryFiles, recovery_point: int | None = 0, *, is_clean: bool = False) -> None:
        self.restored: tuple[list[ProducerSnapshot], list[AbortedTransaction]] | None = None
        self.replayed: list[int] = []
        self.index = TransactionIndex()
        self.log = Log.open(
            files,
            FOLDER,
            settings=SMALL_SEGMENTS,
            leader_epoch=1,
            topic_id=TOPIC_ID,
            recovery_point=recovery_point,
            is_clean=is_clean,
            on_batch=lambda batch: self.replayed.append(batch.base_offset),
            on_producers=self._restore,
        )
        self.log.share_aborted(self.index)

    def _restore(self, producers: list[ProducerSnapshot], aborted: list[AbortedTransaction]) -> None:
        self.restored = (producers, aborted)

    def abort(self, producer_id: int) -> None:
        """Write a batch and the marker that aborts it; snapshots are taken as the broker takes them."""
        first_offset = self.log.append(make_batch(2, size=60, seed=producer_id, producer_id=producer_id), now_ms=0)
        marker = encode_marker(
            commit=False, producer_id=producer_id, producer_epoch=0, coordinator_epoch=0, timestamp_ms=1
        )
        last_offset = self.log.append(marker, now_ms=0)
        self.index.append(AbortedTransaction(producer_id, first_offset, last_offset, last_offset + 1))
        self.log.write_pending()
        if self.log.wants_snapshot:
            self.log.write_producer_snapshot([ProducerSnapshot(producer_id, 0, 0, 0, 0, 1)])


def lived(aborts: int = 10) -> tuple[MemoryFiles, Life]:
    files = MemoryFiles()
    life = Life(files)
    for number in range(aborts):
        life.abort(number)
    sync_log(life.log)
    return files, life


def test_sealed_segments_have_their_index_and_a_snapshot_stands_at_each_seal() -> None:
    files, life = lived()
    sealed = life.log.segments[:-1]
    assert len(sealed) > 1
    for segment in sealed:
        content = files.content(f"{FOLDER}/{segment.base_offset:020d}.txnindex")
        entries = life.index.marked_between(segment.base_offset, segment.end_offset)
        assert content == encode_transaction_index(entries)
    assert sum(path.endswith(".snapshot") for path in files.paths()) == len(sealed)
    life.log.drop_snapshots(life.log.durable_offset)
    assert sum(path.endswith(".snapshot") for path in files.paths()) == 1


def test_a_start_reads_what_was_aborted_from_the_files() -> None:
    files, life = lived()
    point = life.log.durable_offset
    again = Life(files.copy(), point)
    assert again.restored is not None
    assert again.replayed
    assert again.replayed[0] >= again.log.segments[-1].base_offset
    assert again.restored[1] == life.index.marked_between(0, again.replayed[0])
    life.log.write_producer_snapshot([])
    for file in life.log.close():
        file.sync()
    clean = Life(files.copy(), point, is_clean=True)
    assert (clean.restored, clean.replayed) == (([], life.index.entries), [])


@pytest.mark.parametrize("damage", ["removed", "cut", "flipped", "snapshot"])
def test_a_damaged_index_is_not_believed_and_is_written_anew(damage: str) -> None:
    """Believed, it would show aborted records to readers."""
    files, life = lived()
    good = files.content(FIRST_INDEX)
    if damage == "removed":
        files.remove(FIRST_INDEX)
    elif damage == "cut":
        files.overwrite(FIRST_INDEX, good[:-ENTRY_BYTES])
    elif damage == "flipped":
        files.overwrite(FIRST_INDEX, good[:17] + bytes([good[17] ^ 1]) + good[18:])
    else:
        for path in files.paths():
            if path.endswith(".snapshot"):
                files.overwrite(path, files.content(path)[:-1])
    again = Life(files, life.log.durable_offset)
    assert again.restored is None
    assert again.replayed[0] == 0
    for entry in life.index.entries:
        again.index.append(entry)
    again.log.restore_transaction_indexes()
    assert files.content(FIRST_INDEX) == good
    again.log.write_producer_snapshot([])
    third = Life(files.copy(), life.log.durable_offset)
    assert third.restored == ([], life.index.entries)


def test_an_index_goes_with_its_segment() -> None:
    files, life = lived()
    second = life.log.segments[1].base_offset
    life.log.delete_before(second)
    assert FIRST_INDEX + ".deleted" in life.log.take_deleted_paths()
    again = Life(files.copy(), life.log.durable_offset)
    assert again.restored is not None
    assert again.restored[1][0].last_offset >= second


def test_a_snapshot_of_what_a_power_cut_took_is_dropped() -> None:
    """Other records will have those offsets; believed later, it would speak of records that are gone."""
    files, life = lived()
    last = life.log.segments[-1]
    files.overwrite(last.file.path, b"")
    base = last.base_offset
    again = Life(files, 0)
    assert again.log.log_end_offset == base
    assert [path for path in files.paths() if path.endswith(".snapshot") and int(path[-29:-9]) > base] == []


def test_a_write_that_failed_leaves_no_stale_index() -> None:
    """The segment was sealed for the batch that failed, and is active again."""
    files, life = lived(2)
    segments = len(life.log.segments)
    before = list(life.index.entries)
    for number in range(20, 26):
        files.faults.free_bytes = 0
        with pytest.raises(OSError, match="space"):
            life.abort(number)
        life.index.forget_from(life.log.log_end_offset)
        files.faults.free_bytes = None
    assert (len(life.log.segments), life.index.entries) == (segments, before)
    for number in range(30, 36):
        life.abort(number)
    sync_log(life.log)
    again = Life(files.copy(), life.log.durable_offset)
    assert again.restored is not None
    assert again.restored[1] == life.index.marked_between(0, again.replayed[0])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 9)), max_size=20), st.integers(0, 200))
def test_between_finds_what_a_walk_finds(steps: list[tuple[int, int, int]], start: int) -> None:
    entries: list[AbortedTransaction] = []
    offset = 0
    for producer_id, length, gap in steps:
        entries.append(AbortedTransaction(producer_id, offset, offset + length, offset + length + 1))
        offset += length + gap
    index = index_of(entries)
    for end in (start, start + 1, start + 40):
        expected = [each for each in entries if each.last_offset >= start and each.first_offset < end]
        assert index.between(start, end) == expected
