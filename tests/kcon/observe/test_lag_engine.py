"""What single samples cannot tell: time lag from the ends seen before, status from the commits seen before."""

from kcon.core.group_status import GroupStatus
from kcon.core.ids import TopicPartition, group_id, topic_name
from kcon.core.time_lag import LagQuality, Probe
from kcon.observe.lag_engine import (
    POINTS_BUDGET,
    POINTS_MIN,
    PROBES_PER_TICK,
    Bounds,
    GroupLateness,
    GroupReading,
    LagEngine,
    assigned_partitions,
)

ORDERS = topic_name("orders")
BILLING = group_id("billing")
TICK_MS = 10_000


def at(partition: int) -> TopicPartition:
    return TopicPartition(ORDERS, partition)


class Watch:
    """An engine, and a clock that is moved by hand."""

    def __init__(self, points_budget: int = POINTS_BUDGET) -> None:
        self.engine = LagEngine(points_budget=points_budget)
        self.now_ms = 1_000_000
        self.ends: dict[TopicPartition, Bounds] = {}
        self.commits: dict[TopicPartition, int] = {}
        self.assigned: set[TopicPartition] = set()
        self.state, self.members = "Stable", 2

    def reading(self) -> GroupReading:
        return GroupReading(
            group=BILLING,
            commits=dict(self.commits),
            bounds_of=lambda where: self.ends.get(where, Bounds(None, None)),
            assigned=self.assigned,
            state=self.state,
            members=self.members,
        )

    def tick(self, *, commits: dict[int, int] | None = None, ends: dict[int, int] | None = None) -> GroupLateness:
        self.now_ms += TICK_MS
        self.commits |= {at(partition): offset for partition, offset in (commits or {}).items()}
        self.ends |= {at(partition): Bounds(0, end) for partition, end in (ends or {}).items()}
        self.engine.begin_tick()
        told = self.engine.assess(self.reading(), self.now_ms)
        self.engine.end_tick()
        return told

    def probe(self, partition: int, offset: int, age_ms: int) -> None:
        time_ms = self.now_ms - age_ms
        probe = Probe(
            asked_offset=offset,
            base_offset=offset,
            last_offset=offset,
            base_timestamp_ms=time_ms,
            max_timestamp_ms=time_ms,
        )
        self.engine.add_probes({at(partition): probe})


def test_the_first_look_knows_no_time_and_wants_a_probe() -> None:
    watch = Watch()
    told = watch.tick(commits={0: 50, 1: 100}, ends={0: 100, 1: 100})
    assert told.worst.value_ms == 0
    assert told.unknown == 1
    assert watch.engine.wanted_probes() == {at(0): 50}


def test_a_probe_makes_it_exact() -> None:
    watch = Watch()
    watch.tick(commits={0: 50}, ends={0: 100})
    watch.probe(0, 50, age_ms=90_000)
    told = watch.tick()
    assert (told.worst.value_ms, told.worst.quality) == (100_000, LagQuality.EXACT)
    assert watch.engine.wanted_probes() == {}


def test_a_place_without_records_is_no_answer() -> None:
    watch = Watch()
    watch.tick(commits={0: 50}, ends={0: 100})
    watch.engine.add_probes({at(0): None})
    assert watch.tick().unknown == 1


def test_a_watched_end_needs_no_probe() -> None:
    watch = Watch()
    watch.tick(commits={0: 100}, ends={0: 100})
    told = watch.tick(ends={0: 200})
    assert told.worst.quality is LagQuality.INTERPOLATED
    assert told.worst.error_ms == TICK_MS
    assert watch.engine.wanted_probes() == {}


def test_probes_of_one_tick_are_limited() -> None:
    watch = Watch()
    many = range(PROBES_PER_TICK + 1)
    watch.tick(commits=dict.fromkeys(many, 1), ends=dict.fromkeys(many, 9))
    assert len(watch.engine.wanted_probes()) == PROBES_PER_TICK


def test_below_the_log_start_the_probe_goes_to_the_start() -> None:
    watch = Watch()
    watch.ends[at(0)] = Bounds(70, 100)
    watch.tick(commits={0: 50})
    assert watch.engine.wanted_probes() == {at(0): 70}


