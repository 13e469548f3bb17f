"""What can go wrong with a group or a topic on one node? Each incident is staged at random, and its cause is known."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiokafka import TopicPartition as Place
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from kcon.core.verdict import Cause, Verdict
from tests.verdicts.stage import READY_S, Reader, Stage, reading, running, spread

Ask: TypeAlias = Callable[[], Awaitable[Verdict]]
Staging: TypeAlias = Callable[[Stage, random.Random], "contextlib.AbstractAsyncContextManager[Ask]"]


@dataclass(frozen=True)
class Incident:
    """One kind of incident, or of health."""

    name: str
    causes: frozenset[Cause]
    """What may be said."""
    staging: Staging
    is_alone: bool = False
    """It is about the whole cluster, so nothing else may go on in it."""


FINE = frozenset({Cause.HEALTHY, Cause.IDLE, Cause.CATCHING_UP})


async def make_topic(stage: Stage, stem: str, partitions: int, replicas: int = 1, **config: str) -> str:
    """Create a topic, and return when it can be written to."""
    name = stage.name(stem)
    admin = AdminClient({"bootstrap.servers": stage.bootstrap})
    settings = {key.replace("_", "."): value for key, value in config.items()}

    def create() -> None:
        topic = NewTopic(name, num_partitions=partitions, replication_factor=replicas, config=settings)
        for future in admin.create_topics([topic]).values():
            future.result(READY_S)

    await asyncio.to_thread(create)
    async with asyncio.timeout(READY_S):
        while True:
            about = (await asyncio.to_thread(admin.list_topics, name, 10)).topics[name]
            if len(about.partitions) == partitions and all(part.leader >= 0 for part in about.partitions.values()):
                return name
            await asyncio.sleep(0.1)


def shared_out(chance: random.Random, count: int, make: Callable[[int], Reader]) -> list[Reader]:
    """Make one to `count` members."""
    return [make(index) for index in range(chance.randint(1, count))]


@contextlib.asynccontextmanager
async def slow_consumer(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """More is written than read, everywhere."""
    parts = chance.randint(2, 5)
    topic, group = await make_topic(stage, "slow", parts), stage.name("slow")
    written = spread(chance, chance.uniform(60, 240), parts)
    share = chance.uniform(0.2, 0.75)
    for partition in range(parts):
        await stage.backlog(topic, partition, chance.randint(400, 1_500), chance.uniform(40, 300))
    await stage.commit(group, {Place(topic, partition): 1 for partition in range(parts)})
    members = shared_out(
        chance, min(3, parts), lambda _i: Reader(stage, group, topic, lambda part: written[part] * share)
    )
    async with stage.writing(topic, written), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def dead_consumer(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """Nobody is in the group, whether or not anything is written still."""
    parts = chance.randint(1, 5)
    topic, group = await make_topic(stage, "dead", parts), stage.name("dead")
    for partition in range(parts):
        await stage.backlog(topic, partition, chance.randint(50, 500), chance.uniform(30, 3_000))
    await stage.commit(group, {Place(topic, partition): chance.randint(0, 20) for partition in range(parts)})
    rates = spread(chance, chance.choice([0.0, 20.0, 100.0]), parts)
    async with stage.writing(topic, rates):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def hot_partition(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """One partition gets most of the writes, and its reader does not keep up; the others do."""
    parts = chance.randint(6, 10)
    topic, group = await make_topic(stage, "hot", parts), stage.name("hot")
    hot, total, share = chance.randrange(parts), chance.uniform(120, 300), chance.uniform(0.65, 0.9)
    written = spread(chance, total * (1 - share), parts) | {hot: total * share}
    await stage.backlog(topic, hot, chance.randint(2_000, 5_000), chance.uniform(40, 200))
    await stage.commit(group, {Place(topic, hot): 1})
    slow = total * share * chance.uniform(0.3, 0.8)
    members = shared_out(
        chance, 3, lambda _i: Reader(stage, group, topic, lambda part: slow if part == hot else 1_000.0)
    )
    async with stage.writing(topic, written), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def poison_pill(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """One partition stands at a record; its owner goes on with the others."""
    parts = chance.randint(3, 6)
    topic, group = await make_topic(stage, "poison", parts), stage.name("poison")
    stuck = chance.randrange(parts)
    written = spread(chance, chance.uniform(30, 150), parts)
    await stage.backlog(topic, stuck, chance.randint(100, 800), chance.uniform(30, 600))
    await stage.commit(group, {Place(topic, stuck): chance.randint(1, 90)})
    reader = Reader(stage, group, topic, lambda part: 0.0 if part == stuck else 1_000.0)
    async with stage.writing(topic, written), reading(reader):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def rebalance_loop(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A member joins and leaves all the time."""
    parts = chance.randint(2, 6)
    topic, group = await make_topic(stage, "loop", parts), stage.name("loop")
    written = spread(chance, chance.uniform(30, 150), parts)
    for partition in range(parts):
        await stage.backlog(topic, partition, chance.randint(200, 800), chance.uniform(40, 300))
    await stage.commit(group, {Place(topic, partition): 1 for partition in range(parts)})

    async def flap() -> None:
        while True:
            # It has really joined, however long that takes on a busy machine, before it leaves.
            async with reading(Reader(stage, group, topic, lambda _part: 20.0, name="flapping")):
                await asyncio.sleep(chance.uniform(0.2, 1.0))
            await asyncio.sleep(chance.uniform(0.2, 0.8))

    steady = Reader(stage, group, topic, lambda _part: 20.0)
    async with stage.writing(topic, written), reading(steady), running(flap()):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def hanging_transaction(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A producer wrote a while ago in a transaction that is open still; readers of committed records wait for it."""
    parts = chance.randint(1, 4)
    topic, group = await make_topic(stage, "hang", parts), stage.name("hang")
    held, before = chance.randrange(parts), chance.randint(20, 200)
    for partition in range(parts):
        await stage.backlog(topic, partition, before, chance.uniform(700, 900))
    producer = Producer({"bootstrap.servers": stage.bootstrap, "transactional.id": stage.name("hang")})
    await asyncio.to_thread(producer.init_transactions, READY_S)
    producer.begin_transaction()
    age_ms = round(chance.uniform(90, 600) * 1000)
    for _ in range(chance.randint(1, 20)):
        producer.produce(topic, b"x", partition=held, timestamp=round(time.time() * 1000) - age_ms)
    assert await asyncio.to_thread(producer.flush, READY_S) == 0
    written = spread(chance, chance.uniform(20, 100), parts)
    limit = {held: before}
    reader = Reader(stage, group, topic, lambda _part: 10_000.0, limit=limit.get)
    try:
        async with stage.writing(topic, written), reading(reader):
            await asyncio.sleep(1.0)
            yield lambda: stage.why_group(group)
    finally:
        await asyncio.to_thread(producer.abort_transaction, READY_S)


@contextlib.asynccontextmanager
async def retention_loss(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """The log begins behind the commit."""
    from confluent_kafka import TopicPartition as Offset

    parts = chance.randint(1, 4)
    topic, group = await make_topic(stage, "lost", parts), stage.name("lost")
    lost = chance.randrange(parts)
    for partition in range(parts):
        await stage.backlog(topic, partition, 300, chance.uniform(60, 600))
    commits = {Place(topic, partition): 290 for partition in range(parts)}
    commits[Place(topic, lost)] = committed = chance.randint(0, 200)
    await stage.commit(group, commits)
    admin = AdminClient({"bootstrap.servers": stage.bootstrap})
    start = committed + chance.randint(1, 90)

    def delete() -> None:
        for future in admin.delete_records([Offset(topic, lost, start)]).values():
            future.result(READY_S)

    await asyncio.to_thread(delete)
    members = [Reader(stage, group, topic, lambda _part: 0.0)] if chance.random() < 0.5 else []
    async with stage.writing(topic, spread(chance, 20, parts)), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def producer_stop(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A topic that was written to all the time is silent."""
    parts = chance.randint(1, 4)
    topic = await make_topic(stage, "stop", parts)
    now_ms = round(time.time() * 1000)
    silent_ms = round(chance.uniform(70, 400) * 1000)
    span_ms, step_ms = silent_ms * 6, silent_ms / chance.uniform(8, 30)
    times = []
    at_ms = float(now_ms - silent_ms - span_ms)
    while at_ms < now_ms - silent_ms:
        times.append(round(at_ms))
        at_ms += step_ms * chance.uniform(0.5, 1.5)
    for stamp in [*times, now_ms - silent_ms]:
        stage.write(topic, chance.randrange(parts), 1, [stamp])
    await stage.flush()
    yield lambda: stage.why_topic(topic)


@contextlib.asynccontextmanager
async def clock_skew(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A producer stamps records with times that have not come yet."""
    parts = chance.randint(1, 4)
    topic, group = await make_topic(stage, "skew", parts), stage.name("skew")
    skew_ms = round(chance.uniform(2, 55) * 60_000)  # Kafka takes no more than an hour.
    for partition in range(parts):
        count = chance.randint(50, 400)
        stage.write(topic, partition, count, [round(time.time() * 1000) + skew_ms] * count)
    await stage.flush()
    await stage.commit(group, {Place(topic, partition): chance.randint(0, 20) for partition in range(parts)})
    members = shared_out(chance, min(2, parts), lambda _i: Reader(stage, group, topic, lambda _part: 1.0))
    async with stage.writing(topic, spread(chance, 50, parts), skew_ms=skew_ms), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def disk_filling(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """At the present growth the volume is full within hours."""
    topic = await make_topic(stage, "disk", 2)
    admin = await stage.session.admin()
    dirs = [each for told in (await admin.log_dirs()).values() if isinstance(told, tuple) for each in told]
    usable = min(each.usable_bytes or 0 for each in dirs)
    per_s = usable / (chance.uniform(0.5, 2.5) * 3_600)
    value = b"\0" * 100_000

    async def fill() -> None:
        began, written = time.monotonic(), 0
        while True:
            due = int(((time.monotonic() - began) * per_s - written) / len(value))
            for _ in range(min(due, 200)):
                with contextlib.suppress(BufferError):
                    stage.producer.produce(topic, value, partition=chance.randrange(2))
                    written += len(value)
            await asyncio.to_thread(stage.producer.poll, 0.02)

    async with running(fill()):
        await asyncio.sleep(0.5)
        yield lambda: stage.why_cluster(watch_ms=2_000)
    await stage.flush()

    client = AdminClient({"bootstrap.servers": stage.bootstrap})

    def delete() -> None:
        for future in client.delete_topics([topic]).values():
            future.result(READY_S)

    await asyncio.to_thread(delete)


ONE_NODE = (
    Incident("slow consumer", frozenset({Cause.SLOW_CONSUMER}), slow_consumer),
    Incident("dead consumer", frozenset({Cause.DEAD_CONSUMER}), dead_consumer),
    Incident("hot partition", frozenset({Cause.HOT_PARTITION}), hot_partition),
    Incident("poison pill", frozenset({Cause.POISON_RECORD}), poison_pill),
    Incident("rebalance loop", frozenset({Cause.REBALANCE_LOOP}), rebalance_loop),
    Incident("hanging transaction", frozenset({Cause.HANGING_TRANSACTION}), hanging_transaction),
    Incident("retention loss", frozenset({Cause.RETENTION_LOSS}), retention_loss),
    Incident("producer stop", frozenset({Cause.PRODUCER_STOPPED}), producer_stop),
    Incident("clock skew", frozenset({Cause.CLOCK_SKEW}), clock_skew),
    Incident("disk filling", frozenset({Cause.DISK_FILLING}), disk_filling, is_alone=True),
)
