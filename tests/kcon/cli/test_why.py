"""`kcon why` as people and scripts see it, exact to the byte."""

import json
import os
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.snapshot import PartitionInfo
from tests.command_tree import formats_of
from tests.kcon.cli.test_golden_formats import GOLDEN
from tests.kcon.conftest import NOW_MS, FakeTopic


@pytest.fixture
def lost(orders: Any) -> Any:
    """Return a cluster whose group lost records: what one look shows, so nothing waits."""
    orders.answers["probe_times"] = {TopicPartition(topic_name("orders"), 0): kafka_error(29)}
    orders.answers["producers"] = {}
    return orders


def test_a_person_reads_the_cause_and_what_to_do(lost: Any, kcon: Any) -> None:
    kcon.terminal = True
    assert kcon.lines("why", "billing", "--output", "table") == [
        "Retention took 20 records before the group read them.",
        "  cause     retention-loss (certain)",
        "  evidence  orders/1: committed 20, the log begins at 40",
        "  also      Nobody is in group billing, and 90 records wait.",
        "  next      kcon group lag billing",
        "            kcon topic alter orders --set retention.ms=... --dry-run",
    ]


def test_a_script_reads_one_line_a_group(lost: Any, kcon: Any) -> None:
    assert kcon.lines("why", "billing") == [
        "name\tcause\tconfidence\theadline",
        "billing\tretention-loss\tcertain\tRetention took 20 records before the group read them.",
    ]


def test_every_format_is_fixed(lost: Any, kcon: Any) -> None:
    kcon.terminal, kcon.columns = True, 100
    seen = "".join(f"--- {output}\n{kcon('why', 'billing', '-o', output).out}" for output in formats_of("why"))
    file = GOLDEN / "why.txt"
    if os.environ.get("KCON_WRITE_GOLDEN"):
        file.write_text(seen, "utf-8")
    assert seen == file.read_text("utf-8")


def test_json_has_everything(lost: Any, kcon: Any) -> None:
    (item,) = json.loads(kcon("why", "billing", "-o", "json").out)["items"]
    assert item["cause"] == "retention-loss"
    assert item["partition"] == "orders/1"
    assert [also["cause"] for also in item["also"]] == ["dead-consumer"]
    assert item["next"][0] == "kcon group lag billing"


def test_one_group_that_is_not_there_does_not_hide_the_other(lost: Any, kcon: Any) -> None:
    ran = kcon("why", "billing", "nope", "-o", "json")
    told = json.loads(ran.out)
    assert ran.code == 5
    assert [item["name"] for item in told["items"]] == ["billing"]
    assert [error["item"] for error in told["errors"]] == ["nope"]


def test_looking_changes_nothing(lost: Any, kcon: Any) -> None:
    kcon("why", "billing")
    assert lost.mutations == []


@pytest.fixture
def quiet(orders: Any) -> Any:
    """Return a cluster where nothing is wrong."""
    orders.answers["log_dirs"] = {}
    orders.answers["producers"] = {}
    return orders


def test_a_name_without_a_group_is_a_topic(quiet: Any, kcon: Any) -> None:
    assert kcon.lines("why", "orders") == [
        "name\tcause\tconfidence\theadline",
        "orders\thealthy\tcertain\tTopic orders is well.",
    ]


def test_addresses_say_which_is_meant(quiet: Any, kcon: Any) -> None:
    told = json.loads(kcon("why", "cluster", "topic/orders", "topic/clicks", "-o", "json").out)["items"]
    assert [(item["kind"], item["name"], item["cause"]) for item in told] == [
        ("cluster", "cluster", "healthy"),
        ("topic", "orders", "healthy"),
        ("topic", "clicks", "healthy"),
    ]
    ran = kcon("why", "topic/nope", "group/orders", "nope", "-o", "json")
    assert ran.code == 5
    assert [error["item"] for error in json.loads(ran.out)["errors"]] == ["topic/nope", "group/orders", "nope"]
    assert "neither a group nor a topic" in ran.err + ran.out


def test_a_producer_that_fell_silent_is_told(quiet: Any, kcon: Any) -> None:
    """One record a second for 100 minutes, and then none for 1,000 s."""
    quiet.topics_by_name["ticks"] = FakeTopic([(0, 6_000)], first_time_ms=NOW_MS - 7_000_000)
    (item,) = json.loads(kcon("why", "ticks", "-o", "json").out)["items"]
    assert item["cause"] == "producer-stopped"


def test_a_topic_under_min_isr_names_the_suspected_broker(quiet: Any, kcon: Any) -> None:
    quiet.min_isr = "2"
    quiet.topics_by_name["orders"] = FakeTopic([(0, 1)], partitions=(PartitionInfo(0, 1, 0, (1, 3), (1,), ()),))
    (item,) = json.loads(kcon("why", "topic/orders", "-o", "json").out)["items"]
    assert item["cause"] == "under-min-isr"
    assert "broker 3: its replica is missing in 1 partition" in item["evidence"]
    (item,) = json.loads(kcon("why", "cluster", "-o", "json").out)["items"]
    assert item["headline"] == "Broker 3 is gone."
