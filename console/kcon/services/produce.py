"""How does a front write records? Plan, permit, then `produce`, or `open_producer` for what comes bit by bit."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final

from kcon.core.ids import TopicName
from kcon.gate.permit import Operation, Permit
from kcon.records.record import NewRecord
from kcon.records.sender import RecordSender, SendFailure, SendOptions, SendPosition

if TYPE_CHECKING:
    from kcon.services.session import Session

CHUNK_RECORDS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducePlan:
    """What the gate is asked: may records be written to this topic?"""

    topic: TopicName
    confirmed_by: str | None = None

    @property
    def operation(self) -> Operation:
        """The kind of mutation."""
        return Operation.PRODUCE

    @property
    def targets(self) -> frozenset[str]:
        """The topic's raw name."""
        return frozenset({self.topic.raw})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProduceReport:
    """What became of the records; delivered + failed is everything that was given."""

    delivered: int
    failed: int
    bytes: int
    failures: tuple[SendFailure, ...]
    """The first ones; the index counts the records given, from 0."""
    positions: tuple[SendPosition, ...]
    """Where records landed, if `SendOptions.positions` asked for it."""

    @property
    def ok(self) -> bool:
        """Every record is on the cluster."""
        return self.failed == 0


class ProducerHandle:
    """A producer for an event loop. An asynchronous context manager; leaving it drops what was not flushed."""

    def __init__(self, sender: RecordSender, topic: TopicName) -> None:
        self._sender = sender
        self._topic = topic
        self._count = 0

    async def __aenter__(self) -> "ProducerHandle":
        await asyncio.to_thread(self._sender.__enter__)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sender.stop()
        await asyncio.to_thread(self._sender.__exit__, kind, error, trace)

    async def send(self, records: Sequence[NewRecord]) -> None:
        """Queue records; waits while librdkafka's queue is full."""
        first, self._count = self._count, self._count + len(records)
        await asyncio.to_thread(self._send, first, records)

    async def flush(self) -> ProduceReport:
        """Wait until every record was delivered or has failed."""
        await asyncio.to_thread(self._sender.flush)
        sender = self._sender
        return ProduceReport(
            delivered=sender.delivered,
            failed=sender.failed,
            bytes=sender.accepted_bytes,
            failures=tuple(sender.failures),
            positions=tuple(sender.positions),
        )

    def _send(self, first_index: int, records: Sequence[NewRecord]) -> None:
        for index, record in enumerate(records, first_index):
            self._sender.send(self._topic, index, record)


async def require_topic(session: "Session", topic: TopicName) -> None:
    """Raise NotFoundError unless the topic exists: a producer would only notice after half a minute."""
    admin = await session.admin()
    info = (await admin.topics([topic]))[0]
    if info.error is not None:
        from kcon.services.near_names import topic_error

        raise await topic_error(admin, topic, info.error, f"Create it: kcon topic create {topic}")


async def open_producer(
    session: "Session", topic: TopicName, permit: Permit, options: SendOptions | None = None
) -> ProducerHandle:
    """Return a producer to be entered. NotFoundError when the topic does not exist."""
    await require_topic(session, topic)
    return ProducerHandle(RecordSender(session.context, permit, frozenset({topic}), options), topic)


async def produce(
    session: "Session",
    topic: TopicName,
    records: Iterable[NewRecord],
    permit: Permit,
    options: SendOptions | None = None,
) -> ProduceReport:
    """Write records and wait for all of them; refusals are in the report, one by one."""
    async with await open_producer(session, topic, permit, options) as producer:
        chunk: list[NewRecord] = []
        for record in records:
            chunk.append(record)
            if len(chunk) >= CHUNK_RECORDS:
                await producer.send(chunk)
                chunk = []
        await producer.send(chunk)
        return await producer.flush()
