"""May a broker be stopped? Judged without I/O: what each partition and the quorum would have left."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from kcon.core.broker_facts import Quorum
from kcon.core.frozen import Frozen
from kcon.core.ids import TopicPartition
from kcon.core.snapshot import TopicInfo


class Verdict(Enum):
    """How one finding counts; only BAD makes the broker's stop unsafe."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(Frozen):
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    detail: str
    examples: tuple[TopicPartition, ...] = ()
    """The first partitions that are meant."""


class Held(NamedTuple):
    """What stopping a broker does to the partitions that have a replica on it."""

    total: int
    alone: list[TopicPartition]
    """They have no other replica."""
    offline: list[TopicPartition]
    """Others have replicas, and none of them is in sync."""
    below_minimum: list[TopicPartition]
    """Fewer in sync than producers with acks=all want."""
    uncertain: list[TopicPartition]
    """Their minimum could not be read."""


EXAMPLES_MAX = 5


def look_at_partitions(broker_id: int, topics: Iterable[TopicInfo], minimums: Mapping[str, int | None]) -> Held:
    """Sort the partitions of a broker by what they lose. minimums: `min.insync.replicas` by topic, None: unknown."""
    held = Held(0, [], [], [], [])
    count = 0
    for topic in topics:
        minimum = minimums.get(topic.name.raw)
        for part in topic.partitions:
            if broker_id not in part.replicas:
                continue
            count += 1
            where = TopicPartition(topic.name, part.partition)
            left = len(set(part.isr) - {broker_id})
            if part.replicas == (broker_id,):
                held.alone.append(where)
            elif left == 0:
                held.offline.append(where)
            elif minimum is None:
                held.uncertain.append(where)
            # One that is below its minimum already, without this broker, does not get worse by it.
            elif left < minimum and broker_id in part.isr:
                held.below_minimum.append(where)
    return held._replace(total=count)


def judge_partitions(held: Held, *, allow_single: bool) -> list[Finding]:
    """Say what stopping the broker does to its partitions."""
    findings = []
    for places, verdict, one in (
        (held.alone, Verdict.WARN if allow_single else Verdict.BAD, "live on this broker alone and would be gone"),
        (held.offline, Verdict.BAD, "have no other replica in sync and would be offline"),
        (held.below_minimum, Verdict.BAD, "would be below min.insync.replicas: acks=all would fail"),
        (held.uncertain, Verdict.WARN, "did not tell their min.insync.replicas"),
    ):
        if places:
            examples = tuple(places[:EXAMPLES_MAX])
            detail = f"{len(places):,} of {held.total:,} partitions {one}."
            findings.append(Finding(subject="partitions", verdict=verdict, detail=detail, examples=examples))
    if not any(finding.verdict is Verdict.BAD for finding in findings):
        detail = f"{held.total:,} partitions have a replica here, and enough others in sync."
        if held.alone or held.uncertain:
            detail = "No other partition goes offline or below its minimum."
        findings.insert(0, Finding(subject="partitions", verdict=Verdict.OK, detail=detail))
    return findings


def judge_quorum(broker_id: int, quorum: Quorum | None, *, now_ms: int, stale_ms: int) -> Finding:
    """Say whether the metadata quorum survives. A voter counts that caught up within `stale_ms`, or leads."""
    if quorum is None:
        return Finding(subject="quorum", verdict=Verdict.WARN, detail="The metadata quorum could not be read.")
    voters = {voter.id for voter in quorum.voters}
    if broker_id not in voters:
        return Finding(subject="quorum", verdict=Verdict.OK, detail="This broker does not vote.")
    fit = {
        voter.id
        for voter in quorum.voters
        if voter.id == quorum.leader_id
        or voter.last_caught_up_ms is None
        or now_ms - voter.last_caught_up_ms <= stale_ms
    }
    left, needed = len(fit - {broker_id}), len(voters) // 2 + 1
    if left < needed:
        detail = f"It votes, and of {len(voters)} voters only {left} others keep up; {needed} are needed."
        return Finding(subject="quorum", verdict=Verdict.BAD, detail=detail)
    detail = f"It votes; {left} others keep up and {needed} are needed."
    if broker_id == quorum.leader_id:
        detail += " It leads now: another one takes over."
    return Finding(subject="quorum", verdict=Verdict.OK, detail=detail)
