"""Which rows of a snapshot come first: known lateness, then what may be late, then what is at the end."""

from kcon.core.group_status import GroupStatus
from kcon.core.ids import group_id, topic_name
from kcon.core.time_lag import NO_LAG, UNKNOWN_LAG, LagQuality, TimeLag
from kcon.observe.snapshot import GroupColumns, TopicColumns
from kcon.observe.worst import busiest_topics, worst_groups


def test_groups_are_ranked_by_time_and_the_unknown_stand_before_those_at_the_end() -> None:
    lags = [
        ("at-end", 0, NO_LAG),
        ("unknown", 5, UNKNOWN_LAG),
        ("late", 1, TimeLag(9_000, LagQuality.EXACT)),
        ("later", 1, TimeLag(10_000, LagQuality.EXACT)),
        ("empty", None, UNKNOWN_LAG),
    ]
    groups = GroupColumns(
        group=tuple(group_id(name) for name, _lag, _late in lags),
        lag=tuple(lag for _name, lag, _late in lags),
        time_lag=tuple(late for _name, _lag, late in lags),
        status=(GroupStatus.OK,) * len(lags),
    )
    assert [lags[index][0] for index in worst_groups(groups, 3)] == ["later", "late", "unknown"]
    assert len(worst_groups(groups, 99)) == 5


def test_topics_are_ranked_by_their_rate_without_kafkas_own() -> None:
    topics = TopicColumns(
        name=tuple(topic_name(name) for name in "abc"), internal=(False, True, False), in_per_s=(None, 9.0, 1.0)
    )
    assert busiest_topics(topics, 5) == [2, 0]
