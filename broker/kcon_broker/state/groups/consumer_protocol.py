"""What do the subscription and the assignment of a "consumer" group say?

Clients write both; to classic groups they are opaque but for the topics of a subscription. When a group moves between
the two protocols the broker reads subscriptions whole, and writes assignments:

    subscription   int16 version, topics, bytes user data
                   1+: owned partitions by topic; 2+: int32 generation; 3+: rack
    assignment     int16 version, partitions by topic, bytes user data

Arrays have 32-bit and strings 16-bit lengths. Bytes that do not fit are the client's affair: None, or
UnreadableRecordError where the whole is asked for.

Source of the formats: ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json of Apache Kafka's clients.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kcon_broker.state.groups import record_fields as fields
from kcon_broker.state.groups.record_fields import RecordReader, UnreadableRecordError

CONSUMER_PROTOCOL_TYPE = "consumer"
_VERSION_MAX = 3
"""A later version is read as this one: versions only add fields at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a member of a classic group subscribes to, and what it says it has."""

    topics: frozenset[str]
    owned: tuple[tuple[str, tuple[int, ...]], ...] = ()
    rack_id: str | None = None


def subscribed_topics(subscriptions: Iterable[bytes]) -> frozenset[str] | None:
    """Return every topic of these subscriptions, None if one cannot be read."""
    topics: set[str] = set()
    try:
        for subscription in subscriptions:
            reader = RecordReader(subscription)
            if reader.int16() < 0:
                return None
            topics.update(_topics(reader))
    except UnreadableRecordError:
        return None
    return frozenset(topics)


def read_subscription(data: bytes) -> Subscription:
    """Read a subscription whole. Raises UnreadableRecordError."""
    reader = RecordReader(data)
    version = _version(reader)
    topics = frozenset(_topics(reader))
    reader.data(compact=False)
    owned = _partitions(reader) if version >= 1 else ()
    if version >= 2:
        reader.int32()
    rack_id = reader.string(compact=False) if version >= 3 else None
    return Subscription(topics=topics, owned=owned, rack_id=rack_id or None)


def read_assignment(data: bytes) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return the partitions of an assignment by topic. Raises UnreadableRecordError."""
    reader = RecordReader(data)
    _version(reader)
    return _partitions(reader)


def encode_assignment(partitions: Mapping[str, Iterable[int]], subscription: bytes) -> bytes:
    """Write an assignment in the version of a member's subscription. Raises UnreadableRecordError."""
    version = _version(RecordReader(subscription))
    parts = [fields.int16(version), fields.int32(len(partitions))]
    for topic, indexes in sorted(partitions.items()):
        ordered = sorted(indexes)
        parts += (fields.string(topic), fields.int32(len(ordered)), *map(fields.int32, ordered))
    return b"".join((*parts, fields.int32(-1)))


def _version(reader: RecordReader) -> int:
    version = reader.int16()
    if version < 0:
        raise UnreadableRecordError("a version is negative")
    return min(version, _VERSION_MAX)


def _topics(reader: RecordReader) -> list[str]:
    return [reader.required_string(compact=False) for _ in range(reader.array_length(compact=False))]


def _partitions(reader: RecordReader) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple(
        (
            reader.required_string(compact=False),
            tuple(reader.int32() for _ in range(reader.array_length(compact=False))),
        )
        for _ in range(reader.array_length(compact=False))
    )
