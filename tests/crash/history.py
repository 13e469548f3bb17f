"""Was anything lost, duplicated, reordered, read with two values, read though aborted, or skipped by a reader?

A pure check of a recorded history. It knows nothing of the broker: it compares what producers were promised and
readers saw with what an independent reader finds in the segment files afterwards.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple


class Fate(Enum):
    """What the markers in the log make of what is stored at an offset."""

    VISIBLE = auto()
    ABORTED = auto()
    OPEN = auto()
    """No marker decides it yet."""
    MARKER = auto()
    """It is a marker itself."""


class Stored(NamedTuple):
    """What the log holds at one offset."""

    value: bytes
    fate: Fate = Fate.VISIBLE


class Written(NamedTuple):
    """One acknowledged or observed record: where the broker said it is."""

    partition: int
    offset: int
    value: bytes


@dataclass(slots=True, kw_only=True)
class Violations:
    """Everything wrong with a history; empty lists mean that it is clean."""

    lost: list[Written] = field(default_factory=list)
    duplicated: list[bytes] = field(default_factory=list)
    reordered: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    """(partition, earlier value, later value) of one producer whose sequence goes back."""
    two_values: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)
    """(partition, offset, value that a reader saw, value in the log)."""
    aborted_reads: list[Written] = field(default_factory=list)
    """What a reader of committed records saw of a transaction that was aborted, or not decided."""
    poll_skips: list[tuple[int, int]] = field(default_factory=list)
    """(partition, offset) that a reader passed over, or went back to."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """(partition, missing offset)."""

    def __bool__(self) -> bool:
        return any(
            (
                self.lost,
                self.duplicated,
                self.reordered,
                self.two_values,
                self.aborted_reads,
                self.poll_skips,
                self.gaps,
            )
        )


def sequence_of(value: bytes) -> tuple[bytes, int]:
    """Split a value `producer:sequence[:padding]` into its producer and its sequence number."""
    producer, sequence = value.split(b":", 2)[:2]
    return producer, int(sequence)


def check_history(
    acknowledged: Iterable[Written],
    observed: Collection[Written],
    log: Mapping[int, Mapping[int, Stored]],
    *,
    aborted: Collection[bytes] = (),
) -> Violations:
    """Compare promises and observations with the log.

    acknowledged: what delivery reports said, of transactions only those whose commit was confirmed; observed: what
    one reader of committed records saw, in its order, while the broker lived and died; log: partition -> offset ->
    what is there, read from the files by other code than the broker's; aborted: values of transactions whose abort
    was confirmed.
    """
    found = Violations()
    for record in acknowledged:
        stored = log.get(record.partition, {}).get(record.offset)
        if stored is None or stored.value != record.value or stored.fate is not Fate.VISIBLE:
            found.lost.append(record)
    _check_values(observed, log, frozenset(aborted), found)
    _check_polls(observed, log, found)
    _check_log(log, found)
    return found


def _check_values(
    observed: Iterable[Written],
    log: Mapping[int, Mapping[int, Stored]],
    aborted: frozenset[bytes],
    found: Violations,
) -> None:
    for record in observed:
        stored = log.get(record.partition, {}).get(record.offset, Stored(b"<nothing>"))
        if stored.value != record.value:
            found.two_values.append((record.partition, record.offset, record.value, stored.value))
        if record.value in aborted or stored.fate is not Fate.VISIBLE:
            found.aborted_reads.append(record)


def _check_polls(observed: Iterable[Written], log: Mapping[int, Mapping[int, Stored]], found: Violations) -> None:
    """A reader sees each visible record once, in order, from the first it saw to the last."""
    offsets: dict[int, list[int]] = defaultdict(list)
    for record in observed:
        offsets[record.partition].append(record.offset)
    for partition, seen in offsets.items():
        found.poll_skips.extend((partition, later) for earlier, later in pairwise(seen) if later <= earlier)
        met, first, last = set(seen), seen[0], max(seen)
        found.poll_skips.extend(
            (partition, offset)
            for offset, stored in log.get(partition, {}).items()
            if stored.fate is Fate.VISIBLE and first <= offset <= last and offset not in met
        )


def _check_log(log: Mapping[int, Mapping[int, Stored]], found: Violations) -> None:
    times_seen: dict[bytes, int] = defaultdict(int)
    for partition, records in log.items():
        last_of: dict[bytes, tuple[int, bytes]] = {}
        expected = min(records, default=0)
        for offset in sorted(records):
            found.gaps.extend((partition, missing) for missing in range(expected, offset))
            expected = offset + 1
            value, fate = records[offset]
            if fate is Fate.MARKER:
                continue
            times_seen[value] += 1
            producer, sequence = sequence_of(value)
            previous = last_of.get(producer)
            if previous is not None and sequence <= previous[0]:
                found.reordered.append((partition, previous[1], value))
            last_of[producer] = (sequence, value)
    found.duplicated.extend(value for value, count in times_seen.items() if count > 1)
