"""Where replicas go: as few copies as possible, spread over brokers and racks."""

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.reassign_plan import format_plan_json, parse_plan_json, plan_reassignment
from kcon.errors import UsageError


def at(partition: int) -> TopicPartition:
    return TopicPartition(topic_name("t"), partition)


def new_of(
    current: list[tuple[int, ...]], brokers: list[int], factor: int | None = None, racks: dict[int, str] | None = None
) -> list[tuple[int, ...]]:
    rows = plan_reassignment(
        {at(index): replicas for index, replicas in enumerate(current)},
        brokers=brokers,
        racks=dict(racks or {}),
        replication_factor=factor,
    )
    return [row.new for row in rows]


def test_what_fits_stays() -> None:
    assert new_of([(1, 2), (2, 1)], [1, 2, 3]) == [(1, 2), (2, 1)]


def test_a_broker_is_emptied_onto_the_least_loaded() -> None:
    assert new_of([(3,), (3,), (1,)], [1, 2]) == [(2,), (1,), (1,)]


def test_the_replication_factor_grows_and_shrinks_around_the_leader() -> None:
    assert new_of([(1,), (2,)], [1, 2, 3], 2) == [(1, 3), (2, 1)]
    assert new_of([(1, 2, 3), (2, 3, 1)], [1, 2, 3], 1) == [(1,), (2,)]


def test_racks_are_spread_first() -> None:
    assert new_of([(1,)], [1, 2, 3], 2, {1: "a", 2: "a", 3: "b"}) == [(1, 3)]


def test_more_replicas_than_brokers_are_refused() -> None:
    with pytest.raises(UsageError, match="wants 2 replicas"):
        new_of([(1, 2)], [1])


def test_a_plan_is_read_as_it_is_written() -> None:
    rows = plan_reassignment({at(0): (1,)}, brokers=[2], racks={})
    assert parse_plan_json(format_plan_json(rows)) == {at(0): (2,)}
    assert parse_plan_json(format_plan_json(rows, current=True)) == {at(0): (1,)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"partitions": [{"topic": "t"}]}',
        '{"partitions": [{"topic": "t", "partition": 0, "replicas": []}]}',
        '{"partitions": [{"topic": "t", "partition": 0, "replicas": [1, 1]}]}',
    ],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_plan_json(text)
