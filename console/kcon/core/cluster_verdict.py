"""What is the matter with the cluster? One cause with its evidence, told from facts that were measured. No I/O.

A broker that is gone explains partitions that are short of replicas, so it is told first, and they beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kcon.core.disk_usage import VolumeUse
from kcon.core.partition_health import PartitionHealth
from kcon.core.topic_verdict import judge_hanging, judge_min_isr, judge_offline, judge_replicas, suspects
from kcon.core.transaction import HangingTransaction
from kcon.core.units import format_bytes, format_duration
from kcon.core.verdict import Cause, Confidence, Verdict
from kcon.core.verdict_case import counted, explained

FREE_SHARE_MIN: Final = 0.15
"""A volume with less free than this is filling up."""
FULL_IN_MS: Final = 4 * 3_600_000
"""One that is full so soon at its present growth, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """The cluster at one moment; volumes may have been watched."""

    has_controller: bool
    live: frozenset[int]
    named: frozenset[int]
    """Brokers that hold replicas."""
    health: PartitionHealth
    hanging: tuple[HangingTransaction, ...] = ()
    volumes: tuple[VolumeUse, ...] = ()
    problems: tuple[str, ...] = ()
    """Sentences: what could not be read."""


def judge_cluster(facts: ClusterFacts) -> Verdict:
    """Return the cause that explains most, with the others that hold too."""
    found = [verdict for rule in _RULES if (verdict := rule(facts)) is not None]
    return explained(found or [_fine(facts)], facts.problems)


def _controller(facts: ClusterFacts) -> Verdict | None:
    if facts.has_controller:
        return None
    return Verdict(
        cause=Cause.NO_CONTROLLER,
        confidence=Confidence.CERTAIN,
        headline="The cluster has no controller: leaders are not elected, and nothing can be changed.",
        evidence=(f"{counted(len(facts.live), 'broker')} answer",),
        next_commands=("kcon cluster quorum", "kcon broker list"),
    )


def _gone(facts: ClusterFacts) -> Verdict | None:
    gone = sorted(facts.named - facts.live)
    if not gone:
        return None
    names = ", ".join(map(str, gone))
    return Verdict(
        cause=Cause.BROKER_DOWN,
        confidence=Confidence.CERTAIN,
        headline=f"Broker{'' if len(gone) == 1 else 's'} {names} {'is' if len(gone) == 1 else 'are'} gone.",
        evidence=(
            f"live: {', '.join(map(str, sorted(facts.live))) or 'none'}",
            *suspects(facts.health),
            f"{counted(len(facts.health.offline), 'partition')} without a leader",
        ),
        next_commands=("kcon broker list", "kcon topic list --offline", "kcon wait urp=0 --for 10m"),
    )


def _offline(facts: ClusterFacts) -> Verdict | None:
    return judge_offline(facts.health, "", ("kcon topic list --offline", "kcon broker list"))


def _log_dirs(facts: ClusterFacts) -> Verdict | None:
    offline = [volume for volume in facts.volumes if volume.error is not None]
    if not offline:
        return None
    first = offline[0]
    return Verdict(
        cause=Cause.LOG_DIR_OFFLINE,
        confidence=Confidence.CERTAIN,
        headline=f"Log dir {first.path} of broker {first.broker_id} is offline: its replicas are not served.",
        evidence=tuple(f"broker {each.broker_id}: {each.path}, {each.error}" for each in offline[:3]),
        next_commands=(f"kcon broker logdirs {first.broker_id}",),
    )


def _min_isr(facts: ClusterFacts) -> Verdict | None:
    return judge_min_isr(facts.health, "", ("kcon topic list --under-min-isr", "kcon broker list"))


def _hanging(facts: ClusterFacts) -> Verdict | None:
    return judge_hanging(facts.hanging)


def _disk(facts: ClusterFacts) -> Verdict | None:
    filling = [each for each in facts.volumes if _is_filling(each)]
    if not filling:
        return None
    worst = min(filling, key=lambda each: each.free_share if each.free_share is not None else 1.0)
    return Verdict(
        cause=Cause.DISK_FILLING,
        confidence=Confidence.CERTAIN,
        headline=f"The volume of {worst.path} on broker {worst.broker_id} is filling up.",
        evidence=tuple(_volume(each) for each in filling[:3]),
        next_commands=("kcon du --for 30s --retention 1d --retention 3d", "kcon du --by broker --for 30s"),
    )


def _is_filling(volume: VolumeUse) -> bool:
    is_short = volume.free_share is not None and volume.free_share < FREE_SHARE_MIN
    return is_short or (volume.full_in_ms is not None and volume.full_in_ms < FULL_IN_MS)


def _volume(volume: VolumeUse) -> str:
    share = "" if volume.free_share is None else f" ({volume.free_share:.0%})"
    text = f"broker {volume.broker_id}: {format_bytes(volume.usable_bytes or 0)}{share} free"
    text += f", {format_bytes(volume.kafka_bytes)} are Kafka's"
    return text if volume.full_in_ms is None else f"{text}, full in {format_duration(volume.full_in_ms)}"


def _replicas(facts: ClusterFacts) -> Verdict | None:
    return judge_replicas(facts.health, "", ("kcon topic list --under-replicated", "kcon broker list"))


_RULES: Final[tuple[Callable[[ClusterFacts], Verdict | None], ...]] = (
    _controller,
    _gone,
    _offline,
    _log_dirs,
    _min_isr,
    _hanging,
    _disk,
    _replicas,
)


def _fine(facts: ClusterFacts) -> Verdict:
    return Verdict(
        cause=Cause.HEALTHY,
        confidence=Confidence.CERTAIN,
        headline="The cluster is well.",
        evidence=(
            f"{counted(len(facts.live), 'broker')}, {counted(facts.health.total, 'partition')}, every replica in sync",
        ),
    )
