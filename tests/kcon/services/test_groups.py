"""Groups: lag that never hides what is unknown."""

from typing import Any

from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.lag import sum_lag
from kcon.errors import NotFoundError
from kcon.services.groups import PartitionScope, describe_groups, group_lag, list_groups


def at(partition: int, topic: str = "orders") -> TopicPartition:
    return TopicPartition(topic_name(topic), partition)


def add_group(cluster: Any, name: str, **fields: Any) -> None:
    cluster.commit(name, "orders", 0, 0)
    group = cluster.groups_by_id[name]
    group.commits.clear()
    for key, value in fields.items():
        setattr(group, key, value)


def test_lag_by_partition(orders: Any, on_session: Any) -> None:
    """Committed 60 of 0..100 is 40 behind; committed 20 of 40..90 is 50 behind and lost 20."""
    rows = on_session(group_lag, ["billing"]).rows
    assert [(row.partition.partition, row.committed, row.end, row.lag, row.lost) for row in rows] == [
        (0, 60, 100, 40, 0),
        (1, 20, 90, 50, 20),
    ]


def test_an_assigned_partition_without_a_commit_has_an_unknown_lag(orders: Any, on_session: Any) -> None:
    add_group(orders, "new", state="Stable", members=[("app-1", [at(2)])])
    rows = on_session(group_lag, ["new"]).rows
    assert [(row.partition.partition, row.committed, row.lag, str(row.client_id)) for row in rows] == [
        (2, None, None, "app-1")
    ]
    assert sum_lag(rows).unknown == 1


def test_a_bound_that_cannot_be_read_is_an_error_and_not_zero(orders: Any, on_session: Any) -> None:
    orders.unreadable[at(0)] = kafka_error(5)
    report = on_session(group_lag, ["billing"])
    assert [row.lag for row in report.rows] == [None, 50]
    assert [error.name for error in report.partition_errors.values()] == ["LEADER_NOT_AVAILABLE"]


def test_a_commit_of_a_deleted_topic_is_reported(orders: Any, on_session: Any) -> None:
    del orders.topics_by_name["orders"]
    report = on_session(group_lag, ["billing"])
    assert [row.lag for row in report.rows] == [None, None]
    assert len(report.partition_errors) == 2


def test_all_groups_and_patterns(orders: Any, on_session: Any) -> None:
    orders.commit("other", "clicks", 0, 5)
    assert {str(row.group) for row in on_session(group_lag).rows} == {"billing", "other"}
    assert {str(row.group) for row in on_session(group_lag, ["b*"]).rows} == {"billing"}


def test_scope(orders: Any, on_session: Any) -> None:
    scope = PartitionScope(topic=topic_name("orders"), partitions=frozenset({1}))
    rows = on_session(group_lag, ["billing"], scopes=[scope]).rows
    assert [row.partition.partition for row in rows] == [1]


def test_a_group_that_does_not_exist(orders: Any, on_session: Any) -> None:
    report = on_session(group_lag, ["nope", "billing"])
    assert len(report.rows) == 2
    assert isinstance(report.group_errors[group_id("nope")], NotFoundError)
    found, errors = on_session(describe_groups, ["nope", "billing"])
    assert [str(each.group) for each in found] == ["billing"]
    assert isinstance(errors[group_id("nope")], NotFoundError)


def test_commits_of_a_group_without_members_or_state_still_have_lag(orders: Any, on_session: Any) -> None:
    """A group of a simple consumer reads as Dead and still has commits."""
    orders.groups_by_id["billing"].state = "Dead"
    assert len(on_session(group_lag, ["billing"]).rows) == 2


def test_one_group_that_cannot_be_described_does_not_hide_the_others(orders: Any, on_session: Any) -> None:
    add_group(orders, "secret", error=kafka_error(30))
    report = on_session(group_lag)
    assert len(report.rows) == 2
    assert list(report.group_errors) == [group_id("secret")]


def test_list_groups_by_state(orders: Any, on_session: Any) -> None:
    add_group(orders, "busy", state="Stable")
    assert [str(each.group) for each in on_session(list_groups).groups] == ["billing", "busy"]
    assert [str(each.group) for each in on_session(list_groups, states=["stable"]).groups] == ["busy"]
    assert on_session(list_groups, ["nope"]).missing == ["nope"]
