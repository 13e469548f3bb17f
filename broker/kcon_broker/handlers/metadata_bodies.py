"""How is the answer for all topics encoded quickly? Topics of one shape differ in their name and id only.

One topic of each shape (number of partitions, leader epoch) is encoded by the codec; the others are made of the same
bytes after their own name and id. Building and encoding 10,000 topics of 4 partitions one by one takes 90 ms.

    topic     error_code int16 | name | topic_id 16 bytes, v10+ | the rest: is_internal, partitions, operations
    response  what comes before | count of topics | topics | what comes after
"""

from collections.abc import Callable, Sequence
from struct import Struct as Packer
from typing import Final

from kcon_broker.state.topic import Topic
from kcon_broker.wire.messages.metadata import MetadataResponse
from kcon_broker.wire.varint import encode_uvarint

_FIRST_VERSION_WITH_IDS: Final = 10
_NO_ERROR: Final = b"\0\0"
_INT16: Final = Packer(">h")
_INT32: Final = Packer(">i")

Respond = Callable[[list[Topic]], MetadataResponse]
"""Makes the answer for some topics, each a part of its own in their order."""


def encode_all_topics(topics: Sequence[Topic], version: int, respond: Respond) -> bytes:
    """Return the bytes of `respond(topics)`."""
    is_flexible = version >= MetadataResponse.FLEXIBLE_SINCE
    if not topics:
        return respond([]).encode(version)
    before, after = _surroundings(topics[0], version, respond, is_flexible=is_flexible)
    # The count of one topic takes as many bytes as that of none.
    count_bytes = 1 if is_flexible else _INT32.size
    count = encode_uvarint(len(topics) + 1) if is_flexible else _INT32.pack(len(topics))
    rests: dict[tuple[int, int, str], bytes] = {}
    pieces = [before, count]
    for topic in topics:
        start = _start_of(topic, version, is_flexible=is_flexible)
        # Whether a topic is an internal one depends on its name.
        shape = (topic.partition_count, topic.created_epoch, topic.name if topic.is_internal else "")
        rest = rests.get(shape)
        if rest is None:
            whole = respond([topic]).encode(version)
            rest = rests[shape] = whole[len(before) + count_bytes + len(start) : len(whole) - len(after)]
        pieces += (start, rest)
    pieces.append(after)
    return b"".join(pieces)


def _surroundings(topic: Topic, version: int, respond: Respond, *, is_flexible: bool) -> tuple[bytes, bytes]:
    """Return what comes before the count of topics, and what comes after the topics."""
    none, one = respond([]).encode(version), respond([topic]).encode(version)
    # They differ first in the last byte of the count.
    count_end = next(index for index, (left, right) in enumerate(zip(none, one, strict=False)) if left != right) + 1
    return none[: count_end - (1 if is_flexible else _INT32.size)], none[count_end:]


def _start_of(topic: Topic, version: int, *, is_flexible: bool) -> bytes:
    """Return the bytes of a topic up to its id."""
    name = topic.name.encode()
    size = encode_uvarint(len(name) + 1) if is_flexible else _INT16.pack(len(name))
    topic_id = topic.topic_id if version >= _FIRST_VERSION_WITH_IDS else b""
    return _NO_ERROR + size + name + topic_id
