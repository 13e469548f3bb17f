"""Whose folder is this? Kafka's `partition.metadata`: the id of the topic, as URL-safe base64 without padding.

A last line of ours, which Kafka does not read, is a checksum: a flipped bit must not make the folder another topic's,
whose records would be removed as those of a topic that was deleted.
"""

import base64
import binascii

from kcon_broker.batch.checksum import crc32c

FILE_NAME = "partition.metadata"
FILE_BYTES_MAX = 1_024
_ID_BYTES = 16


def encode_partition_metadata(topic_id: bytes) -> bytes:
    """Return the content of the file."""
    assert len(topic_id) == _ID_BYTES
    text = base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode("ascii")
    return _with_crc(f"version: 0\ntopic_id: {text}\n".encode("ascii"))


def _with_crc(body: bytes) -> bytes:
    return body + b"crc32c: %08x\n" % crc32c(body)


def decode_partition_metadata(content: bytes) -> bytes | None:
    """Return the topic id of a file of ours, or of one without a checksum; None: it is damaged."""
    try:
        version, topic_id, *_ = content.decode("ascii").splitlines()
        body = f"{version}\n{topic_id}\n".encode("ascii")
        if version != "version: 0" or not topic_id.startswith("topic_id: ") or content not in (body, _with_crc(body)):
            return None
        decoded = base64.urlsafe_b64decode(topic_id.removeprefix("topic_id: ") + "==")
    except (ValueError, binascii.Error):
        return None
    return decoded if len(decoded) == _ID_BYTES else None
