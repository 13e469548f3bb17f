"""Which keys does the dirty part of a log hold, where does each stand last, and which transactions were aborted?

The first pass of a compaction. Keys of a transaction count when its commit marker is met; until then they wait. Where
the table is full, or a transaction has no marker yet, the pass ends: what follows is left to the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kcon_broker.batch.header import BatchHeader
from kcon_broker.batch.records import MARKER_COMMIT, read_marker
from kcon_broker.batch.retain import iter_spans
from kcon_broker.storage.key_offsets import KeyOffsets
from kcon_broker.storage.segment import Segment
from kcon_broker.storage.steps import Steps, decompress_elsewhere, visit_batches

PAUSE_RECORDS = 256
"""Records looked at between two pauses."""


@dataclass(slots=True, kw_only=True)
class DirtyKeys:
    """What the first pass found."""

    offsets: KeyOffsets
    end_offset: int
    """It is true of all before this offset."""
    aborted: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Producer id -> (first offset, offset of the marker) of its aborted transactions."""

    def is_aborted(self, header: BatchHeader) -> bool:
        """Say whether a batch belongs to an aborted transaction."""
        spans = self.aborted.get(header.producer_id, ())
        return any(first <= header.base_offset < marker for first, marker in spans)


def find_dirty_keys(
    segments: Sequence[Segment], first_offset: int, end_offset: int, offsets: KeyOffsets
) -> Steps[DirtyKeys]:
    """Look at `[first_offset, end_offset)`. Raises OSError, BadBatch, BadRecordsError or DecompressionError."""
    search = _Search(first_offset, DirtyKeys(offsets=offsets, end_offset=end_offset))
    for segment in segments:
        if segment.end_offset <= first_offset or segment.base_offset >= end_offset:
            continue
        if not (yield from visit_batches(segment, search.visit)):
            break
    return search.finish()


class _Search:
    __slots__ = ("_found", "_open", "_open_keys", "_open_since", "_start_offset")

    def __init__(self, start_offset: int, found: DirtyKeys) -> None:
        self._start_offset = start_offset
        self._found = found
        self._open: dict[int, list[tuple[bytes, int]]] = {}
        """Producer id -> keys of its open transaction, and their offsets."""
        self._open_since: dict[int, int] = {}
        self._open_keys = 0

    def visit(self, header: BatchHeader, batch: memoryview) -> Steps[bool]:
        if header.base_offset >= self._found.end_offset:
            return False
        if header.last_offset < self._start_offset:
            return True
        if header.is_control:
            self._end_transaction(header, batch)
            return True
        waiting: list[tuple[bytes, int]] | None = None
        if header.is_transactional:
            waiting = self._open.setdefault(header.producer_id, [])
            self._open_since.setdefault(header.producer_id, header.base_offset)
        count = 0
        records = yield from decompress_elsewhere(batch, header)
        for span in iter_spans(records, header):
            count += 1
            if not count % PAUSE_RECORDS:
                yield None
            offset = header.base_offset + span.offset_delta
            if span.key is None or offset < self._start_offset:
                continue
            if not self._note(span.key, offset, waiting):
                self._found.end_offset = min(self._found.end_offset, offset)
                return False
        return True

    def _note(self, key: bytes, offset: int, waiting: list[tuple[bytes, int]] | None) -> bool:
        offsets = self._found.offsets
        if waiting is None:
            # What waits must find room when its marker comes.
            if offsets.count + self._open_keys >= offsets.capacity and offsets.get(key) < 0:
                return False
            return offsets.put(key, offset)
        if offsets.count + self._open_keys >= offsets.capacity:
            return False
        waiting.append((key, offset))
        self._open_keys += 1
        return True

    def _end_transaction(self, header: BatchHeader, batch: memoryview) -> None:
        waiting = self._open.pop(header.producer_id, None)
        first_offset = self._open_since.pop(header.producer_id, None)
        if waiting is None or first_offset is None:
            return
        self._open_keys -= len(waiting)
        if read_marker(batch) == MARKER_COMMIT:
            for key, offset in waiting:
                self._found.offsets.put(key, offset)
        else:
            self._found.aborted.setdefault(header.producer_id, []).append((first_offset, header.base_offset))

    def finish(self) -> DirtyKeys:
        found = self._found
        found.end_offset = min([found.end_offset, *self._open_since.values()])
        return found
