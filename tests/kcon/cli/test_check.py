"""`kcon check lag|topic|cluster`: the exit code is the answer, and the unknown is never well."""

import json
from typing import Any

import pytest

from kcon.core.broker_facts import LogDir
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo
from kcon.core.time_lag import Probe
from kcon.core.transaction import ProducerState
from kcon.core.wire_text import WireText
from tests.kcon.conftest import NOW_MS, FakeCluster, FakeTopic


def place(topic: str, partition: int) -> TopicPartition:
    return TopicPartition(topic_name(topic), partition)


def probe_like_the_log(places: dict[TopicPartition, int]) -> dict[TopicPartition, Probe]:
    """Answer as the fake's topics do: offset n was written at `NOW_MS - 1_000_000 + n * 1_000`."""
    times = {where: NOW_MS - 1_000_000 + offset * 1_000 for where, offset in places.items()}
    return {
        where: Probe(
            asked_offset=offset,
            base_offset=offset,
            last_offset=offset,
            base_timestamp_ms=times[where],
            max_timestamp_ms=times[where],
        )
        for where, offset in places.items()
    }


@pytest.fixture
def timed(orders: FakeCluster) -> FakeCluster:
    """Return the cluster of `orders`, whose records tell their time."""
    orders.answers["probe_times"] = probe_like_the_log
    return orders


@pytest.fixture
def well(orders: FakeCluster) -> FakeCluster:
    """Return a cluster where every question of `check cluster` has a good answer."""
    orders.answers["log_dirs"] = {1: (LogDir(WireText("/data"), None, 100, 50, ()),)}
    orders.answers["producers"] = {}
    return orders


@pytest.mark.parametrize(("limit", "code"), [("89", 7), ("90", 0), ("91", 0)])
def test_a_lag_at_the_limit_passes(kcon: Any, timed: FakeCluster, limit: str, code: int) -> None:
    """40 records wait in partition 0, and 50 behind the log start in partition 1."""
    assert kcon("check", "lag", "billing", "--max-lag", limit).code == code


@pytest.mark.parametrize(("limit", "code"), [("959s", 7), ("960s", 0), ("961s", 0)])
def test_a_time_lag_at_the_limit_passes(kcon: Any, timed: FakeCluster, limit: str, code: int) -> None:
    """The oldest unread record is the 40th of partition 1: 960 s old."""
    ran = kcon("check", "lag", "billing", "--max-time-lag", limit, "-o", "json")
    (item,) = json.loads(ran.out)["items"]
    assert ran.code == code
    assert item["time_lag_ms"] == 960_000


def test_a_lag_that_fails_says_where(kcon: Any, timed: FakeCluster) -> None:
    ran = kcon("check", "lag", "billing", "--max-lag", "50", "--max-time-lag", "950s")
    assert ran.code == 7
    assert ran.out.splitlines() == [
        "subject\tstatus\tlag\ttime_lag_ms\tdetail",
        (
            "billing\tfailed\t90\t960000\tlag 90 above 50, older than 15m 50s (16m) in orders/1, "
            "20 records lost to retention"
        ),
    ]


def test_nagios_gets_its_line_and_its_codes(kcon: Any, timed: FakeCluster) -> None:
    ran = kcon("check", "lag", "billing", "--max-lag", "90", "--nagios")
    assert (ran.code, ran.out) == (0, "KCON LAG OK - 1 checked | 'billing lag'=90;;90;0\n")
    ran = kcon("check", "lag", "billing", "--max-lag", "89", "--nagios")
    assert ran.code == 2
    assert ran.out.startswith("KCON LAG CRITICAL - billing: lag 90 above 89")
    ran = kcon("check", "lag", "nobody", "--max-lag", "89", "--nagios")
    assert ran.code == 3
    assert ran.out.startswith("KCON LAG UNKNOWN - nobody: ")


def test_nagios_hears_of_a_cluster_that_is_away(kcon: Any) -> None:
    ran = kcon("check", "cluster", "--nagios", "-b", "127.0.0.1:1", "--timeout", "2s")
    assert ran.code == 3
    assert ran.out.startswith("KCON CLUSTER UNKNOWN - ")


def test_an_unknown_lag_does_not_pass(kcon: Any, timed: FakeCluster) -> None:
    timed.unreadable[place("orders", 0)] = kafka_error(5)
    ran = kcon("check", "lag", "billing", "--max-lag", "1000", "--max-time-lag", "30d", "-o", "json")
    assert ran.code == 3
    assert json.loads(ran.out)["items"][0]["status"] == "unknown"
    assert kcon("check", "lag", "billing", "--max-lag", "10").code == 7


def test_what_waits_behind_a_marker_alone_is_not_late(kcon: Any, timed: FakeCluster) -> None:
    """A transaction's marker has an offset and nothing to read."""
    timed.answers["probe_times"] = dict.fromkeys([place("orders", 0), place("orders", 1)])
    assert kcon("check", "lag", "billing", "--max-time-lag", "1s").code == 0


