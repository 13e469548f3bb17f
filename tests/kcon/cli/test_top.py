"""`kcon top --once` as people and scripts see it."""

import json
from typing import Any

import pytest

from tests.kcon.cli.test_check import probe_like_the_log
from tests.kcon.conftest import FakeCluster

ONCE = ("top", "--once", "--interval", "1ms")


@pytest.fixture
def timed(orders: FakeCluster) -> FakeCluster:
    """Return the cluster of `orders`, whose records tell their time."""
    orders.answers["probe_times"] = probe_like_the_log
    return orders


def test_a_person_sees_the_worst_group_with_the_quality_of_its_lag(kcon: Any, timed: FakeCluster) -> None:
    lines = kcon.lines(*ONCE, "--output", "table")
    assert lines[0].startswith("2026-11-24T02:35:00.000+00:00 | brokers 1/1 | 3 topics 1 groups | look ")
    assert "lag 90 | max time lag 16m | not ok" in lines[1]
    assert lines[3].split() == ["GROUP", "STATUS", "TIME", "LAG", "LAG", "READS", "ETA", "MEMBERS", "AT"]
    assert lines[4].split()[0] == "billing"
    assert "16m ≥" in lines[4]


def test_a_script_gets_one_item_a_look(kcon: Any, timed: FakeCluster) -> None:
    (item,) = json.loads(kcon(*ONCE, "-o", "json").out)["items"]
    assert (item["lag"], item["max_time_lag_ms"], item["groups_count"]) == (90, 960_000, 1)
    (group,) = item["groups"]
    assert (group["group"], group["lost"], group["time_lag_quality"]) == ("billing", 20, "lower_bound")
    assert sorted(topic["topic"] for topic in item["topics"]) == ["clicks", "orders"]


def test_the_summary_leaves_groups_and_topics_out(kcon: Any, timed: FakeCluster) -> None:
    item = json.loads(kcon(*ONCE, "--summary", "-o", "ndjson").out)
    assert "groups" not in item
    assert "topics" not in item
    assert item["brokers"] == 1


def test_rows_are_limited(kcon: Any, timed: FakeCluster) -> None:
    timed.commit("other", "clicks", 0, 5)
    (item,) = json.loads(kcon(*ONCE, "-n", "1", "-o", "json").out)["items"]
    assert [group["group"] for group in item["groups"]] == ["billing"]
    assert kcon("top", "--interval", "0s").code == 2
