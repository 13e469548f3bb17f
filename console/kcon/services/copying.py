"""How do records get from topics to topics, each of them once? The engine of copy, redrive and migrate.

Records are read as committed, in their exact bytes, and written in transactions of the target; each transaction
carries the positions in the source up to which everything is written (`services.job_progress`). A run that ends at
any moment, by SIGKILL too, is gone on with by the next run of the same job. Memory does not grow with what is copied.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from kcon.core.ids import TopicName, TopicPartition
from kcon.errors import RefusedError
from kcon.gate.permit import Permit
from kcon.records.record import Record
from kcon.records.sender import SendOptions
from kcon.records.transaction import RawHeaders, TransactionSender
from kcon.services.job_progress import PROGRESS_TOPIC, progress_record, read_progress, transactional_id
from kcon.services.record_digest import Tally
from kcon.services.record_filter import RecordFilter
from kcon.services.records import PlannedRead, RecordQuery, RecordReading
from kcon.services.session import Session

TRANSACTION_RECORDS: Final = 50_000
TRANSACTION_BYTES: Final = 48 * 1024 * 1024
TRANSACTION_S: Final = 2.0
FIRST_TIME_MS: Final = 1
"""librdkafka takes a time of 0 for "now"; this is the nearest that it writes."""

PartitionKey = tuple[str, int]


class Outgoing(NamedTuple):
    """Where one record goes."""

    topic: str
    partition: int = -1
    """-1: by the key's murmur2 hash, as Java clients do; at random without a key."""
    headers: RawHeaders | None = None
    """Instead of the record's own; None: those."""


