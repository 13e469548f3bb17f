"""How does a case write a batch in one line, and read what a fetch gave?"""

import time

from kcon_broker.batch.header import LOG_OVERHEAD, read_header
from kcon_broker.batch.records import MARKER_ABORT, Record, encode_batch, iter_records, read_marker
from kcon_broker.wire.messages.fetch import PartitionData

_CONTROL = 0x20
_TRANSACTIONAL = 0x10


def now_ms() -> int:
    """Return the time that records are given."""
    return int(time.time() * 1_000)


def record(
    value: bytes | None,
    *,
    key: bytes | None = None,
    timestamp_ms: int | None = None,
    headers: tuple[tuple[bytes, bytes | None], ...] = (),
) -> Record:
    """Return a record, of now unless told otherwise."""
    return Record(0, now_ms() if timestamp_ms is None else timestamp_ms, key, value, headers)


def batch_of(
    *values: bytes | Record,
    codec: int = 0,
    producer_id: int = -1,
    epoch: int = -1,
    sequence: int = -1,
    transactional: bool = False,
) -> bytes:
    """Return a batch of values or records."""
    records = [value if isinstance(value, Record) else record(value) for value in values]
    return bytes(
        encode_batch(
            records,
            codec=codec,
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
            is_transactional=transactional,
        )
    )


def split(data: PartitionData) -> list[bytes]:
    """Return the whole batches of a fetched partition."""
    records = data.records or b""
    assert not isinstance(records, list), "what was decoded is one view"
    whole = bytes(records)
    batches, at = [], 0
    while len(whole) - at > LOG_OVERHEAD:
        end = at + LOG_OVERHEAD + int.from_bytes(whole[at + 8 : at + 12], "big", signed=True)
        if end > len(whole):
            break
        batches.append(whole[at:end])
        at = end
    return batches


def read_batches(data: PartitionData, offset: int = 0) -> list[Record]:
    """Return the records at or after an offset as a consumer does: no markers, and none of an aborted transaction."""
    starts = sorted((aborted.first_offset, aborted.producer_id) for aborted in data.aborted_transactions or ())
    aborted_ids: set[int] = set()
    found: list[Record] = []
    for batch in split(data):
        header = read_header(batch)
        while starts and starts[0][0] <= header.base_offset:
            aborted_ids.add(starts.pop(0)[1])
        if header.attributes & _CONTROL:
            if read_marker(batch) == MARKER_ABORT:
                aborted_ids.discard(header.producer_id)
            continue
        if header.attributes & _TRANSACTIONAL and header.producer_id in aborted_ids:
            continue
        found += [record for record in iter_records(batch) if record.offset >= offset]
    return found


def markers(data: PartitionData) -> list[int | None]:
    """Return the markers of a fetched partition: MARKER_COMMIT or MARKER_ABORT each."""
    return [read_marker(batch) for batch in split(data) if read_header(batch).attributes & _CONTROL]
