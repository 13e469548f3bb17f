"""What happened to a cluster while the console looked at it? What differs between two pictures, the latest first.

Brokers that come and go, replicas that fall behind, groups that stop or rebalance, and what was changed from here.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from kcon.core.group_status import GroupStatus
from kcon.core.ids import GroupId
from kcon.core.wire_text import WireText
from kcon.observe.snapshot import ClusterSnapshot
from kcon.tui.text import plural

EVENTS_MAX: Final = 200
PER_LOOK_MAX: Final = 10
"""Groups named at one look; of a thousand that stop together a number is enough."""


class ClusterEvent(NamedTuple):
    """One thing that happened."""

    time_ms: int
    what: str
    """Safe for a screen."""
    is_bad: bool = False


class ClusterEvents:
    """The events of one cluster."""

    def __init__(self) -> None:
        self.rows: deque[ClusterEvent] = deque(maxlen=EVENTS_MAX)
        self._brokers: frozenset[int] | None = None
        self._under_replicated = 0
        self._offline = 0
        self._groups: dict[GroupId, tuple[str, GroupStatus]] = {}

    def add(self, time_ms: int, what: str, *, is_bad: bool = False) -> None:
        """Write down what was done from here. what: safe for a screen."""
        self.rows.appendleft(ClusterEvent(time_ms, what, is_bad))

    def look(self, snapshot: ClusterSnapshot) -> bool:
        """Compare with the picture before; return whether brokers or replicas changed. The first is where it begins."""
        now_ms = snapshot.taken_ms
        brokers = frozenset(snapshot.brokers.broker_id)
        under, offline = sum(snapshot.topics.under_replicated), sum(snapshot.topics.offline)
        before = self._brokers
        changed = before is not None and (before, self._under_replicated, self._offline) != (brokers, under, offline)
        if before is not None:
            for broker_id in sorted(before - brokers):
                self.add(now_ms, f"broker {broker_id} is gone", is_bad=True)
            for broker_id in sorted(brokers - before):
                self.add(now_ms, f"broker {broker_id} is back")
            self._count(now_ms, self._offline, offline, "without a leader", "have a leader again")
            self._count(now_ms, self._under_replicated, under, "under-replicated", "in sync again")
        self._brokers, self._under_replicated, self._offline = brokers, under, offline
        if snapshot.has_offsets:
            self._look_at_groups(snapshot)
        return changed

    def _count(self, now_ms: int, before: int, now: int, bad: str, good: str) -> None:
        if now and not before:
            self.add(now_ms, f"{plural(now, 'partition')} {bad}", is_bad=True)
        elif before and not now:
            self.add(now_ms, f"{plural(before, 'partition')} {good}")

    def _look_at_groups(self, snapshot: ClusterSnapshot) -> None:
        groups, before = snapshot.groups, self._groups
        now = dict(zip(groups.group, zip(groups.state, groups.status, strict=True), strict=True))
        self._groups = now
        if not before:
            return
        told: list[tuple[str, bool]] = []
        for group, (state, status) in now.items():
            old_state, old_status = before.get(group, (state, status))
            if status is not old_status and (status.is_error or old_status.is_error):
                told.append((f"{_name(group)} {old_status.name} > {status.name}", status.is_error))
            elif state != old_state:
                told.append((f"{_name(group)} {old_state or '?'} > {state or '?'}", False))
        self._tell(snapshot.taken_ms, told)

    def _tell(self, now_ms: int, told: list[tuple[str, bool]]) -> None:
        told.sort(key=lambda each: each[1])
        for what, is_bad in told[-PER_LOOK_MAX:]:
            self.add(now_ms, what, is_bad=is_bad)
        if len(told) > PER_LOOK_MAX:
            self.add(now_ms, f"{len(told) - PER_LOOK_MAX:,} more groups changed")


def _name(group: WireText) -> str:
    return str(group)


def newest(events: Iterable[ClusterEvent], count: int) -> list[ClusterEvent]:
    """Return the latest events."""
    return [event for _place, event in zip(range(count), events, strict=False)]
