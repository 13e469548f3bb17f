"""What does one look at a topic show? Its partitions with their bounds and sizes, and its settings.

Runs on the engine's thread; what it returns is frozen and belongs to the screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.ids import TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.wire_text import WireText
from kcon.errors import KconError, NotFoundError
from kcon.services.session import Session
from kcon.services.topics import TopicDescription, describe_topics, find_topics


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReading:
    """One topic at one moment."""

    described: TopicDescription
    configs: Mapping[WireText, ConfigEntry] | None
    """None where they may not be read."""
    sizes: Mapping[int, int] = field(default_factory=dict)
    """By partition, the bytes of all replicas; empty where no broker tells."""


async def read_topic(session: Session, name: TopicName) -> TopicReading:
    """Ask for everything that the view of a topic shows. NotFoundError: it is not there."""
    found = await find_topics(session, [name.raw])
    if not found.topics:
        raise NotFoundError(f"Topic {name} does not exist.")
    admin = await session.admin()
    resource = ConfigResource(ResourceType.TOPIC, name)
    configs = (await admin.describe_configs([resource]))[resource]
    described = (await describe_topics(session, found.topics))[0]
    places = [TopicPartition(name, part.info.partition) for part in described.partitions]
    return TopicReading(
        described=described,
        configs=None if isinstance(configs, KafkaError) else configs,
        sizes=await _sizes(session, places),
    )


async def _sizes(session: Session, places: list[TopicPartition]) -> dict[int, int]:
    admin = await session.admin()
    try:
        told = await admin.log_dirs(None, places)
    except KconError:
        return {}  # No right to ask: the rest of the view is not less true for that.
    sizes: dict[int, int] = {}
    for dirs in told.values():
        for log_dir in () if isinstance(dirs, KafkaError) else dirs:
            for replica in log_dir.replicas:
                partition = replica.partition.partition
                sizes[partition] = sizes.get(partition, 0) + replica.size_bytes
    return sizes
