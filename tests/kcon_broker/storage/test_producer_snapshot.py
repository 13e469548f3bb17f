"""A snapshot of producers is Kafka's file, and one flipped bit makes it worthless."""

from kcon_broker.storage.producer_snapshot import (
    ProducerSnapshot,
    decode_producer_snapshot,
    encode_producer_snapshot,
)

PRODUCERS = [ProducerSnapshot(7, 1, 9, 30, 2, 1_700_000_000_000), ProducerSnapshot(8, 0, 0, 31, 0, 5, 3, 31)]


def test_producers_come_back() -> None:
    assert decode_producer_snapshot(encode_producer_snapshot(PRODUCERS)) == PRODUCERS
    assert decode_producer_snapshot(encode_producer_snapshot([])) == []


def test_any_damage_makes_it_worthless() -> None:
    content = encode_producer_snapshot(PRODUCERS)
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1
        assert decode_producer_snapshot(bytes(flipped)) is None
        assert decode_producer_snapshot(content[:position]) is None
