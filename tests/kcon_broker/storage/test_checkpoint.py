"""Offsets of partitions come back, and one flipped bit makes the file worthless rather than wrong."""

from kcon_broker.storage.checkpoint import decode_offsets, encode_offsets

OFFSETS = {("a-topic", 0): 5, ("a-topic", 11): 0, ("b", 0): 1 << 40}


def test_offsets_come_back() -> None:
    assert decode_offsets(encode_offsets(OFFSETS)) == OFFSETS
    assert decode_offsets(encode_offsets({})) == {}


def test_any_damage_makes_it_worthless() -> None:
    content = encode_offsets(OFFSETS)
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1
        assert decode_offsets(bytes(flipped)) is None
        assert decode_offsets(content[:position]) is None
