"""A partition's folder says whose it is, in Kafka's words."""

import pytest

from kcon_broker.storage.partition_metadata import decode_partition_metadata, encode_partition_metadata


def test_the_topic_id_comes_back() -> None:
    topic_id = bytes(range(240, 256))
    content = encode_partition_metadata(topic_id)
    assert content == b"version: 0\ntopic_id: 8PHy8_T19vf4-fr7_P3-_w\n"
    assert decode_partition_metadata(content) == topic_id


@pytest.mark.parametrize(
    "content", [b"", b"version: 0\n", b"version: 1\ntopic_id: 8PHy8_T19vf4-fr7_P3-_w\n", b"\xff\n\xff"]
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    assert decode_partition_metadata(content) is None
