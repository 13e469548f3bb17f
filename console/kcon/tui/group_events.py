"""What happened to a group while it was looked at? Differences between two descriptions, bounded, the latest first."""

from collections import deque
from typing import Final, NamedTuple

from kcon.core.ids import MemberId
from kcon.core.snapshot import GroupDescription

EVENTS_MAX: Final = 500


class GroupEvent(NamedTuple):
    """One thing that changed."""

    time_ms: int
    what: str


class GroupEvents:
    """The changes of one group since its view was opened."""

    def __init__(self) -> None:
        self.rows: deque[GroupEvent] = deque(maxlen=EVENTS_MAX)
        self._before: GroupDescription | None = None

    def look(self, time_ms: int, described: GroupDescription | None) -> None:
        """Compare with the description before; a look that brought none changes nothing."""
        before = self._before
        if described is None:
            return
        self._before = described
        if before is None:
            return
        found: list[str] = []
        if described.state != before.state:
            found.append(f"state {before.state} > {described.state}")
        if described.generation_id != before.generation_id:
            found.append(f"generation {before.generation_id} > {described.generation_id}: it rebalanced")
        if described.coordinator_id != before.coordinator_id:
            found.append(f"coordinator b{before.coordinator_id} > b{described.coordinator_id}")
        was, now = _members(before), _members(described)
        found += [f"{now[member]} joined" for member in now if member not in was]
        found += [f"{was[member]} left" for member in was if member not in now]
        self.rows.extendleft(GroupEvent(time_ms, what) for what in found)


def _members(described: GroupDescription) -> dict[MemberId, str]:
    return {member.member_id: f"{member.client_id} on {member.host}" for member in described.members}
