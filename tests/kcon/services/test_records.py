"""Reading and writing records, on both clusters: exact positions, exact ends, nothing altered."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from kcon.admin.topic_changes import NewTopic
from kcon.contexts.context import Mode
from kcon.core.ids import TopicName, TopicPartition, group_id, topic_name
from kcon.core.offset_query import EARLIEST
from kcon.core.offset_spec import Absolute, AtTime, FromEnd, FromStart, OffsetSpec
from kcon.core.snapshot import CommittedOffset
from kcon.core.wire_text import WireText
from kcon.errors import NotFoundError, RefusedError, UsageError
from kcon.gate.permit import Operation
from kcon.records.read_plan import Order
from kcon.records.record import NewRecord, Record
from kcon.records.sender import SendOptions
from kcon.services.local_broker import LocalBrokerOptions, start_local_broker
from kcon.services.produce import ProducePlan, ProduceReport, produce
from kcon.services.records import GroupConsumePlan, RecordQuery, open_stream, plan_read, read_one
from kcon.services.session import Session

SessionOn = Callable[..., Session]
Unique = Callable[[str], str]
Result = TypeVar("Result")

BASE_MS = (time.time_ns() // 10**9 - 3600) * 1000
"""An hour ago: brokers refuse times far ahead, and retention takes those far behind."""


class TopicCreation:
    """What the gate is asked."""

    operation = Operation.TOPIC_CREATE
    confirmed_by = "-y"

    def __init__(self, topic: TopicName) -> None:
        self.targets = frozenset({topic.raw})


async def create(session: Session, name: str, partitions: int = 1) -> TopicName:
    topic = topic_name(name)
    admin = await session.admin()
    permit = await session.authorise(TopicCreation(topic))
    (error,) = (await admin.create_topics([NewTopic(name=topic, partitions=partitions)], permit)).values()
    assert error is None
    # A KRaft broker learns of the topic a moment after the controller made it.
    while any(info.error is not None or not info.partitions for info in await admin.topics([topic])):
        await asyncio.sleep(0.02)
    return topic


async def write(session: Session, topic: TopicName, *records: NewRecord) -> ProduceReport:
    permit = await session.authorise(ProducePlan(topic=topic, confirmed_by="-y"))
    return await produce(session, topic, records, permit, SendOptions(positions=True))


async def read(session: Session, query: RecordQuery) -> list[Record]:
    records: list[Record] = []
    async with await open_stream(session, query) as stream:
        async for batch in stream:
            assert batch, "a batch is never empty"
            records += batch
    return records


async def shared_numbers(session: Session) -> TopicName:
    """Return a topic with 20 numbered records, made by the first who asks on each cluster."""
    topic = topic_name("shared-numbers")
    if (await (await session.admin()).topics([topic]))[0].error is not None:
        await create(session, topic.raw)
        await write(session, topic, *numbered(20))
    return topic


def run(work: Coroutine[Any, Any, Result]) -> Result:
    async def within_deadline() -> Result:
        async with asyncio.timeout(60):
            return await work

    return asyncio.run(within_deadline())


def numbered(count: int, partition: int | None = None, first_ms: int = BASE_MS) -> list[NewRecord]:
    return [
        NewRecord(value=str(index).encode(), partition=partition, timestamp_ms=first_ms + index * 1_000)
        for index in range(count)
    ]


def test_records_come_back_as_they_were_written(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    """Null and empty differ, headers keep their order and doubles, bytes are exact."""
    headers = ((WireText("a"), b"1"), (WireText("é"), None), (WireText("a"), b""))
    given = [
        NewRecord(key=None, value=None),
        NewRecord(key=b"", value=b""),
        NewRecord(key=b"\xff\x00", value=b"\x00" * 5, headers=headers, timestamp_ms=1_234_567_890_123),
    ]

    async def work() -> tuple[ProduceReport, list[Record]]:
        async with session_on(cluster) as session:
            topic = await create(session, unique("exact"))
            report = await write(session, topic, *given)
            return report, await read(session, RecordQuery(topics=(topic,)))

    report, found = run(work())
    assert (report.delivered, report.failed, report.ok) == (3, 0, True)
    assert [(position.index, position.offset) for position in report.positions] == [(0, 0), (1, 1), (2, 2)]
    assert [(record.key, record.value, record.headers) for record in found] == [
        (record.key, record.value, record.headers) for record in given
    ]
    assert found[2].timestamp_ms == 1_234_567_890_123


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (FromStart(), None, range(20)),
        (FromStart(5), None, range(5, 20)),
        (FromEnd(), None, range(0)),
        (FromEnd(3), None, range(17, 20)),
        (FromEnd(100), None, range(20)),
        (Absolute(7), Absolute(9), range(7, 9)),
        (Absolute(19), Absolute(99), range(19, 20)),
        (Absolute(99), None, range(0)),
        (AtTime(BASE_MS + 3_500), None, range(4, 20)),
        (AtTime(BASE_MS + 3_000), AtTime(BASE_MS + 5_000), range(3, 5)),
        (AtTime(BASE_MS + 10**10), None, range(0)),
    ],
    ids=["start", "start+5", "end", "end-3", "end-100", "7..9", "19..99", "99", "time between", "times", "time ahead"],
)
def test_places_are_exact(
    cluster: Any,
    session_on: SessionOn,
    start: OffsetSpec,
    end: OffsetSpec | None,
    expected: range,
) -> None:
    """One off here is a record missed or read twice."""

    async def work() -> list[Record]:
        async with session_on(cluster) as session:
            return await read(session, RecordQuery(topics=(await shared_numbers(session),), start=start, end=end))

    assert [record.offset for record in run(work())] == list(expected)


def test_the_last_n_in_total_are_the_newest_of_all_partitions(
    cluster: Any, session_on: SessionOn, unique: Unique
) -> None:
    async def work() -> list[Record]:
        async with session_on(cluster) as session:
            topic = await create(session, unique("total"), partitions=3)
            await write(
                session, topic, *numbered(10, 0), *numbered(10, 1, BASE_MS + 7_500), *numbered(3, 2, BASE_MS - 9_000)
            )
            return await read(session, RecordQuery(topics=(topic,), last_total=5))

    found = run(work())
    assert [(record.partition, record.offset) for record in found] == [(1, 5), (1, 6), (1, 7), (1, 8), (1, 9)]


def test_partitions_are_merged_by_time(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    async def work() -> list[Record]:
        async with session_on(cluster) as session:
            topic = await create(session, unique("merged"), partitions=3)
            await write(session, topic, *numbered(50, 0), *numbered(50, 2, BASE_MS + 500))
            return await read(session, RecordQuery(topics=(topic,), order=Order.TIME))

    found = run(work())
    assert len(found) == 100
    assert [record.timestamp_ms for record in found] == sorted(record.timestamp_ms for record in found)


def test_a_limit_ends_a_read(cluster: Any, session_on: SessionOn) -> None:
    async def work() -> list[Record]:
        async with session_on(cluster) as session:
            topic = await shared_numbers(session)
            return await read(session, RecordQuery(topics=(topic,), limit=7, follow=True))

    assert [record.offset for record in run(work())] == list(range(7))


def test_following_brings_what_is_written_later(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    async def work() -> tuple[list[bytes | None], list[bytes | None]]:
        async with session_on(cluster) as session:
            topic = await create(session, unique("followed"))
            await write(session, topic, *numbered(3))
            query = RecordQuery(topics=(topic,), last_total=2, follow=True)
            async with await open_stream(session, query) as stream:
                first = await stream.__anext__()
                await write(session, topic, NewRecord(value=b"later"))
                second = await stream.__anext__()
            return [record.value for record in first], [record.value for record in second]

    assert run(work()) == ([b"1", b"2"], [b"later"])


def test_one_record_by_its_address(cluster: Any, session_on: SessionOn) -> None:
    async def work() -> Record:
        async with session_on(cluster) as session:
            part = TopicPartition(await shared_numbers(session), 0)
            with pytest.raises(NotFoundError, match="holds no record"):
                await read_one(session, part, 20)
            return await read_one(session, part, 13)

    assert run(work()).value == b"13"


def test_a_missing_topic_or_partition_is_not_found(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    """And reading it must not create it."""

    async def work() -> None:
        async with session_on(cluster) as session:
            missing = topic_name(unique("missing"))
            for _ in range(2):
                with pytest.raises(NotFoundError):
                    await plan_read(session, RecordQuery(topics=(missing,)))
            query = RecordQuery(topics=(await shared_numbers(session),), partitions=frozenset({5}))
            with pytest.raises(NotFoundError, match="no partition 5"):
                await plan_read(session, query)
            permit = await session.authorise(ProducePlan(topic=missing, confirmed_by="-y"))
            with pytest.raises(NotFoundError):
                await produce(session, missing, [NewRecord(value=b"x")], permit)

    run(work())


def test_reading_without_a_group_leaves_no_group(cluster: Any, session_on: SessionOn) -> None:
    """The library wants a group id all the same; nothing may be seen of it."""

    async def work() -> list[str]:
        async with session_on(cluster) as session:
            await read(session, RecordQuery(topics=(await shared_numbers(session),)))
            listed = await (await session.admin()).list_groups()
            return [listing.group.raw for listing in listed.items]

    assert "kcon-reader" not in run(work())


def test_a_group_commits_what_was_asked_past(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    """A batch that was handed out and not followed by a request is read again by the next member."""

    async def work() -> tuple[int, int, list[int]]:
        async with session_on(cluster) as session:
            topic = await create(session, unique("grouped"))
            await write(session, topic, *numbered(10))
            group = group_id(unique("group"))
            query = RecordQuery(topics=(topic,), group=group, limit=4)
            first = await session.authorise(GroupConsumePlan(group=group, confirmed_by="-y"))
            async with await open_stream(session, query, first) as stream:
                async for _ in stream:
                    pass
            admin = await session.admin()
            part = TopicPartition(topic, 0)
            committed = (await admin.committed_offsets([group]))[group]
            assert isinstance(committed, dict)
            commit = committed[part]
            assert isinstance(commit, CommittedOffset)
            second = await session.authorise(GroupConsumePlan(group=group, confirmed_by="-y"))
            rest = []
            async with await open_stream(session, RecordQuery(topics=(topic,), group=group), second) as stream:
                async for batch in stream:
                    rest += [record.offset for record in batch]
            bounds = await admin.list_offsets([part], EARLIEST)
            return commit.offset, len(bounds), rest

    assert run(work()) == (4, 1, [4, 5, 6, 7, 8, 9])


def test_a_group_takes_no_positions(cluster: Any, session_on: SessionOn) -> None:
    async def work() -> None:
        async with session_on(cluster) as session:
            topics = (await shared_numbers(session),)
            with pytest.raises(UsageError):
                await plan_read(session, RecordQuery(topics=topics, group=group_id("g"), start=Absolute(3)))
            with pytest.raises(UsageError):
                await plan_read(session, RecordQuery(topics=topics, group=group_id("g"), end=FromEnd()))

    run(work())


def test_a_read_only_context_neither_writes_nor_joins(cluster: Any, session_on: SessionOn) -> None:
    async def work() -> None:
        async with session_on(cluster, Mode.READ_ONLY) as session:
            topic = await shared_numbers(session)
            with pytest.raises(RefusedError):
                await session.authorise(ProducePlan(topic=topic, confirmed_by="-y"))
            with pytest.raises(RefusedError):
                await session.authorise(GroupConsumePlan(group=group_id("g"), confirmed_by="-y"))

    run(work())


def test_a_permit_is_for_one_topic_and_one_use(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    async def work() -> None:
        async with session_on(cluster) as session:
            topic, other = await create(session, unique("mine")), await create(session, unique("other"))
            permit = await session.authorise(ProducePlan(topic=topic, confirmed_by="-y"))
            with pytest.raises(RefusedError):
                await produce(session, other, [NewRecord(value=b"x")], permit)
            assert (await produce(session, topic, [NewRecord(value=b"x")], permit)).ok
            with pytest.raises(RefusedError):
                await produce(session, topic, [NewRecord(value=b"x")], permit)

    run(work())


def test_a_record_that_is_refused_is_counted_and_named(cluster: Any, session_on: SessionOn, unique: Unique) -> None:
    """The others are written; the report adds up."""

    async def work() -> ProduceReport:
        async with session_on(cluster) as session:
            topic = await create(session, unique("refused"))
            return await write(
                session, topic, NewRecord(value=b"1"), NewRecord(value=b"x", partition=9), NewRecord(value=b"2")
            )

    report = run(work())
    assert (report.delivered, report.failed) == (2, 1)
    assert [failure.index for failure in report.failures] == [1]


@pytest.mark.parametrize("order", list(Order))
def test_reading_read_only_creates_nothing_on_a_cluster_without_groups(
    tmp_path: Path, session_on: SessionOn, order: Order
) -> None:
    """Even a look-up of a group coordinator would create __consumer_offsets, so none is made."""

    async def work() -> tuple[list[Record], list[Record], list[Record], list[str]]:
        broker = await start_local_broker(LocalBrokerOptions(data_dir=tmp_path / "data"))
        fresh = SimpleNamespace(bootstrap=broker.bootstrap)
        try:
            async with session_on(fresh) as session:
                topic = await create(session, "fresh", partitions=2)
                await write(session, topic, *numbered(30, 0), *numbered(30, 1, BASE_MS + 500))
            async with session_on(fresh, Mode.READ_ONLY) as session:
                everything = await read(session, RecordQuery(topics=(topic,), order=order))
                some = await read(session, RecordQuery(topics=(topic,), start=Absolute(3), end=Absolute(5)))
                newest = await read(session, RecordQuery(topics=(topic,), last_total=3))
                names = [info.name.raw for info in await (await session.admin()).topics()]
            return everything, some, newest, names
        finally:
            await broker.stop()

    everything, some, newest, names = run(work())
    assert names == ["fresh"]
    for index in (0, 1):
        assert [record.offset for record in everything if record.partition == index] == list(range(30))
        assert [record.offset for record in some if record.partition == index] == [3, 4]
    assert [(record.partition, record.offset) for record in newest] == [(1, 28), (0, 29), (1, 29)]
    if order is Order.TIME:
        assert [record.timestamp_ms for record in everything] == sorted(r.timestamp_ms for r in everything)
