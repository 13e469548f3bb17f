"""A snapshot of producers is Kafka's file, and one flipped bit makes it worthless."""

import struct

from crc32c import crc32c

from kcon_broker.storage.producer_snapshot import (
    ProducerSnapshot,
    SnapshotFile,
    decode_producer_snapshot,
    encode_producer_snapshot,
)
from kcon_broker.storage.transaction_index import IndexSum

PRODUCERS = [ProducerSnapshot(7, 1, 9, 30, 2, 1_700_000_000_000), ProducerSnapshot(8, 0, 0, 31, 0, 5, 3, 31)]


SUMS = [IndexSum(0, 3, 7), IndexSum(100, 1, 0xFFFFFFFF)]


def test_producers_come_back() -> None:
    assert decode_producer_snapshot(encode_producer_snapshot(PRODUCERS, SUMS)) == SnapshotFile(PRODUCERS, SUMS)
    assert decode_producer_snapshot(encode_producer_snapshot([], [])) == SnapshotFile([], [])


def test_a_file_of_apache_kafka_is_read_and_says_nothing_of_indexes() -> None:
    """Version 1, CRC-32C of the count and of each producer, and nothing after them."""
    body = struct.pack(">iqhiqiqiq", 1, *PRODUCERS[0])
    content = struct.pack(">hI", 1, crc32c(body)) + body
    assert decode_producer_snapshot(content) == SnapshotFile(PRODUCERS[:1], None)


def test_any_damage_makes_it_worthless() -> None:
    content = encode_producer_snapshot(PRODUCERS, SUMS)
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1
        assert decode_producer_snapshot(bytes(flipped)) is None
        assert decode_producer_snapshot(content[:position]) is None
