"""What is an alert made of? Findings of one look, the policy of a rule, what is remembered, and what is told."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from kcon.core.alert_rules import Severity

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""What an alert is about, sorted by name; values are safe text (`str(WireText)`)."""

RESOLVE_AFTER_MS: Final = 60_000
REPEAT_MS: Final = 4 * 3_600_000


def labels_of(**values: object) -> Labels:
    """Return labels, sorted."""
    return tuple(sorted((name, str(value)) for name, value in values.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look found: a rule holds for something."""

    rule: str
    labels: Labels = ()
    summary: str = ""
    """One sentence."""
    value: float | None = None

    @property
    def key(self) -> "AlertKey":
        """What makes two findings the same alert."""
        return self.rule, self.labels


AlertKey: TypeAlias = tuple[str, Labels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything that one look tells. What it could not judge keeps its state: unknown is not resolved."""

    findings: tuple[Finding, ...] = ()
    judged: frozenset[str] = frozenset()
    """The rules that could be judged."""
    unknown: frozenset[tuple[str, str]] = frozenset()
    """Labels of what could not be read: an alert with one of them keeps its state."""

    def plus(self, other: "Observation") -> "Observation":
        """Return what both tell together."""
        return Observation(
            findings=self.findings + other.findings,
            judged=self.judged | other.judged,
            unknown=self.unknown | other.unknown,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """How a rule's findings become notices."""

    name: str
    severity: Severity = Severity.WARN
    for_ms: int = 0
    """It must be found for so long without a break."""
    resolve_after_ms: int = RESOLVE_AFTER_MS
    """It must be gone for so long."""
    repeat_ms: int = REPEAT_MS
    """While it goes on it is told again so often; 0: never again."""
    inhibited_by: frozenset[str] = frozenset()
    """While an alert of one of these rules is there, those of this one are not told: they follow from it."""
    sinks: tuple[str, ...] = ()
    """Whom to tell; (): every sink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is remembered of one alert. Times are the engine's clock."""

    rule: str
    labels: Labels
    summary: str
    value: float | None
    since_ms: int
    """When it was first found, without a break."""
    seen_ms: int
    """When it was last found."""
    fired_ms: int | None = None
    """When it had held long enough; None: it is pending."""
    told_ms: int | None = None
    """When somebody was last told; None: nobody was, so nobody needs to hear of its end."""

    @property
    def key(self) -> AlertKey:
        """What it is found by."""
        return self.rule, self.labels

    @property
    def is_firing(self) -> bool:
        """It has held for as long as its rule wants."""
        return self.fired_ms is not None


class Change(Enum):
    """Why a notice is sent. The value is what sinks see."""

    FIRING = "firing"
    REPEATED = "repeated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One alert began, goes on, or ended."""

    change: Change
    rule: str
    severity: Severity
    labels: Labels
    summary: str
    value: float | None
    since_ms: int
    at_ms: int
    """When this notice was made; the end of an alert that is resolved."""
    sinks: tuple[str, ...] = field(default=())
    """Whom to tell; (): every sink."""

    def is_for(self, sink: str) -> bool:
        """Whether a sink is told."""
        return not self.sinks or sink in self.sinks


def count_by_rule(alerts: Collection[Alert]) -> dict[tuple[str, bool], int]:
    """Return how many alerts there are by rule and whether they fire."""
    counts: dict[tuple[str, bool], int] = {}
    for alert in alerts:
        counts[alert.rule, alert.is_firing] = counts.get((alert.rule, alert.is_firing), 0) + 1
    return counts
