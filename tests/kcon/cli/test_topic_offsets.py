"""`kcon topic offsets`: one offset of every partition."""

import json
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from tests.kcon.conftest import NOW_MS, FakeCluster


def _rows(ran: Any) -> list[tuple[str, int, int | None]]:
    return [(row["topic"], row["partition"], row["offset"]) for row in json.loads(ran.out)["items"]]


def test_ends_of_every_partition_but_kafkas_own(kcon: Any, orders: FakeCluster) -> None:
    ran = kcon("topic", "offsets", "-o", "json")
    assert ran.code == 0
    assert _rows(ran) == [("clicks", 0, 5), ("orders", 0, 100), ("orders", 1, 90), ("orders", 2, 10)]
    assert ("__consumer_offsets", 0, 7) in _rows(kcon("topic", "offsets", "--internal", "-o", "json"))


def test_starts_and_times_and_some_partitions(kcon: Any, orders: FakeCluster) -> None:
    assert _rows(kcon("topic", "offsets", "orders", "--at", "start", "-p", "1-2", "-o", "json")) == [
        ("orders", 1, 40),
        ("orders", 2, 0),
    ]
    orders.topics_by_name["orders"].first_time_ms = NOW_MS - 20_000
    ran = kcon("topic", "offsets", "orders", "--at", "@-15s", "-p", "0,2", "-o", "json")
    (early, late) = json.loads(ran.out)["items"]
    assert (early["offset"], early["timestamp_ms"]) == (5, NOW_MS - 15_000)
    # No record is that late in the other one: unknown, and never 0.
    assert (late["offset"], late["timestamp_ms"]) == (5, NOW_MS - 15_000)
    none = json.loads(kcon("topic", "offsets", "orders", "--at", "@now", "-p", "2", "-o", "json").out)["items"][0]
    assert (none["offset"], none["timestamp_ms"]) == (None, None)


def test_what_cannot_be_read_is_an_error_of_its_partition(kcon: Any, orders: FakeCluster) -> None:
    orders.unreadable[TopicPartition(topic_name("orders"), 1)] = kafka_error(5)
    ran = kcon("topic", "offsets", "orders", "nothing", "-p", "0,1,9", "-o", "json")
    assert ran.code == 1
    assert _rows(ran) == [("orders", 0, 100)]
    said = " ".join(error["message"] for error in json.loads(ran.out)["errors"])
    assert "has no partition 9" in said
    assert "nothing does not exist" in said
    assert "leader" in said.lower()


@pytest.mark.parametrize("place", ["5", "end-3", "start+1", "current", "soon"])
def test_a_place_that_no_broker_can_be_asked_for_is_a_usage_error(kcon: Any, orders: FakeCluster, place: str) -> None:
    assert kcon("topic", "offsets", "orders", "--at", place).code == 2
