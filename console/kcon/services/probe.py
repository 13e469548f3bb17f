"""Does a record get through, and how fast? Records on a topic of the probe's own: written, read, committed, one by one.

Every change passes the gate: the records, each commit, and the topic, which is made and removed only where that was
asked for. The reader is assigned its partitions and joins no group, so a probe never waits for a rebalance.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from kcon.admin.topic_changes import NewTopic
from kcon.core.ids import GroupId, TopicName, TopicPartition
from kcon.core.offset_spec import FromEnd
from kcon.core.probe_report import RoundTrip
from kcon.core.snapshot import TopicInfo
from kcon.errors import KconError, NotFoundError
from kcon.gate.permit import Operation
from kcon.records.read_plan import Isolation
from kcon.records.record import NewRecord, Record
from kcon.records.sender import SendOptions
from kcon.services.group_delete import apply_group_delete, plan_group_delete
from kcon.services.item_changes import ItemChanges, apply_changes
from kcon.services.produce import ProducePlan, ProducerHandle, open_producer
from kcon.services.records import RecordQuery, RecordReading, open_stream
from kcon.services.session import Session
from kcon.services.topic_changes import TopicCreatePlan, apply_create, apply_delete, plan_delete
from kcon.services.topics import is_missing

REPLICAS_MAX: Final = 3
RETENTION_MS: Final = 3_600_000
SETTLE_MS: Final = 200
"""After the last record: a copy of it would come meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """What is sent where."""

    topic: TopicName
    group: GroupId
    """Whose offsets are committed."""
    count: int
    interval_ms: int
    wait_ms: int
    """A record that is not acknowledged and read within it is lost."""
    size_bytes: int
    create: bool = False
    """Make the topic if it is not there."""
    delete: bool = False
    """Remove the topic and the group at the end."""
    confirmed_by: str = "command"


class _Reader:
    """What came back, by the record's key. It is asked for more only while somebody waits for a record."""

    def __init__(self, reading: RecordReading) -> None:
        self.copies: dict[bytes, int] = {}
        self.offsets: dict[bytes, int] = {}
        self._reading = reading

    async def wait_for(self, key: bytes, wait_ms: int) -> bool:
        """Read until a record with this key has come. False: it did not in time."""
        try:
            async with asyncio.timeout(wait_ms / 1000):
                while key not in self.copies:
                    self._take(await anext(self._reading))
        except TimeoutError:
            return False
        return True

    async def settle(self) -> None:
        """Read what still comes, which are copies."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_MS / 1000):
                while True:
                    self._take(await anext(self._reading))

    def _take(self, batch: Sequence[Record]) -> None:
        for record in batch:  # Those of other probes are counted too, and never looked up.
            key = record.key or b""
            self.copies[key] = self.copies.get(key, 0) + 1
            self.offsets.setdefault(key, record.offset)


async def find_topic(session: Session, options: ProbeOptions) -> TopicInfo | None:
    """Return the probe's topic, or None when it is not there."""
    (info,) = await (await session.admin()).topics([options.topic])
    if is_missing(info):
        return None
    if info.error is not None:
        raise info.error.as_exception(f"topic {options.topic}")
    return info


async def probe_cluster(
    session: Session, options: ProbeOptions, on_trip: Callable[[int, RoundTrip], None] | None = None
) -> list[RoundTrip]:
    """Send the records one by one and return what became of them. on_trip: gets each as soon as it is known.

    NotFoundError when the topic is not there and may not be made; RefusedError by the gate.
    """
    session.gate.refuse_if_read_only(Operation.PRODUCE)
    info = await find_topic(session, options)
    if info is None:
        info = await _create(session, options)
    try:
        return await _probe(session, options, len(info.partitions), on_trip)
    finally:
        if options.delete:
            await _delete(session, options)


