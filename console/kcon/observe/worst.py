"""Which rows of a snapshot matter most? Groups by how late they are, topics by how much is written to them."""

from kcon.core.group_status import WEIGHT
from kcon.observe.snapshot import GroupColumns, TopicColumns


def worst_groups(groups: GroupColumns, count: int) -> list[int]:
    """Return the indexes of the groups that are furthest behind: in time, where it is known, then in records.

    A group whose time lag is unknown stands behind those with one, and before those that are at the end.
    """

    def rank(index: int) -> tuple[int, float, int, int]:
        late_ms, lag = groups.time_lag[index].value_ms, groups.lag[index] or 0
        known = 2 if late_ms else 1 if late_ms is None and lag else 0
        return known, late_ms or 0, lag, WEIGHT[groups.status[index]]

    return sorted(range(len(groups)), key=rank, reverse=True)[:count]


def busiest_topics(topics: TopicColumns, count: int) -> list[int]:
    """Return the indexes of the topics that most records a second are written to; Kafka's own are left out."""
    indexes = (index for index in range(len(topics)) if not topics.internal[index])
    return sorted(indexes, key=lambda index: topics.in_per_s[index] or 0.0, reverse=True)[:count]
