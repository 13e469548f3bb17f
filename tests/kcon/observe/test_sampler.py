"""One look at a cluster: in which order, at what cost, and what a part that fails leaves of it."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.errors import UnreachableError
from kcon.observe.sampler import STARTS_EVERY, Sample, Sampler

NOW_MS = 1_795_487_700_000


class Recording:
    """Writes down what was asked of a cluster in memory."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.asked: list[str] = []
        self.requests_sent: Counter[str] = Counter()
        self.fails: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any) -> Any:
            label = f"{name} {arguments[1].name}" if name == "sweep_offsets" else name
            self.asked.append(label)
            self.requests_sent[name] += 1
            if name in self.fails:
                raise UnreachableError(f"{name} does not answer.")
            return await getattr(self._cluster, name)(*arguments)

        return ask


@pytest.fixture
def source(orders: Any) -> Recording:
    """Return the cluster `orders`, recording."""
    return Recording(orders)


def test_commits_are_asked_before_the_ends(source: Recording) -> None:
    """The other way round a group that commits in between would seem to be ahead of the log."""
    asyncio.run(Sampler(source, lambda: NOW_MS).sample())
    assert source.asked.index("committed_offsets") < source.asked.index("sweep_offsets LATEST")


def test_names_come_first(source: Recording) -> None:
    seen: list[tuple[Sample, list[str]]] = []

    async def on_names(sample: Sample) -> None:
        seen.append((sample, list(source.asked)))

    asyncio.run(Sampler(source, lambda: NOW_MS).sample(on_names))
    sample, asked = seen[0]
    assert [topic.name.raw for topic in sample.topics] == ["__consumer_offsets", "clicks", "orders"]
    assert asked == ["topics", "cluster"]
    assert not sample.has_offsets


def test_starts_are_asked_rarely_and_ends_every_time(source: Recording) -> None:
    async def main() -> None:
        sampler = Sampler(source, lambda: NOW_MS)
        for _tick in range(STARTS_EVERY + 1):
            await sampler.sample()

    asyncio.run(main())
    counts = Counter(source.asked)
    assert counts["sweep_offsets EARLIEST"] == 2
    assert counts["sweep_offsets LATEST"] == STARTS_EVERY + 1


def test_a_new_partition_brings_its_start_at_once(source: Recording, orders: Any) -> None:
    async def main() -> Sample:
        sampler = Sampler(source, lambda: NOW_MS)
        await sampler.sample()
        orders.topics_by_name["clicks"].bounds.append((3, 9))
        return await sampler.sample()

    sample = asyncio.run(main())
    assert TopicPartition(topic_name("clicks"), 1) in sample.starts


def test_groups_that_cannot_be_read_are_a_problem_and_not_the_end(source: Recording) -> None:
    source.fails.add("list_groups")
    sample = asyncio.run(Sampler(source, lambda: NOW_MS).sample())
    assert sample.problems == ("Groups cannot be read: list_groups does not answer.",)
    assert len(sample.topics) == 3
    assert sample.groups.errors


def test_a_cluster_that_does_not_answer_is_the_end(source: Recording) -> None:
    source.fails.add("topics")
    with pytest.raises(UnreachableError):
        asyncio.run(Sampler(source, lambda: NOW_MS).sample())


def test_partitions_that_fail_are_one_sentence(source: Recording, orders: Any) -> None:
    for partition in (0, 2):
        orders.unreadable[TopicPartition(topic_name("orders"), partition)] = kafka_error(6)
    sample = asyncio.run(Sampler(source, lambda: NOW_MS).sample())
    assert len(sample.problems) == 1
    assert sample.problems[0].startswith("2 partitions did not tell the end")
    assert "orders/0" in sample.problems[0]
