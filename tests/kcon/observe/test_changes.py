"""What happens between two looks becomes marks, few enough to read, and nothing that did not happen does."""

from pathlib import Path
from typing import Any

import pytest

from kcon.core.ids import HostName, TopicPartition, topic_name
from kcon.core.snapshot import NO_BROKER, BrokerInfo, ClusterInfo, PartitionInfo
from kcon.core.wire_text import WireText
from kcon.observe.changes import cluster_marks, config_marks
from kcon.observe.history_keys import MARK_KINDS, MARK_LETTERS
from tests.kcon.conftest import FakeTopic
from tests.kcon.observe.watched import NOW_MS, Watched

ORDERS_0 = TopicPartition(topic_name("orders"), 0)
T0_MS = NOW_MS - 1
T9_MS = NOW_MS + 10_000_000


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    return Watched(orders, tmp_path)


def told(watched: Watched, *, without: str = "status") -> list[tuple[str, str]]:
    past = watched.past()
    try:
        return [(mark.kind, mark.text) for mark in past.reader.marks(T0_MS, T9_MS) if mark.kind != without]
    finally:
        past.close()


def test_nothing_happened_says_nothing(watched: Watched) -> None:
    watched.run(ticks=4)
    assert told(watched) == []


def test_topics_come_go_and_grow(watched: Watched, orders: Any) -> None:
    def change() -> None:
        orders.topics_by_name["new"] = FakeTopic([(0, 0)])
        del orders.topics_by_name["clicks"]
        orders.topics_by_name["orders"].bounds.append((0, 0))

    watched.run(change)
    assert told(watched) == [
        ("topic", "topic new is there, 1 partitions"),
        ("topic", "topic clicks is gone"),
        ("topic", "topic orders: 3 > 4 partitions"),
    ]


def test_leaders_and_replicas_in_sync(watched: Watched, orders: Any) -> None:
    topic = orders.topics_by_name["clicks"]
    topic.partitions = (PartitionInfo(0, 1, 0, (1, 2), (1, 2), ()),)

    def lose() -> None:
        topic.partitions = (PartitionInfo(0, NO_BROKER, 0, (1, 2), (2,), ()),)

    def find() -> None:
        topic.partitions = (PartitionInfo(0, 2, 1, (1, 2), (2,), ()),)

    watched.run(lose, find)
    assert told(watched) == [
        ("leader", "clicks/0: no leader, before b1"),
        ("isr", "clicks/0: in sync [1,2] > [2]"),
        ("leader", "clicks/0: leader b2, before none"),
    ]


def test_many_leaders_that_move_at_once_are_one_mark(watched: Watched, orders: Any) -> None:
    topic = orders.topics_by_name["orders"]
    topic.bounds = [(0, 1)] * 50
    topic.partitions = tuple(PartitionInfo(index, 1, 0, (1,), (1,), ()) for index in range(50))

    def move() -> None:
        topic.partitions = tuple(PartitionInfo(index, 2, 0, (1,), (1,), ()) for index in range(50))

    watched.run(move)
    assert told(watched) == [("leader", "50 partitions have another leader, e.g. orders/0: leader b2, before b1")]


def test_brokers_go_and_come() -> None:
    one, two = (BrokerInfo(id=each, host=HostName(WireText("h")), port=1) for each in (1, 2))
    both = ClusterInfo(cluster_id=None, controller_id=1, brokers=(one, two))
    alone = ClusterInfo(cluster_id=None, controller_id=2, brokers=(one,))
    assert [mark.text for mark in cluster_marks(both, alone, 5)] == ["broker 2 is gone"]
    assert [mark.text for mark in cluster_marks(alone, both, 5)] == ["broker 2 is there"]


def test_a_group_that_forms_anew(watched: Watched, orders: Any) -> None:
    group = orders.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app-1", [ORDERS_0]), ("app-2", [])]

    def begin() -> None:
        group.state = "PreparingRebalance"

    def end() -> None:
        group.state, group.members = "Stable", [("app-1", [ORDERS_0])]

    watched.run(begin, end)
    assert told(watched) == [
        ("rebalance", "group billing: Stable > PreparingRebalance"),
        ("rebalance", "group billing: PreparingRebalance > Stable, members 2 > 1, left app-2"),
    ]


def test_groups_come_and_go(watched: Watched, orders: Any) -> None:
    watched.run(lambda: orders.commit("etl", "orders", 0, 1), lambda: orders.groups_by_id.pop("billing"))
    assert told(watched) == [("group", "group etl is there"), ("group", "group billing is gone")]


def test_a_commit_that_went_back_or_ahead_without_members_was_moved(watched: Watched, orders: Any) -> None:
    orders.groups_by_id["billing"].state = "Empty"
    watched.run(
        lambda: orders.commit("billing", "orders", 0, 10),
        lambda: orders.commit("billing", "orders", 0, 100),
    )
    assert told(watched) == [
        ("reset", "commits of billing moved back by 50 in 1 partitions, e.g. orders/0"),
        ("reset", "commits of billing moved ahead by 90 in 1 partitions, e.g. orders/0"),
    ]


def test_a_consumer_that_goes_on_is_no_reset(watched: Watched, orders: Any) -> None:
    group = orders.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app", [ORDERS_0])]
    watched.run(lambda: orders.commit("billing", "orders", 0, 90))
    assert told(watched) == []


def test_a_status_that_changes_is_marked_with_its_place(watched: Watched) -> None:
    watched.run(ticks=8)
    assert told(watched, without="") == [("status", "group billing: OK > DEAD at orders/0")]


def test_settings_that_change(watched: Watched) -> None:
    marks = config_marks("topic t", WireText("t"), {"a": "1", "b": "2"}, {"b": "3", "c": "\x1b"}, 5)
    assert [mark.text for mark in marks] == ["topic t: a 1 > default, b 2 > 3, c default > ␛"]
    many = {f"k{number}": "1" for number in range(9)}
    assert config_marks("broker 1", WireText("1"), {}, many, 5)[0].text.endswith("and 6 more")
    assert config_marks("broker 1", WireText("1"), many, many, 5) == []


def test_each_kind_of_mark_has_a_letter_of_its_own() -> None:
    assert MARK_LETTERS.keys() == MARK_KINDS.keys()
    assert len(set(MARK_LETTERS.values())) == len(MARK_LETTERS)
