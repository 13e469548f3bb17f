"""What did a deletion or a compaction leave behind in a partition's folder when it was interrupted?

Kafka's LogLoader: `.deleted` and `.cleaned` files go; a `.swap` is a finished compaction and takes the place of the
segments whose offsets it holds, unless a `.cleaned` shows that the compaction was not finished.
"""

from itertools import pairwise

from kcon_broker.storage.batch_walk import LEADER_EPOCH_MAX, BadBatch, walk_batches
from kcon_broker.storage.files import Files
from kcon_broker.storage.segment import (
    DELETED_SUFFIX,
    LOG_SUFFIX,
    OFFSET_DIGITS,
    SEGMENT_SUFFIXES,
    Segment,
    segment_path,
)

CLEANED_SUFFIX = ".cleaned"
SWAP_SUFFIX = ".swap"
_ASIDE_SUFFIX = ".tmp"


def finish_leftovers(files: Files, folder: str) -> None:
    """Drop what a deletion or a compaction left unfinished; put a finished compaction's segments in place."""
    names = files.list_names(folder)
    cleaned = [base_offset_of(name) for name in names if name.endswith(CLEANED_SUFFIX)]
    oldest_cleaned = min((offset for offset in cleaned if offset is not None), default=None)
    for name in names:
        if name.endswith((DELETED_SUFFIX, CLEANED_SUFFIX, _ASIDE_SUFFIX)):
            files.remove(f"{folder}/{name}")
    for name in names:
        if not name.endswith(SWAP_SUFFIX):
            continue
        base_offset = base_offset_of(name)
        # While a .cleaned file existed the compaction had not finished: its swaps are not all there.
        is_incomplete = oldest_cleaned is not None and (base_offset is None or base_offset >= oldest_cleaned)
        if base_offset is not None and not is_incomplete and name.endswith(LOG_SUFFIX + SWAP_SUFFIX):
            _put_in_place(files, folder, f"{folder}/{name}", base_offset)
        else:
            files.remove(f"{folder}/{name}")


def _put_in_place(files: Files, folder: str, path: str, base_offset: int) -> None:
    """Let a compacted segment replace those whose offsets it holds."""
    end_offset = base_offset
    file = files.open(path)
    swap = Segment(base_offset, file)
    swap.size = file.size()
    try:
        for batch in walk_batches(
            swap,
            position=0,
            expected_offset=base_offset,
            end_position=swap.size,
            check_crc=False,
            leader_epoch_max=LEADER_EPOCH_MAX,
            gaps_allowed=True,
        ):
            end_offset = batch.next_offset
    except BadBatch:
        # A swap file was synced before it got its name; what cannot be read replaces nothing.
        file.close()
        files.remove(path)
        return
    file.close()
    for name in files.list_names(folder):
        replaced = base_offset_of(name)
        is_segments = name.endswith(SEGMENT_SUFFIXES)
        if is_segments and replaced is not None and base_offset <= replaced < end_offset:
            files.remove(f"{folder}/{name}")
    files.rename(path, segment_path(folder, base_offset, LOG_SUFFIX))
    files.folder(folder).sync()


def find_segments(files: Files, folder: str) -> list[Segment]:
    """Return the segments of a folder, oldest first, and drop indexes that have none."""
    names = files.list_names(folder)
    base_offsets = sorted(
        offset for name in names if name.endswith(LOG_SUFFIX) and (offset := base_offset_of(name)) is not None
    )
    known = set(base_offsets)
    for name in names:
        if name.endswith(SEGMENT_SUFFIXES) and base_offset_of(name) not in known:
            files.remove(f"{folder}/{name}")
    segments = [Segment(offset, files.open(segment_path(folder, offset, LOG_SUFFIX))) for offset in base_offsets]
    for segment, following in pairwise(segments):
        segment.size = segment.file.size()
        segment.end_offset = following.base_offset
        segment.drop_indexes()
    return segments


def base_offset_of(name: str) -> int | None:
    """Return the base offset that a file of a segment is named by; None: it is no such file."""
    digits, dot, _ = name.partition(".")
    return int(digits) if dot and len(digits) == OFFSET_DIGITS and digits.isascii() and digits.isdigit() else None
