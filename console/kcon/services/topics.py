"""What topics are there, and what are they made of?"""

from collections.abc import Mapping, Sequence
from typing import Final

from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.frozen import Frozen
from kcon.core.ids import TopicName, TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.partition_health import effective_min_isr
from kcon.core.snapshot import OffsetAt, OffsetResult, PartitionInfo, TopicInfo
from kcon.core.wire_text import WireText, display_safe
from kcon.errors import KconError
from kcon.services.min_isr import MIN_ISR, read_min_isr
from kcon.services.names import is_pattern, select_names
from kcon.services.near_names import ASKED_MAX, near_names, near_topics
from kcon.services.session import Session

UNKNOWN_TOPIC_OR_PARTITION: Final = 3


class TopicsFound(Frozen):
    """The topics that were asked for, and the plain names that do not exist."""

    topics: list[TopicInfo]
    missing: list[str]
    near: Mapping[str, list[str]] = {}
    """By missing name those of the cluster that are spelt nearly so."""


class PartitionOffsets(Frozen):
    """One partition with its bounds."""

    info: PartitionInfo
    start: int | None
    """The log start offset; None when it could not be read, see `error`."""
    end: int | None
    """The high watermark; None when it could not be read."""
    error: KafkaError | None = None

    @property
    def span(self) -> int | None:
        """Offsets between start and end: an upper bound of the records, for compaction and markers leave gaps."""
        return None if self.start is None or self.end is None else max(0, self.end - self.start)


class TopicDescription(Frozen):
    """One topic in full."""

    topic: TopicInfo
    partitions: list[PartitionOffsets]
    configs: list[ConfigEntry] | None
    """Settings that somebody set, sorted by name; None when they could not be read, see `configs_error`."""
    configs_error: KafkaError | None = None

    @property
    def span(self) -> int | None:
        """The sum over partitions, or None when one is unknown."""
        spans = [partition.span for partition in self.partitions]
        return None if None in spans else sum(span for span in spans if span is not None)


async def list_topics(
    session: Session, patterns: Sequence[str] | None = None, *, regex: bool = False, internal: bool = False
) -> TopicsFound:
    """Return topics sorted by name. patterns: None is all; internal: also Kafka's own, which a name finds anyway."""
    admin = await session.admin()
    if patterns and not any(is_pattern(name, regex=regex) for name in patterns):
        named = await admin.topics([topic_name(name) for name in sorted(set(patterns))])
        if not any(info.error for info in named):  # Else the names of all tell what is near.
            return TopicsFound(topics=named, missing=[])
    topics = {topic.name: topic for topic in await admin.topics()}
    selection = select_names(topics, patterns, regex=regex)
    found = [
        topics[name]
        for name in selection.names
        if internal or not topics[name].internal or name.raw in (patterns or ())
    ]
    near = {name: near_names(name, [topic.raw for topic in topics]) for name in selection.missing[:ASKED_MAX]}
    return TopicsFound(topics=found, missing=selection.missing, near=near)


async def find_topics(session: Session, names: Sequence[str], *, regex: bool = False) -> TopicsFound:
    """Return the named topics; without a pattern only these are asked for. A missing one is in `missing`."""
    if any(is_pattern(name, regex=regex) for name in names):
        return await list_topics(session, names, regex=regex)
    admin = await session.admin()
    infos = await admin.topics([topic_name(name) for name in dict.fromkeys(names)])
    missing = [info.name.raw for info in infos if is_missing(info)]
    return TopicsFound(
        topics=[info for info in infos if info.name.raw not in missing],
        missing=missing,
        near=await near_topics(admin, missing),
    )


async def describe_topics(session: Session, topics: Sequence[TopicInfo]) -> list[TopicDescription]:
    """Add bounds and settings to topics. What cannot be read is None with its error, item by item."""
    admin = await session.admin()
    partitions = [TopicPartition(topic.name, part.partition) for topic in topics for part in topic.partitions]
    starts = await admin.list_offsets(partitions, EARLIEST)
    ends = await admin.list_offsets(partitions, LATEST)
    resources = {topic.name: ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics if not topic.error}
    configs = await admin.describe_configs(resources.values()) if resources else {}
    described = []
    for topic in topics:
        found = configs.get(resources[topic.name]) if topic.name in resources else topic.error
        error = found if isinstance(found, KafkaError) else None
        described.append(
            TopicDescription(
                topic=topic,
                partitions=[_with_offsets(topic.name, part, starts, ends) for part in topic.partitions],
                configs=_changed(found) if isinstance(found, Mapping) else None,
                configs_error=error,
            )
        )
    return described


def _with_offsets(
    topic: TopicName,
    info: PartitionInfo,
    starts: Mapping[TopicPartition, OffsetResult],
    ends: Mapping[TopicPartition, OffsetResult],
) -> PartitionOffsets:
    where = TopicPartition(topic, info.partition)
    start, end = starts[where], ends[where]
    error = next((each for each in (start, end) if isinstance(each, KafkaError)), info.error)
    return PartitionOffsets(
        info=info,
        start=start.offset if isinstance(start, OffsetAt) else None,
        end=end.offset if isinstance(end, OffsetAt) else None,
        error=error,
    )


def _changed(configs: Mapping[WireText, ConfigEntry]) -> list[ConfigEntry]:
    set_here = [entry for entry in configs.values() if entry.source == "dynamic-topic"]
    return sorted(set_here, key=lambda entry: entry.name.raw)


async def ailing_topics(session: Session, topics: Sequence[TopicInfo], health: frozenset[str]) -> list[TopicInfo]:
    """Return the topics with a partition in one of these states.

    health: `under-replicated`, `offline`, `under-min-isr` (a leader refuses acks=all: fewer are in sync than
    min.insync.replicas, or than there are replicas where that is less; KIP-966), and `at-min-isr` (just so many, and
    fewer than there are replicas).
    """
    least: dict[str, int | None] = {}
    if health & {"under-min-isr", "at-min-isr"}:
        # Where everything is in sync no setting can make it ail.
        asked = [topic for topic in topics if any(part.is_under_replicated for part in topic.partitions)]
        least = await read_min_isr(await session.admin(), asked)
    for name, minimum in least.items():
        if minimum is None:
            raise KconError(f"{MIN_ISR} of topic {display_safe(name)} cannot be read.", "See `kcon topic describe`.")
    return [
        topic for topic in topics if any(_ails(part, least.get(topic.name.raw), health) for part in topic.partitions)
    ]


def _ails(part: PartitionInfo, minimum: int | None, health: frozenset[str]) -> bool:
    in_sync = len(part.isr)
    least = effective_min_isr(1 if minimum is None else minimum, part)
    has_leader = part.leader_id >= 0
    return (
        ("under-replicated" in health and part.is_under_replicated)
        or ("offline" in health and not has_leader)
        or ("under-min-isr" in health and (in_sync < least or not has_leader))
        or ("at-min-isr" in health and in_sync == least and part.is_under_replicated)
    )


def is_missing(info: TopicInfo) -> bool:
    """The topic does not exist."""
    return info.error is not None and info.error.code == UNKNOWN_TOPIC_OR_PARTITION
