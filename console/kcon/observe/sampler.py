"""What does one look at the whole cluster cost, and what does it bring? A few batched requests a broker.

Committed offsets are asked before the ends: so a lag is never negative, and errs on the side of what a consumer
could not have known yet. What a broker does not answer is missing from its rows only.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from kcon.admin.groups import GroupsListed
from kcon.core.ids import GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_columns import NO_OFFSETS, OffsetColumns
from kcon.core.offset_query import EARLIEST, LATEST, OffsetBound
from kcon.core.snapshot import ClusterInfo, GroupCommits, GroupDescription, TopicInfo
from kcon.core.time_lag import Probe
from kcon.errors import KconError

STARTS_EVERY: Final = 6
"""Ticks between two looks at the log starts: they move with retention only."""
MEMBERS_EVERY: Final = 6
"""Ticks between two looks at the members, where there are many groups."""
FEW_GROUPS: Final = 200
"""Up to here members are asked for at every tick."""
OFFSET_GROUP_KINDS: Final = frozenset({"", "classic", "consumer"})


class Source(Protocol):
    """The questions of the admin client that a sampler asks."""

    @property
    def requests_sent(self) -> "Counter[str]":
        """Requests so far, by API."""

    async def cluster(self) -> ClusterInfo:
        """Return the brokers."""

    async def topics(self) -> list[TopicInfo]:
        """Return all topics."""

    async def sweep_offsets(self, topics: Sequence[TopicInfo], bound: OffsetBound) -> OffsetColumns:
        """Return a bound of every partition of the topics."""

    async def list_groups(self) -> GroupsListed:
        """Return all groups."""

    async def describe_groups(self, groups: list[GroupId]) -> Mapping[GroupId, GroupDescription | KafkaError]:
        """Return members."""

    async def committed_offsets(self, groups: list[GroupId]) -> Mapping[GroupId, GroupCommits | KafkaError]:
        """Return commits."""

    async def probe_times(
        self, places: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, Probe | KafkaError | None]:
        """Return the times of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The answers of one tick, as they came."""

    taken_ms: int
    duration_ms: int
    cluster: ClusterInfo
    topics: list[TopicInfo]
    has_offsets: bool = True
    starts: OffsetColumns = field(default_factory=lambda: NO_OFFSETS)
    ends: OffsetColumns = field(default_factory=lambda: NO_OFFSETS)
    groups: GroupsListed = field(default_factory=lambda: GroupsListed(items=[], errors={}))
    members: Mapping[GroupId, GroupDescription | KafkaError] = field(default_factory=dict)
    commits: Mapping[GroupId, GroupCommits | KafkaError] = field(default_factory=dict)
    probes: Mapping[TopicPartition, Probe | None] = field(default_factory=dict)
    requests: int = 0
    """Requests sent by the sampler since it started."""
    problems: tuple[str, ...] = ()


class Sampler:
    """Looks at one cluster again and again. One event loop."""

    def __init__(self, source: Source, now_ms: Callable[[], int]) -> None:
        self._source = source
        self._now_ms = now_ms
        self._ticks = 0
        self._starts: OffsetColumns | None = None
        self._members: Mapping[GroupId, GroupDescription | KafkaError] = {}

    async def sample(
        self,
        on_names: Callable[[Sample], Awaitable[None]] | None = None,
        probe_at: Mapping[TopicPartition, int] | None = None,
    ) -> Sample:
        """Ask everything once. on_names: gets the names as soon as they are there. probe_at: where to look at a record.

        KconError when the cluster cannot be asked at all.
        """
        began = time.monotonic()
        topics = await self._source.topics()
        cluster = await self._source.cluster()
        if on_names is not None:
            await on_names(
                Sample(
                    taken_ms=self._now_ms(),
                    duration_ms=_since_ms(began),
                    cluster=cluster,
                    topics=topics,
                    has_offsets=False,
                )
            )
        problems: list[str] = []
        groups, commits = await self._read_groups(problems)
        partitions = sum(len(topic.partitions) for topic in topics)
        if self._starts is None or self._ticks % STARTS_EVERY == 0 or len(self._starts) != partitions:
            self._starts = await self._source.sweep_offsets(topics, EARLIEST)
        ends = await self._source.sweep_offsets(topics, LATEST)
        problems += _first_errors(ends.errors)
        probes = await self._source.probe_times(probe_at) if probe_at else {}
        taken_ms = self._now_ms()
        self._ticks += 1
        return Sample(
            taken_ms=taken_ms,
            duration_ms=_since_ms(began),
            cluster=cluster,
            topics=topics,
            starts=self._starts,
            ends=ends,
            groups=groups,
            members=self._members,
            commits=commits,
            probes={where: probe for where, probe in probes.items() if not isinstance(probe, KafkaError)},
            requests=self._source.requests_sent.total(),
            problems=tuple(problems),
        )

    async def _read_groups(
        self, problems: list[str]
    ) -> tuple[GroupsListed, Mapping[GroupId, GroupCommits | KafkaError]]:
        try:
            groups = await self._source.list_groups()
            problems += [f"Groups of broker {broker} are missing: {error}" for broker, error in groups.errors.items()]
            ids = [item.group for item in groups.items if item.group_type in OFFSET_GROUP_KINDS]
            if len(ids) <= FEW_GROUPS or self._ticks % MEMBERS_EVERY == 0:
                self._members, commits = await asyncio.gather(
                    self._source.describe_groups(ids), self._source.committed_offsets(ids)
                )
            else:
                commits = await self._source.committed_offsets(ids)
        except KconError as error:
            problems.append(f"Groups cannot be read: {error.message}")
            return GroupsListed(items=[], errors={-1: error}), {}
        return groups, commits


def _since_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _first_errors(errors: Mapping[TopicPartition, KafkaError]) -> list[str]:
    """Return one sentence for each kind of error, with one example."""
    examples: dict[str, TopicPartition] = {}
    counts: Counter[str] = Counter()
    for where, error in errors.items():
        counts[error.name] += 1
        examples.setdefault(error.name, where)
    return [
        f"{count:,} partition{'' if count == 1 else 's'} did not tell the end ({name}), e.g. "
        f"{examples[name].topic}/{examples[name].partition}."
        for name, count in counts.items()
    ]
