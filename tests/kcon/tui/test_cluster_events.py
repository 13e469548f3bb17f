"""What differs between two pictures becomes an event, once; a thousand at a time become a number."""

from kcon.core.group_status import GroupStatus
from kcon.core.ids import group_id, topic_name
from kcon.core.snapshot import ClusterInfo
from kcon.observe.snapshot import BrokerColumns, ClusterSnapshot, GroupColumns, TopicColumns
from kcon.tui.cluster_events import EVENTS_MAX, PER_LOOK_MAX, ClusterEvents, newest


def _picture(
    time_ms: int, brokers: tuple[int, ...] = (1, 2), under: int = 0, groups: dict[str, GroupStatus] | None = None
) -> ClusterSnapshot:
    told = groups or {}
    return ClusterSnapshot(
        taken_ms=time_ms,
        duration_ms=1,
        cluster=ClusterInfo(cluster_id=None, controller_id=1, brokers=()),
        has_offsets=True,
        topics=TopicColumns(name=(topic_name("t"),), under_replicated=(under,), offline=(0,)),
        groups=GroupColumns(
            group=tuple(map(group_id, told)), state=("Stable",) * len(told), status=tuple(told.values())
        ),
        brokers=BrokerColumns(broker_id=brokers),
        brokers_seen=2,
    )


def test_a_broker_that_goes_and_comes_back_is_two_events() -> None:
    events = ClusterEvents()
    looks = ((1, (1, 2), 0), (2, (1,), 5), (3, (1,), 5), (4, (1, 2), 0))
    changed = [events.look(_picture(time_ms, brokers, under)) for time_ms, brokers, under in looks]
    assert changed == [False, True, False, True]
    assert [(event.time_ms, event.what, event.is_bad) for event in reversed(events.rows)] == [
        (2, "broker 2 is gone", True),
        (2, "5 partitions under-replicated", True),
        (4, "broker 2 is back", False),
        (4, "5 partitions in sync again", False),
    ]


def test_a_group_that_stalls_and_recovers_is_told_with_both_states() -> None:
    events = ClusterEvents()
    for time_ms, status in enumerate((GroupStatus.OK, GroupStatus.STALL, GroupStatus.STALL, GroupStatus.OK)):
        events.look(_picture(time_ms, groups={"billing": status}))
    assert [event.what for event in events.rows] == ["billing STALL > OK", "billing OK > STALL"]


def test_a_thousand_groups_that_stop_together_fill_neither_the_line_nor_the_memory() -> None:
    events = ClusterEvents()
    for time_ms in range(100):
        status = GroupStatus.STALL if time_ms % 2 else GroupStatus.OK
        events.look(_picture(time_ms, groups={f"g{number}": status for number in range(1_000)}))
        assert len(events.rows) <= EVENTS_MAX
    assert events.rows[0].what == f"{1_000 - PER_LOOK_MAX:,} more groups changed"
    assert len(newest(events.rows, 3)) == 3
