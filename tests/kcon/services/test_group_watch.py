"""Watching one group: how long it takes, what it asks, and what it makes of a few looks."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Place

from kcon.contexts.context import Mode
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import GroupDescription, OffsetAt, PartitionInfo
from kcon.core.time_lag import Probe
from kcon.core.verdict import Cause, Confidence, Verdict
from kcon.errors import NotFoundError
from kcon.services.group_watch import Extras, Look, facts_of, why_group
from tests.commits import commit_offsets

T0_MS = 1_795_487_700_000


def at(partition: int) -> TopicPartition:
    return TopicPartition(topic_name("orders"), partition)


class Watched:
    """A cluster in memory that changes while it is looked at; each pause is a second."""

    def __init__(self, orders: Any) -> None:
        self.cluster = orders
        self.slept = 0
        self.each_second: Callable[[int], None] = lambda second: None
        orders.answers["probe_times"] = self.probe
        orders.answers["producers"] = {}
        orders.commits_of = orders.groups_by_id["billing"].commits

    def probe(self, places: dict[TopicPartition, int]) -> dict[TopicPartition, Probe]:
        return {
            where: Probe(
                asked_offset=offset,
                base_offset=offset,
                last_offset=offset,
                base_timestamp_ms=T0_MS - 500_000,
                max_timestamp_ms=T0_MS - 500_000,
            )
            for where, offset in places.items()
        }

    def why(self, **more: Any) -> Verdict:
        async def sleep(seconds: float) -> None:
            self.slept += 1
            self.each_second(self.slept)

        async def admin() -> Any:
            return self.cluster

        session: Any = SimpleNamespace(admin=admin, now_ms=lambda: T0_MS + self.slept * 1_000)
        return asyncio.run(why_group(session, "billing", sleep=sleep, clock_ms=session.now_ms, **more))

    def members(self, *owned: list[int]) -> None:
        group = self.cluster.groups_by_id["billing"]
        group.state = "Stable"
        group.members = [(f"app-{index}", [at(part) for part in parts]) for index, parts in enumerate(owned)]

    def grow(self, partition: int, by: int) -> None:
        bounds = self.cluster.topics_by_name["orders"].bounds
        bounds[partition] = (bounds[partition][0], bounds[partition][1] + by)

    def commit(self, partition: int, by: int) -> None:
        found = self.cluster.groups_by_id["billing"].commits
        self.cluster.commit("billing", "orders", partition, found[at(partition)].offset + by)


@pytest.fixture
def watched(orders: Any) -> Watched:
    """Return a watch over group billing, which has committed in partition 0 alone."""
    del orders.groups_by_id["billing"].commits[at(1)]
    return Watched(orders)


def test_nobody_in_the_group_is_told_after_two_looks(watched: Watched) -> None:
    assert watched.why().cause is Cause.DEAD_CONSUMER
    assert watched.slept == 1


def test_a_reader_that_is_too_slow_takes_ten_seconds_to_see(watched: Watched) -> None:
    watched.members([0])

    def second(_second: int) -> None:
        watched.grow(0, 100)
        watched.commit(0, 10)

    watched.each_second = second
    verdict = watched.why()
    assert (verdict.cause, watched.slept) == (Cause.SLOW_CONSUMER, 10)
    assert "reads 10/s and 100/s is written" in verdict.headline


def test_before_that_each_look_says_how_much_is_missing(watched: Watched) -> None:
    watched.members([0])
    told: list[Verdict] = []
    watched.why(on_look=told.append)
    assert [each.missing_ms for each in told] == [10_000 - 1_000 * second for second in range(10)] + [0]
    assert {each.cause for each in told[:-1]} == {Cause.UNKNOWN}


def test_a_partition_that_stands_while_its_owner_moves(watched: Watched) -> None:
    watched.members([0, 1, 2])
    watched.cluster.commit("billing", "orders", 1, 40)
    watched.cluster.commit("billing", "orders", 2, 0)

    def second(_second: int) -> None:
        for partition in range(3):
            watched.grow(partition, 5)
        watched.commit(1, 5)
        watched.commit(2, 5)

    watched.each_second = second
    verdict = watched.why()
    assert (verdict.cause, verdict.at, verdict.confidence) == (Cause.POISON_RECORD, at(0), Confidence.LIKELY)


def test_members_that_change_all_the_time_are_a_loop(watched: Watched) -> None:
    def second(number: int) -> None:
        watched.members([0], *([[1]] if number % 2 else []))

    second(0)
    watched.each_second = second
    assert watched.why().cause is Cause.REBALANCE_LOOP


def test_a_commit_that_moves_within_one_old_batch_is_late_still(watched: Watched) -> None:
    """The newest record of the batch is of now, those that are read are not."""
    watched.members([0])
    batch = Probe(
        asked_offset=60,
        base_offset=0,
        last_offset=20_000,
        base_timestamp_ms=T0_MS - 500_000,
        max_timestamp_ms=T0_MS,
    )
    watched.cluster.answers["probe_times"] = lambda places: {
        where: replace(batch, asked_offset=offset) for where, offset in places.items()
    }

    def second(_second: int) -> None:
        watched.grow(0, 100)
        watched.commit(0, 10)

    watched.each_second = second
    assert watched.why().cause is Cause.SLOW_CONSUMER


def test_members_that_leave_a_rebalance_before_it_ends_are_a_loop(watched: Watched) -> None:
    """It never comes to rest, so no look finds it stable."""

    def second(number: int) -> None:
        watched.members([0], *([[1]] if number % 2 else []))
        watched.cluster.groups_by_id["billing"].state = "PreparingRebalance"

    second(0)
    watched.each_second = second
    assert watched.why().cause is Cause.REBALANCE_LOOP


def test_records_that_are_gone_are_told_at_once(watched: Watched) -> None:
    watched.cluster.commit("billing", "orders", 1, 20)
    assert (watched.why().cause, watched.slept) == (Cause.RETENTION_LOSS, 0)


def test_a_group_that_is_watched_on_purpose_is_watched_for_so_long(watched: Watched) -> None:
    watched.why(watch_ms=25_000)
    assert watched.slept == 25


def test_whoever_has_little_time_is_told_what_little_is_known(watched: Watched) -> None:
    watched.members([0])
    verdict = watched.why(watch_ms=2_000)
    assert (verdict.cause, verdict.missing_ms, watched.slept) == (Cause.UNKNOWN, 8_000, 2)


def test_a_probe_that_fails_leaves_the_time_unknown(watched: Watched) -> None:
    watched.cluster.answers["probe_times"] = {at(0): kafka_error(29)}
    verdict = watched.why()
    assert verdict.cause is Cause.DEAD_CONSUMER
    assert "not known" in verdict.evidence[1]


def test_a_group_that_is_not_there_is_not_found(watched: Watched) -> None:
    del watched.cluster.groups_by_id["billing"]
    with pytest.raises(NotFoundError):
        watched.why()


def test_nothing_is_changed_by_looking(watched: Watched) -> None:
    watched.why()
    assert watched.cluster.mutations == []


def test_live_brokers_show_a_group_that_nobody_is_in(
    cluster: Any, session_on: Any, unique: Callable[[str], str]
) -> None:
    topic, group = unique("why"), unique("billing")
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for _ in range(10):
        producer.produce(topic, b"x", partition=0, timestamp=T0_MS)
    assert producer.flush(20) == 0
    commit_offsets({"bootstrap.servers": cluster.bootstrap}, group, [Place(topic, 0, 4)])

    async def main() -> Verdict:
        async with session_on(cluster, Mode.READ_ONLY) as session:
            return await why_group(session, group)

    verdict = asyncio.run(main())
    assert verdict.cause is Cause.DEAD_CONSUMER
    assert "6 records wait" in verdict.headline


@pytest.mark.parametrize(
    ("replicas", "isr", "is_under"),
    [((1,), (1,), False), ((1, 2), (1, 2), False), ((1, 2), (1,), True), ((1, 2, 3), (1, 2), True)],
)
def test_a_setting_above_the_replication_factor_counts_as_that(
    replicas: tuple[int, ...], isr: tuple[int, ...], is_under: bool
) -> None:
    """Kafka refuses by the smaller of min.insync.replicas, here 3, and the replication factor (`Partition.scala`)."""
    about = GroupDescription(
        group=group_id("billing"), state="Empty", protocol_type="consumer", protocol="", coordinator_id=1, members=()
    )
    ends = {at(0): OffsetAt(9, -1, -1)}
    look = Look(
        at_ms=1,
        about=about,
        commits={at(0): 9},
        starts={at(0): OffsetAt(0, -1, -1)},
        ends=ends,
        stable_ends=ends,
        partitions={at(0): PartitionInfo(0, 1, 0, replicas, isr, ())},
    )
    extras = Extras(probes={}, transaction_ages_ms={}, min_isr={at(0).topic: 3}, retention_ms={})
    (part,) = facts_of([look], extras).partitions
    assert part.is_under_min_isr is is_under
