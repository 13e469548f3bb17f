"""Whose folder is this? Kafka's `partition.metadata`: the id of the topic, as URL-safe base64 without padding."""

import base64
import binascii

FILE_NAME = "partition.metadata"
FILE_BYTES_MAX = 1_024
_ID_BYTES = 16


def encode_partition_metadata(topic_id: bytes) -> bytes:
    """Return the content of the file."""
    assert len(topic_id) == _ID_BYTES
    text = base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode("ascii")
    return f"version: 0\ntopic_id: {text}\n".encode("ascii")


def decode_partition_metadata(content: bytes) -> bytes | None:
    """Return the topic id; None: the file is damaged."""
    try:
        version, topic_id = content.decode("ascii").splitlines()
        if version != "version: 0" or not topic_id.startswith("topic_id: "):
            return None
        decoded = base64.urlsafe_b64decode(topic_id.removeprefix("topic_id: ") + "==")
    except (ValueError, binascii.Error):
        return None
    return decoded if len(decoded) == _ID_BYTES else None
