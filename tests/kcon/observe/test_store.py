"""Samples become columns: sums that never hide what is unknown, rates, and short histories."""

import asyncio
import math
from collections import Counter
from typing import Any

import pytest

from kcon.core.group_status import GroupStatus
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.time_lag import LagQuality
from kcon.observe.sampler import Sampler
from kcon.observe.snapshot import ClusterSnapshot
from kcon.observe.store import Store

NOW_MS = 1_795_487_700_000


class Watch:
    """A sampler and a store over a cluster in memory, with a clock that is moved by hand."""

    def __init__(self, cluster: Any) -> None:
        cluster.requests_sent = Counter()
        self.now_ms = NOW_MS
        self.store = Store()
        self.sampler = Sampler(cluster, lambda: self.now_ms)

    def look(self, after_ms: int = 0) -> ClusterSnapshot:
        """Return the picture `after_ms` later."""

        async def main() -> ClusterSnapshot:
            return await self.store.add(await self.sampler.sample())

        self.now_ms += after_ms
        return asyncio.run(main())


@pytest.fixture
def watch(orders: Any) -> Watch:
    """Return a watch over the cluster `orders`."""
    return Watch(orders)


def topic(snapshot: ClusterSnapshot, name: str) -> int:
    return [each.raw for each in snapshot.topics.name].index(name)


def test_the_first_look_has_sizes_and_no_rates(watch: Watch) -> None:
    snapshot = watch.look()
    assert snapshot.topics.span[topic(snapshot, "orders")] == 100 + 50 + 10
    assert set(snapshot.topics.in_per_s) == {None}
    assert snapshot.in_series.last is None
    assert snapshot.requests_per_s is None


def test_the_second_look_has_rates(watch: Watch, orders: Any) -> None:
    watch.look()
    orders.topics_by_name["orders"].bounds[0] = (0, 150)
    orders.commit("billing", "orders", 0, 80)
    snapshot = watch.look(2_000)
    assert snapshot.topics.in_per_s[topic(snapshot, "orders")] == 25.0
    assert snapshot.topics.in_per_s[topic(snapshot, "clicks")] == 0.0
    assert snapshot.groups.out_per_s == (10.0,)
    assert snapshot.in_series.last == 25.0
    assert snapshot.brokers.in_per_s == (25.0,)


def test_lag_is_the_sum_of_what_is_known_and_the_rest_is_counted(watch: Watch, orders: Any) -> None:
    orders.unreadable[TopicPartition(topic_name("orders"), 0)] = kafka_error(6)
    snapshot = watch.look()
    assert snapshot.groups.lag == (50,)
    assert snapshot.groups.unknown == (1,)
    assert snapshot.groups.lost == (20,)
    assert snapshot.topics.span[topic(snapshot, "orders")] is None


def test_a_group_of_which_nothing_is_known_has_no_lag_and_not_zero(watch: Watch, orders: Any) -> None:
    del orders.topics_by_name["orders"]
    snapshot = watch.look()
    assert snapshot.groups.lag == (None,)
    assert snapshot.groups.unknown == (2,)
    assert snapshot.lag_series.last is None


def test_an_assigned_partition_without_a_commit_is_unknown(watch: Watch, orders: Any) -> None:
    group = orders.groups_by_id["billing"]
    group.state = "Stable"
    group.members = [("app", [TopicPartition(topic_name("orders"), 2), TopicPartition(topic_name("orders"), 0)])]
    snapshot = watch.look()
    assert snapshot.groups.unknown == (1,)
    assert snapshot.groups.members == (1,)


def test_a_partition_that_could_not_be_read_leaves_the_rate_of_the_others(watch: Watch, orders: Any) -> None:
    watch.look()
    orders.unreadable[TopicPartition(topic_name("orders"), 0)] = kafka_error(6)
    orders.topics_by_name["orders"].bounds[1] = (40, 100)
    snapshot = watch.look(1_000)
    assert snapshot.topics.in_per_s[topic(snapshot, "orders")] == 10.0


def test_a_topic_made_anew_is_not_a_negative_rate(watch: Watch, orders: Any) -> None:
    watch.look()
    orders.topics_by_name["orders"].bounds[0] = (0, 1)
    snapshot = watch.look(1_000)
    assert snapshot.topics.in_per_s[topic(snapshot, "orders")] == 0.0


def test_a_lag_that_shrinks_has_an_eta_and_one_that_grows_has_none(watch: Watch, orders: Any) -> None:
    watch.look()
    orders.commit("billing", "orders", 0, 80)
    shrinking = watch.look(10_000)
    assert shrinking.groups.lag == (70,)
    assert shrinking.groups.eta_ms == (35_000.0,)
    orders.topics_by_name["orders"].bounds[0] = (0, 1_000)
    growing = watch.look(10_000)
    assert growing.groups.eta_ms == (math.inf,)


def test_topics_count_the_groups_that_read_them(watch: Watch) -> None:
    snapshot = watch.look()
    assert snapshot.topics.groups[topic(snapshot, "orders")] == 1
    assert snapshot.topics.groups[topic(snapshot, "clicks")] == 0
    assert snapshot.groups.reads == (frozenset({topic_name("orders")}),)


def test_a_column_is_as_long_as_its_names(watch: Watch) -> None:
    snapshot = watch.look()
    for columns in (snapshot.topics, snapshot.groups, snapshot.brokers):
        assert {len(getattr(columns, field)) for field in columns.__slots__} == {len(columns)}


def test_a_group_that_nobody_reads_for_is_dead_after_a_minute(watch: Watch, orders: Any) -> None:
    """Its time lag is unknown until a record of the past was looked at, and the store says where."""
    first = watch.look()
    row = [each.raw for each in first.groups.group].index("billing")
    assert first.groups.status[row] is GroupStatus.OK
    assert watch.look(60_000).groups.status[row] is GroupStatus.OK
    last = watch.look(2_000)
    assert last.groups.status[row] is GroupStatus.DEAD
    assert last.groups.status_since_ms[row] == last.taken_ms
    assert last.groups.time_lag[row].quality is LagQuality.UNKNOWN
    wanted = watch.store.lag_engine.wanted_probes()
    assert {str(where.topic) for where in wanted} == {"orders"}
