"""Which records match, and how much was looked at? A bounded read with a filter, exact coverage, and a way to go on.

Everything a search says about coverage is what it handed out: a record that was fetched and not yet filtered is not
searched. Memory does not grow with what is read.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final

from kcon.core.ids import TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.errors import KconError
from kcon.records.notice import Notice
from kcon.records.read_plan import PartitionRange, ReadPlan
from kcon.records.record import Record
from kcon.services.record_filter import RecordFilter
from kcon.services.records import PlannedRead, RecordQuery, RecordReading, plan_read
from kcon.services.session import Session

PREFETCH_BYTES_MIN: Final = 256 * 1024
NOTICES_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionCoverage:
    """What was searched of one partition: offsets [start_offset, next_offset) of [start_offset, end_offset)."""

    partition: TopicPartition
    start_offset: int
    next_offset: int
    end_offset: int
    lost: int = 0
    """Offsets before `next_offset` whose records were deleted before they could be read: they were not searched."""

    @property
    def is_complete(self) -> bool:
        """Nothing is left to be searched."""
        return self.next_offset >= self.end_offset

    @property
    def searched(self) -> int:
        """Return how many offsets were searched."""
        return max(0, self.next_offset - self.start_offset - self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEstimate:
    """What a search is about to read."""

    partition_count: int
    offsets: int
    """An upper bound of the records: compaction and markers leave gaps."""
    disk_bytes: int | None
    """As compressed on disk; None when the brokers do not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """A search with every place resolved."""

    query: RecordQuery
    planned: PlannedRead
    coverage: Sequence[PartitionCoverage]
    """What earlier runs searched."""


async def plan_search(session: Session, query: RecordQuery) -> SearchPlan:
    """Resolve a query. The end of each partition is fixed now, so that a search ends."""
    planned = await plan_read(session, replace(query, follow=False, limit=None, where=None))
    coverage = [
        PartitionCoverage(
            partition=part.partition,
            start_offset=part.start_offset,
            next_offset=part.start_offset,
            end_offset=part.end_offset or part.start_offset,
        )
        for part in planned.plan.ranges
    ]
    return SearchPlan(query=query, planned=planned, coverage=coverage)


def resumed_plan(query: RecordQuery, coverage: Sequence[PartitionCoverage]) -> SearchPlan:
    """Return the plan that goes on where `coverage` ends."""
    ranges = tuple(
        PartitionRange(partition=each.partition, start_offset=each.next_offset, end_offset=each.end_offset)
        for each in coverage
    )
    plan = ReadPlan(ranges=ranges, isolation=query.isolation, buffer_bytes=query.buffer_bytes)
    return SearchPlan(query=query, planned=PlannedRead(plan=plan, bounds={}), coverage=coverage)


async def estimate(session: Session, plan: SearchPlan) -> SearchEstimate:
    """Return how much lies ahead; bytes in proportion to the offsets of each partition."""
    ahead = {each.partition: max(0, each.end_offset - each.next_offset) for each in plan.coverage}
    wanted = [part for part, offsets in ahead.items() if offsets]
    sizes = await partition_sizes(session, wanted)
    disk_bytes = 0.0
    for part in wanted:
        start, end = plan.planned.bounds.get(part, (0, 0))
        span = max(end - start, ahead[part])
        if part not in sizes:
            return SearchEstimate(partition_count=len(wanted), offsets=sum(ahead.values()), disk_bytes=None)
        disk_bytes += sizes[part] * ahead[part] / span
    return SearchEstimate(partition_count=len(wanted), offsets=sum(ahead.values()), disk_bytes=round(disk_bytes))


