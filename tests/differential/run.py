"""How do chapters run on a broker, and what comes of comparing two runs?

A run of one broker does not depend on the other one's: runs can be kept and compared later, with another broker.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.api_table import API_TABLE
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
    seen: list[Seen] = []
    try:
        side.ensure_coordinator()
        side.create([*dataset_topics(plan.prefix), *topics_of(plan.steps)])
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
    passing: int = 0
    """Differed once and not again: Apache Kafka races with itself when the machine is busy."""

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


Counts = dict[tuple[ApiKey, int], Count]
"""By API and version."""


@dataclass(slots=True)
class Result:
    """What comparing two runs of one plan found."""

    differences: dict[int, str] = field(default_factory=dict)
    """What differs, for people to read, by the number of the step."""
    counts: Counts = field(default_factory=dict)
    used: set[Permitted] = field(default_factory=set)

    def keep(self, plan: Plan, again: Collection[int]) -> None:
        """Keep the differences that came again, count the others as passing."""
        steps = in_order(plan.steps)
        for number in [number for number in self.differences if number not in again]:
            del self.differences[number]
            count = self.counts[_chapter_of(steps[number])]
            count.differing -= 1
            count.passing += 1


def compare_runs(plan: Plan, ours: Sequence[Seen], apache: Sequence[Seen]) -> Result:
    """Compare two runs step by step."""
    result = Result()
    for number, (step, our_seen, apache_seen) in enumerate(zip(in_order(plan.steps), ours, apache, strict=True)):
        compared = compare(step, our_seen, apache_seen)
        result.used |= compared.used
        count = result.counts.setdefault(_chapter_of(step), Count())
        kind = step.kind or "preparing"
        setattr(count, kind, getattr(count, kind) + 1)
        count.without_error += not has_top_level_error(apache_seen)
        if compared.differences:
            count.differing += 1
            result.differences[number] = describe(step, compared)
    return result


def compare_until_stable(make: Callable[[], Plan], ours: Side, apache: Side, *, attempts_max: int = 3) -> Result:
    """Compare one chapter; what differs is asked again, with topics and groups of its own, before it counts.

    The same seed makes the same requests, so a difference is at the same step in every attempt. One that does not
    come again is what a busy Apache Kafka answers before it has caught up with itself; it is counted
    apart.
    """
    wanted = make()
    seen = perform(wanted, apache)
    result = compare_runs(wanted, perform(wanted, ours), seen)
    for _ in range(attempts_max - 1):
        if not result.differences:
            break
        wanted = make()
        seen = perform(wanted, apache)
        again = compare_runs(wanted, perform(wanted, ours), seen)
        result.used |= again.used
        result.keep(wanted, again.differences)
    return result


def _chapter_of(step: Step) -> tuple[ApiKey, int]:
    return step.api_key, step.version if step.chapter_version is None else step.chapter_version


def too_few(counts: Mapping[tuple[ApiKey, int], Count], least: int) -> list[str]:
    """Return the versions that were asked too few valid or invalid requests; unserved ones have no valid ones."""
    lines = []
    for (key, version), count in sorted(counts.items()):
        low = max(advertised().get(key, (0, -1))[0], API_TABLE[key].min_version)
        if low <= version <= advertised().get(key, (0, -1))[1] and min(count.valid, count.invalid) < least:
            lines.append(f"{key.name} v{version}: {count.valid} valid, {count.invalid} invalid, wanted are {least}")
    return lines


def table(counts: Counts) -> Iterator[str]:
    """Yield the lines of a table of counts, with its sums."""
    yield (
        f"{'API':28} {'version':>7} {'valid':>6} {'invalid':>7} {'mutated':>7} {'others':>6} {'no error':>8} "
        f"{'differ':>6} {'passing':>7}"
    )
    ranges = advertised()
    for (key, version), count in sorted(counts.items()):
        low, high = ranges.get(key, (0, -1))
        if not low <= version <= high:
            continue
        share = f"{count.without_error / count.total:.0%}"
        yield (
            f"{key.name:28} {version:7} {count.valid:6} {count.invalid:7} {count.mutated:7} {count.preparing:6} "
            f"{share:>8} {count.differing:6} {count.passing:7}"
        )
    everything = list(counts.values())
    total = sum(count.total for count in everything)
    fine = sum(count.without_error for count in everything)
    differing = sum(count.differing for count in everything)
    passing = sum(count.passing for count in everything)
    yield (
        f"{total} requests, {fine / max(1, total):.1%} answered without a top-level error, {differing} differ, "
        f"{passing} differed once and not again"
    )
