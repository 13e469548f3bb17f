"""Which records does a reader get? Places become offsets, offsets become a stream; the same for CLI and TUI.

`plan_read` asks the cluster for bounds and resolves the query; `open_stream` reads it. Reading assigns partitions
and leaves nothing behind on the cluster, unless a group is named.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Literal, assert_never

from kcon.core.ids import GroupId, TopicName, TopicPartition, topic_name
from kcon.core.kafka_error import KafkaError
from kcon.core.offset_query import EARLIEST, LATEST, Timestamp
from kcon.core.offset_spec import Absolute, AtTime, FromCurrent, FromEnd, FromStart, OffsetSpec
from kcon.core.snapshot import OffsetAt
from kcon.errors import NotFoundError, UsageError
from kcon.gate.permit import Operation, Permit
from kcon.records.consumer import RecordStream
from kcon.records.coordinator_free import CoordinatorFreeStream
from kcon.records.notice import Notice
from kcon.records.read_plan import BUFFER_BYTES, Isolation, Order, PartitionRange, ReadPlan
from kcon.records.record import Record
from kcon.services.masking import Masks
from kcon.services.near_names import topic_error
from kcon.services.record_filter import RecordFilter
from kcon.services.session import Session

START: Final = FromStart()
OFFSETS_TOPIC: Final = topic_name("__consumer_offsets")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """What a user asked to read."""

    topics: tuple[TopicName, ...]
    partitions: frozenset[int] | None = None
    """None: all of them."""
    start: OffsetSpec = START
    end: OffsetSpec | None = None
    """Exclusive; None: today's end, or none at all with `follow`."""
    follow: bool = False
    """Go on when the end is reached. An `end` that lies ahead is waited for."""
    limit: int | None = None
    last_total: int | None = None
    """First the newest N records of all partitions together, by time; then, with `follow`, what comes."""
    isolation: Isolation = Isolation.READ_COMMITTED
    order: Order = Order.ARRIVAL
    group: GroupId | None = None
    """Join it and commit what was read; then `start` says where it begins without a commit: start or end."""
    where: RecordFilter | None = None
    """Only these; `limit` counts them. With `last_total`, which of those N."""
    exact: bool = False
    """See `ReadPlan.exact`."""
    buffer_bytes: int = BUFFER_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConsumePlan:
    """What the gate is asked: may this group be joined, and its commits moved?"""

    group: GroupId
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.GROUP_CONSUME

    @property
    def targets(self) -> frozenset[str]:
        """The group's raw id."""
        return frozenset({self.group.raw})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRead:
    """A query with everything resolved."""

    plan: ReadPlan
    bounds: Mapping[TopicPartition, tuple[int, int]]
    """Log start and end of every partition that could be asked."""
    hidden: int = 0
    """Offsets at the end that an open transaction hides; at most so many records."""
    notes: tuple[str, ...] = ()
    """Sentences a user should see: places that were moved into what exists."""
    errors: Mapping[TopicPartition, KafkaError] | None = None
    """Partitions that cannot be read now."""
    asks_no_coordinator: bool = False
    """Read in the way that changes nothing on a cluster that never had a group."""


async def plan_read(session: Session, query: RecordQuery) -> PlannedRead:
    """Resolve a query to offsets. NotFoundError when a topic or a named partition does not exist."""
    partitions = await _existing_partitions(session, query)
    if query.group is not None:
        return PlannedRead(plan=_group_plan(query), bounds={})
    admin = await session.admin()
    committed = query.isolation is Isolation.READ_COMMITTED
    times = {spec.timestamp_ms for spec in (query.start, query.end) if isinstance(spec, AtTime)}
    starts, ends, stable_ends, *found = await asyncio.gather(
        admin.list_offsets(partitions, EARLIEST),
        admin.list_offsets(partitions, LATEST),
        admin.list_offsets(partitions, LATEST, read_committed=committed),
        *(admin.list_offsets(partitions, Timestamp(time)) for time in sorted(times)),
    )
    at_time = dict(zip(sorted(times), found, strict=True))
    errors: dict[TopicPartition, KafkaError] = {}
    bounds: dict[TopicPartition, tuple[int, int]] = {}
    ranges: list[PartitionRange] = []
    notes: list[str] = []
    hidden = 0
    for part in partitions:
        start, end, stable = starts[part], ends[part], stable_ends[part]
        answers = [start, end, stable, *(answer[part] for answer in found)]
        failed = next((answer for answer in answers if isinstance(answer, KafkaError)), None)
        if failed is not None:
            errors[part] = failed
            continue
        assert isinstance(start, OffsetAt)
        assert isinstance(end, OffsetAt)
        assert isinstance(stable, OffsetAt)
        bounds[part] = (start.offset, end.offset)
        hidden += max(0, end.offset - stable.offset)
        resolver = _Resolver(part, start.offset, stable.offset, {time: at_time[time][part] for time in times})
        ranges.append(resolver.range_of(query))
        notes += resolver.notes
    if errors and not ranges:
        part, error = next(iter(errors.items()))
        raise error.as_exception(f"{part.topic}/{part.partition}")
    notes += [f"{part.topic}/{part.partition} is not read: {str(error).rstrip('.')}." for part, error in errors.items()]
    plan = ReadPlan(
        ranges=tuple(ranges),
        limit=query.limit if query.where is None else None,
        isolation=query.isolation,
        order=query.order,
        exact=query.exact,
        buffer_bytes=query.buffer_bytes,
    )
    return PlannedRead(
        plan=plan,
        bounds=bounds,
        hidden=hidden,
        notes=tuple(notes),
        errors=errors,
        asks_no_coordinator=await _must_ask_no_coordinator(session),
    )


