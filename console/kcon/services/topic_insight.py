"""Who uses a topic, and what is in it? Groups that consume, producers that write, and a sample of its records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import LATEST, Timestamp
from kcon.core.offset_spec import FromEnd
from kcon.core.snapshot import CommittedOffset, GroupDescription, OffsetAt
from kcon.core.transaction import ProducerState
from kcon.core.wire_text import WireText
from kcon.records.record import Record
from kcon.services.groups import OFFSET_GROUP_TYPES
from kcon.services.records import RecordQuery, open_stream
from kcon.services.search import partition_sizes
from kcon.services.session import Session
from kcon.services.topics import TopicDescription, describe_topics, find_topics

KEYS_SHOWN_MAX: Final = 5
KEYS_COUNTED_MAX: Final = 100_000
RATE_WINDOW_MS: Final = 3_600_000
REGISTRY_MAGIC: Final = 0
"""The first byte of a value that carries a schema id in the next four (the registry's wire format)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicConsumer:
    """One group on a topic."""

    group: GroupId
    state: str
    members: int
    """That own some of its partitions."""
    partitions: int
    """That have a commit, or an owner."""
    lag: int | None
    """None where an end or a commit cannot be read."""


async def topic_consumers(session: Session, topics: Sequence[TopicName]) -> dict[TopicName, list[TopicConsumer]]:
    """Return by topic the groups that have a commit in it, or a member that owns a partition."""
    admin = await session.admin()
    listed = await admin.list_groups()
    groups = [each.group for each in listed.items if each.group_type in OFFSET_GROUP_TYPES]
    commits = await admin.committed_offsets(groups)
    described = await admin.describe_groups(groups)
    infos = await admin.topics(list(topics))
    ends = await admin.list_offsets(
        [TopicPartition(info.name, part.partition) for info in infos for part in info.partitions], LATEST
    )
    found: dict[TopicName, list[TopicConsumer]] = {topic: [] for topic in topics}
    for group in sorted(groups, key=lambda each: each.raw):
        told, about = commits[group], described[group]
        members = about.members if isinstance(about, GroupDescription) else ()
        for topic in topics:
            committed = {
                where: commit
                for where, commit in ({} if isinstance(told, KafkaError) else told).items()
                if where.topic == topic
            }
            owners = [member for member in members if any(where.topic == topic for where in member.assignment)]
            owned = {where for member in owners for where in member.assignment if where.topic == topic}
            if not committed and not owned:
                continue
            lags = [_lag(ends.get(where), commit) for where, commit in committed.items()]
            found[topic].append(
                TopicConsumer(
                    group=group,
                    state=about.state if isinstance(about, GroupDescription) else about.name,
                    members=len(owners),
                    partitions=len(owned | committed.keys()),
                    lag=None if None in lags else sum(lag for lag in lags if lag is not None),
                )
            )
    return found


def _lag(end: object, commit: object) -> int | None:
    if not isinstance(end, OffsetAt) or not isinstance(commit, CommittedOffset):
        return None
    return max(0, end.offset - commit.offset)


async def topic_producers(
    session: Session, topics: Sequence[TopicName]
) -> tuple[list[tuple[TopicName, list[ProducerState]]], dict[TopicPartition, KafkaError]]:
    """Return by topic and producer id what the leaders know of it, partition by partition; and what failed."""
    admin = await session.admin()
    infos = await admin.topics(list(topics))
    partitions = [TopicPartition(info.name, part.partition) for info in infos for part in info.partitions]
    told = await admin.producers(partitions)
    grouped: dict[tuple[str, int], list[ProducerState]] = {}
    errors: dict[TopicPartition, KafkaError] = {}
    for where, states in told.items():
        if isinstance(states, KafkaError):
            errors[where] = states
            continue
        for state in states:
            grouped.setdefault((where.topic.raw, state.producer_id), []).append(state)
    return [(states[0].partition.topic, states) for _key, states in sorted(grouped.items())], errors


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSpread:
    """Sizes of keys or values in bytes; nulls are no size."""

    least: int
    median: int
    p95: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicAnalysis:
    """What a sample and the bounds say of a topic."""

    topic: TopicDescription
    disk_bytes: int | None
    """Of the largest replica of each partition; None where brokers do not tell."""
    sampled: int
    value_sizes: SizeSpread | None
    key_sizes: SizeSpread | None
    tombstones: int
    without_key: int
    distinct_keys: int
    """In the sample; a lower bound of those there are."""
    top_keys: Sequence[tuple[bytes, int]]
    formats: Mapping[str, int]
    headers: Mapping[WireText, int]
    rate_per_s: float | None
    """Offsets of the last hour."""
    largest_share: float | None
    """How much of all offsets the fullest partition has: 1/partitions is even."""
    first_ms: int | None
    last_ms: int | None
    """Of the sample."""


async def analyze_topic(session: Session, topic: TopicName, *, sample: int, now_ms: int) -> TopicAnalysis:
    """Read the newest `sample` records of each partition and look at them. NotFoundError: there is no such topic."""
    query = RecordQuery(topics=(topic,), start=FromEnd(sample))
    look = _Look()
    async with await open_stream(session, query) as reading:
        async for batch in reading:
            for record in batch:
                look.at(record)
    found = await find_topics(session, [topic.raw])
    (described,) = await describe_topics(session, found.topics)
    partitions = [TopicPartition(topic, part.info.partition) for part in described.partitions]
    sizes = await partition_sizes(session, partitions)
    spans = [part.span or 0 for part in described.partitions]
    total = sum(spans)
    return TopicAnalysis(
        topic=described,
        disk_bytes=sum(sizes.values()) if len(sizes) == len(partitions) else None,
        sampled=look.count,
        value_sizes=_spread(look.value_sizes),
        key_sizes=_spread(look.key_sizes),
        tombstones=look.tombstones,
        without_key=look.without_key,
        distinct_keys=len(look.keys),
        top_keys=look.keys.most_common(KEYS_SHOWN_MAX),
        formats=dict(look.formats.most_common()),
        headers=dict(look.headers.most_common()),
        rate_per_s=await _rate(session, described, partitions, now_ms),
        largest_share=max(spans) / total if total else None,
        first_ms=look.first_ms,
        last_ms=look.last_ms,
    )


async def _rate(
    session: Session, described: TopicDescription, partitions: Sequence[TopicPartition], now_ms: int
) -> float | None:
    at = await (await session.admin()).list_offsets(partitions, Timestamp(now_ms - RATE_WINDOW_MS))
    ends = {TopicPartition(described.topic.name, part.info.partition): part.end for part in described.partitions}
    count = 0
    for where, place in at.items():
        end = ends[where]
        if not isinstance(place, OffsetAt) or end is None:
            return None
        count += end - place.offset if place.found else 0
    return count / (RATE_WINDOW_MS / 1_000)


def _spread(sizes: list[int]) -> SizeSpread | None:
    if not sizes:
        return None
    sizes.sort()
    return SizeSpread(
        least=sizes[0], median=sizes[len(sizes) // 2], p95=sizes[(len(sizes) - 1) * 95 // 100], most=sizes[-1]
    )


class _Look:
    """Counts what a sample holds."""

    def __init__(self) -> None:
        self.count = 0
        self.value_sizes: list[int] = []
        self.key_sizes: list[int] = []
        self.tombstones = 0
        self.without_key = 0
        self.keys: Counter[bytes] = Counter()
        self.formats: Counter[str] = Counter()
        self.headers: Counter[WireText] = Counter()
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def at(self, record: Record) -> None:
        self.count += 1
        if record.value is None:
            self.tombstones += 1
        else:
            self.value_sizes.append(len(record.value))
            self.formats[format_of(record.value)] += 1
        if record.key is None:
            self.without_key += 1
        else:
            self.key_sizes.append(len(record.key))
            if len(self.keys) < KEYS_COUNTED_MAX or record.key in self.keys:
                self.keys[record.key] += 1
        self.headers.update({name for name, _value in record.headers})
        if record.timestamp_ms >= 0:
            self.first_ms = record.timestamp_ms if self.first_ms is None else min(self.first_ms, record.timestamp_ms)
            self.last_ms = record.timestamp_ms if self.last_ms is None else max(self.last_ms, record.timestamp_ms)


def format_of(value: bytes) -> str:
    """Return what a value looks like: empty, JSON, with a schema id, text or binary."""
    import json

    if not value:
        return "empty"
    if value[:1] in {b"{", b"[", b'"'}:
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            pass
        else:
            return "json"
    if value[0] == REGISTRY_MAGIC and len(value) > 5:
        return f"schema id {int.from_bytes(value[1:5], 'big')}"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "binary"
    return "text" if all(char.isprintable() or char in "\t\r\n" for char in text[:1_000]) else "binary"
