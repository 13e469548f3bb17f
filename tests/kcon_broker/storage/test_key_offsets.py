"""The table of keys never grows, never forgets a key, and keeps the largest offset."""

import random

from kcon_broker.storage.key_offsets import ENTRY_BYTES, KeyOffsets, capacity_for


def test_the_largest_offset_of_each_key_is_kept() -> None:
    """Commits of transactions come out of order."""
    table = KeyOffsets(10)
    assert table.put(b"a", 7)
    assert table.put(b"a", 3)
    assert table.put(b"b", 0)
    assert (table.get(b"a"), table.get(b"b"), table.get(b"c"), table.count) == (7, 0, -1, 2)


def test_a_full_table_refuses_new_keys_and_takes_known_ones() -> None:
    table = KeyOffsets(2)
    assert table.put(b"a", 0)
    assert table.put(b"b", 1)
    assert not table.put(b"c", 2)
    assert table.put(b"a", 3)
    assert (table.get(b"a"), table.get(b"c")) == (3, -1)


def test_it_agrees_with_a_dictionary_up_to_its_last_place() -> None:
    """Keys that begin at the same slot, and the way around the end, must not lose each other."""
    chance = random.Random(8)
    table, model = KeyOffsets(300), dict[bytes, int]()
    for offset in range(2_000):
        key = b"%d" % chance.randrange(300)
        assert table.put(key, offset)
        model[key] = offset
    assert {key: table.get(key) for key in model} == model


def test_a_table_fits_into_the_bytes_it_is_given() -> None:
    capacity = capacity_for(1 << 20)
    slots = len(KeyOffsets(capacity)._offsets)
    assert (1 << 20) * 0.99 < slots * ENTRY_BYTES <= (1 << 20) + ENTRY_BYTES
