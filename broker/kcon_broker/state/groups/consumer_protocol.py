"""Which topics does a member of a "consumer" group subscribe to?

Clients write the subscription; the broker reads only the prefix that every version shares:

    int16 version, int32 count, count times (int16 length, UTF-8 topic name), ...

Bytes that do not fit are the client's affair: the answer is then None, "not known".
"""

from collections.abc import Iterable

from kcon_broker.state.groups.record_fields import RecordReader, UnreadableRecordError

CONSUMER_PROTOCOL_TYPE = "consumer"


def subscribed_topics(subscriptions: Iterable[bytes]) -> frozenset[str] | None:
    """Return every topic of these subscriptions, None if one cannot be read."""
    topics: set[str] = set()
    try:
        for subscription in subscriptions:
            reader = RecordReader(subscription)
            if reader.int16() < 0:
                return None
            topics.update(reader.required_string(compact=False) for _ in range(reader.array_length(compact=False)))
    except UnreadableRecordError:
        return None
    return frozenset(topics)
