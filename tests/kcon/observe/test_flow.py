"""Rates of topics and brokers: what commits moved, and which partition is hot."""

import pytest

from kcon.core.ids import TopicPartition, topic_name
from kcon.core.snapshot import PartitionInfo, TopicInfo
from kcon.observe.flow import is_hot, progress_per_s, read_outflow


def _where(partition: int) -> TopicPartition:
    return TopicPartition(topic_name("orders"), partition)


def _topic(leaders: list[int]) -> TopicInfo:
    parts = tuple(
        PartitionInfo(partition=index, leader_id=leader, leader_epoch=0, replicas=(leader,), isr=(leader,), offline=())
        for index, leader in enumerate(leaders)
    )
    return TopicInfo(name=topic_name("orders"), topic_id=None, internal=False, partitions=parts)


def test_what_several_groups_read_of_a_partition_is_added_up_and_counted_for_its_leader() -> None:
    moved: dict[TopicPartition, int] = {}
    assert progress_per_s({_where(0): 10, _where(1): 10}, {_where(0): 30, _where(1): 10}, 2_000, moved) == 10
    # A commit that goes back is a reset and no progress; a new one has nothing to compare with.
    assert progress_per_s({_where(1): 50}, {_where(1): 20, _where(2): 90}, 2_000, moved) == 0
    progress_per_s({_where(0): 0}, {_where(0): 4}, 2_000, moved)
    flow = read_outflow({topic_name("orders"): _topic([1, 2, 1])}, moved, 2_000)
    assert flow.by_topic == {topic_name("orders"): 12.0}
    assert flow.by_broker == {1: 12.0}


def test_what_rests_moves_nothing_and_a_topic_that_is_gone_counts_nowhere() -> None:
    moved: dict[TopicPartition, int] = {}
    assert progress_per_s({_where(0): 10}, {_where(0): 10}, 2_000, moved) == 0
    assert moved == {}
    gone = {TopicPartition(topic_name("gone"), 0): 4, _where(7): 4}
    flow = read_outflow({topic_name("orders"): _topic([1])}, gone, 2_000)
    assert (flow.by_topic, flow.by_broker) == ({topic_name("orders"): 0.0}, {})


def test_without_a_look_before_nothing_is_known() -> None:
    moved: dict[TopicPartition, int] = {}
    assert progress_per_s(None, {_where(0): 30}, 2_000, moved) is None
    assert moved == {}
    assert read_outflow({topic_name("orders"): _topic([1])}, None, 2_000).by_topic == {}


@pytest.mark.parametrize(
    ("most", "total", "partitions", "hot"),
    [
        (750.0, 1_000.0, 4, True),
        (749.0, 1_000.0, 4, False),
        (750.0, 999.0, 4, False),
        (1_000.0, 1_000.0, 2, False),
    ],
)
def test_a_partition_is_hot_at_three_times_its_fair_share_of_enough_records(
    most: float, total: float, partitions: int, hot: bool
) -> None:
    """Of a thousand records in this second; below that a share says nothing."""
    assert is_hot(most, total, partitions, 1_000) is hot
