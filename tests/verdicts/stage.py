"""What is staged on a real broker? Writers, readers that are members of a group, and records of any age.

A reader is a member like any other: it joins, heartbeats and commits. What it "reads" is arithmetic: it moves its
commits at a rate, up to the end that it may see. So a hundred of them fit beside a broker on two cores.
"""

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError as ClientError
from confluent_kafka import Producer

from kcon.contexts.context import Context, Mode
from kcon.core.verdict import Verdict
from kcon.services.group_watch import why_group
from kcon.services.session import Session, open_session
from kcon.services.topic_look import why_cluster, why_topic

TICK_S = 0.25
_new_consumer: Any = AIOKafkaConsumer  # It has no types.
READY_S = 60.0


class Stage:
    """One cluster with everything that goes on in it. One event loop; use it as an async context manager."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.session: Session = open_session(
            Context(name="stage", bootstrap=tuple(bootstrap.split(",")), mode=Mode.READ_ONLY),
            {"KCON_STATE_DIR": str(folder)},
        )
        self.refused = ""
        """Why a record was not written, if one was not."""
        self.producer = Producer(
            {"bootstrap.servers": bootstrap, "linger.ms": 5, "partitioner": "consistent", "enable.idempotence": False}
        )

    async def __aenter__(self) -> "Stage":
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await asyncio.to_thread(self.producer.flush, 10)
        await self.session.__aexit__(None, None, None)

    def name(self, stem: str) -> str:
        """Return a name that nothing else has."""
        return f"{stem}-{uuid.uuid4().hex[:8]}"

    def write(self, topic: str, partition: int, count: int, times_ms: Iterable[int] | None = None) -> None:
        """Write records; times_ms: one a record, or now."""
        times = iter(times_ms) if times_ms is not None else None
        for _ in range(count):
            stamp = 0 if times is None else next(times)
            while True:
                try:
                    self.producer.produce(
                        topic, b"x" * 64, partition=partition, timestamp=stamp, on_delivery=self._delivered
                    )
                    break
                except BufferError:
                    self.producer.poll(0.05)
        self.producer.poll(0)

    def _delivered(self, error: Any, _message: Any) -> None:
        if error is not None:
            self.refused = str(error)

    async def flush(self) -> None:
        """Wait until what was written is there."""
        left = await asyncio.to_thread(self.producer.flush, READY_S)
        assert left == 0, f"{left} records were not written"
        assert not self.refused, self.refused

    async def backlog(self, topic: str, partition: int, count: int, age_s: float) -> None:
        """Write records that were made from `age_s` ago until now."""
        now_ms = time.time() * 1000
        self.write(topic, partition, count, (round(now_ms - age_s * 1000 * (1 - i / count)) for i in range(count)))
        await self.flush()

    async def why_group(self, group: str) -> Verdict:
        """Ask as `kcon why` does."""
        return await why_group(self.session, group)

    async def why_topic(self, topic: str) -> Verdict:
        """Ask as `kcon why` does."""
        return await why_topic(self.session, topic)

    async def why_cluster(self, watch_ms: int = 0) -> Verdict:
        """Ask as `kcon why cluster` does."""
        return await why_cluster(self.session, watch_ms=watch_ms)

    async def commit(self, group: str, offsets: Mapping[Place, int]) -> None:
        """Commit from outside a group."""
        consumer: Any = _new_consumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign(list(offsets))
            await _until_taken(lambda: consumer.commit(dict(offsets)))
        finally:
            await consumer.stop()

    @contextlib.asynccontextmanager
    async def writing(self, topic: str, rates: Mapping[int, float], *, skew_ms: int = 0) -> AsyncIterator[None]:
        """Write steadily meanwhile: records a second by partition."""

        async def run() -> None:
            began = time.monotonic()
            written = dict.fromkeys(rates, 0)
            while True:
                elapsed_s = time.monotonic() - began
                for partition, per_s in rates.items():
                    due = int(elapsed_s * per_s) - written[partition]
                    stamp = round(time.time() * 1000) + skew_ms
                    self.write(topic, partition, due, [stamp] * due if skew_ms else None)
                    written[partition] += due
                await asyncio.sleep(TICK_S)

        async with running(run()):
            yield


@dataclass
class Reader:
    """A member of a group that commits at a rate."""

    stage: Stage
    group: str
    topic: str
    per_s: Callable[[int], float]
    """Records a second by partition; 0: it stands still there."""
    commit_every_s: float = TICK_S
    protocol: str = "range"
    limit: Callable[[int], int | None] = lambda _partition: None
    """The end that it may see by partition; None: the log's own."""
    name: str = "reader"
    positions: dict[Place, float] = field(default_factory=dict)

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Join, and read until cancelled."""
        consumer: Any = _new_consumer(
            bootstrap_servers=self.stage.bootstrap,
            group_id=self.group,
            client_id=self.name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=600_000,
            heartbeat_interval_ms=1_000,
            session_timeout_ms=10_000,
        )
        consumer.subscribe([self.topic], listener=_Pauser(consumer, self.positions))
        try:
            await consumer.start()
            last = time.monotonic()
            while True:
                assigned = sorted(consumer.assignment())
                if assigned:
                    now = time.monotonic()
                    await self._step(consumer, assigned, now - last)
                    last = now
                    if ready is not None:
                        ready.set()
                await asyncio.sleep(self.commit_every_s)
        finally:
            await consumer.stop()

    async def _step(self, consumer: Any, assigned: list[Any], elapsed_s: float) -> None:
        with contextlib.suppress(ClientError):  # A rebalance: the next step has another assignment.
            for place in assigned:
                if place not in self.positions:
                    committed = await consumer.committed(place)
                    self.positions[place] = float(committed or 0)
            ends = await consumer.end_offsets(assigned)
            moved: dict[Any, int] = {}
            for place in assigned:
                limit = self.limit(place.partition)
                end = ends[place] if limit is None else min(limit, ends[place])
                before = self.positions.get(place)
                if before is None:
                    continue  # It was taken away meanwhile.
                after = min(float(end), before + self.per_s(place.partition) * elapsed_s)
                self.positions[place] = max(before, after)
                if int(after) > int(before) or before == 0.0:
                    moved[place] = int(self.positions[place])
            if moved:
                await consumer.commit(moved)


class _Pauser(ConsumerRebalanceListener):
    """Nothing is fetched; a partition that went away is read from its commit when it comes back."""

    def __init__(self, consumer: Any, positions: dict[Place, float]) -> None:
        self._consumer, self._positions = consumer, positions

    async def on_partitions_revoked(self, revoked: Any) -> None:
        self._positions.clear()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        self._positions.clear()
        self._consumer.pause(*assigned)


@contextlib.asynccontextmanager
async def running(*actors: Any) -> AsyncIterator[None]:
    """Run coroutines meanwhile; one that fails fails the case."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(actor) for actor in actors]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def reading(*readers: Reader) -> AsyncIterator[None]:
    """Let members read meanwhile; on entry each has read a little."""
    events = [asyncio.Event() for _ in readers]
    async with running(*(reader.run(event) for reader, event in zip(readers, events, strict=True))):
        async with asyncio.timeout(READY_S):
            await asyncio.gather(*(event.wait() for event in events))
        yield


async def _until_taken(attempt: Callable[[], Any]) -> None:
    """Try until the group's coordinator is up."""
    async with asyncio.timeout(READY_S):
        while True:
            try:
                await attempt()
                return
            except ClientError:
                await asyncio.sleep(0.2)


def spread(chance: random.Random, total: float, parts: int) -> dict[int, float]:
    """Return shares of a total that differ a little, by partition."""
    weights = [chance.uniform(0.8, 1.2) for _ in range(parts)]
    return {index: total * weight / sum(weights) for index, weight in enumerate(weights)}
