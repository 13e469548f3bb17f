"""What will a copy or a redrive do? Sources, targets and ranges, and the headers that tell where a record came from."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kcon.admin.topic_changes import NewTopic
from kcon.core.ids import TopicName, TopicPartition, topic_name
from kcon.core.snapshot import TopicInfo
from kcon.errors import KconError, NotFoundError, UsageError
from kcon.records.record import Record
from kcon.records.transaction import RawHeaders
from kcon.services.copying import Outgoing, PartitionKey, Route, raw_headers, rest_of
from kcon.services.names import select_names
from kcon.services.records import PlannedRead, RecordQuery, RecordReading, plan_read
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create
from kcon.services.topics import describe_topics, find_topics, is_missing

ORIGIN_TOPIC: Final = "kcon.origin.topic"
ORIGIN_PARTITION: Final = "kcon.origin.partition"
ORIGIN_OFFSET: Final = "kcon.origin.offset"
ORIGIN_CLUSTER: Final = "kcon.origin.cluster"
ORIGIN_REASON: Final = "kcon.origin.reason"
_ORIGIN: Final = frozenset({ORIGIN_TOPIC, ORIGIN_PARTITION, ORIGIN_OFFSET, ORIGIN_CLUSTER, ORIGIN_REASON})

ORIGIN_HEADERS: Final = (
    ORIGIN_TOPIC,
    "__connect.errors.topic",
    "__streams.errors.topic",
    "kafka_dlt-original-topic",
    "kafka_original-topic",
    "x-original-topic",
)
"""Headers that name the topic a dead letter came from, the surest first: kcon's, Kafka Connect's (KIP-298), Kafka
Streams' (KIP-1034), Spring's."""

REDRIVE_TOPIC: Final = "kcon.redrive.topic"
REDRIVE_PARTITION: Final = "kcon.redrive.partition"
REDRIVE_OFFSET: Final = "kcon.redrive.offset"
_REDRIVE: Final = frozenset({REDRIVE_TOPIC, REDRIVE_PARTITION, REDRIVE_OFFSET})
TARGETS_MAX: Final = 1_000


def spec_digest(*parts: object) -> str:
    """Return what a job was begun with, as a short text."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


async def bounded_read(session: Session, query: RecordQuery) -> PlannedRead:
    """Resolve a query to ranges that all have an end. The first error of a partition ends it: a copy is whole."""
    planned = await plan_read(session, replace(query, follow=False, limit=None, where=None))
    for part, error in (planned.errors or {}).items():
        raise error.as_exception(f"{part.topic}/{part.partition}")
    return planned


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTarget:
    """Where a copy goes."""

    topic: TopicName
    partitions: int
    missing: NewTopic | None = None
    """It is to be made, in this shape."""


async def plan_target(
    source: Session, target: Session, source_topic: TopicName, topic: TopicName, *, create: bool, by_key: bool
) -> CopyTarget:
    """Return the target of a copy. NotFoundError: it is not there; UsageError: its partitions do not fit."""
    (info,) = await (await target.admin()).topics([topic])
    if is_missing(info):
        if not create:
            raise NotFoundError(
                f"Topic {topic} does not exist.", "Add --create to make it like the source, or create it first."
            )
        (shape,) = await described(source, [source_topic])
        new = await clone_of(source, target, shape.name, topic)
        return CopyTarget(topic=topic, partitions=new.partitions, missing=new)
    if info.error is not None:
        raise info.error.as_exception(f"topic {topic}")
    count = len(info.partitions)
    (shape,) = await described(source, [source_topic])
    if not by_key and count < len(shape.partitions):
        raise UsageError(
            f"Topic {topic} has {count} partitions, and {source_topic} has {len(shape.partitions)}.",
            "Add --by-key to spread the records anew, or `kcon topic add-partitions`.",
        )
    return CopyTarget(topic=topic, partitions=count)


async def described(session: Session, topics: list[TopicName]) -> list[TopicInfo]:
    """Return topics that must be there."""
    infos = await (await session.admin()).topics(topics)
    for info in infos:
        if info.error is not None:
            raise info.error.as_exception(f"topic {info.name}")
    return infos


async def clone_of(
    source: Session, target: Session, source_topic: TopicName, topic: TopicName, replication_factor: int | None = None
) -> NewTopic:
    """Return a topic of the same shape: partitions, settings that somebody set, and replicas where they fit."""
    found = await find_topics(source, [source_topic.raw])
    if found.missing:
        raise NotFoundError(f"Topic {source_topic} does not exist.")
    (description,) = await describe_topics(source, found.topics)
    if description.configs is None:
        error = description.configs_error
        raise error.as_exception(f"configs of {source_topic}") if error else KconError("The settings are unknown.")
    brokers = len((await (await target.admin()).cluster()).brokers)
    return NewTopic(
        name=topic,
        partitions=len(description.topic.partitions),
        replication_factor=replication_factor or min(description.topic.replication_factor, brokers),
        configs={entry.name.raw: entry.value.raw for entry in description.configs if entry.value is not None},
    )


