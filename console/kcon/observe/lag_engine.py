"""How late is each group, in time, and is it all right? Keeps what single samples cannot tell: how they moved.

Per tick every group is assessed from its commits, and the ends of the partitions that it reads go into their tables.
A time lag that the table cannot tell is put on the list for probes, of which the sampler spends a few a tick; what a
probe told is kept until many others have been made.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kcon.core.commit_window import CommitWindow
from kcon.core.group_status import WEIGHT, GroupMoment, GroupStatus, StatusRules, partition_status
from kcon.core.head_history import POINTS_MAX, HeadHistory
from kcon.core.ids import GroupId, TopicPartition
from kcon.core.snapshot import GroupDescription
from kcon.core.time_lag import NO_LAG, UNKNOWN_LAG, Probe, TimeLag, needs_probe, time_lag

PROBES_PER_TICK: Final = 20
PROBES_KEPT_MAX: Final = 20_000
POINTS_BUDGET: Final = 2_000_000
"""Points of all tables together, 16 bytes each; with very many partitions each gets fewer."""
POINTS_MIN: Final = 8
RATE_POINTS: Final = 10
"""So many of a partition's last ends tell its rate, where no commit was looked at."""
STEADY: Final = frozenset({"Stable", "Empty", "Dead", ""})
"""States in which a group is not rebalancing; "" is a broker too old to say."""


class Bounds(NamedTuple):
    """Where a partition starts and ends; None where unknown."""

    start: int | None
    end: int | None


