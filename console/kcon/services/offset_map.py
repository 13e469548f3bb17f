"""Which offset of the target is this offset of the source? A map by ranges, exact within each of them.

A migration writes the records of a range of source offsets one after the other, so where the first of them landed
tells where all did. Where the source has gaps (compaction, markers) the records before an offset must be counted.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRange:
    """`count` records of the source offsets [first, following), which stand at [target, target + count)."""

    first: int
    following: int
    target: int
    count: int

    @property
    def has_gaps(self) -> bool:
        """Some of the source offsets hold no record."""
        return self.following - self.first != self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """Where a commit goes."""

    offset: int
    count_from: int | None = None
    """The records from here to the commit must be counted in the source and added; None: it is exact."""


def mapped_ranges(records: Mapping[str, Mapping[str, Any]], prefix: str) -> dict[int, list[MappedRange]]:
    """Return the ranges by partition, sorted, of records named `PREFIX/PARTITION/FIRST`."""
    found: dict[int, list[MappedRange]] = {}
    for key, state in records.items():
        if not key.startswith(f"{prefix}/"):
            continue
        partition, _, first = key[len(prefix) + 1 :].partition("/")
        found.setdefault(int(partition), []).append(
            MappedRange(first=int(first), following=state["next"], target=state["target"], count=state["count"])
        )
    return {partition: sorted(ranges, key=lambda each: each.first) for partition, ranges in found.items()}


def translate(offset: int, ranges: Sequence[MappedRange], target_end: int) -> Translated:
    """Return the place of the first record at or after a source offset; the end when everything is before it."""
    index = bisect_right(ranges, offset, key=lambda each: each.first) - 1
    if index >= 0 and offset < ranges[index].following:
        inside = ranges[index]
        if inside.has_gaps and offset > inside.first:
            return Translated(offset=inside.target, count_from=inside.first)
        return Translated(offset=inside.target + offset - inside.first)
    if index + 1 < len(ranges):
        return Translated(offset=ranges[index + 1].target)
    return Translated(offset=target_end)