Route = Callable[[Record], "Outgoing | None"]
"""None leaves a record out, and counts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTask:
    """What is copied, with every place resolved."""

    job: str
    kind: str
    spec: str
    """What the job was begun with; a later run with another one is refused."""
    topics: frozenset[TopicName]
    """What is written to, beside the progress."""
    planned: PlannedRead
    """The ranges of the source, each with an end."""
    route: Route
    where: RecordFilter | None = None
    again: bool = False
    """Begin anew, whatever an earlier run did."""
    wants_map: bool = False
    """Tally what is written, and record where the records of each source range landed (`migrate`)."""
    bytes_per_s_max: float | None = None
    compression: str = "lz4"


@dataclass(slots=True, kw_only=True)
class CopyCounts:
    """What one run did."""

    copied: int = 0
    """Records that are committed."""
    left_out: int = 0
    """By the filter or the route."""
    restamped: int = 0
    """Records of the very first millisecond of 1970, which got the second one."""
    bytes: int = 0
    before: int = 0
    """Records that earlier runs copied."""
    offsets_done: int = 0
    offsets_total: int = 0


class _Chunk:
    """The records of one source partition in one transaction."""

    __slots__ = ("count", "first", "following", "target")

    def __init__(self, first: int) -> None:
        self.first = first
        self.following = first
        self.count = 0
        self.target: int | None = None

    def landed(self, offset: int) -> None:
        """Take where the first record landed."""
        self.target = offset


def positions_of(progress: Mapping[str, Any] | None) -> dict[PartitionKey, int]:
    """Return the next source offset of each partition that a progress record names."""
    positions: dict[PartitionKey, int] = {}
    for where, (position, _tally) in ({} if progress is None else progress["partitions"]).items():
        topic, _, partition = where.rpartition("/")
        positions[topic, int(partition)] = position
    return positions


def rest_of(planned: PlannedRead, positions: Mapping[PartitionKey, int]) -> PlannedRead:
    """Return the read of what lies behind the positions."""
    ranges = []
    for part in planned.plan.ranges:
        position = positions.get((part.partition.topic.raw, part.partition.partition))
        assert part.end_offset is not None
        start = part.start_offset if position is None else max(part.start_offset, position)
        ranges.append(replace(part, start_offset=min(start, max(part.end_offset, part.start_offset))))
    return replace(planned, plan=replace(planned.plan, ranges=tuple(ranges)))


class Copier:
    """One run of a copy."""

    def __init__(self, source: Session, target: Session, task: CopyTask, permit: Permit) -> None:
        self.counts = CopyCounts()
        self.positions: dict[PartitionKey, int] = {}
        """The next source offset of each partition, as committed."""
        self.tallies: dict[PartitionKey, Tally] = {}
        self.is_complete = False
        self.reading: RecordReading | None = None
        self._source = source
        self._target = target
        self._task = task
        topics = task.topics | {PROGRESS_TOPIC}
        self._sender = TransactionSender(
            target.context,
            permit,
            topics,
            transactional_id(task.job),
            SendOptions(compression=task.compression),
            wants_positions=task.wants_map,
        )
        # One thread, so that ending the sender never overtakes what writes.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kcon-copy")
        self._ahead: dict[PartitionKey, int] = {}
        self._chunks: dict[PartitionKey, _Chunk] = {}
        self._pending = CopyCounts()
        self._began_s = 0.0

    async def run(self, on_progress: Callable[[CopyCounts], None] | None = None) -> CopyCounts:
        """Copy to the end of the ranges. KconError: what was committed before it stays, and a next run goes on."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._sender.__enter__)
        try:
            await self._find_progress()
            await self._copy(on_progress)
            await loop.run_in_executor(self._thread, self._finish)
            self.is_complete = True
        finally:
            self._sender.stop()
            await loop.run_in_executor(self._thread, self._sender.__exit__, None, None, None)
            self._thread.shutdown(wait=False)
        return self.counts

    async def _find_progress(self) -> None:
        task = self._task
        found = None if task.again else await read_progress(self._target, task.job)
        if found is None:
            return
        if found.get("kind") != task.kind or found.get("spec") != task.spec:
            raise RefusedError(
                f"Job {task.job} was begun with other words.", "Begin anew with --again, or take another --job."
            )
        self.positions = positions_of(found)
        if task.wants_map:
            for (topic, partition), _position in self.positions.items():
                tally = found["partitions"][f"{topic}/{partition}"][1]
                self.tallies[topic, partition] = Tally.of_text(tally)
        self.counts.before = found["copied"]

    async def _copy(self, on_progress: Callable[[CopyCounts], None] | None) -> None:
        loop = asyncio.get_running_loop()
        task = self._task
        rest = rest_of(task.planned, self.positions)
        counts = self.counts
        counts.offsets_total = sum((part.end_offset or 0) - part.start_offset for part in rest.plan.ranges)
        planned = replace(rest, plan=replace(rest.plan, exact=True))
        started_s = loop.time()
        query = RecordQuery(topics=(), isolation=planned.plan.isolation)
        self.reading = RecordReading(self._source, planned, query, None)
        async with self.reading as reading:
            async for batch in reading:
                kept = batch if task.where is None else task.where.keep(batch)
                await loop.run_in_executor(self._thread, self._write, batch, kept)
                if on_progress is not None:
                    on_progress(self._so_far())
                if task.bytes_per_s_max is not None:
                    read_bytes = counts.bytes + self._pending.bytes
                    await asyncio.sleep(max(0.0, started_s + read_bytes / task.bytes_per_s_max - loop.time()))

    def _so_far(self) -> CopyCounts:
        counts, pending = self.counts, self._pending
        return replace(
            counts,
            copied=counts.copied + pending.copied,
            left_out=counts.left_out + pending.left_out,
            bytes=counts.bytes + pending.bytes,
            offsets_done=counts.offsets_done + pending.offsets_done,
        )

    # --- on the thread ---------------------------------------------------------------------------------------

    def _write(self, batch: list[Record], kept: list[Record]) -> None:
        if not self._sender.is_open:
            self._sender.begin()
            self._began_s = time.monotonic()
        put = self._put_and_map if self._task.wants_map else self._put
        for record in kept:
            put(record)
        pending = self._pending
        pending.left_out += len(batch) - len(kept)
        topic, partition = None, -1
        for record in batch:
            # Records come in runs of one partition, and the names of one consumer are the same objects.
            if record[0] is not topic or record[1] != partition:
                topic, partition = record[0], record[1]
                where = (topic.raw, partition)
            self._ahead[where] = record[2] + 1
        pending.offsets_done += len(batch)
        if (
            pending.copied >= TRANSACTION_RECORDS
            or pending.bytes >= TRANSACTION_BYTES
            or time.monotonic() - self._began_s >= TRANSACTION_S
        ):
            self._commit(done=False)

    def _put(self, record: Record) -> None:
        out = self._task.route(record)
        pending = self._pending
        if out is None:
            pending.left_out += 1
            return
        topic, partition, headers = out
        if headers is None and record.headers:
            headers = raw_headers(record)
        time_ms = record.timestamp_ms
        if time_ms == 0:
            time_ms = FIRST_TIME_MS
            pending.restamped += 1
        self._sender.put(topic, record.value, record.key, partition=partition, timestamp_ms=time_ms, headers=headers)
        pending.copied += 1
        pending.bytes += len(record.value or b"") + len(record.key or b"")

    def _put_and_map(self, record: Record) -> None:
        out = self._task.route(record)
        assert out is not None
        where = (record.topic.raw, record.partition)
        chunk = self._chunks.get(where)
        on_position = None
        if chunk is None:
            chunk = self._chunks[where] = _Chunk(record.offset)
            on_position = chunk.landed
        chunk.following = record.offset + 1
        chunk.count += 1
        headers = raw_headers(record) if record.headers else []
        time_ms = record.timestamp_ms or FIRST_TIME_MS
        pending = self._pending
        pending.restamped += record.timestamp_ms == 0
        tally = self.tallies.get(where)
        if tally is None:
            tally = self.tallies[where] = Tally()
        tally.add(record.key, record.value, time_ms, headers)
        self._sender.put(
            out.topic,
            record.value,
            record.key,
            partition=out.partition,
            timestamp_ms=time_ms,
            headers=headers or None,
            on_position=on_position,
        )
        pending.copied += 1
        pending.bytes += len(record.value or b"") + len(record.key or b"")

    def _finish(self) -> None:
        for part in self._task.planned.plan.ranges:
            where = (part.partition.topic.raw, part.partition.partition)
            assert part.end_offset is not None
            self._ahead[where] = max(self._ahead.get(where, 0), self.positions.get(where, 0), part.end_offset)
        if not self._sender.is_open:
            self._sender.begin()
        self._commit(done=True)

    def _commit(self, *, done: bool) -> None:
        job = self._task.job
        sender = self._sender
        if self._chunks:
            sender.flush()
            for (topic, partition), chunk in self._chunks.items():
                if chunk.target is not None:  # Otherwise its delivery failed, and so will the commit.
                    state = {"next": chunk.following, "target": chunk.target, "count": chunk.count}
                    key, value = progress_record(f"{job}/{topic}/{partition}/{chunk.first}", state)
                    sender.put(PROGRESS_TOPIC.raw, value, key)
        positions = {**self.positions, **self._ahead}
        counts = self._merged()
        key, value = progress_record(job, self._state(positions, counts, done=done))
        sender.put(PROGRESS_TOPIC.raw, value, key)
        sender.commit()
        self.positions, self.counts = positions, counts
        self._ahead, self._chunks, self._pending = {}, {}, CopyCounts()

    def _state(self, positions: Mapping[PartitionKey, int], counts: CopyCounts, *, done: bool) -> Mapping[str, Any]:
        return {
            "kind": self._task.kind,
            "spec": self._task.spec,
            "copied": counts.before + counts.copied,
            "done": done,
            "partitions": {
                f"{topic}/{partition}": [position, self._tally_text((topic, partition))]
                for (topic, partition), position in positions.items()
            },
        }

    def _tally_text(self, where: PartitionKey) -> str | None:
        if not self._task.wants_map:
            return None
        tally = self.tallies.get(where)
        return (Tally() if tally is None else tally).as_text()

    def _merged(self) -> CopyCounts:
        merged = self._so_far()
        merged.restamped += self._pending.restamped
        return merged


def raw_headers(record: Record) -> RawHeaders:
    """Return the headers as the sender takes them."""
    return [(name.raw, value) for name, value in record.headers]


async def read_tallies(
    session: Session,
    planned: PlannedRead,
    first_numbers: Mapping[TopicPartition, int],
    on_progress: Callable[[int], None] | None = None,
) -> dict[TopicPartition, Tally]:
    """Read ranges of partitions and tally what is there. first_numbers: how many records stand before each range."""
    tallies = {(part.topic.raw, part.partition): Tally(number) for part, number in first_numbers.items()}
    count = 0
    exact = replace(planned, plan=replace(planned.plan, exact=True))
    query = RecordQuery(topics=(), isolation=planned.plan.isolation)
    async with RecordReading(session, exact, query, None) as reading:
        async for batch in reading:
            for record in batch:
                where = (record.topic.raw, record.partition)
                headers = raw_headers(record) if record.headers else ()
                tallies[where].add(record.key, record.value, record.timestamp_ms, headers)
            count += len(batch)
            if on_progress is not None:
                on_progress(count)
    return {part: tallies[part.topic.raw, part.partition] for part in first_numbers}