def test_groups_are_globs_and_none_is_unknown(kcon: Any, timed: FakeCluster) -> None:
    assert kcon("check", "lag", "bill*", "--max-lag", "90").code == 0
    assert kcon("check", "lag", "nope*", "--max-lag", "90").code == 3
    assert kcon("check", "lag", "billing").code == 2


def test_a_topic_whose_replicas_are_in_sync_passes(kcon: Any, orders: FakeCluster) -> None:
    assert kcon.lines("check", "topic", "orders") == [
        "subject\tstatus\toffline\tunder_min_isr\tunder_replicated\tdetail",
        "orders\tok\t0\t0\t0\t3 partitions in sync",
    ]
    assert kcon("check", "topic", "nothing").code == 3


@pytest.mark.parametrize(("isr", "under"), [((1,), 1), ((1, 2), 0), ((1, 2, 3), 0)])
def test_replicas_out_of_sync_fail_and_too_few_are_told_apart(
    kcon: Any, orders: FakeCluster, isr: tuple[int, ...], under: int
) -> None:
    orders.min_isr = "2"
    orders.topics_by_name["orders"] = FakeTopic([(0, 1)], partitions=(PartitionInfo(0, 1, 0, (1, 2, 3), isr, ()),))
    ran = kcon("check", "topic", "orders", "-o", "json")
    (item,) = json.loads(ran.out)["items"]
    assert item["under_min_isr"] == under
    assert ran.code == (0 if len(isr) == 3 else 7)


def test_a_well_cluster_passes(kcon: Any, well: FakeCluster) -> None:
    assert kcon.lines("check", "cluster") == [
        "subject\tstatus\tdetail",
        "controller\tok\tThere is one.",
        "brokers\tok\t1 live.",
        "offline\tok\tNone without a leader.",
        "under_min_isr\tok\tNone below min.insync.replicas.",
        "under_replicated\tok\tNone with replicas out of sync.",
        "log_dirs\tok\tAll are online.",
        "hanging\tok\tNo transaction hangs.",
    ]


def test_each_trouble_of_a_cluster_is_named(kcon: Any, well: FakeCluster) -> None:
    well.controller_id = -1
    well.topics_by_name["orders"] = FakeTopic([(0, 1)], partitions=(PartitionInfo(0, -1, 0, (2, 3), (2,), (2, 3)),))
    well.answers["log_dirs"] = {1: (LogDir(WireText("/data"), kafka_error(56), None, None, ()),)}
    hanging = ProducerState(place("clicks", 0), 7, 0, 0, 1, 0, 3)
    well.answers["producers"] = {place("clicks", 0): (hanging,)}
    well.answers["transactions"] = type("Listed", (), {"items": [], "errors": {}})()
    well.answers["describe_transactions"] = {}
    ran = kcon("check", "cluster", "-o", "json")
    failed = {item["subject"] for item in json.loads(ran.out)["items"] if item["status"] == "failed"}
    assert ran.code == 7
    assert failed == {"controller", "brokers", "offline", "under_replicated", "log_dirs", "hanging"}


def test_brokers_that_are_wanted_must_be_there(kcon: Any, well: FakeCluster) -> None:
    assert kcon("check", "cluster", "--brokers", "1").code == 0
    assert kcon("check", "cluster", "--brokers", "2").code == 7


def test_what_a_broker_refuses_to_tell_is_unknown(kcon: Any, well: FakeCluster) -> None:
    well.answers["log_dirs"] = {1: kafka_error(31)}
    assert kcon("check", "cluster").code == 3


@pytest.mark.parametrize(
    ("pattern", "code", "part"),
    [
        ("orders[.].*", 0, "RE2 takes it."),
        ("a(?=b)", 7, "RE2 does not take it: invalid perl operator: (?="),
        ("(a)\\1", 7, "RE2 does not take it: invalid escape sequence"),
        ("[", 7, "missing ]"),
        ("x" * 10_000, 0, "RE2 takes it."),
        ("x" * 10_001, 7, "longer than 10,000 characters"),
    ],
)
def test_an_expression_of_a_subscription_is_judged_without_a_cluster(
    kcon: Any, pattern: str, code: int, part: str
) -> None:
    """Look-around is Python's and Java's, and not RE2's; a broker would refuse it at the first heartbeat."""
    kcon.variables.pop("KCON_BOOTSTRAP", None)
    ran = kcon("check", "regex", pattern)
    assert (ran.code, part in ran.out) == (code, True), ran


def test_without_its_engine_an_expression_is_not_judged(kcon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kcon.services.regex_check.ENGINE_MODULE", "no_such_module")
    ran = kcon("check", "regex", "a")
    assert (ran.code, "pip install 'kcon[regex]'" in ran.err) == (1, True)
