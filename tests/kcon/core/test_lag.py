"""Lag: a missing commit is unknown, never 0 and never everything; what retention took is lost, not lag."""

import pytest

from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.lag import PartitionLag, offset_lag, records_lost, sum_lag


@pytest.mark.parametrize(
    ("committed", "start", "end", "lag", "lost"),
    [
        (50, 10, 100, 50, 0),
        (100, 10, 100, 0, 0),
        (120, 10, 100, 0, 0),  # The end moved back after an unclean election.
        (5, 10, 100, 90, 5),
        (None, 10, 100, None, 0),
        (-1, 10, 100, None, 0),
        (50, 10, None, None, 0),
        (50, None, 100, 50, 0),
        (0, 0, 0, 0, 0),
    ],
)
def test_lag_and_loss(committed: int | None, start: int | None, end: int | None, lag: int | None, lost: int) -> None:
    assert offset_lag(committed, start, end) == lag
    assert records_lost(committed, start) == lost


def test_sum_counts_what_is_unknown() -> None:
    def row(lag: int | None, lost: int = 0) -> PartitionLag:
        return PartitionLag(group_id("g"), TopicPartition(topic_name("t"), 0), 1, 0, 2, lag, lost)

    total = sum_lag([row(5), row(None), row(7, 3)])
    assert (total.lag, total.known, total.unknown, total.lost) == (12, 2, 1, 3)
    assert sum_lag([]).known == 0