def test_a_stalled_partition_is_named_with_the_time_since() -> None:
    watch = Watch()
    since_ms = 0
    for tick in range(12):
        told = watch.tick(commits={0: 100 + tick * 10, 1: 40}, ends={0: 200 + tick * 10, 1: 100 + tick})
        since_ms = since_ms or (watch.now_ms if told.status is GroupStatus.STALL else 0)
    assert (told.status, told.at) == (GroupStatus.STALL, at(1))
    assert told.since_ms == since_ms > 0


def test_a_group_that_leaves_nothing_waiting_is_ok_and_names_nothing() -> None:
    watch = Watch()
    for tick in range(12):
        told = watch.tick(commits={0: tick}, ends={0: tick})
    assert (told.status, told.at) == (GroupStatus.OK, None)


def test_an_assigned_partition_without_a_commit_is_told() -> None:
    watch = Watch()
    watch.assigned = {at(0), at(1)}
    told = watch.tick(commits={0: 10}, ends={0: 10, 1: 5})
    assert (told.status, told.at, told.unknown) == (GroupStatus.NOCOMMIT, at(1), 1)


def test_rebalances_are_counted_and_a_long_one_is_told() -> None:
    watch = Watch()
    watch.tick(commits={0: 10}, ends={0: 50})
    watch.state = "PreparingRebalance"
    statuses = [watch.tick().status for _ in range(8)]
    watch.state = "Stable"
    watch.tick()
    watch.state = "CompletingRebalance"
    watch.tick()
    assert statuses[0] is GroupStatus.OK
    assert statuses[-1] is GroupStatus.REBALANCING
    assert watch.engine.rebalances(BILLING) == 2


def test_a_look_between_two_ticks_takes_nothing_in() -> None:
    watch = Watch()
    watch.tick(commits={0: 10}, ends={0: 50})
    before = len(watch.engine.window(BILLING, at(0)) or ())
    (row,) = watch.engine.rows(watch.reading(), watch.now_ms + 5)
    assert (row.where, row.committed, row.bounds) == (at(0), 10, Bounds(0, 50))
    assert len(watch.engine.window(BILLING, at(0)) or ()) == before


def test_rates_are_of_the_last_looks_and_unknown_where_there_were_too_few() -> None:
    watch = Watch()
    watch.tick(commits={0: 10, 1: 50}, ends={0: 50, 1: 50})
    assert watch.engine.rates(BILLING, at(0)) == (None, None)
    watch.tick(commits={0: 30, 1: 70}, ends={0: 150, 1: 70})
    assert watch.engine.rates(BILLING, at(0)) == (10.0, 2.0)
    assert watch.engine.rates(BILLING, at(1)) == (2.0, None), "at its end no looks are kept"
    assert watch.engine.rates(BILLING, at(2)) == (None, None)


def test_what_is_gone_is_forgotten() -> None:
    watch = Watch()
    watch.tick(commits={0: 10}, ends={0: 50})
    watch.probe(0, 10, age_ms=5)
    watch.engine.begin_tick()
    watch.engine.end_tick()
    assert watch.engine.head(at(0)) is None
    assert watch.engine.window(BILLING, at(0)) is None
    assert watch.tick().unknown == 1  # The probe is forgotten too.


def test_a_group_that_could_not_be_read_is_remembered() -> None:
    watch = Watch()
    watch.tick(commits={0: 10}, ends={0: 50})
    watch.engine.begin_tick()
    watch.engine.keep(BILLING)
    watch.engine.end_tick()
    assert watch.engine.head(at(0)) is not None


def test_many_partitions_share_the_budget_of_points() -> None:
    watch = Watch(points_budget=400)
    few = range(2)
    for tick in range(300):
        watch.tick(commits=dict.fromkeys(few, 0), ends=dict.fromkeys(few, 1 + tick * tick))
    assert len(watch.engine.head(at(0)) or ()) <= 200
    many = range(100)
    watch.tick(commits=dict.fromkeys(many, 0), ends=dict.fromkeys(many, 100_000))
    assert len(watch.engine.head(at(0)) or ()) <= POINTS_MIN + 2


def test_a_group_that_could_not_be_described_owns_nothing() -> None:
    assert assigned_partitions(None) == set()
