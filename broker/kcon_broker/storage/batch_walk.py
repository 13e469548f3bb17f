"""Which batches does a segment hold, and where does sense end?"""

from collections.abc import Iterator

from kcon_broker.batch.header import HEADER_BYTES, BatchHeader, is_intact
from kcon_broker.storage.batch_frame import read_stored_header
from kcon_broker.storage.segment import Segment

LEADER_EPOCH_MAX = (1 << 31) - 1
RELATIVE_OFFSET_MAX = (1 << 31) - 1
_WALK_BYTES = 1 << 20


class BadBatch(Exception):
    """At `position` of a segment there is no batch that can be what was written."""

    def __init__(self, position: int, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.offset = offset
        """The offset that the batch had to have."""
        self.reason = reason


def walk_batches(
    segment: Segment,
    *,
    position: int,
    expected_offset: int,
    end_position: int,
    check_crc: bool,
    leader_epoch_max: int,
    gaps_allowed: bool,
) -> Iterator[BatchHeader]:
    """Yield the batches of a segment from `position` on; raise `BadBatch` at the first that cannot be right."""
    buffer = b""
    buffer_position = position
    leader_epoch = 0
    while position < end_position:
        at = position - buffer_position
        if at + HEADER_BYTES > len(buffer):
            buffer, buffer_position, at = segment.file.read(_WALK_BYTES, position), position, 0
            if len(buffer) < HEADER_BYTES:
                raise BadBatch(position, expected_offset, f"{len(buffer)} bytes are no batch header")
        batch = read_stored_header(buffer, at)
        if isinstance(batch, str):
            raise BadBatch(position, expected_offset, batch)
        size = batch.size_bytes
        if position + size > end_position:
            raise BadBatch(position, expected_offset, f"the batch of {size} bytes reaches beyond the file")
        if batch.base_offset != expected_offset and not (gaps_allowed and batch.base_offset > expected_offset):
            raise BadBatch(position, expected_offset, f"the batch begins at offset {batch.base_offset}")
        if batch.last_offset - segment.base_offset > RELATIVE_OFFSET_MAX:
            raise BadBatch(position, expected_offset, f"offset {batch.last_offset} is beyond what a segment can hold")
        if not leader_epoch <= batch.partition_leader_epoch <= leader_epoch_max:
            raise BadBatch(position, expected_offset, f"leader epoch {batch.partition_leader_epoch}")
        if check_crc:
            if at + size > len(buffer):
                buffer, buffer_position, at = segment.file.read(max(size, _WALK_BYTES), position), position, 0
            if not is_intact(memoryview(buffer)[at : at + size], batch):
                raise BadBatch(position, expected_offset, "the CRC does not match")
        yield batch
        leader_epoch = batch.partition_leader_epoch
        expected_offset = batch.next_offset
        position += size


def rebuild_indexes(segment: Segment, *, index_interval_bytes: int) -> None:
    """Build the indexes of a sealed segment anew from its batches' headers."""
    size, end_offset = segment.size, segment.end_offset
    segment.reset()
    try:
        for batch in walk_batches(
            segment,
            position=0,
            expected_offset=segment.base_offset,
            end_position=size,
            check_crc=False,
            leader_epoch_max=LEADER_EPOCH_MAX,
            gaps_allowed=True,
        ):
            segment.add_batch(
                batch.last_offset, batch.size_bytes, batch.newest_timestamp, index_interval_bytes=index_interval_bytes
            )
    except BadBatch:
        # Up to the damage the index is good; a read beyond finds the damage by itself.
        pass
    segment.size, segment.end_offset = size, end_offset
