"""Read the values of a partition straight from its segment files, with none of the broker's code.

Layout of a v2 batch (Kafka: DefaultRecordBatch): base_offset i64, batch_length i32, leader_epoch i32, magic i8,
crc u32, attributes i16, last_offset_delta i32, base_timestamp i64, max_timestamp i64, producer_id i64,
producer_epoch i16, base_sequence i32, record_count i32, records. Only uncompressed batches are understood.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

HEADER = struct.Struct(">qiibIhiqqqhii")


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


def read_values(segment: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, value) of each record; stop at a torn tail as any reader of the files would."""
    data = segment.read_bytes()
    position = 0
    while position + HEADER.size <= len(data):
        header = HEADER.unpack_from(data, position)
        base_offset, batch_length, magic, attributes, record_count = (
            header[0],
            header[1],
            header[3],
            header[5],
            header[12],
        )
        end = position + 12 + batch_length
        if end > len(data):
            return
        assert magic == 2, f"magic {magic} at byte {position} of {segment.name}"
        assert attributes & 0b100111 == 0, "a compressed or control batch"
        cursor = position + HEADER.size
        for _ in range(record_count):
            length, cursor = read_varint(data, cursor)
            record_end = cursor + length
            cursor += 1
            _, cursor = read_varint(data, cursor)
            offset_delta, cursor = read_varint(data, cursor)
            key_size, cursor = read_varint(data, cursor)
            cursor += max(key_size, 0)
            value_size, cursor = read_varint(data, cursor)
            yield base_offset + offset_delta, data[cursor : cursor + max(value_size, 0)]
            cursor = record_end
        position = end


def read_topic(data_folder: Path, topic: str) -> dict[int, dict[int, bytes]]:
    """Return partition -> offset -> value of a topic. An offset stored twice is an error here."""
    found: dict[int, dict[int, bytes]] = {}
    for folder in sorted(data_folder.rglob(f"{topic}-*")):
        partition = int(folder.name.rsplit("-", 1)[1])
        records = found.setdefault(partition, {})
        for segment in sorted(folder.glob("*.log")):
            for offset, value in read_values(segment):
                assert offset not in records, f"offset {offset} of {folder.name} stands twice in the files"
                records[offset] = value
    return found
