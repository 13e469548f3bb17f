"""What looks odd and is well? Histories of groups, topics and a cluster about which nothing may be said."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator

from aiokafka import TopicPartition as Place
from confluent_kafka import Producer

from tests.verdicts.incidents import FINE, Ask, Incident, make_topic, shared_out
from tests.verdicts.stage import READY_S, Reader, Stage, reading, running, spread


@contextlib.asynccontextmanager
async def steady(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """Members read what is written."""
    parts = chance.randint(1, 5)
    topic, group = await make_topic(stage, "steady", parts), stage.name("steady")
    members = shared_out(chance, min(3, parts), lambda _i: Reader(stage, group, topic, lambda _part: 10_000.0))
    async with stage.writing(topic, spread(chance, chance.uniform(20, 200), parts)), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def bursts(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """Much comes at once, then nothing; it is read in a few seconds."""
    parts = chance.randint(1, 4)
    topic, group = await make_topic(stage, "bursts", parts), stage.name("bursts")

    async def burst() -> None:
        while True:
            for partition in range(parts):
                stage.write(topic, partition, chance.randint(100, 600))
            await asyncio.sleep(chance.uniform(2, 5))

    reader = Reader(stage, group, topic, lambda _part: chance.uniform(300, 900))
    async with reading(reader), running(burst()):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def idle(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """Everything was read long ago, with or without members."""
    parts = chance.randint(1, 4)
    topic, group = await make_topic(stage, "idle", parts), stage.name("idle")
    for partition in range(parts):
        await stage.backlog(topic, partition, 100, chance.uniform(600, 6_000))
    await stage.commit(group, {Place(topic, partition): 100 for partition in range(parts)})
    members = [Reader(stage, group, topic, lambda _part: 1.0)] if chance.random() < 0.5 else []
    async with reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def slow_topic(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A record comes now and then."""
    topic, group = await make_topic(stage, "slow-topic", 3), stage.name("slow-topic")
    every_s = chance.uniform(2, 6)
    reader = Reader(stage, group, topic, lambda _part: 10_000.0)
    async with stage.writing(topic, {chance.randrange(3): 1 / every_s}), reading(reader):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def rare_commits(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """Members keep up, and say so every few seconds only."""
    parts = chance.randint(1, 4)
    topic, group = await make_topic(stage, "rare", parts), stage.name("rare")
    every_s = chance.uniform(2, 5)
    reader = Reader(stage, group, topic, lambda _part: 10_000.0, commit_every_s=every_s)
    async with stage.writing(topic, spread(chance, chance.uniform(20, 200), parts)), reading(reader):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def catching_up(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """After a pause more is read than written."""
    parts = chance.randint(2, 4)
    topic, group = await make_topic(stage, "catch", parts), stage.name("catch")
    written = spread(chance, chance.uniform(30, 100), parts)
    for partition in range(parts):
        await stage.backlog(topic, partition, chance.randint(4_000, 8_000), chance.uniform(100, 900))
    await stage.commit(group, {Place(topic, partition): 1 for partition in range(parts)})
    faster = chance.uniform(1.5, 4)
    members = shared_out(
        chance, min(2, parts), lambda _i: Reader(stage, group, topic, lambda part: written[part] * faster)
    )
    async with stage.writing(topic, written), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def deploy(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A member is added while one looks: one rebalance is none too many."""
    parts = chance.randint(2, 5)
    topic, group = await make_topic(stage, "deploy", parts), stage.name("deploy")

    async def join_later() -> None:
        await asyncio.sleep(chance.uniform(0.0, 3.0))
        await Reader(stage, group, topic, lambda _part: 10_000.0, name="second").run()

    first = Reader(stage, group, topic, lambda _part: 10_000.0, name="first")
    rates = spread(chance, chance.uniform(20, 150), parts)
    async with stage.writing(topic, rates), reading(first), running(join_later()):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def uneven(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """One partition gets nearly everything, and is read all the same."""
    parts = chance.randint(4, 8)
    topic, group = await make_topic(stage, "uneven", parts), stage.name("uneven")
    rates = spread(chance, chance.uniform(5, 20), parts) | {chance.randrange(parts): chance.uniform(60, 200)}
    members = shared_out(chance, min(2, parts), lambda _i: Reader(stage, group, topic, lambda _part: 10_000.0))
    async with stage.writing(topic, rates), reading(*members):
        yield lambda: stage.why_group(group)


@contextlib.asynccontextmanager
async def transactions(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """Transactions come and go; one is open at most moments, none for long."""
    topic, group = await make_topic(stage, "txn", 2), stage.name("txn")
    producer = Producer({"bootstrap.servers": stage.bootstrap, "transactional.id": stage.name("txn")})
    await asyncio.to_thread(producer.init_transactions, READY_S)

    def write(pause_s: float) -> None:
        producer.begin_transaction()
        for index in range(10):
            producer.produce(topic, b"x", partition=index % 2)
        producer.flush(READY_S)
        time.sleep(pause_s)
        producer.commit_transaction(READY_S)

    async def commit() -> None:
        while True:
            await asyncio.to_thread(write, chance.uniform(0.1, 0.8))

    reader = Reader(stage, group, topic, lambda _part: 10_000.0)
    async with running(commit()):
        await asyncio.sleep(1.0)
        async with reading(reader):
            yield lambda: stage.why_group(group)
    await asyncio.sleep(1.0)  # The thread ends its transaction.


@contextlib.asynccontextmanager
async def written_topic(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A topic is written to."""
    parts = chance.randint(1, 5)
    topic = await make_topic(stage, "written", parts)
    for partition in range(parts):
        await stage.backlog(topic, partition, chance.randint(200, 600), 600)
    async with stage.writing(topic, spread(chance, chance.uniform(20, 100), parts)):
        await asyncio.sleep(0.5)
        yield lambda: stage.why_topic(topic)


@contextlib.asynccontextmanager
async def irregular_topic(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A topic is silent for a while, as it often was before."""
    parts = chance.randint(1, 3)
    topic = await make_topic(stage, "irregular", parts)
    now_ms = round(time.time() * 1000)
    silent_ms = chance.uniform(65, 600) * 1000
    at_ms = now_ms - silent_ms
    for _ in range(chance.randint(3, 8)):
        for _record in range(chance.randint(1, 50)):
            stage.write(topic, chance.randrange(parts), 1, [round(at_ms)])
        at_ms -= silent_ms * chance.uniform(0.8, 2.0)
    await stage.flush()
    yield lambda: stage.why_topic(topic)


@contextlib.asynccontextmanager
async def cluster(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
    """A cluster works."""
    topic = await make_topic(stage, "works", chance.randint(1, 4))
    async with stage.writing(topic, {0: chance.uniform(10, 100)}):
        await asyncio.sleep(0.2)
        yield lambda: stage.why_cluster(watch_ms=1_000)


HEALTHY = (
    Incident("well: keeps up", FINE, steady),
    Incident("well: bursts", FINE, bursts),
    Incident("well: idle", FINE, idle),
    Incident("well: slow topic", FINE, slow_topic),
    Incident("well: commits rarely", FINE, rare_commits),
    Incident("well: catches up", FINE, catching_up),
    Incident("well: a member joins", FINE, deploy),
    Incident("well: uneven partitions", FINE, uneven),
    Incident("well: short transactions", FINE, transactions),
    Incident("well: a topic is written", FINE, written_topic),
    Incident("well: an irregular topic", FINE, irregular_topic),
    Incident("well: a cluster works", FINE, cluster, is_alone=True),
)
