"""A partition's folder says whose it is, in Kafka's words."""

import pytest

from kcon_broker.storage.partition_metadata import decode_partition_metadata, encode_partition_metadata


def test_the_topic_id_comes_back() -> None:
    topic_id = bytes(range(240, 256))
    content = encode_partition_metadata(topic_id)
    assert content == b"version: 0\ntopic_id: 8PHy8_T19vf4-fr7_P3-_w\ncrc32c: a6ae6d52\n"
    assert decode_partition_metadata(content) == topic_id


def test_a_file_without_a_checksum_is_read() -> None:
    """Apache Kafka writes none."""
    assert decode_partition_metadata(b"version: 0\ntopic_id: 8PHy8_T19vf4-fr7_P3-_w\n") == bytes(range(240, 256))


def test_no_flipped_bit_makes_it_the_folder_of_another_topic() -> None:
    """The records in it would be removed as those of a topic that was deleted."""
    topic_id = bytes(range(240, 256))
    content = encode_partition_metadata(topic_id)
    for position in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            assert decode_partition_metadata(bytes(flipped)) in (None, topic_id)
        assert decode_partition_metadata(content[:position]) in (None, topic_id)


@pytest.mark.parametrize(
    "content", [b"", b"version: 0\n", b"version: 1\ntopic_id: 8PHy8_T19vf4-fr7_P3-_w\n", b"\xff\n\xff"]
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    assert decode_partition_metadata(content) is None
