"""What is `kcon demo`? A broker on a folder of its own, real data streamed into it, and groups that read it.

`open_demo` runs all that beside a front; `run_headless` runs it alone, and ends with a report after an independent
consumer has read everything back.
"""

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Context
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.offset_query import LATEST
from kcon.core.snapshot import OffsetAt
from kcon.errors import KconError
from kcon.gate.permit import Operation
from kcon.records.consumer import RecordStream
from kcon.records.read_plan import Isolation, PartitionRange, ReadPlan
from kcon.services.demo_feed import TOPICS, DemoFeed, FeedOptions
from kcon.services.demo_groups import CONFIRMED_BY, GROUPS, GroupRunner
from kcon.services.demo_report import DemoReport, GroupReport, LagRow, PartitionReport, TopicReport
from kcon.services.demo_tables import DemoTables, find_tables
from kcon.services.groups import group_lag
from kcon.services.history import HISTORY_FOLDER
from kcon.services.local_broker import LocalBroker, LocalBrokerOptions, start_local_broker
from kcon.services.session import Session

CONTEXT_NAME: Final = "demo"
CATCH_UP_S: Final = 5.0
"""How long the group that keeps up may take for the last records."""
VERIFY_STALL_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a user may choose."""

    data_dir: Path | None = None
    """None: a temporary folder. A folder that holds an earlier run is gone on with."""
    port: int = 0
    """0: a free one."""
    keep: bool = False
    """Leave the temporary folder behind."""
    speed: float = 1.0
    tables: DemoTables | None = None
    """None: everything that is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _TopicsPlan:
    targets: frozenset[str]
    operation: Operation
    confirmed_by: str = CONFIRMED_BY


class Demo:
    """A running demo."""

    def __init__(
        self,
        session: Session,
        broker: LocalBroker,
        feed: DemoFeed,
        tables: DemoTables,
        starts: Mapping[TopicPartition, int],
    ) -> None:
        self.context = session.context
        """Where it can be reached: what a front opens."""
        self.broker = broker
        self.feed = feed
        self.tables = tables
        self.started_s = time.monotonic()
        self._session = session
        self._starts = starts
        self.runners = [GroupRunner(session, group) for group in GROUPS]
        self._tasks = {
            asyncio.get_running_loop().create_task(
                runner.run(feed.past_is_written), name=f"demo group {runner.group.group}"
            )
            for runner in self.runners
        }

    @property
    def problems(self) -> list[str]:
        """Return what went wrong so far, as sentences."""
        found = []
        if self.broker.exit_code is not None:
            found.append(f"the broker ended with {self.broker.exit_code}")
        if self.feed.error is not None:
            found.append(self.feed.error.message)
        if self.feed.failed_records:
            found.append(f"the broker refused {self.feed.failed_records} records")
        found += [
            f"group {runner.group.group}: {runner.error.message}" for runner in self.runners if runner.error is not None
        ]
        return found

    async def quiesce(self) -> None:
        """Stop writing, let the group that keeps up finish, and let all groups commit and leave."""
        await asyncio.to_thread(self.feed.stop)
        keeper = self.runners[0]
        topics = {topic.raw for topic in keeper.group.topics}
        written = sum(part.records for (topic, _), part in self.feed.ledger.partitions.items() if topic in topics)
        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_S):
                await keeper.has_read(written)
        await self.stop_groups()

    async def stop_groups(self) -> None:
        """Let every group commit what it read and leave. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def report(self, data_dir: str | None) -> DemoReport:
        """Read everything back and compare it with the ledger. Call `quiesce` first."""
        seconds = time.monotonic() - self.started_s
        live_s = max(0.001, self.feed.live_until_s - self.feed.live_since_s)
        problems = self.problems
        found = await self._read_back()
        topics = []
        for topic, count in TOPICS.items():
            written = [self.feed.ledger.partitions[topic, index] for index in range(count)]
            reports = [found[TopicPartition(topic_name(topic), index)] for index in range(count)]
            for index, (wrote, read) in enumerate(zip(written, reports, strict=True)):
                if wrote.records != read.records:
                    problems.append(f"{topic}/{index}: {read.records:,} of {wrote.records:,} records were read back")
                elif wrote.sha256.hexdigest() != read.sha256:
                    problems.append(f"{topic}/{index}: other values than those written, or another order")
            records = sum(read.records for read in reports)
            past = sum(wrote.past_records for wrote in written)
            topics.append(
                TopicReport(
                    topic=topic,
                    records=records,
                    size_bytes=sum(wrote.size_bytes for wrote in written),
                    live_records_per_s=round((records - past) / live_s, 1),
                    partitions=tuple(reports),
                )
            )
        return DemoReport(
            seconds=round(seconds, 3),
            source=self.tables.name,
            data_dir=data_dir,
            topics=tuple(topics),
            groups=await self._group_reports(),
            problems=tuple(problems),
        )

    async def _read_back(self) -> dict[TopicPartition, PartitionReport]:
        """Read this run's records with a consumer of its own, from the first to the last."""
        ends = await _end_offsets(self._session)
        counts = dict.fromkeys(self._starts, 0)
        hashes = {part: hashlib.sha256() for part in self._starts}
        plan = ReadPlan(
            ranges=tuple(
                PartitionRange(partition=part, start_offset=start, end_offset=ends[part])
                for part, start in self._starts.items()
            ),
            isolation=Isolation.READ_UNCOMMITTED,
            stall_timeout_s=VERIFY_STALL_S,
        )
        async with RecordStream(self.context, plan) as stream:
            async for batch in stream:
                for record in batch:
                    part = record.topic_partition
                    counts[part] += 1
                    hashes[part].update((record.value or b"") + b"\n")
        return {
            part: PartitionReport(
                partition=part.partition,
                start_offset=start,
                end_offset=ends[part],
                records=counts[part],
                sha256=hashes[part].hexdigest(),
            )
            for part, start in self._starts.items()
        }

    async def _group_reports(self) -> tuple[GroupReport, ...]:
        lag = await group_lag(self._session, [runner.group.group.raw for runner in self.runners])
        reports = []
        for runner in self.runners:
            rows = [row for row in lag.rows if row.group == runner.group.group]
            reports.append(
                GroupReport(
                    group=str(runner.group.group),
                    behaviour=runner.group.behaviour,
                    lag=sum(row.lag or 0 for row in rows),
                    rows=tuple(
                        LagRow(
                            topic=str(row.partition.topic),
                            partition=row.partition.partition,
                            committed=row.committed,
                            end=row.end,
                            lag=row.lag,
                        )
                        for row in rows
                    ),
                )
            )
        return tuple(reports)


