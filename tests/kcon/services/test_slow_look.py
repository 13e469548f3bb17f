"""What is asked of a cluster now and then: each question by itself, and none of topics that are whole."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from kcon.admin.transactions import TransactionsListed
from kcon.contexts.context import Mode
from kcon.core.broker_facts import LogDir
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.offset_columns import OffsetColumns
from kcon.core.snapshot import OffsetAt, PartitionInfo
from kcon.core.transaction import TransactionDescription, TransactionListing
from kcon.core.wire_text import WireText
from kcon.errors import KconError
from kcon.observe.sampler import Sample, Sampler
from kcon.observe.slow_facts import SlowFacts
from kcon.services.slow_look import OPEN_FOR_MS, slow_look

NOW_MS = 1_795_487_700_000
WHERE = TopicPartition(topic_name("orders"), 0)


def look(cluster: Any, ends: dict[TopicPartition, Any] | None = None) -> SlowFacts:
    async def main() -> SlowFacts:
        info = await cluster.cluster()
        topics = await cluster.topics()
        of_all = OffsetColumns.of(topics, ends or {})
        sample = Sample(taken_ms=NOW_MS, duration_ms=1, cluster=info, topics=topics, ends=of_all)
        return await slow_look(cluster, sample, NOW_MS)

    return asyncio.run(main())


def transactions(cluster: Any, age_ms: int | None) -> None:
    listing = TransactionListing(WireText("t"), 7, "Ongoing", 1)
    start_ms = None if age_ms is None else NOW_MS - age_ms
    told = TransactionDescription(WireText("t"), "Ongoing", 7, 0, 60_000, start_ms, (WHERE,), 1)
    cluster.answers["transactions"] = TransactionsListed(items=[listing], errors={})
    cluster.answers["describe_transactions"] = {"t": told}


def test_nothing_more_is_asked_of_a_cluster_that_is_well(orders: Any) -> None:
    orders.answers["log_dirs"] = {1: (LogDir(WireText("/d"), None, 100, 50, ()),)}
    orders.answers["describe_configs"] = lambda *_args: pytest.fail("no topic lacks a replica")
    facts = look(orders)
    assert [(use.broker_id, use.free_share) for use in facts.volumes or ()] == [(1, 0.5)]
    assert (facts.transactions, facts.stable_lag, facts.problems) == ((), {}, ())


def test_a_broker_that_does_not_tell_of_its_disks_is_named(orders: Any) -> None:
    orders.answers["log_dirs"] = {1: (), 2: kafka_error(7)}
    assert look(orders).silent_brokers == {2}


def test_what_is_refused_is_unknown_and_the_rest_is_told(orders: Any) -> None:
    orders.answers["transactions"] = TransactionsListed(items=[], errors={1: kafka_error(53)})
    orders.answers["log_dirs"] = {1: ()}
    facts = look(orders)
    assert (facts.volumes, facts.transactions) == ((), None)
    assert len(facts.problems) == 1

    def refuse() -> None:
        raise KconError("No.")

    orders.answers["log_dirs"] = refuse
    facts = look(orders)
    assert facts.volumes is None
    assert facts.problems[0] == "No."


@pytest.mark.parametrize(("age_ms", "told"), [(OPEN_FOR_MS - 1, 0), (OPEN_FOR_MS, 1), (None, 0)])
def test_a_transaction_is_told_once_it_has_been_open_for_a_minute(orders: Any, age_ms: int | None, told: int) -> None:
    transactions(orders, age_ms)
    assert len(look(orders).transactions or ()) == told


def test_what_is_held_back_is_told_where_a_transaction_is_open(orders: Any) -> None:
    transactions(orders, OPEN_FOR_MS)
    facts = look(orders, {WHERE: OffsetAt(130, -1, -1), TopicPartition(topic_name("orders"), 1): kafka_error(5)})
    assert facts.stable_lag == {WHERE: 30}


def test_the_minimum_of_replicas_is_asked_of_topics_that_lack_one(orders: Any) -> None:
    orders.topics_by_name["orders"].partitions = (PartitionInfo(0, 1, 0, (1, 2), (1,), ()),)
    orders.min_isr = "2"
    assert look(orders).minimums == {"orders": 2}


def test_live_brokers_tell_of_their_disks_and_of_an_open_transaction(
    cluster: Any, session_on: Any, unique: Callable[[str], str]
) -> None:
    name = unique("slow")
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": name})
    producer.init_transactions(60)
    producer.begin_transaction()
    producer.produce(name, b"x")
    assert producer.flush(60) == 0

    async def main() -> SlowFacts:
        async with session_on(cluster, Mode.READ_ONLY) as session:
            admin = await session.admin()
            sample = await Sampler(admin, session.now_ms).sample()
            # As if a while had passed.
            return await slow_look(admin, sample, session.now_ms() + 3_600_000)

    facts = asyncio.run(main())
    producer.abort_transaction(60)
    assert facts.problems == ()
    assert [volume.kafka_bytes > 0 for volume in facts.volumes or ()] == [True]
    (age_ms,) = [each.age_ms for each in facts.transactions or () if each.transactional_id.raw == name]
    assert age_ms >= 3_500_000
    assert [where.topic.raw for where in facts.stable_lag or {} if where.topic.raw == name] == [name]
