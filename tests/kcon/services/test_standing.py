"""What changes slowly in a cluster: each fact alone, and what could not be read as a sentence."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kcon.contexts.context import Context
from kcon.core.broker_facts import Feature, Features, LogDir, Quorum, ReplicaSize
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo
from kcon.core.wire_text import WireText
from kcon.services.session import Session
from kcon.services.standing import Standing, StandingReader

NOW_MS = 1_795_487_700_000


class Looks:
    """A reader over a cluster in memory, with a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = NOW_MS
        self._folder = folder
        self._reader = StandingReader()

    def look(self, after_ms: int = 0) -> Standing:
        """Return what is found `after_ms` later."""
        self.now_ms += after_ms

        async def main() -> Standing:
            context = Context(name="prod", bootstrap=("fake:9092",))
            async with Session(context, self._folder, lambda: self.now_ms) as session:
                return await self._reader.read(session)

        return asyncio.run(main())


@pytest.fixture
def looks(orders: Any, tmp_path: Path) -> Looks:
    """Return a reader over the cluster `orders`."""
    return Looks(tmp_path)


def _disk(size_bytes: int, usable_bytes: int) -> dict[int, tuple[LogDir, ...]]:
    replica = ReplicaSize(TopicPartition(topic_name("orders"), 0), size_bytes, 0, is_future=False)
    return {1: (LogDir(WireText("/data"), None, 1_000, usable_bytes, (replica,)),)}


def test_a_cluster_that_tells_little_is_described_by_sentences(looks: Looks) -> None:
    found = looks.look()
    assert (found.release, found.controller_id, found.volumes) == (None, 1, ())
    assert [problem.split(":")[0] for problem in found.problems] == ["Disks"]


def test_the_controller_is_the_leader_of_the_quorum_and_the_release_that_of_the_broker(
    orders: Any, looks: Looks
) -> None:
    orders.answers["quorum"] = Quorum(leader_id=3, leader_epoch=7, high_watermark=9, voters=(), observers=())
    level = Feature(WireText("metadata.version"), 7, 30, 25)
    orders.answers["features"] = Features({"metadata.version": level}, 1)
    found = looks.look()
    assert (found.controller_id, found.release) == (3, "4.3")


def test_a_disk_tells_its_size_and_when_it_is_full_at_the_growth_since_the_first_look(
    orders: Any, looks: Looks
) -> None:
    orders.answers["log_dirs"] = lambda *_a, **_k: _disk(100, 500)
    first = looks.look()
    assert (first.broker_bytes(1), first.used_share(1), first.full_in_ms(1)) == (100, 0.5, None)
    assert first.topic_bytes == {topic_name("orders"): 100}
    orders.answers["log_dirs"] = lambda *_a, **_k: _disk(200, 400)
    assert looks.look(after_ms=30_000).full_in_ms(1) == 120_000
    assert looks.look().broker_bytes(2) is None


def test_a_broker_whose_disks_cannot_be_read_costs_its_own_rows(orders: Any, looks: Looks) -> None:
    orders.answers["log_dirs"] = lambda *_a, **_k: {**_disk(100, 500), 2: kafka_error(31)}
    found = looks.look()
    assert found.broker_bytes(1) == 100
    assert [problem for problem in found.problems if "broker 2" in problem]


def test_partitions_below_their_minimum_name_the_broker_that_is_behind(orders: Any, looks: Looks) -> None:
    part = PartitionInfo(partition=0, leader_id=1, leader_epoch=0, replicas=(1, 2), isr=(1,), offline=())
    orders.topics_by_name["orders"].partitions = (part,)
    orders.min_isr = "2"
    found = looks.look()
    assert [str(where.topic) for where in found.health.under_min_isr] == ["orders"]
    assert found.health.suspects == {2: 1}


def test_a_coordinator_that_is_silent_makes_hanging_transactions_unknown(orders: Any, looks: Looks) -> None:
    """Taken for none they would all seem to hang."""
    state = SimpleNamespace(
        partition=TopicPartition(topic_name("orders"), 0), producer_id=7, txn_start_offset=4, last_timestamp_ms=0
    )
    orders.answers["producers"] = {state.partition: (state,)}
    orders.answers["transactions"] = SimpleNamespace(items=[], errors={1: kafka_error(15)})
    found = looks.look()
    assert found.hanging == ()
    assert any(problem.startswith("Hanging transactions:") for problem in found.problems)
