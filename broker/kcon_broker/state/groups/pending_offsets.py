"""Which offsets are committed in transactions that are not decided yet?

They wait here, by producer, for the marker in the group's partition of `__consumer_offsets` (KIP-98). A record of the
same offset that is later in the log counts more than one that a transaction wrote before, whenever that is decided.
"""

from collections.abc import Callable
from typing import NamedTuple

from kcon_broker.state.groups.records import CommittedOffset


class OffsetPlace(NamedTuple):
    """Whose offset of which partition."""

    group_id: str
    topic: str
    partition: int


class _Pending(NamedTuple):
    serial: int
    value: CommittedOffset | None
    """None: a later record took its place."""


class PendingOffsets:
    """The offsets of open transactions."""

    def __init__(self) -> None:
        self._by_producer: dict[int, dict[OffsetPlace, _Pending]] = {}
        self._producers: dict[OffsetPlace, set[int]] = {}
        self._group_counts: dict[str, int] = {}
        self._serial = 0

    def __contains__(self, place: OffsetPlace) -> bool:
        """Say whether an open transaction has this offset."""
        return place in self._producers

    def has_group(self, group_id: str) -> bool:
        """Say whether an open transaction has any offset of this group."""
        return group_id in self._group_counts

    def group_ids(self) -> list[str]:
        """Return the groups that open transactions have offsets of."""
        return list(self._group_counts)

    def add(self, producer_id: int, place: OffsetPlace, value: CommittedOffset) -> None:
        """Let an offset wait for its producer's marker."""
        self._serial += 1
        offsets = self._by_producer.setdefault(producer_id, {})
        if place not in offsets:
            self._producers.setdefault(place, set()).add(producer_id)
            self._group_counts[place.group_id] = self._group_counts.get(place.group_id, 0) + 1
        offsets[place] = _Pending(self._serial, value)

    @property
    def has_any(self) -> bool:
        """Some producer's offsets are pending."""
        return bool(self._producers)

    def overtaken(self, place: OffsetPlace, *, by_serial: int | None = None) -> None:
        """Take note of a record that counts more than those before it; without a serial it is the newest."""
        for producer_id in self._producers.get(place, ()):
            offsets = self._by_producer[producer_id]
            if by_serial is None or offsets[place].serial < by_serial:
                offsets[place] = offsets[place]._replace(value=None)

    def end(
        self, producer_id: int, is_concerned: Callable[[str], bool], *, is_commit: bool
    ) -> list[tuple[OffsetPlace, CommittedOffset]]:
        """Take out a producer's offsets of the groups concerned; return those that are committed by that."""
        committed: list[tuple[OffsetPlace, CommittedOffset]] = []
        for place, pending in list(self._by_producer.get(producer_id, {}).items()):
            if not is_concerned(place.group_id):
                continue
            self._remove(producer_id, place)
            if is_commit and pending.value is not None:
                self.overtaken(place, by_serial=pending.serial)
                committed.append((place, pending.value))
        return committed

    def forget(self, group_id: str) -> None:
        """Drop a group's offsets from memory, as its partition is unloaded."""
        if group_id in self._group_counts:
            for place, producers in list(self._producers.items()):
                if place.group_id == group_id:
                    for producer_id in list(producers):
                        self._remove(producer_id, place)

    def _remove(self, producer_id: int, place: OffsetPlace) -> None:
        offsets = self._by_producer[producer_id]
        del offsets[place]
        if not offsets:
            del self._by_producer[producer_id]
        producers = self._producers[place]
        producers.discard(producer_id)
        if not producers:
            del self._producers[place]
        self._group_counts[place.group_id] -= 1
        if not self._group_counts[place.group_id]:
            del self._group_counts[place.group_id]
