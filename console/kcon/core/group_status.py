"""Is a partition of a group all right? Burrow's ordered rules, on looks instead of commits, in seconds.

Before the rules stand three states of the whole group that Burrow does not know. The numbers are Burrow's, continued:
dashboards that draw `kcon_consumergroup_status` may keep their thresholds.
"""

from dataclasses import dataclass
from enum import IntEnum
from operator import sub
from typing import Final

from kcon.core.commit_window import INTERVALS, CommitWindow
from kcon.core.time_lag import TimeLag


class GroupStatus(IntEnum):
    """What is wrong with a partition of a group, or with the group. Sorted by number, not by weight: see `WEIGHT`."""

    NOTFOUND = 0
    OK = 1
    WARN = 2
    """The lag grows at each look, while records are read: too slow."""
    ERR = 3
    """A group with a partition in STOP, STALL or REWIND, in Burrow's words."""
    STOP = 4
    """Nothing of the group moves any more, though it has members and records wait."""
    STALL = 5
    """This partition does not move, while others of its group do."""
    REWIND = 6
    """The commit went back and has not come up again."""
    NOCOMMIT = 7
    """Assigned, and never committed, while records wait."""
    REBALANCING = 8
    """The group has not been stable for too long."""
    DEAD = 9
    """Nobody is in the group, and records wait for longer than they do between two runs of a job."""

    @property
    def is_error(self) -> bool:
        """Burrow would report the group as ERR, or kcon as not working at all."""
        return self in _ERRORS


_ERRORS: Final = frozenset({GroupStatus.STOP, GroupStatus.STALL, GroupStatus.REWIND, GroupStatus.DEAD, GroupStatus.ERR})

WEIGHT: Final = {
    status: weight
    for weight, status in enumerate(
        (
            GroupStatus.NOTFOUND,
            GroupStatus.OK,
            GroupStatus.NOCOMMIT,
            GroupStatus.WARN,
            GroupStatus.REBALANCING,
            GroupStatus.REWIND,
            GroupStatus.DEAD,
            GroupStatus.STALL,
            GroupStatus.STOP,
            GroupStatus.ERR,
        )
    )
}
"""How much a status matters; the largest of its partitions is the group's."""


PAUSES: Final = 3
"""So many of the longest pauses between two moves are still patience, not a standstill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRules:
    """Thresholds, all configurable."""

    allowed_lag_ms: int = 0
    """A time lag up to here is always OK."""
    rebalancing_ms: int = 60_000
    """A group may be unstable for so long."""
    still_ms: int = 60_000
    """A commit that has not moved for so long stands still; three of the longest pauses seen, where that is more."""
    intervals: int = INTERVALS
    """Looks that are needed before anything but OK is said of a partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMoment:
    """What is known of the whole group at the last look."""

    members: int | None
    """None: could not be read."""
    is_stable: bool
    unstable_since_ms: int | None = None
    moved_ms: int | None = None
    """When any partition of the group last moved; None: not while it was watched."""


def partition_status(
    window: CommitWindow | None,
    lag: TimeLag,
    group: GroupMoment,
    *,
    now_ms: int,
    end: int | None = None,
    rules: StatusRules | None = None,
) -> GroupStatus:
    """Return the status of one partition of one group.

    window: None when there is no commit (then `end`, less what retention took, tells whether records wait).
    The rules after the first three are those of Burrow's evaluator, in its order.
    """
    rules = rules or StatusRules()
    if window is None or not len(window):
        return GroupStatus.NOCOMMIT if end else GroupStatus.OK
    if window.last_end <= window.last_committed or (lag.value_ms is not None and lag.value_ms <= rules.allowed_lag_ms):
        return GroupStatus.OK
    if group.members == 0 and window.has_waited:
        return GroupStatus.DEAD if _stands_still(window, now_ms, rules) else GroupStatus.OK
    if not group.is_stable and group.unstable_since_ms is not None:
        if now_ms - group.unstable_since_ms > rules.rebalancing_ms:
            return GroupStatus.REBALANCING
        return GroupStatus.OK  # Partitions stand still in every rebalance.
    if not window.is_complete(rules.intervals):
        return GroupStatus.OK
    return _judge(window, group, now_ms, rules)


def group_status(statuses: "list[GroupStatus]") -> GroupStatus:
    """Return the worst of a group's partitions; NOTFOUND when it has none."""
    return max(statuses, key=WEIGHT.__getitem__, default=GroupStatus.NOTFOUND)


def _judge(window: CommitWindow, group: GroupMoment, now_ms: int, rules: StatusRules) -> GroupStatus:
    committed = window.committed
    lags = list(map(sub, window.ends, committed))
    if max(committed) > committed[-1]:
        return GroupStatus.REWIND
    if min(lags) <= 0:
        return GroupStatus.OK  # It was at the end within the window: a slow topic, or a burst just now.
    if committed[0] == committed[-1]:
        if not _stands_still(window, now_ms, rules):
            return GroupStatus.OK  # Who commits rarely stands still between two commits.
        moved_since = group.moved_ms is not None and group.moved_ms >= window.times_ms[0]
        return GroupStatus.STALL if moved_since else GroupStatus.STOP
    return GroupStatus.WARN if lags[0] < lags[-1] and lags == sorted(lags) else GroupStatus.OK


def _stands_still(window: CommitWindow, now_ms: int, rules: StatusRules) -> bool:
    return window.still_ms(now_ms) > max(rules.still_ms, PAUSES * window.longest_pause_ms)