async def _create(session: Session, options: ProbeOptions) -> TopicInfo:
    if not options.create:
        raise NotFoundError(f"Topic {options.topic} does not exist.", "Let the probe make it: --create.")
    admin = await session.admin()
    brokers = len((await admin.cluster()).brokers)
    new = NewTopic(
        name=options.topic,
        partitions=max(1, brokers),
        replication_factor=min(REPLICAS_MAX, max(1, brokers)),
        configs={"retention.ms": str(RETENTION_MS)},
    )
    results = await apply_create(session, TopicCreatePlan(topics=(new,), confirmed_by=options.confirmed_by))
    for error in results.values():
        if error is not None:
            raise error.as_exception(f"topic {options.topic}")
    info = await find_topic(session, options)
    if info is None:
        raise KconError(f"Topic {options.topic} was made and is not there.", "Run the probe once more.")
    return info


async def _delete(session: Session, options: ProbeOptions) -> None:
    deletion = await plan_delete(session, [options.topic.raw])
    if deletion.descriptions:
        results = await apply_delete(session, replace(deletion, confirmed_by=options.confirmed_by))
        for error in results.values():
            if error is not None:
                raise error.as_exception(f"topic {options.topic}")
    groups = await plan_group_delete(session, [options.group.raw])
    if groups.groups:
        gone = await apply_group_delete(session, replace(groups, confirmed_by=options.confirmed_by))
        for error in gone.values():
            if error is not None:
                raise error.as_exception(f"group {options.group}")


async def _probe(
    session: Session, options: ProbeOptions, partitions: int, on_trip: Callable[[int, RoundTrip], None] | None
) -> list[RoundTrip]:
    permit = await session.authorise(ProducePlan(topic=options.topic, confirmed_by=options.confirmed_by))
    run = secrets.token_hex(8)
    trips: list[tuple[bytes, RoundTrip]] = []
    send_options = SendOptions(config={"linger.ms": 0, "message.timeout.ms": options.wait_ms})
    query = RecordQuery(
        topics=(options.topic,), start=FromEnd(0), follow=True, isolation=Isolation.READ_UNCOMMITTED, exact=True
    )
    failed = 0
    async with (
        await open_stream(session, query) as reading,
        await open_producer(session, options.topic, permit, send_options) as producer,
    ):
        reader = _Reader(reading)
        for index in range(options.count):
            if index:
                await asyncio.sleep(options.interval_ms / 1000)
            key = f"{run}-{index}".encode()
            trip, failed = await _trip(session, options, producer, reader, (key, index % partitions, failed))
            trip = trip._replace(is_timed=index > 0)
            trips.append((key, trip))
            if on_trip is not None:
                on_trip(index, trip)
        await reader.settle()
        told = [trip._replace(copies=reader.copies.get(key, 0)) for key, trip in trips]
    session.gate.record_result(permit, ok=failed == 0, detail={"delivered": len(trips) - failed})
    return told


async def _trip(
    session: Session, options: ProbeOptions, producer: ProducerHandle, reader: _Reader, what: tuple[bytes, int, int]
) -> tuple[RoundTrip, int]:
    """Send one record, wait until it is read, and commit behind it. Return it with the failures so far."""
    key, partition, failed_before = what
    began_s = time.monotonic()
    await producer.send([NewRecord(value=b"x" * options.size_bytes, key=key, partition=partition)])
    failed = (await producer.flush()).failed
    acknowledged_s = time.monotonic()
    trip = RoundTrip(partition, None, None, None, 0)
    if failed > failed_before:
        return trip, failed
    trip = trip._replace(produce_ms=(acknowledged_s - began_s) * 1000)
    if not await reader.wait_for(key, options.wait_ms):
        return trip, failed
    trip = trip._replace(round_trip_ms=(time.monotonic() - began_s) * 1000, copies=1)
    commit_began_s = time.monotonic()
    where = TopicPartition(options.topic, partition)
    if await _commit(session, options, where, reader.offsets[key] + 1):
        trip = trip._replace(commit_ms=(time.monotonic() - commit_began_s) * 1000)
    return trip, failed


async def _commit(session: Session, options: ProbeOptions, where: TopicPartition, offset: int) -> bool:
    changes = ItemChanges(
        operation=Operation.OFFSETS_COMMIT,
        targets=frozenset({options.group.raw}),
        keys=(where,),
        label=lambda place: f"{place.topic}/{place.partition}",
        send=lambda admin, permit: admin.commit_offsets(options.group, {where: offset}, permit),
    )
    results = await apply_changes(session, changes, options.confirmed_by)
    return results.get(where) is None
