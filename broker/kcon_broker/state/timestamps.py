"""At which offset is the first record of a time, inside compressed batches too?"""

from typing import NamedTuple

from kcon_broker.batch.records import Record, find_timestamp, iter_records
from kcon_broker.storage.batch_frame import batch_bounds
from kcon_broker.storage.log import Log


class TimedOffset(NamedTuple):
    """A record's place and time."""

    offset: int
    timestamp_ms: int
    leader_epoch: int


def first_record_since(log: Log, timestamp_ms: int, *, limit_offset: int) -> TimedOffset | None:
    """Return the first record below the limit whose timestamp is at or after a time. Raises OSError."""
    start_offset = log.log_start_offset
    while True:
        batch = log.batch_for_timestamp(timestamp_ms, start_offset=start_offset, limit_offset=limit_offset)
        if batch is None:
            return None
        # DeleteRecords may have cut the log inside the batch: what has the time may be gone.
        record = find_timestamp(batch, timestamp_ms, start_offset=start_offset)
        if record is not None:
            return _timed(log, record)
        _, start_offset, _ = batch_bounds(batch, 0)


def latest_record(log: Log, *, limit_offset: int) -> TimedOffset | None:
    """Return the first record below the limit that has the largest timestamp. Raises OSError."""
    batch = log.batch_with_max_timestamp(limit_offset=limit_offset)
    if batch is None:
        return None
    record = max(iter_records(batch), key=lambda candidate: (candidate.timestamp_ms, -candidate.offset))
    return _timed(log, record)


def _timed(log: Log, record: Record) -> TimedOffset:
    epoch = log.epochs.epoch_at(record.offset)
    return TimedOffset(record.offset, record.timestamp_ms, -1 if epoch is None else epoch)
