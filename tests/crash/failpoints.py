"""Is a folder consistent after a process died, or lost its power, at any single step of what changes files?

Each operation (roll, retention, compaction, a deleted topic, checkpoints, a clean stop, a start) is begun on a folder
with a life behind it and stopped before its first, second, third … step, until it gets through. What is left is
opened twice: as a killed process leaves it, with every written byte, and as a power cut may leave it.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct

from kcon_broker.batch.header import LOG_OVERHEAD, read_header
from kcon_broker.batch.records import Record, encode_batch, encode_marker, iter_records
from kcon_broker.state.producers import ProducerTable, SentBatch
from kcon_broker.state.transaction_replay import TransactionReplay
from kcon_broker.storage.compaction import compact_log
from kcon_broker.storage.compaction_plan import plan_compaction
from kcon_broker.storage.data_folder import DataFolder
from kcon_broker.storage.log import DefaultLogSettings, Log
from kcon_broker.storage.memory_files import Crashed, MemoryFiles
from kcon_broker.storage.metadata_log import MetadataLog
from kcon_broker.storage.steps import run_at_once

TOPIC_ID = bytes(range(16))
ROUNDS = 14
_PRODUCERS_MAX = 100
_UNCOMPARED = Struct(">qii")
"""Base offset, length and leader epoch at the head of a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(DefaultLogSettings):
    """Small segments of a topic that is compacted when asked."""

    segment_bytes: int = 700
    index_interval_bytes: int = 150
    retention_ms: int = 5_000
    min_cleanable_dirty_ratio: float = 0.0
    min_compaction_lag_ms: int = 0
    max_compaction_lag_ms: int = 1 << 62
    delete_retention_ms: int = 1 << 40


SETTINGS = Settings()


class Node:
    """What a broker keeps in a data folder with one partition, without its network."""

    def __init__(self, files: MemoryFiles, *, gaps_allowed: bool = False) -> None:
        self.files = files
        self.folder = DataFolder.open(files, new_cluster_id=lambda: "cluster")
        self.metadata = MetadataLog.open(files)
        self.producers = ProducerTable()
        replay = TransactionReplay(self.producers)

        def see(header: object) -> None:
            from kcon_broker.batch.header import BatchHeader

            assert isinstance(header, BatchHeader)
            replay.see(header)
            if header.has_producer_id and header.base_sequence >= 0:
                sent = SentBatch(
                    header.base_sequence,
                    header.last_sequence,
                    header.base_offset,
                    header.last_offset,
                    header.max_timestamp,
                )
                self.producers.replay(header.producer_id, header.producer_epoch, sent, producers_max=_PRODUCERS_MAX)

        self.log: Log = self.folder.open_log(
            "t",
            0,
            topic_id=TOPIC_ID,
            settings=SETTINGS,
            leader_epoch=self.folder.start_epoch,
            gaps_allowed=gaps_allowed,
            on_batch=see,
            on_producers=self.producers.restore,
        )
        self.log.share_aborted(self.producers.transactions.aborted)
        replay.finish(self.log)
        self.log.restore_transaction_indexes()

    def append(self, chance: random.Random, sequences: dict[int, int], timestamp_ms: int) -> None:
        """Append a batch of an idempotent producer, or of a transaction that is then ended."""
        producer_id = chance.randrange(3)
        records = [
            Record(0, timestamp_ms, b"k%d" % chance.randrange(6), chance.randbytes(20))
            for _ in range(chance.randint(1, 3))
        ]
        sequence = sequences.get(producer_id, 0)
        sequences[producer_id] = sequence + len(records)
        is_transactional = producer_id > 0
        batch = encode_batch(
            records,
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=sequence,
            is_transactional=is_transactional,
        )
        header = read_header(batch)
        offset = self.log.append(batch, now_ms=timestamp_ms)
        sent = SentBatch(sequence, header.last_sequence, offset, offset + len(records) - 1, timestamp_ms)
        self.producers.appended(producer_id, 0, sent, producers_max=_PRODUCERS_MAX)
        if is_transactional:
            self.producers.transactions.appended(producer_id, offset)
            is_commit = chance.random() < 0.5
            marker = encode_marker(
                commit=is_commit,
                producer_id=producer_id,
                producer_epoch=0,
                coordinator_epoch=0,
                timestamp_ms=timestamp_ms,
            )
            marker_offset = self.log.append(marker, now_ms=timestamp_ms)
            self.producers.marked(producer_id, 0, 0, timestamp_ms)
            self.producers.transactions.ended(producer_id, marker_offset, is_commit=is_commit)
        self.log.write_pending()
        self.producers.written()
        if self.log.wants_snapshot:
            self.log.write_producer_snapshot(self.producers.snapshot())

    def sync(self) -> None:
        """Make everything durable."""
        files = [*self.log.dirty_files(), *self.metadata.dirty_files()]
        target = self.log.written_offset
        for file in dict.fromkeys(files):
            file.sync()
        self.log.mark_durable(target)
        self.metadata.mark_durable(self.metadata.position)

    def contents(self) -> dict[int, bytes]:
        """Return base offset -> batch of all that can be read, without the leader epoch, which tells lives apart."""
        found: dict[int, bytes] = {}
        for batch in self.log.read_batches(self.log.log_start_offset, limit_offset=self.log.log_end_offset):
            found[read_header(batch).base_offset] = bytes(batch[_UNCOMPARED.size :])
        return found


