"""Loading files: every good row arrives, every bad one is named, and the report adds up."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kcon.admin.topic_changes import NewTopic
from kcon.core.ids import TopicName, topic_name
from kcon.errors import NotFoundError, RefusedError, UsageError
from kcon.gate.permit import Operation
from kcon.records.record import Record
from kcon.services.load import LoadOptions, LoadProgress, LoadReport, load
from kcon.services.load_rows import BadRow, RowFormat
from kcon.services.produce import ProducePlan
from kcon.services.records import RecordQuery, open_stream
from kcon.services.session import Session

SessionOn = Callable[..., Session]
Unique = Callable[[str], str]


class TopicCreation:
    """What the gate is asked."""

    operation = Operation.TOPIC_CREATE
    confirmed_by = "-y"

    def __init__(self, topic: TopicName) -> None:
        self.targets = frozenset({topic.raw})


async def load_into(
    session: Session,
    name: str,
    options: Callable[[TopicName], LoadOptions],
    *,
    permit_for: str | None = None,
    **callbacks: Any,
) -> tuple[LoadReport, list[Record]]:
    """Make a topic, load into it, and read it back."""
    topic = topic_name(name)
    admin = await session.admin()
    await admin.create_topics([NewTopic(name=topic, partitions=1)], await session.authorise(TopicCreation(topic)))
    while (await admin.topics([topic]))[0].error is not None:
        await asyncio.sleep(0.02)
    allowed = topic if permit_for is None else topic_name(permit_for)
    permit = await session.authorise(ProducePlan(topic=allowed, confirmed_by="-y"))
    report = await load(session, options(topic), permit, **callbacks)
    records: list[Record] = []
    async with await open_stream(session, RecordQuery(topics=(topic,))) as stream:
        async for batch in stream:
            records += batch
    return report, records


def run(
    session: Session, name: str, options: Callable[[TopicName], LoadOptions], **callbacks: Any
) -> tuple[LoadReport, list[Record]]:
    async def work() -> tuple[LoadReport, list[Record]]:
        async with asyncio.timeout(60), session:
            return await load_into(session, name, options, **callbacks)

    return asyncio.run(work())


def test_good_rows_arrive_and_bad_ones_are_named(
    cluster: Any, session_on: SessionOn, unique: Unique, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"id,n\na,1\nb\nc,3\n\xff,4\nd,5\n")
    bad: list[BadRow] = []
    report, records = run(
        session_on(cluster),
        unique("load"),
        lambda topic: LoadOptions(path=path, topic=topic, key_column="id"),
        on_bad_row=bad.append,
    )
    assert (report.rows, report.delivered, report.bad, report.failed) == (5, 3, 2, 0)
    assert [row.line for row in report.bad_rows] == [3, 5]
    assert bad == list(report.bad_rows)
    assert not report.ok
    assert [(record.key, record.value) for record in records] == [
        (b"a", b'{"id":"a","n":1}'),
        (b"c", b'{"id":"c","n":3}'),
        (b"d", b'{"id":"d","n":5}'),
    ]


def test_bad_rows_may_be_skipped(cluster: Any, session_on: SessionOn, unique: Unique, tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_text('{"a":1}\nnope\n')
    report, records = run(
        session_on(cluster), unique("load"), lambda topic: LoadOptions(path=path, topic=topic, skip_bad=True)
    )
    assert report.ok
    assert [record.value for record in records] == [b'{"a":1}']


def test_a_large_file_arrives_in_order(cluster: Any, session_on: SessionOn, unique: Unique, tmp_path: Path) -> None:
    """Beyond librdkafka's queue, with progress that ends at the whole file."""
    path = tmp_path / "lines.log"
    lines = [b"%d %s" % (index, b"x" * 20) for index in range(250_000)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    told: list[LoadProgress] = []
    report, records = run(
        session_on(cluster),
        unique("load"),
        lambda topic: LoadOptions(path=path, topic=topic),
        on_progress=told.append,
    )
    assert report.delivered == 250_000
    assert [record.value for record in records] == lines
    assert told[-1].bytes_read == told[-1].bytes_total == path.stat().st_size


def test_standard_input_is_read_to_its_end(
    cluster: Any, session_on: SessionOn, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr("sys.stdin", pipe)

        def write() -> None:
            os.write(writing, b"a\n1\n")
            os.write(writing, b"2\n")
            os.close(writing)

        threading.Thread(target=write).start()
        report, records = run(
            session_on(cluster),
            unique("load"),
            lambda topic: LoadOptions(path=None, topic=topic, format=RowFormat.CSV),
        )
    assert report.delivered == 2
    assert [record.value for record in records] == [b'{"a":1}', b'{"a":2}']


def test_a_limit_counts_good_rows(cluster: Any, session_on: SessionOn, unique: Unique, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,1\n2\n3,3\n4,4\n5,5\n")
    report, records = run(
        session_on(cluster), unique("load"), lambda topic: LoadOptions(path=path, topic=topic, limit=3)
    )
    assert len(records) == 3
    assert report.rows == report.delivered + report.bad == 4


def test_what_cannot_be_read_is_said(cluster: Any, session_on: SessionOn, unique: Unique, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(NotFoundError, match="Cannot read"):
        run(session_on(cluster), unique("load"), lambda topic: LoadOptions(path=tmp_path / "no.csv", topic=topic))
    with pytest.raises(UsageError, match="no column"):
        run(
            session_on(cluster),
            unique("load"),
            lambda topic: LoadOptions(path=tmp_path / "rows.csv", topic=topic, key_column="id"),
        )


def test_a_permit_for_another_topic_loads_nothing(
    cluster: Any, session_on: SessionOn, unique: Unique, tmp_path: Path
) -> None:
    """The refusal comes from the sender, below whoever forgot to ask."""
    (tmp_path / "rows.csv").write_text("a\n1\n")
    with pytest.raises(RefusedError):
        run(
            session_on(cluster),
            unique("load"),
            lambda topic: LoadOptions(path=tmp_path / "rows.csv", topic=topic),
            permit_for="another",
        )


def test_cancelling_stops_the_thread(
    cluster: Any, session_on: SessionOn, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while standard input is silent must not hang."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr("sys.stdin", pipe)

        async def work() -> None:
            async with session_on(cluster) as session:
                options = lambda topic: LoadOptions(path=None, topic=topic)  # noqa: E731
                async with asyncio.timeout(2):
                    await load_into(session, unique("load"), options)

        with pytest.raises(TimeoutError):
            asyncio.run(work())
        os.close(writing)
    assert not [thread for thread in threading.enumerate() if thread.name == "kcon-load"]
