"""What is the matter with a topic? One cause with its evidence, told from facts that were measured. No I/O, no clock.

Everything here is told by one look, because the log itself remembers: the brokers' index of times says how much was
written when, so neither a hot partition nor a producer that fell silent needs to be watched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kcon.core.ids import TopicName, TopicPartition
from kcon.core.partition_health import PartitionHealth
from kcon.core.transaction import HangingTransaction
from kcon.core.units import format_count, format_duration
from kcon.core.verdict import Cause, Confidence, Verdict
from kcon.core.verdict_case import counted, explained, word

HOT_TIMES: Final = 3.0
"""A partition is hot at so many times its fair share of the writes,"""
HOT_PARTITIONS_MIN: Final = 3
HOT_RECORDS_MIN: Final = 1_000
"""when at least so many records were written to the topic."""
SILENT_MS: Final = 60_000
"""No shorter silence is one."""
EXAMPLES_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFacts:
    """One topic at one moment. None is "not known"."""

    topic: TopicName
    partitions: int
    health: PartitionHealth
    written: dict[TopicPartition, int] = field(default_factory=dict)
    """Offsets written in the last `window_ms`, by partition."""
    window_ms: int = 0
    silent_ms: int | None = None
    """Since the newest record; None: there is none, or its time is not known."""
    earlier: tuple[int, ...] = ()
    """Offsets written in equal spans of time, a third of the silence each, that end with the newest record."""
    hanging: tuple[HangingTransaction, ...] = ()
    problems: tuple[str, ...] = ()
    """Sentences: what could not be read."""


def judge_topic(facts: TopicFacts) -> Verdict:
    """Return the cause that explains most, with the others that hold too."""
    found = [verdict for rule in _RULES if (verdict := rule(facts)) is not None]
    return explained(found or [_fine(facts)], facts.problems)


# --- what topics and clusters share ----------------------------------------------------------------------------


def places(found: Sequence[TopicPartition]) -> str:
    """Name the first partitions."""
    names = ", ".join(f"{where.topic}/{where.partition}" for where in found[:EXAMPLES_MAX])
    return names if len(found) <= EXAMPLES_MAX else f"{names} and {len(found) - EXAMPLES_MAX:,} more"


def suspects(health: PartitionHealth) -> tuple[str, ...]:
    """Say in how many partitions each broker's replica is missing, the worst broker first."""
    ranked = sorted(health.suspects.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        f"broker {broker_id}: its replica is missing in {counted(count, 'partition')}"
        for broker_id, count in ranked[:EXAMPLES_MAX]
    )


def judge_offline(health: PartitionHealth, of_what: str, next_commands: tuple[str, ...]) -> Verdict | None:
    """Tell of partitions without a leader. of_what: ends the headline, e.g. `of topic orders`, or ""."""
    if not health.offline:
        return None
    verb = "has" if len(health.offline) == 1 else "have"
    return Verdict(
        cause=Cause.BROKER_DOWN,
        confidence=Confidence.CERTAIN,
        headline=f"{counted(len(health.offline), 'partition')}{of_what} {verb} no leader: neither written nor read.",
        evidence=(f"without a leader: {places(health.offline)}", *suspects(health)),
        next_commands=next_commands,
        at=health.offline[0],
    )


def judge_min_isr(health: PartitionHealth, of_what: str, next_commands: tuple[str, ...]) -> Verdict | None:
    """Tell of partitions with too few replicas in sync."""
    short = health.under_min_isr
    if not short:
        return None
    verb = "has" if len(short) == 1 else "have"
    return Verdict(
        cause=Cause.UNDER_MIN_ISR,
        confidence=Confidence.CERTAIN,
        headline=f"{counted(len(short), 'partition')}{of_what} {verb} too few replicas in sync: "
        "acks=all writes are refused.",
        evidence=(f"below min.insync.replicas: {places(short)}", *suspects(health)),
        next_commands=next_commands,
        at=short[0],
    )


def judge_replicas(health: PartitionHealth, of_what: str, next_commands: tuple[str, ...]) -> Verdict | None:
    """Tell of partitions whose replicas are behind, and that work all the same."""
    behind = health.under_replicated
    if not behind:
        return None
    verb = "has" if len(behind) == 1 else "have"
    return Verdict(
        cause=Cause.UNDER_REPLICATED,
        confidence=Confidence.CERTAIN,
        headline=f"{counted(len(behind), 'partition')}{of_what} {verb} replicas that are not in sync.",
        evidence=(f"behind: {places(behind)}", *suspects(health)),
        next_commands=next_commands,
        at=behind[0],
    )