UNKNOWN_BOUNDS: Final = Bounds(None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReading:
    """What one tick, or one look between two, read of a group."""

    group: GroupId
    commits: Mapping[TopicPartition, int]
    """Only those that could be read."""
    bounds_of: Callable[[TopicPartition], Bounds]
    assigned: Collection[TopicPartition] = ()
    """What the members own."""
    state: str = ""
    members: int | None = None
    """None: could not be read."""


class Rates(NamedTuple):
    """Offsets a second over the last looks; None where there were too few."""

    in_per_s: float | None
    out_per_s: float | None


class PartitionLateness(NamedTuple):
    """One partition of one group at the last tick."""

    where: TopicPartition
    committed: int | None
    bounds: Bounds
    lag: TimeLag
    status: GroupStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLateness:
    """One group at the last tick."""

    worst: TimeLag = UNKNOWN_LAG
    """The largest known time lag."""
    unknown: int = 0
    """Partitions whose time lag is unknown."""
    status: GroupStatus = GroupStatus.NOTFOUND
    since_ms: int = 0
    """When the status was first found, without a break."""
    at: TopicPartition | None = None
    """The partition that has the status."""


@dataclass(slots=True)
class _Watched:
    """What is remembered of one group."""

    windows: dict[TopicPartition, CommitWindow] = field(default_factory=dict)
    moved_ms: int | None = None
    """When any of its commits was last seen to move."""
    unstable_since_ms: int | None = None
    state: str = ""
    rebalances: int = 0
    status: GroupStatus = GroupStatus.NOTFOUND
    status_since_ms: int = 0
    tick: int = 0


class LagEngine:
    """The memory of one cluster's groups. One event loop; every call is short and does no I/O."""

    def __init__(self, rules: StatusRules | None = None, *, points_budget: int = POINTS_BUDGET) -> None:
        self.rules = rules or StatusRules()
        self._points_budget = points_budget
        self._points_max = POINTS_MAX
        self._heads: dict[TopicPartition, HeadHistory] = {}
        self._probes: dict[TopicPartition, dict[int, Probe]] = {}
        self._probe_count = 0
        self._wanted: dict[TopicPartition, int] = {}
        self._groups: dict[GroupId, _Watched] = {}
        self._tick = 0

    # --- what the sampler brings -----------------------------------------------------------------------------

    def begin_tick(self) -> None:
        """Start a tick: the probes that were wanted before are wanted no more unless they are found lacking again."""
        self._tick += 1
        self._wanted = {}

    def keep(self, group: GroupId) -> None:
        """Remember a group whose commits could not be read this time."""
        watched = self._groups.get(group)
        if watched is not None:
            watched.tick = self._tick

    def add_probes(self, probes: Mapping[TopicPartition, Probe | None]) -> None:
        """Take in what probes told; None where no record tells a time."""
        for where, probe in probes.items():
            if probe is None:
                continue
            if self._probe_count >= PROBES_KEPT_MAX:
                self._probes.clear()
                self._probe_count = 0
            of_partition = self._probes.setdefault(where, {})
            self._probe_count += probe.asked_offset not in of_partition
            of_partition[probe.asked_offset] = probe

    def wanted_probes(self, limit: int = PROBES_PER_TICK) -> dict[TopicPartition, int]:
        """Return where a probe would tell most, the groups that were assessed first before the others."""
        return dict(list(self._wanted.items())[:limit])

    def end_tick(self) -> None:
        """End a tick: forget groups that are gone, and partitions that no group reads any more."""
        gone = [group for group, watched in self._groups.items() if watched.tick != self._tick]
        for group in gone:
            del self._groups[group]
        if gone or self._tick % _SWEEP_EVERY == 0:
            self._sweep()

    def _sweep(self) -> None:
        read = {where for watched in self._groups.values() for where in watched.windows}
        for where in [each for each in self._heads if each not in read]:
            del self._heads[where]
        for where in [each for each in self._probes if each not in read]:
            self._probe_count -= len(self._probes.pop(where))

    def _share_budget(self) -> None:
        share = max(POINTS_MIN, min(POINTS_MAX, self._points_budget // len(self._heads)))
        if share < self._points_max // 2 or share == POINTS_MIN < self._points_max:
            for history in self._heads.values():
                history.thin_to(share)
        self._points_max = min(self._points_max, share)

    # --- what it tells ---------------------------------------------------------------------------------------

    def assess(self, reading: GroupReading, now_ms: int) -> GroupLateness:
        """Take in one group and tell how it stands."""
        watched = self._watch(reading, now_ms)
        self._observe(watched, reading, now_ms)
        worst: TimeLag | None = None
        unknown = 0
        status, at = GroupStatus.NOTFOUND, None
        for row in self._rows(watched, reading, now_ms):
            if row.lag.value_ms is None:
                unknown += 1
            elif worst is None or row.lag.value_ms > (worst.value_ms or 0):
                worst = row.lag
            if at is None or WEIGHT[row.status] > WEIGHT[status]:
                status, at = row.status, row.where
            if needs_probe(row.lag, committed=row.committed, end=row.bounds.end):
                self._wanted.setdefault(row.where, max(row.committed or 0, row.bounds.start or 0))
        if status is not watched.status:
            watched.status, watched.status_since_ms = status, now_ms
        return GroupLateness(
            worst=worst or UNKNOWN_LAG,
            unknown=unknown,
            status=status,
            since_ms=watched.status_since_ms,
            at=at if WEIGHT[status] > WEIGHT[GroupStatus.OK] else None,
        )

    def rows(self, reading: GroupReading, now_ms: int) -> list[PartitionLateness]:
        """Return each partition of a group, without taking anything in: for a look at one group between two ticks."""
        return list(self._rows(self._groups.get(reading.group) or _Watched(), reading, now_ms))

    def rebalances(self, group: GroupId) -> int:
        """Return how often the group was seen to leave its stable state."""
        watched = self._groups.get(group)
        return watched.rebalances if watched else 0

    def window(self, group: GroupId, where: TopicPartition) -> CommitWindow | None:
        """Return the last looks at one commit. Read only."""
        watched = self._groups.get(group)
        return watched.windows.get(where) if watched else None

    def head(self, where: TopicPartition) -> HeadHistory | None:
        """Return the table of a partition's ends. Read only."""
        return self._heads.get(where)

    def rates(self, group: GroupId, where: TopicPartition) -> Rates:
        """Return how fast a partition grows and is read. A group at its end keeps no looks: only `in` is known then."""
        window = self.window(group, where)
        if window is not None and len(window) > 1:
            times, ends, committed = window.times_ms, window.ends, window.committed
            elapsed_s = (times[-1] - times[0]) / 1000
            if elapsed_s > 0:
                return Rates(max(0, ends[-1] - ends[0]) / elapsed_s, max(0, committed[-1] - committed[0]) / elapsed_s)
        head = self._heads.get(where)
        points = head.points()[-RATE_POINTS:] if head is not None else ()
        if len(points) < 2 or points[-1][1] <= points[0][1]:
            return Rates(None, None)
        return Rates((points[-1][0] - points[0][0]) * 1000 / (points[-1][1] - points[0][1]), None)

    # --- how -------------------------------------------------------------------------------------------------

    def _watch(self, reading: GroupReading, now_ms: int) -> _Watched:
        watched = self._groups.get(reading.group)
        if watched is None:
            watched = self._groups[reading.group] = _Watched(state=reading.state)
        watched.tick = self._tick
        if reading.state in STEADY:
            watched.unstable_since_ms = None
        elif watched.unstable_since_ms is None:
            watched.unstable_since_ms = now_ms
            watched.rebalances += watched.state in STEADY
        watched.state = reading.state
        return watched

    def _observe(self, watched: _Watched, reading: GroupReading, now_ms: int) -> None:
        windows, heads = watched.windows, self._heads
        for where, committed in reading.commits.items():
            end = reading.bounds_of(where).end
            if end is None:
                continue
            history = heads.get(where)
            if history is None:
                history = heads[where] = HeadHistory()
                self._share_budget()
            history.observe(end, now_ms, points_max=self._points_max)
            window = windows.get(where)
            if window is None:
                window = windows[where] = CommitWindow()
            window.add(now_ms, committed, end, intervals=self.rules.intervals)
            if window.moved_ms == now_ms:
                watched.moved_ms = now_ms
        if len(windows) > len(reading.commits):
            for where in [each for each in windows if each not in reading.commits]:
                del windows[where]

    def _rows(self, watched: _Watched, reading: GroupReading, now_ms: int) -> Iterator[PartitionLateness]:
        moment = GroupMoment(
            members=reading.members,
            is_stable=watched.unstable_since_ms is None,
            unstable_since_ms=watched.unstable_since_ms,
            moved_ms=watched.moved_ms,
        )
        for where, committed in reading.commits.items():
            limits = reading.bounds_of(where)
            if limits.end is not None and committed >= limits.end and committed >= (limits.start or 0):
                yield _make_row(PartitionLateness, (where, committed, limits, NO_LAG, GroupStatus.OK))
                continue
            lag = self._time_lag(where, committed, limits, now_ms)
            status = partition_status(watched.windows.get(where), lag, moment, now_ms=now_ms, rules=self.rules)
            yield PartitionLateness(where, committed, limits, lag, status)
        for where in reading.assigned:
            if where not in reading.commits:
                limits = reading.bounds_of(where)
                waiting = (limits.end or 0) - (limits.start or 0)
                status = GroupStatus.NOCOMMIT if waiting > 0 else GroupStatus.OK
                yield PartitionLateness(where, None, limits, UNKNOWN_LAG if waiting > 0 else NO_LAG, status)

    def _time_lag(self, where: TopicPartition, committed: int, limits: Bounds, now_ms: int) -> TimeLag:
        probes = self._probes.get(where)
        probe = probes.get(max(committed, limits.start or 0)) if probes else None
        return time_lag(
            committed=committed,
            start=limits.start,
            end=limits.end,
            history=self._heads.get(where),
            now_ms=now_ms,
            probe=probe,
        )


_make_row: Final = tuple.__new__
"""Makes a row without the call of its own constructor: most partitions of a large cluster are read to their end."""
_SWEEP_EVERY: Final = 60
"""Ticks between two sweeps of what no group reads any more."""


def assigned_partitions(described: GroupDescription | object) -> set[TopicPartition]:
    """Return the partitions that the members of a group own; none when the group could not be described."""
    if not isinstance(described, GroupDescription):
        return set()
    return {where for member in described.members for where in member.assignment}
