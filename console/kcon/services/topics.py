"""What topics are there, what are they made of, and how are they made and deleted? Plan first, then apply."""

from collections.abc import Sequence
from dataclasses import dataclass

from kcon.core.ids import TopicName
from kcon.core.kafka_error import KafkaError
from kcon.core.snapshot import TopicInfo
from kcon.services.names import select_names
from kcon.services.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsFound:
    """The topics that were asked for, and the plain names that do not exist."""

    topics: list[TopicInfo]
    missing: list[str]


async def list_topics(
    session: Session, patterns: Sequence[str] = (), *, regex: bool = False, internal: bool = False
) -> TopicsFound:
    """Return topics sorted by name. internal: also Kafka's own; one that is named is found in any case."""
    admin = await session.admin()
    topics = {topic.name: topic for topic in await admin.topics()}
    selection = select_names(topics, patterns, regex=regex)
    found = [
        topics[name]
        for name in selection.names
        if internal or not topics[name].internal or name.raw in patterns
    ]
    return TopicsFound(topics=found, missing=selection.missing)