def judge_hanging(hanging: Sequence[HangingTransaction]) -> Verdict | None:
    """Tell of transactions that no coordinator will end (KIP-664)."""
    if not hanging:
        return None
    first = hanging[0]
    where = first.producer.partition
    return Verdict(
        cause=Cause.HANGING_TRANSACTION,
        confidence=Confidence.CERTAIN,
        headline=f"{counted(len(hanging), 'transaction')} {'hangs' if len(hanging) == 1 else 'hang'}: "
        "read_committed consumers wait, and nobody will end it.",
        evidence=tuple(
            f"{each.producer.partition.topic}/{each.producer.partition.partition}: open since offset "
            f"{each.producer.txn_start_offset:,}, producer {each.producer.producer_id}, "
            f"{each.transactional_id or 'unknown to every coordinator'}"
            for each in hanging[:EXAMPLES_MAX]
        ),
        next_commands=(
            f"kcon txn hanging {word(where.topic)}",
            (
                f"kcon txn abort {word(where.topic)} -p {where.partition} "
                f"--start-offset {first.producer.txn_start_offset} --dry-run"
            ),
        ),
        at=where,
    )


# --- the topic's rules -----------------------------------------------------------------------------------------


def _word(facts: TopicFacts) -> str:
    return word(facts.topic)


def _next(facts: TopicFacts) -> tuple[str, ...]:
    return "kcon why cluster", f"kcon topic describe {_word(facts)}"


def _offline(facts: TopicFacts) -> Verdict | None:
    return judge_offline(
        facts.health, f" of {facts.topic}", ("kcon why cluster", f"kcon topic describe {_word(facts)}")
    )


def _min_isr(facts: TopicFacts) -> Verdict | None:
    return judge_min_isr(
        facts.health, f" of {facts.topic}", ("kcon why cluster", f"kcon topic describe {_word(facts)}")
    )


def _hanging(facts: TopicFacts) -> Verdict | None:
    return judge_hanging(facts.hanging)


def _stopped(facts: TopicFacts) -> Verdict | None:
    """A silence is strange when the topic was never silent for a third as long, in four times as long before it."""
    if facts.silent_ms is None or facts.silent_ms < SILENT_MS or not facts.earlier or min(facts.earlier) <= 0:
        return None
    span_ms = facts.silent_ms // 3
    return Verdict(
        cause=Cause.PRODUCER_STOPPED,
        confidence=Confidence.LIKELY,
        headline=f"Nothing was written to {facts.topic} for {format_duration(facts.silent_ms)}: "
        "it was never silent for so long before.",
        evidence=(
            (
                f"before that something came in each {format_duration(span_ms)} of the last "
                f"{format_duration(span_ms * len(facts.earlier))}"
            ),
            f"{format_count(sum(facts.earlier))} records in that time",
        ),
        next_commands=(f"kcon topic producers {_word(facts)}", f"kcon tail {_word(facts)} -n 5 -e"),
    )


def _hot(facts: TopicFacts) -> Verdict | None:
    total = sum(facts.written.values())
    if len(facts.written) < HOT_PARTITIONS_MIN or total < HOT_RECORDS_MIN:
        return None
    worst = max(facts.written, key=lambda where: facts.written[where])
    fair = total / len(facts.written)
    if facts.written[worst] < HOT_TIMES * fair:
        return None
    return Verdict(
        cause=Cause.HOT_PARTITION,
        confidence=Confidence.LIKELY,
        headline=f"{worst.topic}/{worst.partition} gets {facts.written[worst] / total:.0%} of what is written to "
        f"{counted(facts.partitions, 'partition')}.",
        evidence=(
            (
                f"{format_count(facts.written[worst])} of {format_count(total)} records in the last "
                f"{format_duration(facts.window_ms)}; its fair share is {format_count(round(fair))}"
            ),
            "a few keys may carry most of the records",
        ),
        next_commands=(f"kcon topic analyze {_word(facts)}",),
        at=worst,
    )


def _replicas(facts: TopicFacts) -> Verdict | None:
    return judge_replicas(facts.health, f" of {facts.topic}", _next(facts))


_RULES: Final[tuple[Callable[[TopicFacts], Verdict | None], ...]] = (
    _offline,
    _min_isr,
    _hanging,
    _stopped,
    _hot,
    _replicas,
)


def _fine(facts: TopicFacts) -> Verdict:
    total = sum(facts.written.values())
    evidence = (
        (
            f"{format_count(total)} records in the last {format_duration(facts.window_ms)}; "
            f"{counted(facts.partitions, 'partition')} in sync"
        ),
    )
    if total:
        headline, cause = f"Topic {facts.topic} is well.", Cause.HEALTHY
    elif facts.silent_ms is None:
        headline, cause = f"Topic {facts.topic} is well, and holds no record that tells its time.", Cause.IDLE
    else:
        headline = f"Topic {facts.topic} is well; its newest record is {format_duration(facts.silent_ms)} old."
        cause = Cause.IDLE
    return Verdict(cause=cause, confidence=Confidence.CERTAIN, headline=headline, evidence=evidence)
