"""Names of Kafka's things, as values: each is wire text, none is a plain string."""

from typing import NamedTuple, NewType

from kcon.core.wire_text import WireText

TopicName = NewType("TopicName", WireText)
GroupId = NewType("GroupId", WireText)
MemberId = NewType("MemberId", WireText)
ClientId = NewType("ClientId", WireText)
HostName = NewType("HostName", WireText)
ClusterId = NewType("ClusterId", WireText)


class TopicPartition(NamedTuple):
    """One partition of one topic. Sorts by topic name, then index."""

    topic: TopicName
    partition: int


def topic_name(raw: str) -> TopicName:
    """Make a topic name from what a user typed or the wire sent."""
    return TopicName(WireText(raw))


def group_id(raw: str) -> GroupId:
    """Make a group id from what a user typed or the wire sent."""
    return GroupId(WireText(raw))