@asynccontextmanager
async def open_demo(options: DemoOptions) -> AsyncIterator[Demo]:
    """Start everything; at the end stop everything and remove what was temporary.

    KconError when the broker does not start, e.g. because the port or the folder is in use.
    """
    scratch = Path(tempfile.mkdtemp(prefix="kcon-demo-"))
    try:
        async with _running(options, scratch) as demo:
            yield demo
    finally:
        if options.data_dir is not None or not options.keep:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


async def run_headless(
    options: DemoOptions, seconds: float, on_progress: Callable[[Demo], None] | None = None
) -> DemoReport:
    """Run the demo for some time, stop it, and return what an independent read says about it."""
    async with open_demo(options) as demo:
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s and not demo.problems:
            await asyncio.sleep(min(0.5, max(0.0, ends_s - time.monotonic())))
            if on_progress is not None:
                on_progress(demo)
        await demo.quiesce()
        is_kept = options.data_dir is not None or options.keep
        return await demo.report(str(demo.broker.data_dir) if is_kept else None)


@asynccontextmanager
async def _running(options: DemoOptions, scratch: Path) -> AsyncIterator[Demo]:
    data_dir = options.data_dir if options.data_dir is not None else scratch / "data"
    broker = await start_local_broker(
        LocalBrokerOptions(data_dir=data_dir, port=options.port, arguments=("--metrics", "127.0.0.1:0"))
    )
    try:
        is_kept = options.data_dir is not None
        context = Context(
            name=CONTEXT_NAME,
            bootstrap=(broker.bootstrap,),
            metrics=broker.metrics_url,
            history_folder=None if is_kept else scratch / HISTORY_FOLDER,
        )
        async with Session(context, scratch) as session:
            is_new = await _create_topics(session)
            starts = await _end_offsets(session)
            tables = options.tables or find_tables()
            permit = await session.authorise(_TopicsPlan(targets=frozenset(TOPICS), operation=Operation.PRODUCE))
            feed = DemoFeed(
                context,
                permit,
                FeedOptions(
                    tables=tables,
                    broker_log=broker.log_path,
                    broker_pid=broker.pid,
                    with_past=is_new,
                    speed=options.speed,
                ),
            )
            feed.start()
            demo = Demo(session, broker, feed, tables, starts)
            try:
                yield demo
            finally:
                await asyncio.to_thread(feed.stop)
                await demo.stop_groups()
    finally:
        await broker.stop()


async def _create_topics(session: Session) -> bool:
    """Create the demo's topics; False when they are there from an earlier run."""
    admin = await session.admin()
    there = {info.name.raw for info in await admin.topics() if info.error is None}
    missing = [name for name in TOPICS if name not in there]
    if not missing:
        return False
    permit = await session.authorise(_TopicsPlan(targets=frozenset(missing), operation=Operation.TOPIC_CREATE))
    # The past is older than any usual retention: keep it.
    new = [NewTopic(name=topic_name(name), partitions=TOPICS[name], configs={"retention.ms": "-1"}) for name in missing]
    for name, error in (await admin.create_topics(new, permit)).items():
        if error is not None:
            raise error.as_exception(f"topic {name}")
    return "flights" in missing


async def _end_offsets(session: Session) -> dict[TopicPartition, int]:
    admin = await session.admin()
    partitions = [TopicPartition(topic_name(topic), index) for topic, count in TOPICS.items() for index in range(count)]
    ends: dict[TopicPartition, int] = {}
    for part, end in (await admin.list_offsets(partitions, LATEST)).items():
        if not isinstance(end, OffsetAt):
            raise KconError(f"The end of {part.topic}/{part.partition} is not known: {end}.")
        ends[part] = end.offset
    return ends
