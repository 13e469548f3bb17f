"""--at answers as the command would have answered then, and says so; where nobody looked it says what there is."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.errors import ExitCode
from tests.kcon.conftest import NOW_MS, CommandLine, FakeTopic
from tests.kcon.observe.watched import TICK_MS, Watched

ORDERS_0 = TopicPartition(topic_name("orders"), 0)
AN_HOUR_MS = 3_600_000


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    """Return a cluster that was looked at from an hour ago, for a minute; after that it changed."""
    made = Watched(orders, tmp_path / "state" / "history")
    made.now_ms = NOW_MS - AN_HOUR_MS - TICK_MS
    group = orders.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app", [ORDERS_0])]

    async def main() -> None:
        for _ in range(7):
            await made.look()
        await made.recording.close()

    asyncio.run(main())
    orders.topics_by_name["later"] = FakeTopic([(0, 1)])
    del orders.topics_by_name["clicks"]
    group.state, group.members = "Empty", []
    orders.commit("billing", "orders", 0, 100)
    return made


def items(kcon: CommandLine, *argv: str) -> list[dict[str, Any]]:
    ran = kcon(*argv, "--output", "json")
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)["items"]
    return found


@pytest.mark.usefixtures("watched")
def test_topics_of_an_hour_ago(kcon: CommandLine) -> None:
    assert [each["name"] for each in items(kcon, "topic", "list")] == ["later", "orders"]
    assert [each["name"] for each in items(kcon, "topic", "list", "--at", "@-1h")] == ["clicks", "orders"]
    assert [each["name"] for each in items(kcon, "topic", "list", "o*", "--at", "-1h")] == ["orders"]
    described = items(kcon, "topic", "describe", "clicks", "--at", "@-1h")[0]
    assert described["span"] == 5
    assert described["configs"] == {"retention.ms": "1000"}
    assert described["partitions"][0]["leader"] == 1


@pytest.mark.usefixtures("watched")
def test_the_answer_says_of_when_it_is(kcon: CommandLine) -> None:
    ran = kcon("topic", "list", "--at", "@-59m", "-o", "json")
    assert "As of 2026-11-24T" in ran.err
    assert json.loads(ran.out)["at"].startswith("2026-11-24T")
    assert "at" not in json.loads(kcon("topic", "list", "-o", "json").out)
    assert "9m before" in kcon("topic", "list", "--at", "@-50m").err


@pytest.mark.usefixtures("watched")
def test_groups_of_an_hour_ago(kcon: CommandLine) -> None:
    assert items(kcon, "group", "list", "--at", "@-1h")[0]["state"] == "Stable"
    assert items(kcon, "group", "list", "--at", "@-1h", "--state", "empty") == []
    described = items(kcon, "group", "describe", "billing", "--at", "@-1h")[0]
    assert [member["client_id"] for member in described["members"]] == ["app"]
    members = items(kcon, "group", "members", "billing", "--at", "@-1h")
    assert members[0]["assignment"] == ["orders/0"]
    row = items(kcon, "group", "lag", "billing", "--at", "@-1h", "-t", "orders:0")[0]
    assert (row["committed"], row["end"], row["lag"], row["client_id"]) == (60, 100, 40, "app")
    assert items(kcon, "group", "lag", "billing", "-t", "orders:0")[0]["lag"] == 0


@pytest.mark.usefixtures("watched")
def test_brokers_and_top_of_an_hour_ago(kcon: CommandLine) -> None:
    broker = items(kcon, "broker", "list", "--at", "@-1h")[0]
    assert (broker["id"], broker["host"], broker["leaders"], broker["controller"]) == (1, "b1", 5, None)
    top = items(kcon, "top", "--at", "@-1h")[0]
    assert (top["topics_count"], top["lag"], top["groups"][0]["group"]) == (3, 90, "billing")


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("topic", "list", "--at", "@-2h"), ExitCode.NOT_FOUND, "There is no history for"),
        (("group", "lag", "--at", "@-1m"), ExitCode.NOT_FOUND, "There is some from"),
        (("topic", "describe", "later", "--at", "@-1h"), ExitCode.NOT_FOUND, "Topic later does not exist"),
        (("group", "describe", "nobody", "--at", "@-1h"), ExitCode.NOT_FOUND, "Group nobody does not exist"),
        (("topic", "list", "--at", "@tomorrow"), ExitCode.USAGE, "Not a time"),
        (("topic", "list", "--at", "@2030-01-01"), ExitCode.USAGE, "yet to come"),
        (("topic", "list", "--at", "@-1h", "--watch"), ExitCode.USAGE, "contradicts"),
        (("why", "billing", "--at", "@-1h", "--for", "5s"), ExitCode.USAGE, "contradicts"),
        (("why", "nobody", "--at", "@-1h"), ExitCode.NOT_FOUND, "neither a group nor a topic nobody then"),
        (("broker", "describe", "9", "--at", "@-1h"), ExitCode.NOT_FOUND, "There is no broker 9"),
        (("topic", "list", "--at", "@-1h", "--under-min-isr"), ExitCode.USAGE, "--urp and --offline"),
    ],
)
def test_what_cannot_be_answered_is_said(kcon: CommandLine, argv: tuple[str, ...], code: ExitCode, words: str) -> None:
    ran = kcon(*argv)
    assert ran.code == code, ran.err
    assert words in ran.err


def test_without_any_history_it_is_said_who_keeps_one(kcon: CommandLine, orders: Any) -> None:
    ran = kcon("topic", "list", "--at", "@-1h")
    assert ran.code == ExitCode.NOT_FOUND
    assert "kcon top" in ran.err
    assert not orders.mutations


@pytest.mark.usefixtures("watched")
def test_a_broker_of_an_hour_ago(kcon: CommandLine) -> None:
    broker = items(kcon, "broker", "describe", "1", "--at", "@-59m")[0]
    assert (broker["host"], broker["controller"], broker["leaders"]) == ("b1", True, 5)
    assert items(kcon, "broker", "list", "--at", "@-59m")[0]["controller"] is True
    assert "controller" in kcon("broker", "describe", "1", "--at", "@-59m", "-o", "table").out


@pytest.mark.usefixtures("watched")
def test_why_a_group_lagged_an_hour_ago(kcon: CommandLine) -> None:
    told = {each["name"]: each for each in items(kcon, "why", "billing", "topic/clicks", "cluster", "--at", "@-59m")}
    assert told["billing"]["kind"] == "group"
    assert told["clicks"]["cause"] == "idle"
    assert told["cluster"]["kind"] == "cluster"
    told_text = kcon("why", "billing", "--at", "@-59m", "-o", "json").out
    assert "history keeps no transactions" in told_text
