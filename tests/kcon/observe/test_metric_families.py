"""The families of one look: the names that dashboards know, and no series where nothing is known."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from kcon.core.broker_facts import LogDir
from kcon.core.disk_usage import volume_uses
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo
from kcon.core.wire_text import WireText
from kcon.observe.metric_families import MissingCommit, Profile, Tick, metric_families
from kcon.observe.sampler import Sampler
from kcon.observe.slow_facts import OpenTransaction, SlowFacts
from kcon.observe.store import Store

NOW_MS = 1_795_487_700_000
Samples = dict[tuple[str, ...], float]


def look(cluster: Any, **options: Any) -> dict[str, Samples]:
    """Return the samples by family after one look."""
    cluster.requests_sent = Counter({"Metadata": 2})

    async def main() -> Tick:
        store = Store()
        sample = await Sampler(cluster, lambda: NOW_MS).sample()
        await store.add(sample)
        return Tick(
            sample=sample,
            engine=store.lag_engine,
            cluster_name="prod",
            requests_by_api=cluster.requests_sent,
            **options,
        )

    return {family.name: dict(family.samples) for family in metric_families(asyncio.run(main())) if family.samples}


def test_the_exporters_families(orders: Any) -> None:
    told = look(orders, profiles=frozenset({Profile.EXPORTER}))
    assert told["kafka_brokers"] == {(): 1}
    assert told["kafka_broker_info"] == {("1", "b1:9092"): 1}
    assert told["kafka_topic_partitions"][("orders",)] == 3
    assert told["kafka_topic_partition_current_offset"][("orders", "1")] == 90
    assert told["kafka_topic_partition_oldest_offset"][("orders", "1")] == 40
    assert told["kafka_topic_partition_under_replicated_partition"][("orders", "1")] == 0
    assert told["kafka_consumergroup_current_offset"] == {
        ("billing", "orders", "0"): 60,
        ("billing", "orders", "1"): 20,
    }
    assert told["kafka_consumergroup_lag"] == {("billing", "orders", "0"): 40, ("billing", "orders", "1"): 50}
    assert told["kafka_consumergroup_lag_sum"] == {("billing", "orders"): 90}
    assert not [name for name in told if name.startswith(("kcon_", "kafka_partition_"))]


def test_the_lag_families(orders: Any) -> None:
    told = look(orders, profiles=frozenset({Profile.LAG}))
    place = ("prod", "billing", "orders", "1", "", "", "")
    assert told["kafka_consumergroup_group_lag"][place] == 50
    assert told["kafka_consumergroup_group_messages_lost"][place] == 20
    assert told["kafka_consumergroup_group_max_lag"] == {("prod", "billing", "false"): 50}
    assert told["kafka_consumergroup_group_sum_lag"] == {("prod", "billing"): 90}
    assert told["kafka_consumergroup_group_topic_sum_lag"] == {("prod", "billing", "orders"): 90}
    assert told["kafka_consumergroup_group_state"] == {("prod", "billing"): 5}
    assert told["kafka_partition_latest_offset"][("prod", "orders", "0")] == 100
    assert "kafka_consumergroup_group_lag_seconds" not in told, "an unknown time has no series"


def test_kcons_own_families(orders: Any) -> None:
    told = look(orders, profiles=frozenset({Profile.KCON}))
    assert told["kcon_lag_quality"][("prod", "billing", "orders", "0")] == 3
    assert told["kcon_consumergroup_status"][("prod", "billing", "orders", "0")] == 1
    assert told["kcon_requests_total"] == {("prod", "Metadata"): 2}


@pytest.mark.parametrize(("missing", "value"), [(MissingCommit.OMIT, None), (MissingCommit.MINUS_ONE, -1.0)])
def test_a_missing_commit(orders: Any, missing: MissingCommit, value: float | None) -> None:
    where = TopicPartition(topic_name("orders"), 2)
    orders.groups_by_id["billing"].members = [("app", [where])]
    orders.groups_by_id["billing"].state = "Stable"
    told = look(orders, missing_commit=missing)
    assert told["kafka_consumergroup_lag"].get(("billing", "orders", "2")) == value
    assert told["kafka_consumergroup_lag_sum"] == {("billing", "orders"): 90}


def test_a_partition_that_could_not_be_read_has_no_series(orders: Any) -> None:
    orders.unreadable[TopicPartition(topic_name("orders"), 0)] = kafka_error(5)
    told = look(orders)
    assert ("orders", "0") not in told["kafka_topic_partition_current_offset"]
    assert ("billing", "orders", "0") not in told["kafka_consumergroup_lag"]
    assert ("billing", "orders", "0") in told["kafka_consumergroup_current_offset"]


def test_what_is_gone_leaves_no_series_behind(orders: Any) -> None:
    assert ("clicks",) in look(orders)["kafka_topic_partitions"]
    del orders.topics_by_name["clicks"]
    assert ("clicks",) not in look(orders)["kafka_topic_partitions"]


def test_static_labels_stand_on_every_series(orders: Any) -> None:
    told = look(orders, static_labels=(("namespace", 'a"b'),))
    assert told["kafka_brokers"] == {('a\\"b',): 1}
    assert all(labels[-1] == 'a\\"b' for samples in told.values() for labels in samples)


def test_no_two_series_of_a_family_are_alike(orders: Any) -> None:
    orders.requests_sent = Counter()

    async def main() -> None:
        store = Store()
        sample = await Sampler(orders, lambda: NOW_MS).sample()
        await store.add(sample)
        for family in metric_families(Tick(sample=sample, engine=store.lag_engine, cluster_name="prod")):
            assert len(dict(family.samples)) == len(family.samples), family.name
            assert all(len(labels) == len(family.labels) for labels, _value in family.samples), family.name

    asyncio.run(main())


def test_brokers_disks_and_transactions(orders: Any) -> None:
    orders.topics_by_name["orders"].partitions = (
        PartitionInfo(0, 1, 0, (1, 2), (1,), ()),
        PartitionInfo(1, 1, 0, (1, 2), (1, 2), ()),
        PartitionInfo(2, 1, 0, (1,), (1,), ()),
    )
    slow = SlowFacts(
        minimums={"orders": 2},
        volumes=tuple(volume_uses({1: (LogDir(WireText('/d"'), None, 1_000, 400, ()),)})),
        transactions=(OpenTransaction(transactional_id=WireText("t"), age_ms=90_000),),
        stable_lag={TopicPartition(topic_name("orders"), 1): 7},
    )
    told = look(orders, profiles=frozenset({Profile.KCON}), slow=slow)
    assert told["kcon_cluster_has_controller"] == {("prod",): 1}
    assert told["kcon_broker_up"] == {("prod", "1"): 1, ("prod", "2"): 0}
    assert told["kcon_topic_partition_under_min_isr"] == {("prod", "orders", "0"): 1}
    assert told["kcon_volume_free_bytes"] == {("prod", "1", '/d\\"'): 400}
    assert told["kcon_log_dir_offline"] == {("prod", "1", '/d\\"'): 0}
    assert told["kcon_open_transaction_age_seconds"] == {("prod", "t"): 90}
    assert told["kcon_topic_partition_lso_lag"] == {("prod", "orders", "1"): 7}


def test_a_minimum_that_is_not_known_is_no_alarm(orders: Any) -> None:
    orders.topics_by_name["orders"].partitions = (PartitionInfo(0, 1, 0, (1, 2), (1,), ()),)
    assert "kcon_topic_partition_under_min_isr" not in look(orders, profiles=frozenset({Profile.KCON}))


def test_how_near_retention_is(orders: Any) -> None:
    told = look(orders, profiles=frozenset({Profile.LAG}))
    place = ("prod", "billing", "orders")
    rest = ("", "", "")
    assert told["kafka_consumergroup_group_retention_margin"][(*place, "0", *rest)] == 60
    assert told["kafka_consumergroup_group_retention_margin"][(*place, "1", *rest)] == 0
    assert told["kafka_consumergroup_group_lag_retention_ratio"][(*place, "0", *rest)] == 40
    assert told["kafka_consumergroup_group_lag_retention_ratio"][(*place, "1", *rest)] == 100
