"""What stays of each batch when a log is compacted? (Kafka: Cleaner.cleanInto, CleanedTransactionMetadata.)

- A record stays if it is the last one of its key, or above what the first pass saw. Records without a key go.
- A tombstone goes when the delete horizon of its batch has passed (KIP-534); without one, it gets one now.
- Records of aborted transactions go. A marker goes, after a horizon too, once its transaction has no records left.
- A batch without records stays if it is the last of its producer, whose sequence numbers it holds, or the last of the
  compacted part, so that readers see how far the log goes.
"""

from collections.abc import Mapping

from kcon_broker.batch.header import CODEC_NONE, CREATE_TIME, BatchHeader
from kcon_broker.batch.records import MARKER_ABORT, read_marker
from kcon_broker.batch.retain import (
    RecordSpan,
    delete_horizon_ms,
    greatest_timestamp,
    iter_spans,
    join_records,
    keep_no_records,
    keep_records,
    records_of,
    with_records,
)
from kcon_broker.storage.dirty_keys import PAUSE_RECORDS, DirtyKeys
from kcon_broker.storage.files import Buffer
from kcon_broker.storage.producer_snapshot import ProducerSnapshot
from kcon_broker.storage.steps import Steps, decompress_elsewhere

_JOINED_RECORDS = 2 * PAUSE_RECORDS


class Retention:
    """Judges the batches of one log, in their order."""

    __slots__ = ("_delete_retention_ms", "_dirty", "_now_ms", "_producers", "_seen_aborted", "_seen_committed")

    def __init__(
        self, dirty: DirtyKeys, producers: Mapping[int, ProducerSnapshot], *, delete_retention_ms: int, now_ms: int
    ) -> None:
        self._dirty = dirty
        self._producers = producers
        self._delete_retention_ms = delete_retention_ms
        self._now_ms = now_ms
        self._seen_aborted: set[int] = set()
        """Producers with records of an aborted transaction since their last marker."""
        self._seen_committed: set[int] = set()

    def retain(self, header: BatchHeader, batch: memoryview) -> Steps[Buffer | None]:
        """Return what stays, the batch itself where that is everything; None: nothing does."""
        if header.base_offset >= self._dirty.end_offset:
            return batch
        if header.is_control:
            return self._retain_marker(header, batch)
        if header.is_transactional:
            if self._dirty.is_aborted(header):
                self._seen_aborted.add(header.producer_id)
                return self._emptied(header, batch)
            self._seen_committed.add(header.producer_id)
        horizon_ms = delete_horizon_ms(header)
        is_horizon_past = horizon_ms is not None and horizon_ms <= self._now_ms
        has_tombstone = False
        kept: list[RecordSpan] = []
        count = 0
        records = yield from decompress_elsewhere(batch, header)
        for span in iter_spans(records, header):
            count += 1
            if not count % PAUSE_RECORDS:
                yield None
            offset = header.base_offset + span.offset_delta
            if offset < self._dirty.end_offset:
                # A last place beyond the end, behind an open transaction, replaces nothing yet: a reader of
                # committed records does not see it.
                if span.key is None or offset < self._dirty.offsets.get(span.key) < self._dirty.end_offset:
                    continue
                if not span.has_value:
                    if is_horizon_past:
                        continue
                    has_tombstone = True
            kept.append(span)
        if not kept:
            return self._emptied(header, batch)
        new_horizon_ms = self._now_ms + self._delete_retention_ms if has_tombstone and horizon_ms is None else None
        if len(kept) == count and new_horizon_ms is None:
            return batch
        max_timestamp = header.max_timestamp
        parts: list[bytes] = []
        for start in range(0, len(kept), _JOINED_RECORDS):
            some = kept[start : start + _JOINED_RECORDS]
            if header.timestamp_type == CREATE_TIME:
                some_timestamp = greatest_timestamp(records, some, header)
                max_timestamp = some_timestamp if not start else max(max_timestamp, some_timestamp)
                yield None
            parts.append(join_records(header, records, some, horizon_ms=new_horizon_ms))
            yield None

        def assemble() -> bytearray:
            body = b"".join(parts)
            return with_records(header, body, len(kept), max_timestamp=max_timestamp, horizon_ms=new_horizon_ms)

        if header.codec == CODEC_NONE:
            return assemble()
        compressed: bytearray = yield assemble
        return compressed

    def _retain_marker(self, header: BatchHeader, batch: memoryview) -> Buffer | None:
        if not header.record_count:
            return self._emptied(header, batch)
        kind = read_marker(batch)
        if kind is None:
            return batch
        seen = self._seen_aborted if kind == MARKER_ABORT else self._seen_committed
        if header.producer_id in seen:
            seen.discard(header.producer_id)
            return batch
        horizon_ms = delete_horizon_ms(header)
        if horizon_ms is None:
            records = records_of(batch, header)
            horizon_ms = self._now_ms + self._delete_retention_ms
            spans = list(iter_spans(records, header))
            max_timestamp = greatest_timestamp(records, spans, header)
            return keep_records(header, records, spans, max_timestamp=max_timestamp, horizon_ms=horizon_ms)
        return self._emptied(header, batch) if horizon_ms <= self._now_ms else batch

    def _emptied(self, header: BatchHeader, batch: memoryview) -> Buffer | None:
        if not self._is_last_of_producer(header) and header.next_offset != self._dirty.end_offset:
            return None
        return keep_no_records(header) if header.record_count else batch

    def _is_last_of_producer(self, header: BatchHeader) -> bool:
        producer = self._producers.get(header.producer_id) if header.has_producer_id else None
        if producer is None:
            return False
        if producer.last_sequence < 0:
            return header.is_control and header.producer_epoch == producer.producer_epoch
        return header.last_offset == producer.last_offset
