"""Which snapshot of producers can a start believe, and what was aborted before it?

A snapshot counts only with the transaction indexes it was written with: one that is missing or damaged would show
aborted records to readers. Without a usable snapshot the whole log is handed over, which costs time and nothing else.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from kcon_broker.storage.files import Files, read_bytes
from kcon_broker.storage.leftovers import base_offset_of
from kcon_broker.storage.producer_snapshot import ProducerSnapshot, SnapshotFile, read_producer_snapshot
from kcon_broker.storage.segment import (
    INDEX_BYTES_MAX,
    SNAPSHOT_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    segment_path,
)
from kcon_broker.storage.transaction_index import AbortedTransaction, decode_transaction_index

OnProducers: TypeAlias = Callable[[list[ProducerSnapshot], list[AbortedTransaction]], None]


def find_snapshot_offsets(files: Files, folder: str) -> list[int]:
    """Return the offsets of a folder's snapshots, oldest first."""
    offsets = [base_offset_of(name) for name in files.list_names(folder) if name.endswith(SNAPSHOT_SUFFIX)]
    return sorted(offset for offset in offsets if offset is not None)


def restore_producers(
    files: Files, folder: str, offsets: Sequence[int], base_offsets: Sequence[int], on_producers: OnProducers
) -> int:
    """Hand over the newest usable of these snapshots; return the offset from which batches must follow.

    `base_offsets`: of the segments that are there, oldest first.
    """
    for offset in reversed(offsets):
        snapshot = read_producer_snapshot(files, segment_path(folder, offset, SNAPSHOT_SUFFIX))
        if snapshot is None:
            continue
        aborted = _aborted_before(files, folder, snapshot, base_offsets)
        if aborted is not None:
            on_producers(snapshot.producers, aborted)
            return offset
    return 0


def _aborted_before(
    files: Files, folder: str, snapshot: SnapshotFile, base_offsets: Sequence[int]
) -> list[AbortedTransaction] | None:
    """Return what the indexes of a snapshot say; None: they are not what it was written with."""
    if snapshot.index_sums is None:
        return None
    aborted: list[AbortedTransaction] = []
    for wanted in snapshot.index_sums:
        if wanted.base_offset < base_offsets[0]:
            # Deleted since, with its records.
            continue
        path = segment_path(folder, wanted.base_offset, TRANSACTION_INDEX_SUFFIX)
        content = read_bytes(files, path, bytes_max=INDEX_BYTES_MAX)
        entries = None if content is None else decode_transaction_index(content, wanted)
        if entries is None:
            return None
        aborted += entries
    return aborted
