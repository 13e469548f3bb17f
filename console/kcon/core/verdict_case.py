"""What do the rules ask of the facts of a group, and how do they put it? The case, and the words for it."""

import shlex
from dataclasses import dataclass, field, replace
from typing import Final

from kcon.core.units import format_count, format_duration
from kcon.core.verdict import GroupFacts, PartitionFacts, Verdict, VerdictRules
from kcon.core.wire_text import WireText


@dataclass(frozen=True, slots=True)
class Case:
    """The facts, with what several rules ask of them."""

    facts: GroupFacts
    rules: VerdictRules
    behind: tuple[PartitionFacts, ...] = field(default=())
    """Partitions with a lag that is old enough to matter, or of unknown age."""

    @classmethod
    def of(cls, facts: GroupFacts, rules: VerdictRules) -> "Case":
        """Find the partitions that are behind."""
        behind = tuple(
            each
            for each in facts.partitions
            if each.lag and (each.time_lag.value_ms is None or each.time_lag.value_ms > rules.late_ms)
        )
        return cls(facts, rules, behind)

    @property
    def word(self) -> str:
        """The group's name, as one word of a shell."""
        return word(self.facts.group)

    @property
    def is_watched(self) -> bool:
        """Long enough to speak of movement."""
        return self.facts.watched_ms >= self.rules.watch_ms

    @property
    def still(self) -> tuple[PartitionFacts, ...]:
        """Those behind whose commit stands still."""
        return tuple(each for each in self.behind if each.still_ms >= self.rules.still_ms)

    @property
    def moving(self) -> tuple[PartitionFacts, ...]:
        """Those whose commit moves."""
        return tuple(each for each in self.facts.partitions if each.out_per_s)

    @property
    def lag(self) -> int:
        """The known lags, summed."""
        return sum(each.lag or 0 for each in self.facts.partitions)


EXAMPLES: Final = 3
"""So many partitions are named; of the others only the number is told."""


def word(name: WireText) -> str:
    """Return a name as one word of a shell, made safe."""
    return shlex.quote(str(name))


def place(each: PartitionFacts) -> str:
    """Return `topic/partition`."""
    return f"{each.where.topic}/{each.where.partition}"


def names(facts: "list[PartitionFacts]") -> str:
    """Return the first few places, and how many more there are."""
    first = ", ".join(place(each) for each in facts[:EXAMPLES])
    return first if len(facts) <= EXAMPLES else f"{first} and {len(facts) - EXAMPLES} more"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def members(case: Case) -> str:
    """Return how many members there are, in words."""
    number = case.facts.members
    return "members unknown" if number is None else counted(number, "member")


def rate(per_s: float | None) -> str:
    """Return records a second; a dash when unknown."""
    return "—" if per_s is None else f"{format_count(round(per_s))}/s"


def oldest(case: Case) -> str:
    """Return the sentence on the oldest record that is not read yet."""
    known = [each.time_lag for each in case.behind if each.time_lag.value_ms is not None]
    if not known:
        return "how old the oldest unread record is, is not known"
    worst = max(known, key=lambda lag: lag.value_ms or 0)
    return f"the oldest unread record is {format_duration(worst.value_ms or 0)} old ({worst.quality.mark})"


def explained(found: list[Verdict], problems: tuple[str, ...]) -> Verdict:
    """Return the first verdict with what could not be read as evidence, and the others beside it."""
    first, *others = found
    return replace(first, evidence=(*first.evidence, *problems), also=tuple(others))