@dataclass(slots=True)
class Life:
    """A folder with a past, and what must be true of it in any future."""

    node: Node
    batches: dict[int, bytes]
    durable_offset: int
    aborted: list[tuple[int, int]] = field(default_factory=list)


def live(chance: random.Random) -> Life:
    """Return a folder in use: rolled, checkpointed, synced but for its end."""
    node = Node(MemoryFiles())
    sequences: dict[int, int] = {}
    node.metadata.append(b"topic")
    for number in range(ROUNDS):
        node.append(chance, sequences, 1_000 + number)
        if number % 4 == 3:
            node.sync()
        if number == ROUNDS // 2:
            node.folder.note("t", 0, node.log)
            node.folder.write_checkpoints()
    node.sync()
    durable_offset = node.log.durable_offset
    node.append(chance, sequences, 1_000 + ROUNDS)
    return Life(
        node,
        node.contents(),
        durable_offset,
        [(each.first_offset, each.last_offset) for each in node.producers.transactions.aborted.entries],
    )


def roll(life: Life, chance: random.Random) -> None:
    """Seal the active segment and begin the next."""
    life.node.log.roll()
    life.node.append(chance, {0: 1_000, 1: 1_000, 2: 1_000}, 9_000)
    life.node.sync()


def delete(life: Life, _chance: random.Random) -> None:
    """Let retention drop what is old, and remove its files."""
    log = life.node.log
    log.apply_retention(now_ms=1_000 + SETTINGS.retention_ms + ROUNDS // 2)
    life.node.folder.note("t", 0, log)
    run_at_once(life.node.folder.checkpoint_steps())
    for path in log.take_deleted_paths():
        life.node.files.remove(path)


def compact(life: Life, _chance: random.Random) -> None:
    """Compact the sealed segments."""
    node = life.node
    node.folder.note_cleaned("t", 0, 0)
    node.folder.note("t", 0, node.log)
    run_at_once(node.folder.checkpoint_steps())
    plan = plan_compaction(
        node.log.segments,
        SETTINGS,
        cleaned_offset=0,
        log_start_offset=0,
        limit_offset=node.log.durable_offset,
        now_ms=10_000,
        load_indexes=node.log.load_indexes,
    )
    assert plan is not None
    producers = node.producers.snapshot()
    done = run_at_once(
        compact_log(node.files, node.log, plan, SETTINGS, keys_max=100, producers=producers, now_ms=10_000)
    )
    for path in done.deleted_paths:
        node.files.remove(path)


def rename(life: Life, _chance: random.Random) -> None:
    """Delete the topic: its folder is renamed, then removed."""
    node = life.node
    node.metadata.append(b"deleted")
    node.sync()
    node.log.close()
    node.folder.delete_log("t", 0, TOPIC_ID)
    node.folder.write_checkpoints()
    for left in node.folder.deleted_folders():
        node.files.remove_tree(left)


def stop(life: Life, _chance: random.Random) -> None:
    """Stop cleanly."""
    node = life.node
    node.log.write_producer_snapshot(node.producers.snapshot())
    node.sync()
    node.folder.note("t", 0, node.log)
    for file in node.log.close():
        file.sync()
    node.folder.close()


def stop_cleanly(disk: MemoryFiles) -> None:
    """Start on a disk and stop again, so that all its files say what its log says."""
    disk.faults.crash_after_steps = None
    stop(Life(Node(disk), {}, 0), random.Random())


def start(life: Life, _chance: random.Random) -> None:
    """Start on what a killed process left."""
    Node(life.node.files)


OPERATIONS: dict[str, Callable[[Life, random.Random], None]] = {
    "roll": roll,
    "delete": delete,
    "compact": compact,
    "rename": rename,
    "stop": stop,
    "start": start,
}


def crash_points(name: str, seed: int) -> Iterator[tuple[Life, int, bool]]:
    """Yield a life at each point where an operation can be cut off; True: it got through."""
    step = 0
    while True:
        chance = random.Random(seed)
        life = live(chance)
        began = len(life.node.files.journal)
        life.node.files.faults.crash_after_steps = began + step
        try:
            OPERATIONS[name](life, chance)
        except Crashed:
            yield life, began + step, False
            step += 1
            continue
        yield life, len(life.node.files.journal), True
        return


def judge(life: Life, name: str, disk: MemoryFiles, *, is_killed: bool) -> list[str]:
    """Open what is left; return what is wrong with it."""
    node = Node(disk, gaps_allowed=False)
    log = node.log
    if name == "rename":
        # The topic may be gone, or whole.
        return [] if log.damage is None else [f"damage: {log.damage}"]
    wrong: list[str] = []
    if log.damage is not None:
        return [f"damage: {log.damage}"]
    found = node.contents()
    if log.log_end_offset < life.durable_offset:
        wrong.append(f"the log ends at {log.log_end_offset}, {life.durable_offset} was durable")
    if is_killed and max(life.batches) >= log.log_end_offset:
        wrong.append("a written batch is gone though the page cache lived")
    for offset, content in life.batches.items():
        if offset >= log.log_end_offset or offset < log.log_start_offset:
            continue
        if name == "compact":
            continue
        if found.get(offset) != content:
            wrong.append(f"the batch at offset {offset} is another one or gone")
    if name == "delete" and log.log_start_offset > life.durable_offset:
        wrong.append("retention dropped what is not old")
    if name not in ("delete", "compact") and log.log_start_offset != 0:
        wrong.append(f"the log starts at {log.log_start_offset}")
    if name == "compact":
        wrong += _judge_values(life, found, log.log_end_offset)
    wrong += _judge_aborted(life, node, name)
    left = [path for path in disk.paths() if path.endswith((".cleaned", ".swap", ".deleted", ".tmp"))]
    if [path for path in left if path.startswith("t-0/")]:
        wrong.append(f"left over: {left}")
    return wrong


def _judge_values(life: Life, found: dict[int, bytes], end_offset: int) -> list[str]:
    """Compare what a compacted log says of each key with what was written: the last committed value stays in place."""
    aborted = {first for first, _ in life.aborted}
    expected, known = (
        _last_values({offset: content for offset, content in batches.items() if offset < end_offset}, aborted)
        for batches in (life.batches, found)
    )
    return [] if known == expected else [f"the last values are {known}, not {expected}"]


def _last_values(batches: dict[int, bytes], aborted: set[int]) -> dict[bytes | None, tuple[int, bytes | None]]:
    """Return key -> (offset, value), without the batches that begin at aborted offsets."""
    last: dict[bytes | None, tuple[int, bytes | None]] = {}
    for base_offset in sorted(batches):
        content = batches[base_offset]
        batch = memoryview(_UNCOMPARED.pack(0, len(content) + _UNCOMPARED.size - LOG_OVERHEAD, 0) + content)
        if base_offset not in aborted and not read_header(batch).is_control:
            for record in iter_records(batch):
                last[record.key] = base_offset + record.offset, record.value
    return last


def _judge_aborted(life: Life, node: Node, name: str) -> list[str]:
    """Compare the aborted transactions with those of the life; of a compacted log some may have no records left."""
    known = [(each.first_offset, each.last_offset) for each in node.producers.transactions.aborted.entries]
    start, end = node.log.log_start_offset, node.log.log_end_offset
    expected = [each for each in life.aborted if each[1] < end and each[1] >= start]
    if name == "compact":
        return [
            f"{each} is aborted, and was not" for each in known if each[1] not in {last for _, last in life.aborted}
        ]
    if name == "delete":
        # Of one that began before the log does, the first record that is left may be named.
        known, expected = [(0, last) for _, last in known if last >= start], [(0, last) for _, last in expected]
        return [] if {*expected} <= {*known} or start > 0 else [f"aborted: {known}, not {expected}"]
    return [] if known[: len(expected)] == expected else [f"aborted: {known}, not {expected}"]