async def partition_sizes(session: Session, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Return the largest replica of each partition; nothing for those whose brokers do not tell."""
    if not partitions:
        return {}
    admin = await session.admin()
    try:
        told = await admin.log_dirs(partitions=partitions)
    except KconError:
        return {}
    sizes: dict[TopicPartition, int] = {}
    for dirs in told.values():
        for replica in () if isinstance(dirs, KafkaError) else (each for one in dirs for each in one.replicas):
            sizes[replica.partition] = max(sizes.get(replica.partition, 0), replica.size_bytes)
    return sizes


def _slow(planned: PlannedRead, bytes_per_s_max: float) -> PlannedRead:
    """Let no more be read ahead than a second's worth, or a first burst would flood the line."""
    ahead_bytes = max(PREFETCH_BYTES_MIN, int(bytes_per_s_max))
    plan = replace(
        planned.plan,
        prefetch_bytes=min(planned.plan.prefetch_bytes, ahead_bytes),
        buffer_bytes=min(planned.plan.buffer_bytes, ahead_bytes),
    )
    return replace(planned, plan=plan)


class Search:
    """A running search: an asynchronous context manager and an asynchronous iterator over batches of matches.

    A batch may be empty: it says that the coverage moved on.
    """

    def __init__(
        self, session: Session, plan: SearchPlan, where: RecordFilter, *, bytes_per_s_max: float | None = None
    ) -> None:
        self.where = where
        self.bytes_read = 0
        """Of keys and values, uncompressed."""
        planned = plan.planned if bytes_per_s_max is None else _slow(plan.planned, bytes_per_s_max)
        self.reading = RecordReading(session, planned, replace(plan.query, where=None, limit=None), None)
        self._limit = plan.query.limit
        self._coverage = {each.partition: each for each in plan.coverage}
        self._next = {each.partition: each.next_offset for each in plan.coverage}
        self._gone: dict[TopicPartition, list[tuple[int, int]]] = {}
        """Ranges of offsets that were deleted while the search ran."""
        self.notices: deque[Notice] = deque(maxlen=NOTICES_MAX)
        """What happened along the way; a reader may take them out."""
        self._unread = set(plan.planned.errors or ())
        self._bytes_per_s_max = bytes_per_s_max
        self._started_s = 0.0

    async def __aenter__(self) -> "Search":
        await self.reading.__aenter__()
        self._started_s = asyncio.get_running_loop().time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading; `coverage` stays what it was."""
        await self.reading.__aexit__(kind, error, trace)

    def __aiter__(self) -> "Search":
        return self

    async def __anext__(self) -> list[Record]:
        """Filter the next batch and return its matches."""
        if self._limit is not None and self.where.matched >= self._limit:
            raise StopAsyncIteration
        await self._pace()
        try:
            batch = await self.reading.__anext__()
        except StopAsyncIteration:
            self._next = {part: each.end_offset for part, each in self._coverage.items()}
            raise
        self._hear()
        kept = self._keep(batch)
        self.bytes_read += sum(len(record[5] or b"") + len(record[6] or b"") for record in batch)
        return kept

    def coverage(self) -> list[PartitionCoverage]:
        """Return what was searched so far, partition by partition."""
        self._hear()
        return [self._covered(each) for each in self._coverage.values()]

    def _covered(self, before: PartitionCoverage) -> PartitionCoverage:
        part, following = before.partition, self._next[before.partition]
        gone = (max(0, min(end, following) - start) for start, end in self._gone.get(part, ()))
        return replace(before, next_offset=following, lost=before.lost + sum(gone))

    def _hear(self) -> None:
        """Take what the reading tells of records that retention was quicker to delete."""
        while self.reading.notices:
            notice = self.reading.notices.popleft()
            self.notices.append(notice)
            if notice.partition in self._coverage and notice.lost_records:
                gone = (notice.lost_from, notice.lost_from + notice.lost_records)
                self._gone.setdefault(notice.partition, []).append(gone)

    def _keep(self, batch: list[Record]) -> list[Record]:
        before = self.where.matched
        kept = self.where.keep(batch)
        if self._limit is not None and before + len(kept) > self._limit:
            # What lies behind the last match that was asked for is not searched.
            kept = kept[: self._limit - before]
            self.where.matched = self._limit
            last = next(index for index, record in enumerate(batch) if record is kept[-1])
            self.where.seen -= len(batch) - last - 1
            batch = batch[: last + 1]
        topic, partition = None, -1
        seen: set[TopicPartition] = set()
        for record in reversed(batch):
            # Records come in runs of one partition, and the names of one consumer are the same objects.
            if record[0] is topic and record[1] == partition:
                continue
            topic, partition = record[0], record[1]
            where = TopicPartition(topic, partition)
            if where not in seen:
                seen.add(where)
                self._next[where] = record.offset + 1
        return kept

    async def _pace(self) -> None:
        if self._bytes_per_s_max is None:
            return
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._started_s + self.bytes_read / self._bytes_per_s_max - loop.time()))
