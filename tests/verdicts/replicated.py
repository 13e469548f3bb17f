"""What can go wrong with brokers? One of three nodes of Apache Kafka is killed or hangs, which has one answer."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

from kcon.core.verdict import Cause
from tests.verdicts.incidents import Ask, Incident, make_topic
from tests.verdicts.stage import READY_S, Stage

SETTLE_S = 90.0
KILLED_SHARE = 0.3
"""The others hang: to the cluster that is the same, and they are back sooner."""


def incidents(nodes: Any) -> tuple[Incident, ...]:
    """Return the incidents. nodes: a `LocalCluster` of three nodes, whole."""

    def staged(ask: Callable[[Stage, str, int], Ask]) -> Any:
        @contextlib.asynccontextmanager
        async def staging(stage: Stage, chance: random.Random) -> AsyncIterator[Ask]:
            await make_topic(stage, "down", chance.randint(3, 6), 3, min_insync_replicas=str(chance.choice([3, 3, 2])))
            strict = await make_topic(stage, "strict", chance.randint(1, 3), 3, min_insync_replicas="3")
            victim = chance.randint(1, 3)
            node, is_killed = nodes.node(victim), chance.random() < KILLED_SHARE
            await (node.stop(grace_s=0) if is_killed else node.pause())
            try:
                await _until_noticed(stage, strict, victim)
                yield ask(stage, strict, victim)
            finally:
                await (nodes.start(victim) if is_killed else node.resume())
                await _until_whole(stage)

        return staging

    return (
        Incident(
            "broker down",
            frozenset({Cause.BROKER_DOWN}),
            staged(lambda stage, _topic, _victim: stage.why_cluster),
            is_alone=True,
        ),
        Incident(
            "under min ISR",
            frozenset({Cause.UNDER_MIN_ISR}),
            staged(lambda stage, topic, _victim: lambda: stage.why_topic(topic)),
            is_alone=True,
        ),
    )


async def _until_noticed(stage: Stage, topic: str, victim: int) -> None:
    """Wait until the cluster itself knows: before, nobody can."""
    admin = await stage.session.admin()
    async with asyncio.timeout(SETTLE_S):
        while True:
            infos = {info.name.raw: info for info in await admin.topics()}
            brokers = {broker.id for broker in (await admin.cluster()).brokers}
            parts = infos[topic].partitions
            if victim not in brokers and all(victim not in part.isr and part.leader_id >= 0 for part in parts):
                return
            await asyncio.sleep(0.2)


async def _until_whole(stage: Stage) -> None:
    admin = await stage.session.admin()
    async with asyncio.timeout(READY_S + SETTLE_S):
        while True:
            topics = await admin.topics()
            brokers = (await admin.cluster()).brokers
            if len(brokers) == 3 and not any(part.is_under_replicated for info in topics for part in info.partitions):
                return
            await asyncio.sleep(0.3)
