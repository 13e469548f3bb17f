"""What was known of the idempotent producers at an offset of the log?

Kafka's `<offset>.snapshot` (ProducerStateManager, version 1): version i16, crc u32 (CRC-32C of all after it), count
i32, then per producer: producer_id i64, producer_epoch i16, last_sequence i32, last_offset i64, offset_delta i32,
timestamp i64, coordinator_epoch i32, current_txn_first_offset i64. With it a start need not walk the whole log.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from crc32c import crc32c

from kcon_broker.storage.files import Files, read_bytes

_VERSION = 1
_HEAD = struct.Struct(">hI")
_COUNT = struct.Struct(">i")
_ENTRY = struct.Struct(">qhiqiqiq")
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


def encode_producer_snapshot(producers: Iterable[ProducerSnapshot]) -> bytes:
    """Return the content of a snapshot file."""
    entries = [_ENTRY.pack(*producer) for producer in producers]
    body = _COUNT.pack(len(entries)) + b"".join(entries)
    return _HEAD.pack(_VERSION, crc32c(body)) + body


def decode_producer_snapshot(content: bytes) -> list[ProducerSnapshot] | None:
    """Return the producers of a snapshot file; None: it is damaged."""
    if len(content) < _HEAD.size + _COUNT.size:
        return None
    version, crc = _HEAD.unpack_from(content)
    (count,) = _COUNT.unpack_from(content, _HEAD.size)
    body = memoryview(content)[_HEAD.size :]
    if version != _VERSION or crc32c(body) != crc or len(body) != _COUNT.size + count * _ENTRY.size:
        return None
    return [ProducerSnapshot(*fields) for fields in _ENTRY.iter_unpack(body[_COUNT.size :])]


def read_producer_snapshot(files: Files, path: str) -> list[ProducerSnapshot] | None:
    """Return the producers of a snapshot file; None: it is missing or damaged."""
    content = read_bytes(files, path, bytes_max=_FILE_BYTES_MAX)
    return None if content is None else decode_producer_snapshot(content)
