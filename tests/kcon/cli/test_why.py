"""`kcon why` as people and scripts see it, exact to the byte."""

import json
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error


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
    assert [error["item"] for error in told["errors"]] == ["group nope"]


def test_looking_changes_nothing(lost: Any, kcon: Any) -> None:
    kcon("why", "billing")
    assert lost.mutations == []
