"""A moment of the past is drawn from the same columns as the present, and says what it does not know."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kcon.contexts.history_settings import HistorySettings
from kcon.core.group_status import GroupStatus
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.snapshot import PartitionInfo
from kcon.core.time_lag import LagQuality
from kcon.core.wire_text import WireText
from kcon.observe.past import bucket_means
from kcon.observe.rings import Series
from kcon.observe.snapshot import ClusterSnapshot
from tests.kcon.observe.watched import NOW_MS, TICK_MS, Watched

ORDERS_0 = TopicPartition(topic_name("orders"), 0)


@pytest.fixture
def watched(orders: Any, tmp_path: Path) -> Watched:
    return Watched(orders, tmp_path)


def without(snapshot: ClusterSnapshot) -> dict[str, Any]:
    """Return the columns of a snapshot that history keeps."""
    left_out = {
        "topics": {"trend"},
        "groups": {"trend", "time_unknown", "eta_ms", "time_lag"},
        "brokers": set[str](),
    }
    return {
        part: {
            name: getattr(getattr(snapshot, part), name)
            for name in getattr(snapshot, part).__slots__
            if name not in out
        }
        for part, out in left_out.items()
    }


def test_a_snapshot_of_the_past_says_what_that_of_the_present_said(watched: Watched, orders: Any) -> None:
    told: list[ClusterSnapshot] = []

    async def main() -> None:
        for step in range(8):
            orders.topics_by_name["orders"].bounds[0] = (0, 100 + step * 10)
            orders.commit("billing", "orders", 0, 60 + step)
            if step == 4:
                orders.groups_by_id["billing"].state = "Stable"
                orders.groups_by_id["billing"].members = [("app", [ORDERS_0])]
            told.append(await watched.look())
        await watched.recording.close()

    asyncio.run(main())
    past = watched.past()
    for snapshot in told:
        then = past.snapshot_at(snapshot.taken_ms + 3_000)
        assert then is not None
        assert then.taken_ms == snapshot.taken_ms
        assert without(then) == without(snapshot)
        assert [lag.value_ms for lag in then.groups.time_lag] == [lag.value_ms for lag in snapshot.groups.time_lag]
        assert then.in_series.last == snapshot.in_series.last
        assert then.cluster.brokers == snapshot.cluster.brokers
        assert then.brokers_seen == snapshot.brokers_seen
    past.close()


def test_before_and_long_after_the_looks_there_is_nothing(watched: Watched) -> None:
    watched.run(ticks=3)
    past = watched.past()
    assert past.snapshot_at(NOW_MS) is None
    assert past.snapshot_at(NOW_MS + TICK_MS) is not None
    assert past.snapshot_at(NOW_MS + 4 * TICK_MS + 900_000) is not None
    assert past.snapshot_at(NOW_MS + 4 * TICK_MS + 900_001) is None
    assert past.group_at(group_id("billing"), NOW_MS) is None
    past.close()


def test_a_group_of_the_past_has_its_partitions_owners_and_lateness(watched: Watched, orders: Any) -> None:
    group = orders.groups_by_id["billing"]
    group.state, group.members = "Stable", [("app", [ORDERS_0])]

    def write() -> None:
        orders.topics_by_name["orders"].bounds[0] = (0, orders.topics_by_name["orders"].bounds[0][1] + 10)

    def read() -> None:
        orders.commit("billing", "orders", 0, orders.groups_by_id["billing"].commits[ORDERS_0].offset + 10)

    orders.commit("billing", "orders", 0, 100)
    watched.run(write, write, write, read)
    past = watched.past()
    found = past.group_at(group_id("billing"), NOW_MS + 5 * TICK_MS)
    assert found is not None
    assert found.description is not None
    assert [member.client_id.raw for member in found.description.members] == ["app"]
    row = found.rows[0]
    assert (row.partition, row.committed, row.start, row.end, row.lag) == (ORDERS_0, 110, 0, 130, 20)
    assert row.client_id is not None
    late = found.late[ORDERS_0].lag
    assert late.quality is LagQuality.INTERPOLATED
    # Record 110 was written in the step from the second look to the third, 30 to 20 s before.
    assert 20_000 <= (late.value_ms or 0) <= 30_000
    assert found.rates[ORDERS_0].in_per_s == pytest.approx(0.75)
    assert found.rows[1].lost == 20
    assert past.group_at(group_id("nobody"), NOW_MS + 5 * TICK_MS).description is None  # type: ignore[union-attr]  # Somebody looked then.
    past.close()


def test_leaders_and_replicas_are_those_of_the_time(watched: Watched, orders: Any) -> None:
    def move() -> None:
        orders.topics_by_name["clicks"].partitions = (PartitionInfo(0, 2, 1, (1, 2), (2,), (1,)),)

    watched.run(move)
    past = watched.past()
    before = {topic.name.raw: topic for topic in past.topics_at(NOW_MS + TICK_MS)}
    after = {topic.name.raw: topic for topic in past.topics_at(NOW_MS + 2 * TICK_MS)}
    assert before["clicks"].partitions[0].leader_id == 1
    assert after["clicks"].partitions == (PartitionInfo(0, 2, 1, (1, 2), (2,), (1,)),)
    assert after["__consumer_offsets"].internal
    past.close()


def test_what_is_gone_is_gone_from_then_on_and_there_before(watched: Watched, orders: Any) -> None:
    def remove() -> None:
        del orders.topics_by_name["clicks"]
        del orders.groups_by_id["billing"]

    watched.run(remove)
    past = watched.past()
    before, after = (past.snapshot_at(NOW_MS + count * TICK_MS) for count in (1, 2))
    assert before is not None
    assert after is not None
    assert "clicks" in [name.raw for name in before.topics.name]
    assert "clicks" not in [name.raw for name in after.topics.name]
    assert (len(before.groups), len(after.groups)) == (1, 0)
    past.close()


def test_settings_of_the_past(watched: Watched) -> None:
    watched.run(ticks=2)
    past = watched.past()
    assert past.configs_at("topic", WireText("orders"), NOW_MS + 3 * TICK_MS) == {"retention.ms": "1000"}
    assert past.configs_at("topic", WireText("nothing"), NOW_MS + 3 * TICK_MS) is None
    past.close()


def test_with_too_many_series_partitions_are_left_out_and_totals_stay(orders: Any, tmp_path: Path) -> None:
    watched = Watched(orders, tmp_path, HistorySettings(series_max=5))
    watched.run(ticks=2)
    past = watched.past()
    snapshot = past.snapshot_at(NOW_MS + 3 * TICK_MS)
    assert snapshot is not None
    assert snapshot.groups.lag == (90,)
    assert past.bounds_at(topic_name("orders"), NOW_MS + 3 * TICK_MS) == {}
    past.close()


def test_the_status_of_a_group_is_that_of_the_time(watched: Watched) -> None:
    watched.run(ticks=9)
    past = watched.past()
    states = [past.snapshot_at(NOW_MS + count * TICK_MS) for count in (1, 9)]
    assert [each.groups.status[0] for each in states if each] == [GroupStatus.OK, GroupStatus.DEAD]
    past.close()


def test_a_hostile_name_comes_back_as_it_was(watched: Watched, orders: Any) -> None:
    orders.commit("a\0b\x1b[2J\udcff", "orders", 0, 10)
    watched.run(ticks=1)
    past = watched.past()
    found = past.group_at(group_id("a\0b\x1b[2J\udcff"), NOW_MS + 2 * TICK_MS)
    assert found is not None
    assert [(row.partition, row.committed) for row in found.rows] == [(ORDERS_0, 10)]
    past.close()


def test_buckets_hold_the_mean_of_what_is_known() -> None:
    series = Series((0, 10, 20, 30, 40), (1.0, 3.0, float("nan"), 5.0, 7.0))
    assert str(bucket_means(series, 40, 40, 4)) == str((1.0, 3.0, float("nan"), 6.0))
    assert json.dumps(bucket_means(Series(), 40, 40, 2)) == "[NaN, NaN]"
