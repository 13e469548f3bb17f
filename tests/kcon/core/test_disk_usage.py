"""Sums over log dirs: replicas count, growth needs two looks, and what cannot be told stays unknown."""

import pytest

from kcon.core.broker_facts import LogDir, ReplicaSize
from kcon.core.disk_usage import partition_uses, reclaimable_bytes, volume_uses
from kcon.core.ids import TopicPartition, topic_name
from kcon.core.kafka_error import kafka_error
from kcon.core.wire_text import WireText

A0 = TopicPartition(topic_name("a"), 0)


def log_dir(size_bytes: int, *, usable_bytes: int | None = 1_000, total_bytes: int | None = 10_000) -> LogDir:
    return LogDir(WireText("/d"), None, total_bytes, usable_bytes, (ReplicaSize(A0, size_bytes, 0, False),))


def test_replicas_of_all_brokers_are_summed_and_a_silent_broker_is_left_out() -> None:
    (use,) = partition_uses({1: (log_dir(100),), 2: (log_dir(80),), 3: kafka_error(31)})
    assert (use.size_bytes, use.replicas, use.growth_per_s) == (180, 2, None)


def test_growth_is_bytes_a_second_between_two_looks() -> None:
    (use,) = partition_uses({1: (log_dir(150),)}, {1: (log_dir(100),)}, 2_000)
    assert use.growth_per_s == 25
    (use,) = partition_uses({1: (log_dir(50),)}, {1: (log_dir(100),)}, 2_000)
    assert use.growth_per_s == -25


@pytest.mark.parametrize(
    ("size_bytes", "usable_bytes", "full_in_ms"),
    [(150, 1_000, 40_000), (100, 1_000, None), (50, 1_000, None), (150, None, None), (150, 0, 0)],
)
def test_a_volume_is_full_only_when_it_grows_and_tells_its_room(
    size_bytes: int, usable_bytes: int | None, full_in_ms: int | None
) -> None:
    (use,) = volume_uses({1: (log_dir(size_bytes, usable_bytes=usable_bytes),)}, {1: (log_dir(100),)}, 2_000)
    assert use.full_in_ms == full_in_ms


@pytest.mark.parametrize(("first_kept", "freed"), [(10, 0), (5, 0), (11, 10), (60, 500), (110, 1_000), (200, 1_000)])
def test_what_goes_is_the_share_of_offsets_before_the_first_one_kept(first_kept: int, freed: int) -> None:
    assert reclaimable_bytes(1_000, 10, 110, first_kept) == freed


def test_an_empty_partition_frees_nothing() -> None:
    assert reclaimable_bytes(1_000, 10, 10, 10) == 0
