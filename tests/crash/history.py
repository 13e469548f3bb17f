"""Was anything lost, duplicated, reordered, or read with two values? A pure check of a recorded history.

It knows nothing of the broker: it compares what producers were promised and readers saw with what an
independent reader finds in the segment files afterwards.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Written(NamedTuple):
    """One acknowledged record: where the broker said it is."""

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
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """(partition, missing offset)."""

    def __bool__(self) -> bool:
        return any((self.lost, self.duplicated, self.reordered, self.two_values, self.gaps))


def sequence_of(value: bytes) -> tuple[bytes, int]:
    """Split a value `producer:sequence[:padding]` into its producer and its sequence number."""
    producer, sequence = value.split(b":", 2)[:2]
    return producer, int(sequence)


def check_history(
    acknowledged: Iterable[Written],
    observed: Iterable[Written],
    log: Mapping[int, Mapping[int, bytes]],
) -> Violations:
    """Compare promises and observations with the log.

    acknowledged: what delivery reports said; observed: what readers saw while the broker lived and died;
    log: partition -> offset -> value, read from the files by other code than the broker's.
    """
    found = Violations()
    for record in acknowledged:
        if log.get(record.partition, {}).get(record.offset) != record.value:
            found.lost.append(record)
    for record in observed:
        stored = log.get(record.partition, {}).get(record.offset, b"<nothing>")
        if stored != record.value:
            found.two_values.append((record.partition, record.offset, record.value, stored))
    times_seen: dict[bytes, int] = defaultdict(int)
    for partition, records in log.items():
        last_of: dict[bytes, tuple[int, bytes]] = {}
        expected = min(records, default=0)
        for offset in sorted(records):
            found.gaps.extend((partition, missing) for missing in range(expected, offset))
            expected = offset + 1
            value = records[offset]
            times_seen[value] += 1
            producer, sequence = sequence_of(value)
            previous = last_of.get(producer)
            if previous is not None and sequence <= previous[0]:
                found.reordered.append((partition, previous[1], value))
            last_of[producer] = (sequence, value)
    found.duplicated.extend(value for value, count in times_seen.items() if count > 1)
    return found
