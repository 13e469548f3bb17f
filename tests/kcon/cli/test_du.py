"""`kcon du` as people and scripts see it."""

import json
from typing import Any

import pytest

from kcon.core.broker_facts import LogDir, ReplicaSize
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.wire_text import WireText
from tests.kcon.conftest import FakeCluster


@pytest.fixture
def sized(orders: FakeCluster) -> FakeCluster:
    """Return the cluster with 3 MiB of orders and 1 MiB of clicks on one volume."""
    sizes = {("orders", 0): 2 << 20, ("orders", 2): 1 << 20, ("clicks", 0): 1 << 20}
    replicas = tuple(ReplicaSize(TopicPartition(topic_name(t), p), size, 0, False) for (t, p), size in sizes.items())
    orders.answers["log_dirs"] = {1: (LogDir(WireText("/data"), None, 100 << 20, 10 << 20, replicas),)}
    return orders


def test_a_person_sees_bars_and_the_volumes(kcon: Any, sized: FakeCluster) -> None:
    kcon.terminal = True
    ran = kcon("du")
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        "TOPIC       SIZE  SHARE",
        "orders  3.00 MiB    75%  ████████████",
        "clicks  1.00 MiB    25%  ████",
    ]
    assert ran.err == "kcon: Broker 1, /data: 4.00 MiB of Kafka's, 10.0 MiB of 100 MiB free.\n"


def test_a_script_gets_bytes(kcon: Any, sized: FakeCluster) -> None:
    assert kcon.lines("du", "--by", "partition", "orders", "--columns", "topic,partition,size_bytes") == [
        "topic\tpartition\tsize_bytes",
        "orders\t0\t2097152",
        "orders\t2\t1048576",
    ]


def test_a_retention_is_tried_without_a_change(kcon: Any, sized: FakeCluster) -> None:
    """Record n of a topic is 1,000 - n seconds old: a retention of 950 s takes the first 50 of 100 in orders/0."""
    (item,) = json.loads(kcon("du", "orders", "--retention", "950s", "-o", "json").out)["items"]
    assert item["reclaimable"] == [{"retention_ms": 950_000, "size_bytes": (1 << 20) + (1 << 20)}]
    assert sized.mutations == []


def test_volumes_tell_growth_when_they_are_watched(kcon: Any, sized: FakeCluster) -> None:
    (item,) = json.loads(kcon("du", "--by", "broker", "--for", "20ms", "-o", "json").out)["items"]
    assert (item["broker"], item["growth_bytes_per_s"], item["full_in_ms"]) == (1, 0.0, None)
    (item,) = json.loads(kcon("du", "--by", "broker", "-o", "json").out)["items"]
    assert item["growth_bytes_per_s"] is None


def test_a_broker_that_refuses_and_a_topic_that_is_not_there_are_errors(kcon: Any, sized: FakeCluster) -> None:
    sized.answers["log_dirs"] = {**sized.answers["log_dirs"], 2: kafka_error(31)}
    ran = kcon("du", "orders", "nope", "-o", "json")
    assert [error["item"] for error in json.loads(ran.out)["errors"]] == ["broker 2", "topic nope"]
    assert ran.code == 1
    assert kcon("du", "--by", "broker", "orders").code == 2
