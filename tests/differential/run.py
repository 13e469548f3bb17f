"""How do chapters run on a broker, and what comes of comparing two runs?

A run of one broker does not depend on the other one's: runs can be kept and compared later, with another broker.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.catalogue import Amount, advertised, chapter, topics_of
from tests.differential.comparer import Seen, compare, describe, has_top_level_error, see
from tests.differential.generators.dataset import dataset_steps, dataset_topics
from tests.differential.permitted import Permitted
from tests.differential.session import Side, Step, in_order


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps, in the order in which they are performed, and the topics they need."""

    prefix: str
    steps: Sequence[Step]


def plan(keys: Sequence[ApiKey], amount: Amount, *, seed: int, prefix: str, base_ms: int | None = None) -> Plan:
    """Return the requests of some APIs, in all their versions, after those that fill the shared topics."""
    base_ms = int(time.time() * 1_000) - 600_000 if base_ms is None else base_ms
    steps = dataset_steps(prefix, base_ms)
    ranges = advertised()
    for key in keys:
        low, high = ranges[key]
        for version in range(low, high + 1):
            steps += chapter(key, version, amount, seed=seed, prefix=prefix, base_ms=base_ms)
    return Plan(prefix, steps)


def perform(plan: Plan, side: Side) -> list[Seen]:
    """Run a plan on a broker; return what was seen, a step each."""
    side.values["prefix"] = plan.prefix
    side.ensure_coordinator()
    side.create([*dataset_topics(plan.prefix), *topics_of(plan.steps)])
    seen: list[Seen] = []
    try:
        for step in plan.steps:
            observations = side.perform([step])
            # Seen at once: a topic that is deleted and made again has another id later.
            seen += [
                see(performed, side, observation)
                for performed, observation in zip(in_order([step]), observations, strict=True)
            ]
    finally:
        side.close()
    return seen


@dataclass(slots=True)
class Count:
    """The requests of one API and version."""

    valid: int = 0
    invalid: int = 0
    mutated: int = 0
    preparing: int = 0
    without_error: int = 0
    """Answered by Apache Kafka without an error of the whole request."""
    differing: int = 0

    def numbers(self) -> list[int]:
        """Return the numbers in the order of the fields."""
        return [getattr(self, one.name) for one in fields(self)]

    def add(self, numbers: Sequence[int]) -> None:
        """Add what `numbers` returned elsewhere."""
        for one, number in zip(fields(self), numbers, strict=True):
            setattr(self, one.name, getattr(self, one.name) + number)

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.valid + self.invalid + self.mutated + self.preparing


@dataclass(slots=True)
class Result:
    """What comparing two runs of one plan found."""

    differences: list[str] = field(default_factory=list)
    counts: dict[tuple[ApiKey, int], Count] = field(default_factory=dict)
    used: set[Permitted] = field(default_factory=set)


def compare_runs(plan: Plan, ours: Sequence[Seen], apache: Sequence[Seen]) -> Result:
    """Compare two runs step by step."""
    result = Result()
    for step, our_seen, apache_seen in zip(in_order(plan.steps), ours, apache, strict=True):
        compared = compare(step, our_seen, apache_seen)
        result.used |= compared.used
        version = step.version if step.chapter_version is None else step.chapter_version
        count = result.counts.setdefault((step.api_key, version), Count())
        kind = step.kind or "preparing"
        setattr(count, kind, getattr(count, kind) + 1)
        count.without_error += not has_top_level_error(apache_seen)
        if compared.differences:
            count.differing += 1
            result.differences.append(describe(step, compared))
    return result


def table(counts: dict[tuple[ApiKey, int], Count]) -> Iterator[str]:
    """Yield the lines of a table of counts, with its sums."""
    yield (
        f"{'API':28} {'version':>7} {'valid':>6} {'invalid':>7} {'mutated':>7} {'others':>6} {'no error':>8} "
        f"{'differ':>6}"
    )
    ranges = advertised()
    for (key, version), count in sorted(counts.items()):
        low, high = ranges.get(key, (0, -1))
        if not low <= version <= high:
            continue
        share = f"{count.without_error / count.total:.0%}"
        yield (
            f"{key.name:28} {version:7} {count.valid:6} {count.invalid:7} {count.mutated:7} {count.preparing:6} "
            f"{share:>8} {count.differing:6}"
        )
    everything = list(counts.values())
    total = sum(count.total for count in everything)
    fine = sum(count.without_error for count in everything)
    differing = sum(count.differing for count in everything)
    yield f"{total} requests, {fine / max(1, total):.1%} answered without a top-level error, {differing} differ"
