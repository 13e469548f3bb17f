"""One bit of one file of a data folder is flipped: does the broker start, and serve nothing that was never written?

Segments are hit uniformly, the 17 bytes of a header that its CRC does not cover among them, and each kind of file
beside them. A flip in a record itself is what a consumer's own check of the CRC finds; all else must be found here: by
recovery, by a read, or by the doctor, who looks at every batch.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

from kcon_broker.batch.header import read_header
from kcon_broker.errors import FolderUnreadableError
from kcon_broker.storage.batch_walk import LEADER_EPOCH_MAX, BadBatch, walk_batches
from kcon_broker.storage.memory_files import MemoryFiles
from tests.crash.failpoints import Life, Node, live, stop

HEADER_WITHOUT_CRC_BYTES = 17
_LIFE_USES = 50


@dataclass(slots=True)
class Flips:
    """What came of them."""

    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Kind of file -> flips."""
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def kind_of(path: str) -> str:
    """Return what a file is, by its name."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if name[:20].isdigit() else name


def run_flips(count: int, seed: int, flips: Flips) -> None:
    """Flip so many bits, each in a folder of its own."""
    chance = random.Random(seed)
    for start in range(0, count, _LIFE_USES):
        life = live(random.Random(chance.randrange(2**32)))
        is_clean = chance.random() < 0.5
        if is_clean:
            stop(life, chance)
        else:
            life.node.sync()
            life.node.folder.note("t", 0, life.node.log)
            life.node.folder.write_checkpoints()
        for _ in range(min(_LIFE_USES, count - start)):
            _flip_one(life, chance, is_clean, flips)


def _flip_one(life: Life, chance: random.Random, is_clean: bool, flips: Flips) -> None:
    disk = life.node.files.copy()
    by_kind: dict[str, list[str]] = {}
    for path in disk.paths():
        by_kind.setdefault(kind_of(path), []).append(path)
    kind = "log" if chance.random() < 0.5 else chance.choice(sorted(by_kind))
    path = chance.choice(by_kind[kind])
    content = bytearray(disk.content(path))
    if not content:
        return
    position = chance.randrange(len(content))
    if kind == "log" and not path.startswith("metadata/") and chance.random() < 0.3:
        position = chance.randrange(HEADER_WITHOUT_CRC_BYTES)
    content[position] ^= 1 << chance.randrange(8)
    disk.overwrite(path, bytes(content))
    flips.count += 1
    flips.kinds[kind] += 1
    what = f"{path} at byte {position}, {'clean' if is_clean else 'killed'}"
    try:
        outcome, wrong = _judge(life, disk, path)
    except FolderUnreadableError:
        # Topics must not be lost in silence: the metadata log is one file without a twin.
        outcome, wrong = "refused", [] if path.startswith("metadata/") else [f"{what}: the folder is refused"]
    flips.outcomes[outcome] += 1
    flips.wrong += [f"{what}: {text}" for text in wrong]


def _judge(life: Life, disk: MemoryFiles, path: str) -> tuple[str, list[str]]:
    # What is damaged and was synced must not be made good by cutting it off.
    before = {name: disk.content(name) for name in disk.paths() if name.startswith("t-0/") and name.endswith(".log")}
    node = Node(disk)
    log = node.log
    wrong: list[str] = []
    try:
        found = node.contents()
    except OSError:
        found = _readable(node)
    is_told = log.damage is not None or bool(log.reports) or bool(node.folder.reports)
    missing = [offset for offset in life.batches if offset not in found]
    for offset, content in found.items():
        if life.batches.get(offset) == content:
            continue
        if _is_found_by_a_check(node):
            # By the consumer's CRC, or by the doctor.
            return "found by a check of the batches", wrong
        wrong.append(f"the batch at offset {offset} is not what was written there")
    if missing and log.damage is None and not _is_found_by_a_check(node):
        wrong.append(f"offsets {missing[:3]} are gone and nothing tells")
    if path in before and disk.exists(path) and len(disk.content(path)) < len(before[path]):
        wrong.append("synced data was cut off")
    if not missing:
        wrong += _judge_aborted(life, node)
    if log.damage is not None:
        return "reported as damage", wrong
    return ("told and mended" if is_told else "no matter, or mended in silence"), wrong


def _judge_aborted(life: Life, node: Node) -> list[str]:
    known = [(each.first_offset, each.last_offset) for each in node.producers.transactions.aborted.entries]
    return [] if known == life.aborted else [f"aborted: {known}, not {life.aborted}"]


def _readable(node: Node) -> dict[int, bytes]:
    """Return what can be read batch by batch, up to the first that cannot."""
    found: dict[int, bytes] = {}
    offset = node.log.log_start_offset
    try:
        while parts := node.log.read(offset, 1, limit_offset=node.log.log_end_offset):
            header = read_header(parts[0])
            found[header.base_offset] = bytes(parts[0][16:])
            offset = header.next_offset
    except OSError:
        pass
    return found


def _is_found_by_a_check(node: Node) -> bool:
    """Look at every batch as the doctor and consumers do."""
    expected: int | None = None
    for segment in node.log.segments:
        expected = segment.base_offset if expected is None else expected
        if expected != segment.base_offset:
            return True
        try:
            for batch in walk_batches(
                segment,
                position=0,
                expected_offset=expected,
                end_position=segment.file.size(),
                check_crc=True,
                leader_epoch_max=LEADER_EPOCH_MAX,
                gaps_allowed=False,
            ):
                expected = batch.next_offset
        except BadBatch:
            return True
    return False
