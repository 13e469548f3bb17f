"""`kcon history` says what is kept, what happened and what is different, for people and for scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from kcon.core.snapshot import PartitionInfo
from kcon.errors import ExitCode
from tests.kcon.conftest import NOW_MS, CommandLine, FakeTopic
from tests.kcon.observe.watched import TICK_MS, Watched


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    made = Watched(orders, tmp_path / "state" / "history")
    made.now_ms = NOW_MS - 600_000
    return made


def change(orders: Any) -> None:
    orders.topics_by_name["new"] = FakeTopic([(0, 1)])
    orders.topics_by_name["clicks"].partitions = (PartitionInfo(0, 2, 1, (1, 2), (2,), ()),)
    orders.commit("billing", "orders", 0, 10)


def test_status(kcon: CommandLine, watched: Watched) -> None:
    watched.run(ticks=2)
    text = kcon.lines("history", "status", "-o", "table")
    assert any("written now" in line and line.endswith("no") for line in text)
    item = json.loads(kcon("history", "status", "-o", "json").out)["items"][0]
    assert item["series"] > 10
    assert item["written"] is False
    assert item["from"] < item["to"]
    assert item["path"].endswith("cluster-1.sqlite")


def test_marks_by_time_name_and_kind(kcon: CommandLine, watched: Watched, orders: Any) -> None:
    watched.run(lambda: change(orders))
    lines = kcon.lines("history", "marks", "--kind", "reset", "--kind", "leader")
    assert [line.split("\t")[1:] for line in lines[1:]] == [
        ["leader", "clicks", "clicks/0: leader b2, before b1"],
        ["reset", "billing", "commits of billing moved back by 50 in 1 partitions, e.g. orders/0"],
    ]
    assert [line.split("\t")[1] for line in kcon.lines("history", "marks", "bill*")] == ["kind", "reset"]
    assert kcon.lines("history", "marks", "-n", "0")[1:] == []
    assert len(kcon.lines("history", "marks", "-n", "1")) == 2
    assert kcon.lines("history", "marks", "--since", "@-1m")[1:] == []
    assert kcon.lines("history", "marks", "--until", "@-590s", "--since", "@-1h")[1:] == []
    assert kcon("history", "marks", "--since", "@-1m", "--until", "@-1h").code == ExitCode.USAGE


def test_what_kcon_itself_changed_is_a_mark(kcon: CommandLine, watched: Watched) -> None:
    watched.run()
    kcon.lines("topic", "create", "made", "-y")
    lines = kcon.lines("history", "marks", "--kind", "change")
    assert "made" in lines[1]


def test_the_difference_of_two_moments(kcon: CommandLine, watched: Watched, orders: Any) -> None:
    watched.run(lambda: change(orders))
    first, last = (f"@{(watched.now_ms - back) // 1000}" for back in (TICK_MS, 0))
    found = json.loads(kcon("history", "diff", first, last, "-o", "json").out)["items"]
    told = [(each["kind"], each["name"], each["what"], each["before"], each["after"]) for each in found]
    assert told == [
        ("topic", "new", "there", "no", "yes"),
        ("topic", "clicks", "leader 0", "1", "2"),
        ("topic", "clicks", "in sync 0", "1", "2"),
        ("topic", "clicks", "replicas 0", "1", "1,2"),
        ("group", "billing", "lag", "90", "140"),
    ]
    assert len(json.loads(kcon("history", "diff", first, "-o", "json", "--kind", "group").out)["items"]) <= 2
    assert "Nothing is different" in kcon("history", "diff", last).err
    assert kcon("history", "diff", last, first).code == ExitCode.USAGE
    assert kcon("history", "diff", "@-2h").code == ExitCode.NOT_FOUND


def test_without_history_every_verb_says_so(kcon: CommandLine, orders: Any) -> None:
    for argv in (("status",), ("marks",), ("diff", "@-1h")):
        ran = kcon("history", *argv)
        assert ran.code == ExitCode.NOT_FOUND
        assert "There is no history of this cluster." in ran.err
    assert not orders.mutations
