"""`kcon top --once` as people and scripts see it."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from kcon.core.snapshot import TopicInfo
from kcon.errors import AuthError, UnreachableError
from tests.kcon.cli.test_check import probe_like_the_log
from tests.kcon.conftest import NOW_MS, FakeCluster
from tests.kcon.observe.watched import Watched

ONCE = ("top", "--once", "--interval", "1ms")


@pytest.fixture
def timed(orders: FakeCluster) -> FakeCluster:
    """Return the cluster of `orders`, whose records tell their time."""
    orders.answers["probe_times"] = probe_like_the_log
    return orders


def test_a_person_sees_the_worst_group_with_the_quality_of_its_lag(kcon: Any, timed: FakeCluster) -> None:
    lines = kcon.lines(*ONCE, "--output", "table")
    assert lines[0] == "2026-11-24T02:35:00.000+00:00 | brokers 1/1 | 3 topics 1 groups"
    assert lines[1] == "in — | out — | lag 90 | max time lag 16m"
    assert lines[2].startswith("groups not ok 0 | under-replicated 0 | offline 0 | look ")
    assert lines[4].split() == ["GROUP", "STATUS", "TIME", "LAG", "LAG", "TREND", "READS", "ETA", "MEMBERS", "AT"]
    assert lines[5].split()[0] == "billing"
    assert "16m ≥" in lines[5]


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


def test_a_cluster_that_is_away_is_told_once_and_may_come_back(
    kcon: Any, timed: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third and fourth look fail alike, the fifth works, and the sixth is refused, which ends it."""
    answer, looks = timed.topics, count(1)

    async def topics() -> list[TopicInfo]:
        look = next(looks)
        if look in (3, 4):
            raise UnreachableError("Nobody answers.")
        if look == 6:
            raise AuthError("No more.")
        return await answer()

    monkeypatch.setattr(timed, "topics", topics)
    ran = kcon("top", "--interval", "1ms", "--summary", "-o", "ndjson")
    assert ran.code == 4
    assert ran.err.count("Nobody answers.") == 1
    assert [json.loads(line)["brokers"] for line in ran.out.splitlines() if line.startswith('{"at"')] == [1, 1, 1]


def test_trends_are_those_of_the_last_hour_where_there_is_history(
    kcon: Any, timed: FakeCluster, tmp_path: Path
) -> None:
    watched = Watched(timed, tmp_path / "state" / "history")
    watched.now_ms = NOW_MS - 3_000_000
    watched.run(lambda: timed.commit("billing", "orders", 0, 10), ticks=4)
    (item,) = json.loads(kcon(*ONCE, "-o", "json").out)["items"]
    trend = item["groups"][0]["trend"]
    assert len(trend) == 12
    assert trend[2] == pytest.approx(131.667), "one look at 90, five at 140"
    assert {*trend[:2], *trend[3:]} == {None}
    kcon.terminal, kcon.columns = True, 120
    assert "█" in next(line for line in kcon.lines(*ONCE) if line.startswith("billing"))
