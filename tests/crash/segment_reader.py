"""Read the records of a topic straight from its segment files, with none of the broker's code.

Layout of a v2 batch (Kafka: DefaultRecordBatch): base_offset i64, batch_length i32, leader_epoch i32, magic i8,
crc u32, attributes i16, last_offset_delta i32, base_timestamp i64, max_timestamp i64, producer_id i64,
producer_epoch i16, base_sequence i32, record_count i32, records. Only uncompressed batches are understood. The key of
a marker is version i16 and type i16: 0 aborts, 1 commits the records of its producer since the marker before.
"""

import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.crash.history import Fate, Stored

HEADER = struct.Struct(">qiibIhiqqqhii")
_CODEC_BITS, _TRANSACTIONAL, _CONTROL = 0x07, 0x10, 0x20
_COMMIT = 1


class Record(NamedTuple):
    """One record as it is stored."""

    offset: int
    key: bytes
    value: bytes
    producer_id: int
    is_transactional: bool
    is_control: bool


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return (value, next position) of a zig-zag varint."""
    shift = result = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (result >> 1) ^ -(result & 1), position
        shift += 7


def read_records(segment: Path) -> Iterator[Record]:
    """Yield each record; stop at a torn tail as any reader of the files would."""
    data = segment.read_bytes()
    position = 0
    while position + HEADER.size <= len(data):
        header = HEADER.unpack_from(data, position)
        base_offset, batch_length, magic, attributes = header[0], header[1], header[3], header[5]
        producer_id, record_count = header[9], header[12]
        end = position + 12 + batch_length
        if end > len(data):
            return
        assert magic == 2, f"magic {magic} at byte {position} of {segment.name}"
        assert attributes & _CODEC_BITS == 0, "a compressed batch"
        cursor = position + HEADER.size
        for _ in range(record_count):
            length, cursor = read_varint(data, cursor)
            record_end = cursor + length
            cursor += 1
            _, cursor = read_varint(data, cursor)
            offset_delta, cursor = read_varint(data, cursor)
            key_size, cursor = read_varint(data, cursor)
            key = data[cursor : cursor + max(key_size, 0)]
            cursor += max(key_size, 0)
            value_size, cursor = read_varint(data, cursor)
            yield Record(
                base_offset + offset_delta,
                key,
                data[cursor : cursor + max(value_size, 0)],
                producer_id,
                bool(attributes & _TRANSACTIONAL),
                bool(attributes & _CONTROL),
            )
            cursor = record_end
        position = end


def decide(records: Iterator[Record]) -> dict[int, Stored]:
    """Return offset -> what is there, decided by the markers. An offset stored twice is an error here."""
    found: dict[int, Stored] = {}
    undecided: dict[int, list[int]] = defaultdict(list)
    for record in records:
        assert record.offset not in found, f"offset {record.offset} stands twice in the files"
        if record.is_control:
            found[record.offset] = Stored(record.value, Fate.MARKER)
            is_commit = struct.unpack(">hh", record.key[:4])[1] == _COMMIT
            for offset in undecided.pop(record.producer_id, []):
                found[offset] = found[offset]._replace(fate=Fate.VISIBLE if is_commit else Fate.ABORTED)
        elif record.is_transactional:
            found[record.offset] = Stored(record.value, Fate.OPEN)
            undecided[record.producer_id].append(record.offset)
        else:
            found[record.offset] = Stored(record.value)
    return found


def read_topic(data_folder: Path, topic: str) -> dict[int, dict[int, Stored]]:
    """Return partition -> offset -> what is there."""
    return {
        int(folder.name.rsplit("-", 1)[1]): decide(
            record for segment in sorted(folder.glob("*.log")) for record in read_records(segment)
        )
        for folder in sorted(data_folder.rglob(f"{topic}-*"))
        if folder.name.rsplit("-", 1)[1].isdigit()
    }


def wait_until_decided(
    read: Callable[[], Mapping[int, Mapping[int, Stored]]], deadline_s: float
) -> Mapping[int, Mapping[int, Stored]]:
    """Read until a marker decides every record; after the deadline return what there is.

    A coordinator confirms the end of a transaction when it stands in its own log, and writes the markers afterwards
    (KIP-98): files that are read between the two show a confirmed transaction as open.
    """
    end = time.monotonic() + deadline_s
    log = read()
    while any(stored.fate is Fate.OPEN for records in log.values() for stored in records.values()):
        if time.monotonic() > end:
            break
        log = read()
    return log
