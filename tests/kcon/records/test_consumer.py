"""The consumer's thread: what ends it, what it survives, and what it tells."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kcon.contexts.context import Context
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.errors import UnreachableError
from kcon.records.consumer import RecordStream
from kcon.records.notice import Notice
from kcon.records.read_plan import Isolation, PartitionRange, ReadPlan
from kcon.records.record import Record

Unique = Callable[[str], str]


def create(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)


def read(bootstrap: str, plan: ReadPlan) -> tuple[list[Record], list[Notice]]:
    async def work() -> tuple[list[Record], list[Notice]]:
        records: list[Record] = []
        context = Context(name="test", bootstrap=(bootstrap,))
        async with asyncio.timeout(60), RecordStream(context, plan) as stream:
            async for batch in stream:
                records += batch
            return records, list(stream.notices)

    return asyncio.run(work())


def whole(topic: str, start_offset: int, end_offset: int, **more: Any) -> ReadPlan:
    part = TopicPartition(topic_name(topic), 0)
    return ReadPlan(ranges=(PartitionRange(partition=part, start_offset=start_offset, end_offset=end_offset),), **more)


def test_nothing_is_opened_for_empty_ranges() -> None:
    """There is no broker at this address, and none is needed."""
    assert read("127.0.0.1:1", whole("orders", 5, 5)) == ([], [])


def test_a_bounded_read_without_a_broker_fails() -> None:
    with pytest.raises(UnreachableError):
        read("127.0.0.1:1", whole("orders", 0, 5, stall_timeout_s=0.5))


def test_joining_a_group_wants_a_permit() -> None:
    with pytest.raises(AssertionError, match="permit"):
        read("127.0.0.1:1", ReadPlan(group=group_id("g"), topics=(topic_name("orders"),)))


def test_a_header_name_that_is_not_utf8_does_not_end_the_read(cluster: Any, kcat_headers: Any, unique: Unique) -> None:
    """The binding raises on it; one hostile record must not hide all that follow."""
    topic = unique("headers")
    create(cluster.bootstrap, topic)
    kcat_headers(cluster.bootstrap, topic)
    records, notices = read(cluster.bootstrap, whole(topic, 0, 2))
    assert [record.value for record in records] == [b"hostile", b"fine"]
    assert records[0].headers == ()
    assert [str(name) for name, _ in records[1].headers] == ["a"]
    assert "not UTF-8" in notices[0].text


@pytest.fixture
def kcat_headers() -> Callable[[str, str], None]:
    """Return a function that writes a record with a broken header name, and a sound one."""
    import shutil
    import subprocess

    if shutil.which("kcat") is None:
        pytest.skip("needs 'kcat'")

    def write(bootstrap: str, topic: str) -> None:
        for header, value in ((b"\xff=1", b"hostile\n"), (b"a=1", b"fine\n")):
            subprocess.run(
                [b"kcat", b"-b", bootstrap.encode(), b"-P", b"-t", topic.encode(), b"-p", b"0", b"-H", header],
                input=value,
                check=True,
                timeout=30,
            )

    return write


def test_records_deleted_before_they_were_read_are_counted(cluster: Any, unique: Unique) -> None:
    topic = unique("deleted")
    create(cluster.bootstrap, topic)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for index in range(10):
        producer.produce(topic, str(index))
    assert producer.flush(20) == 0
    from confluent_kafka import TopicPartition as Place

    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.delete_records([Place(topic, 0, 6)])[Place(topic, 0)].result(20)
    records, notices = read(cluster.bootstrap, whole(topic, 2, 10))
    assert [record.offset for record in records] == [6, 7, 8, 9]
    assert [notice.lost_records for notice in notices] == [4]


@pytest.mark.java
def test_transactions_are_hidden_until_they_commit(apache_kafka: Any, unique: Unique) -> None:
    """Aborted records never show; the markers at the end are no records, and the read ends all the same."""
    topic = unique("transactions")
    create(apache_kafka.bootstrap, topic)
    producer = Producer({"bootstrap.servers": apache_kafka.bootstrap, "transactional.id": unique("tx")})
    producer.init_transactions(30)
    for number, commit in ((b"1", True), (b"2", False), (b"3", True)):
        producer.begin_transaction()
        producer.produce(topic, number)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.flush(30)
            producer.abort_transaction(30)
    committed, _ = read(apache_kafka.bootstrap, whole(topic, 0, 6))
    assert [record.value for record in committed] == [b"1", b"3"]
    every, _ = read(apache_kafka.bootstrap, whole(topic, 0, 6, isolation=Isolation.READ_UNCOMMITTED))
    assert [record.value for record in every] == [b"1", b"2", b"3"]


def test_a_small_buffer_holds_the_fetching_back(cluster: Any, unique: Unique) -> None:
    """A reader that is slow costs the bound and one batch, not the topic."""
    topic = unique("large")
    create(cluster.bootstrap, topic)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for _ in range(200):
        producer.produce(topic, b"x" * 100_000)
        producer.poll(0)
    assert producer.flush(30) == 0

    async def work() -> tuple[int, int]:
        count = largest = 0
        context = Context(name="test", bootstrap=(cluster.bootstrap,))
        plan = whole(topic, 0, 200, buffer_bytes=1_000_000)
        async with asyncio.timeout(60), RecordStream(context, plan) as stream:
            async for batch in stream:
                count += len(batch)
                assert stream._queue is not None
                largest = max(largest, stream._queue.size_bytes + sum(record.size_bytes for record in batch))
        return count, largest

    count, largest = asyncio.run(work())
    assert count == 200
    assert largest < 4_000_000