async def create_target(session: Session, new: NewTopic, confirmed_by: str) -> None:
    """Make the target of a copy, through the gate."""
    results = await apply_create(session, TopicCreatePlan(topics=(new,), confirmed_by=confirmed_by))
    error = results[new.name]
    if error is not None:
        raise error.as_exception(f"topic {new.name}")


def copy_route(topic: TopicName, *, by_key: bool, provenance: "Provenance | None") -> Route:
    """Return the route of a copy: to one topic, into the same partition or by the key."""
    raw = topic.raw
    if provenance is None and by_key:
        everywhere = Outgoing(raw)
        return lambda _record: everywhere
    if provenance is None:
        return lambda record: Outgoing(raw, record.partition)
    return lambda record: Outgoing(raw, -1 if by_key else record.partition, provenance.headers(record))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Headers that say where a record came from; those of an earlier copy are replaced."""

    cluster_id: str | None
    reason: str | None = None

    def headers(self, record: Record) -> RawHeaders:
        """Return the record's headers with its origin."""
        kept = [header for header in raw_headers(record) if header[0] not in _ORIGIN]
        kept += [
            (ORIGIN_TOPIC, record.topic.raw.encode()),
            (ORIGIN_PARTITION, b"%d" % record.partition),
            (ORIGIN_OFFSET, b"%d" % record.offset),
        ]
        if self.cluster_id is not None:
            kept.append((ORIGIN_CLUSTER, self.cluster_id.encode()))
        if self.reason is not None:
            kept.append((ORIGIN_REASON, self.reason.encode("utf-8", "surrogateescape")))
        return kept


def origin_of(record: Record) -> str | None:
    """Return the topic that a dead letter came from, or None when no header tells."""
    told = {name.raw: value for name, value in record.headers if value}
    for name in ORIGIN_HEADERS:
        value = told.get(name)
        if value is not None:
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedrivePlan:
    """Where the dead letters of a topic go."""

    planned: PlannedRead
    records: Mapping[TopicName, int]
    """By target, so many; counted by reading them."""
    without_origin: int
    first_without_origin: tuple[TopicPartition, int] | None


async def plan_redrive(
    session: Session, query: RecordQuery, to: TopicName | None, done: Mapping[PartitionKey, int]
) -> RedrivePlan:
    """Read the dead letters and count them by the topic they go to. UsageError: more targets than make sense.

    done: up to where earlier runs of the job sent them.
    """
    planned = rest_of(await bounded_read(session, query), done)
    counts: Counter[str] = Counter()
    without, first = 0, None
    async with RecordReading(session, planned, replace(query, follow=False, limit=None), None) as reading:
        async for batch in reading:
            for record in batch:
                origin = to.raw if to is not None else origin_of(record)
                if origin is None:
                    without += 1
                    first = first or (record.topic_partition, record.offset)
                    continue
                counts[origin] += 1
                if len(counts) > TARGETS_MAX:
                    raise UsageError(f"The records name more than {TARGETS_MAX:,} topics.", "Choose with --where.")
    return RedrivePlan(
        planned=planned,
        records={topic_name(name): count for name, count in sorted(counts.items())},
        without_origin=without,
        first_without_origin=first,
    )


async def missing_targets(session: Session, topics: list[TopicName]) -> list[TopicName]:
    """Return those that do not exist."""
    infos = await (await session.admin()).topics(topics)
    there = [info.name for info in infos if not is_missing(info)]
    return [topic_name(name) for name in select_names(there, [topic.raw for topic in topics]).missing]


def redrive_route(to: TopicName | None) -> Route:
    """Return the route of a redrive: to the origin, by the key, with headers that name the dead letter."""

    def route(record: Record) -> Outgoing | None:
        origin = to.raw if to is not None else origin_of(record)
        if origin is None:
            return None
        kept = [header for header in raw_headers(record) if header[0] not in _REDRIVE]
        kept += [
            (REDRIVE_TOPIC, record.topic.raw.encode()),
            (REDRIVE_PARTITION, b"%d" % record.partition),
            (REDRIVE_OFFSET, b"%d" % record.offset),
        ]
        return Outgoing(origin, -1, kept)

    return route
