"""How fast do topics and brokers move between two looks? Rates from steps of ends and of commits."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kcon.core.ids import TopicName, TopicPartition
from kcon.core.snapshot import TopicInfo
from kcon.core.topic_verdict import HOT_PARTITIONS_MIN, HOT_RECORDS_MIN, HOT_TIMES

SLICE: Final = 2_000
"""Partitions handled between two turns of the event loop."""


@dataclass(slots=True)
class Flow:
    """Records a second, and what is hot."""

    by_topic: dict[TopicName, float | None] = field(default_factory=dict)
    """None: unknown."""
    by_broker: dict[int, float] = field(default_factory=dict)
    """By the leader of the partitions."""
    hot: dict[TopicName, int] = field(default_factory=dict)
    """The partition with many times its fair share, where there is one."""


class Turn:
    """Gives the event loop a turn after every so many items."""

    def __init__(self) -> None:
        self._done = 0

    async def after(self, items: int) -> None:
        """Count items that were handled."""
        self._done += items
        if self._done >= SLICE:
            self._done = 0
            await asyncio.sleep(0)


def read_outflow(
    topics: Mapping[TopicName, TopicInfo], moved: Mapping[TopicPartition, int] | None, elapsed_ms: int
) -> Flow:
    """Return how fast commits moved. moved: offsets by partition since the look before; None: unknown."""
    flow = Flow()
    if moved is None:
        return flow
    flow.by_topic = dict.fromkeys(topics, 0.0)
    per_s = 1000 / elapsed_ms
    for where, offsets in moved.items():
        topic = topics.get(where.topic)
        part = topic.partition(where.partition) if topic is not None else None
        if part is not None:
            flow.by_topic[where.topic] = (flow.by_topic[where.topic] or 0.0) + offsets * per_s
            flow.by_broker[part.leader_id] = flow.by_broker.get(part.leader_id, 0.0) + offsets * per_s
    return flow


def progress_per_s(
    before: Mapping[TopicPartition, int] | None,
    now: Mapping[TopicPartition, int],
    elapsed_ms: int,
    moved: dict[TopicPartition, int] | None,
) -> float | None:
    """Return how many offsets a second commits moved; each step is added to `moved`. None: nothing to compare with."""
    if before is None or elapsed_ms <= 0:
        return None
    if before == now:  # By far the quickest question, and most groups of a large cluster rest.
        return 0.0
    total = 0
    for where, offset in now.items():
        step = offset - before.get(where, offset)
        if step > 0:
            total += step
            if moved is not None:
                moved[where] = moved.get(where, 0) + step
    return total / elapsed_ms * 1000


def is_hot(most: float, total: float, partitions: int, elapsed_ms: int) -> bool:
    """Return whether the busiest partition has too much of what was written since the tick before."""
    if partitions < HOT_PARTITIONS_MIN or total * elapsed_ms / 1000 < HOT_RECORDS_MIN:
        return False
    return most >= HOT_TIMES * total / partitions
