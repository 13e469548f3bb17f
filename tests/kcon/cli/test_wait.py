"""`kcon wait`: exit codes are the answer."""

import json
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from tests.kcon.conftest import FakeCluster, FakeGroup

SHORT = ("--for", "50ms", "--every", "10ms")


def test_what_is_so_already_ends_at_once(kcon: Any, orders: FakeCluster) -> None:
    ran = kcon("wait", "urp=0", "offline=0", "brokers>=1", "-o", "json")
    assert ran.code == 0
    assert [(row["condition"], row["value"], row["holds"]) for row in json.loads(ran.out)["items"]] == [
        ("urp=0", 0, True),
        ("offline=0", 0, True),
        ("brokers>=1", 1, True),
    ]


def test_what_does_not_come_ends_with_7_and_says_what(kcon: Any, orders: FakeCluster) -> None:
    ran = kcon("wait", "brokers=3", "urp=0", *SHORT, "-o", "json")
    assert ran.code == 7
    assert "it still was not so: brokers=3." in ran.err
    assert json.loads(ran.out)["items"][0]["value"] == 1


def test_lag_and_groups(kcon: Any, orders: FakeCluster) -> None:
    # billing: 40 behind in partition 0, 50 in partition 1 whose start is above its commit.
    assert kcon("wait", "lag<91", "group=empty", "members=0", "-g", "billing").code == 0
    assert kcon("wait", "lag<90", "-g", "billing", *SHORT).code == 7
    orders.groups_by_id["live"] = FakeGroup(state="Stable", members=[("c", [TopicPartition(topic_name("orders"), 0)])])
    assert kcon("wait", "group=stable", "members=1", "-g", "live").code == 0
    assert kcon("wait", "group=empty", "-g", "live", *SHORT).code == 7


def test_an_unknown_lag_never_counts_as_none(kcon: Any, orders: FakeCluster) -> None:
    orders.unreadable[TopicPartition(topic_name("orders"), 0)] = kafka_error(5)
    ran = kcon("wait", "lag<1000000", "-g", "billing", *SHORT, "-o", "json")
    assert ran.code == 7
    assert json.loads(ran.out)["items"][0]["value"] is None
    assert kcon("wait", "lag=0", "-g", "nobody", *SHORT).code == 7


def test_a_topic_that_is_not_there_is_unknown(kcon: Any, orders: FakeCluster) -> None:
    assert kcon("wait", "urp=0", "-t", "orders").code == 0
    assert kcon("wait", "urp=0", "-t", "nothing", *SHORT).code == 7


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lag<5",), "Say which group"),
        (("nothing=0",), "nothing to wait for"),
        (("urp=0", "--for", "0s"), "more than 0"),
        ((), "CONDITION"),
    ],
)
def test_usage(kcon: Any, words: tuple[str, ...], message: str) -> None:
    ran = kcon("wait", *words)
    assert ran.code == 2
    assert message in ran.err


def test_a_cluster_that_is_not_there_is_waited_for_and_ends_with_3(kcon: Any) -> None:
    kcon.variables["KCON_BOOTSTRAP"] = "127.0.0.1:1"
    ran = kcon("wait", "brokers>0", *SHORT)
    assert ran.code == 3
    assert "refused the connection" in ran.err