class RecordReading:
    """A running read: an asynchronous context manager and an asynchronous iterator over batches."""

    def __init__(self, session: Session, planned: PlannedRead, query: RecordQuery, permit: Permit | None) -> None:
        self.planned = planned
        self.notices: deque[Notice] = deque(maxlen=100)
        """What happened along the way; a reader may take them out."""
        self.records_read = 0
        self._context = session.context
        self._query = query
        self._permit = permit
        self._left = query.limit if query.where is not None else None
        # What is written again is never masked; everything else always is, before a filter sees it.
        self._masks = None if planned.plan.exact or not session.context.rules.masks else Masks(session.context.rules)
        self._stream: RecordStream | CoordinatorFreeStream | None = None

    async def __aenter__(self) -> "RecordReading":
        if not self._query.last_total:
            await self._open(self.planned.plan)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; with a group, commit what was acknowledged by asking for more, and leave."""
        if self._stream is not None:
            await self._stream.__aexit__(kind, error, trace)

    def __aiter__(self) -> "RecordReading":
        return self

    @property
    def where_errors(self) -> str | None:
        """Return a sentence about the records that the filter could not judge, or None."""
        return None if self._query.where is None else self._query.where.errors.sentence()

    async def __anext__(self) -> list[Record]:
        """Return the next batch, never an empty one."""
        where = self._query.where
        if where is None:
            return await self._next_batch()
        while self._left != 0:
            kept = where.keep(await self._next_batch())
            if self._left is not None:
                kept = kept[: self._left]
                self._left -= len(kept)
            if kept:
                return kept
        raise StopAsyncIteration

    async def _next_batch(self) -> list[Record]:
        if self._stream is None:
            newest = await self._newest(self._query.last_total or 0)
            await self._open(_from_the_end_of(self.planned.plan, follow=self._query.follow))
            if newest:
                self.records_read += len(newest)
                return newest if self._masks is None else self._masks.apply(newest)
        assert self._stream is not None
        batch = await self._stream.__anext__()
        self.records_read += len(batch)
        return batch if self._masks is None else self._masks.apply(batch)

    async def _open(self, plan: ReadPlan) -> None:
        stream = self._stream_of(plan)
        await stream.__aenter__()
        self._stream = stream

    def _stream_of(self, plan: ReadPlan) -> RecordStream | CoordinatorFreeStream:
        if self.planned.asks_no_coordinator:
            return CoordinatorFreeStream(self._context, plan, self.notices)
        return RecordStream(self._context, plan, self._permit, self.notices)

    async def _newest(self, count: int) -> list[Record]:
        """Return the newest `count` records of all partitions, oldest first."""
        kept: deque[Record] = deque(maxlen=count)
        plan = replace(self.planned.plan, order=Order.TIME, limit=None)
        async with self._stream_of(plan) as stream:
            async for batch in stream:
                kept.extend(batch)
        return list(kept)


async def open_stream(session: Session, query: RecordQuery, permit: Permit | None = None) -> RecordReading:
    """Plan a read and return it, to be entered with `async with`.

    permit: GROUP_CONSUME on the group, when the query names one.
    """
    if query.last_total and query.group is None:
        newest = replace(query, start=FromEnd(query.last_total), end=None, follow=False)
        return RecordReading(session, await plan_read(session, newest), query, permit)
    return RecordReading(session, await plan_read(session, query), query, permit)


async def read_one(session: Session, part: TopicPartition, offset: int) -> Record:
    """Return the record at an offset. NotFoundError when it is gone, not there yet, or never was (a gap)."""
    query = RecordQuery(
        topics=(part.topic,),
        partitions=frozenset({part.partition}),
        start=Absolute(offset),
        end=Absolute(offset + 1),
        isolation=Isolation.READ_UNCOMMITTED,
    )
    async with await open_stream(session, query) as reading:
        async for batch in reading:
            return batch[0]
    start, end = reading.planned.bounds[part]
    raise NotFoundError(
        f"{part.topic}/{part.partition}/{offset} holds no record.",
        f"The partition holds offsets {start} to {end - 1}."
        if not start <= offset < end
        else "It was compacted away, or is a transaction marker.",
    )


def _from_the_end_of(plan: ReadPlan, *, follow: bool) -> ReadPlan:
    """Return the plan that goes on where `plan` ends; one that reads nothing, unless it follows."""
    ranges = (
        PartitionRange(
            partition=part.partition,
            start_offset=part.end_offset or 0,
            end_offset=None if follow else part.end_offset or 0,
        )
        for part in plan.ranges
    )
    return replace(plan, ranges=tuple(ranges), order=Order.ARRIVAL)


async def _existing_partitions(session: Session, query: RecordQuery) -> list[TopicPartition]:
    admin = await session.admin()
    partitions: list[TopicPartition] = []
    for info in await admin.topics(query.topics):
        if info.error is not None:
            raise await topic_error(admin, info.name, info.error)
        there = {partition.partition for partition in info.partitions}
        wanted = there if query.partitions is None else query.partitions
        missing = sorted(wanted - there)
        if missing:
            raise NotFoundError(f"Topic {info.name} has no partition {missing[0]}.", f"It has {len(there)}, from 0.")
        partitions += [TopicPartition(info.name, index) for index in sorted(wanted)]
    return partitions


async def _must_ask_no_coordinator(session: Session) -> bool:
    """Tell whether a look-up of a group coordinator would change the cluster, which a read-only context must not."""
    if not session.context.is_read_only:
        return False
    admin = await session.admin()
    info = (await admin.topics([OFFSETS_TOPIC]))[0]
    return info.error is not None and info.error.name == "UNKNOWN_TOPIC_OR_PARTITION"


def _group_plan(query: RecordQuery) -> ReadPlan:
    if query.partitions is not None or query.end is not None or query.last_total:
        raise UsageError("With a group, the group decides on partitions and positions.", "Leave -p and ranges out.")
    reset: Literal["earliest", "latest"]
    match query.start:
        case FromStart(0):
            reset = "earliest"
        case FromEnd(0):
            reset = "latest"
        case _:
            raise UsageError(
                f"With a group, {query.start} has no meaning: it starts at its commits.",
                "Give start or end for partitions without one, or move the commits with `kcon group reset`.",
            )
    return ReadPlan(
        group=query.group,
        topics=query.topics,
        group_reset=reset,
        stop_at_end=not query.follow,
        limit=query.limit if query.where is None else None,
        isolation=query.isolation,
        buffer_bytes=query.buffer_bytes,
    )


class _Resolver:
    """Turns the places of a query into offsets of one partition."""

    def __init__(
        self, part: TopicPartition, start: int, end: int, at_time: Mapping[int, OffsetAt | KafkaError]
    ) -> None:
        self.notes: list[str] = []
        self._part = part
        self._start = start
        self._end = end
        self._at_time = at_time

    def range_of(self, query: RecordQuery) -> PartitionRange:
        first = self._clamped(self._offset_of(query.start), query.start)
        last: int | None
        if query.end is None:
            last = None if query.follow else self._end
        else:
            last = self._offset_of(query.end)
            if not query.follow:
                last = min(last, self._end)
        if last is not None:
            last = max(first, last)
        return PartitionRange(partition=self._part, start_offset=first, end_offset=last)

    def _offset_of(self, spec: OffsetSpec) -> int:
        match spec:
            case FromStart(plus):
                return self._start + plus
            case FromEnd(minus):
                return max(self._start, self._end - minus)
            case Absolute(offset):
                return offset
            case AtTime(timestamp_ms):
                answer = self._at_time[timestamp_ms]
                assert isinstance(answer, OffsetAt)
                return min(answer.offset, self._end) if answer.found else self._end
            case FromCurrent():
                raise UsageError("'current' needs a group.", "It works for `kcon group reset`.")
            case _:
                assert_never(spec)

    def _clamped(self, offset: int, spec: OffsetSpec) -> int:
        """Move a start into what exists, and say so unless the words already allow it."""
        if offset < self._start:
            self._note(f"offset {offset} was deleted; reading starts at {self._start}")
            return self._start
        if offset > self._end:
            if isinstance(spec, Absolute):
                self._note(f"offset {offset} is past the end; reading starts at {self._end}")
            return self._end
        return offset

    def _note(self, text: str) -> None:
        self.notes.append(f"{self._part.topic}/{self._part.partition}: {text}.")
