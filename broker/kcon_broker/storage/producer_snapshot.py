"""What was known of the idempotent producers at an offset of the log?

Kafka's `<offset>.snapshot` (ProducerStateManager, version 1): version i16, crc u32 (CRC-32C of all after it), count
i32, then per producer: producer_id i64, producer_epoch i16, last_sequence i32, last_offset i64, offset_delta i32,
timestamp i64, coordinator_epoch i32, current_txn_first_offset i64. With it a start need not walk the whole log.

Kafka reads no further than the last producer, but lets its CRC cover the rest of the file. Ours goes on there with what
the transaction indexes of the segments begin with at that offset, so that neither file is believed without the other:
b"kcon", count u32, then per index: base_offset i64, entry_count u32, crc u32.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kcon_broker.batch.checksum import crc32c
from kcon_broker.storage.files import Files, read_bytes
from kcon_broker.storage.transaction_index import IndexSum

_VERSION = 1
_HEAD = struct.Struct(">hI")
_COUNT = struct.Struct(">i")
_ENTRY = struct.Struct(">qhiqiqiq")
_TRAILER = struct.Struct(">4sI")
_TRAILER_MARK = b"kcon"
_SUM = struct.Struct(">qII")
_FILE_BYTES_MAX = 256 << 20


class ProducerSnapshot(NamedTuple):
    """One producer's last batch."""

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    """Last offset minus first offset of the batch."""
    timestamp_ms: int
    coordinator_epoch: int = -1
    txn_first_offset: int = -1
    """First offset of the open transaction; -1: none."""


class SnapshotFile(NamedTuple):
    """What a snapshot file says."""

    producers: list[ProducerSnapshot]
    index_sums: list[IndexSum] | None
    """What the transaction indexes begin with; None: another program wrote the file, and it does not say."""


def encode_producer_snapshot(producers: Iterable[ProducerSnapshot], index_sums: Sequence[IndexSum]) -> bytes:
    """Return the content of a snapshot file."""
    entries = [_ENTRY.pack(*producer) for producer in producers]
    trailer = _TRAILER.pack(_TRAILER_MARK, len(index_sums)) + b"".join(_SUM.pack(*each) for each in index_sums)
    body = _COUNT.pack(len(entries)) + b"".join(entries) + trailer
    return _HEAD.pack(_VERSION, crc32c(body)) + body


def decode_producer_snapshot(content: bytes) -> SnapshotFile | None:
    """Return what a snapshot file says; None: it is damaged."""
    if len(content) < _HEAD.size + _COUNT.size:
        return None
    version, crc = _HEAD.unpack_from(content)
    (count,) = _COUNT.unpack_from(content, _HEAD.size)
    body = memoryview(content)[_HEAD.size :]
    entries_end = _COUNT.size + count * _ENTRY.size
    if version != _VERSION or crc32c(body) != crc or count < 0 or len(body) < entries_end:
        return None
    producers = [ProducerSnapshot(*fields) for fields in _ENTRY.iter_unpack(body[_COUNT.size : entries_end])]
    return SnapshotFile(producers, _index_sums(body[entries_end:]))


def _index_sums(trailer: memoryview) -> list[IndexSum] | None:
    if len(trailer) < _TRAILER.size:
        return None
    mark, count = _TRAILER.unpack_from(trailer)
    if mark != _TRAILER_MARK or len(trailer) != _TRAILER.size + count * _SUM.size:
        return None
    return [IndexSum(*fields) for fields in _SUM.iter_unpack(trailer[_TRAILER.size :])]


def read_producer_snapshot(files: Files, path: str) -> SnapshotFile | None:
    """Return what a snapshot file says; None: it is missing or damaged."""
    content = read_bytes(files, path, bytes_max=_FILE_BYTES_MAX)
    return None if content is None else decode_producer_snapshot(content)
