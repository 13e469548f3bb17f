"""Who stands still, and who is too slow? The causes of a lag that only movement shows.

Each rule speaks only of what was watched for `VerdictRules.watch_ms`, but for a group that nobody is in.
"""

from typing import Final

from kcon.core.units import format_count, format_duration
from kcon.core.verdict import Cause, Confidence, PartitionFacts, Verdict
from kcon.core.verdict_case import Case, counted, members, names, oldest, place, rate, word

HOT_TIMES: Final = 3.0
GROWTH: Final = 1.05
"""More written than read by this factor is growth, and more read than written is shrinkage."""


def dead(case: Case) -> Verdict | None:
    """Return that nobody is in the group while records wait."""
    if case.facts.members != 0 or not case.behind or case.facts.state in {"PreparingRebalance", "CompletingRebalance"}:
        return None
    if any(each.out_per_s for each in case.behind):
        return None  # Somebody commits from outside the group: a simple consumer.
    return Verdict(
        cause=Cause.DEAD_CONSUMER,
        confidence=Confidence.CERTAIN if case.is_watched else Confidence.LIKELY,
        headline=f"Nobody is in group {case.facts.group}, and {format_count(case.lag)} records wait.",
        evidence=(f"state {case.facts.state}, no members", oldest(case)),
        next_commands=(f"kcon group describe {case.word}", f"kcon group lag {case.word}"),
    )


def unowned(case: Case) -> Verdict | None:
    """Return that a partition with a commit belongs to no member."""
    if not case.facts.members or case.facts.unstable_ms or not any(each.member for each in case.facts.partitions):
        return None
    unowned = [each for each in case.still if each.member is None]
    if not unowned or len(unowned) == len(case.facts.partitions):
        return None
    return Verdict(
        cause=Cause.UNOWNED_PARTITION,
        confidence=Confidence.LIKELY,
        headline=f"{names(unowned)} {'has' if len(unowned) == 1 else 'have'} a commit and no owner in the group.",
        evidence=("its members are assigned other partitions only: they may have changed their subscription",),
        next_commands=(f"kcon group members {case.word}",),
        at=unowned[0].where,
    )


def stands(case: Case) -> Verdict | None:
    """One partition, one member, or everything: what does not move, and what does, tells which."""
    if not case.facts.members or not case.still or not case.is_watched:
        return None
    if not case.moving:
        return _stopped(case) if len(case.still) == len(case.behind) else None
    owned = [each for each in case.still if each.member is not None]
    if not owned:
        return None
    worst = max(owned, key=lambda each: each.time_lag.value_ms or 0)
    is_member_alive = any(each.member == worst.member for each in case.moving)
    others = sum(each.member == worst.member for each in case.facts.partitions) - 1
    if not is_member_alive and others > 0:
        return _stuck_member(case, worst)
    topic = word(worst.where.topic)
    return Verdict(
        cause=Cause.POISON_RECORD,
        confidence=Confidence.LIKELY if is_member_alive else Confidence.POSSIBLE,
        headline=f"{place(worst)} is stuck at {worst.committed or 0:,} while others move. Likely a record "
        "that cannot be processed.",
        evidence=(
            f"not moved for {format_duration(worst.still_ms)}; owner {worst.owner or 'unknown'}",
            "its owner commits other partitions meanwhile"
            if is_member_alive
            else "its owner has no other partition, so a hung process would look the same",
            oldest(case),
        ),
        next_commands=(
            f"kcon get {topic}/{worst.where.partition}/{worst.committed or 0}",
            f"kcon group reset {case.word} -t {topic}:{worst.where.partition} --to current+1 --dry-run",
        ),
        at=worst.where,
    )


def _stuck_member(case: Case, worst: PartitionFacts) -> Verdict:
    mine = [each for each in case.facts.partitions if each.member == worst.member]
    return Verdict(
        cause=Cause.STUCK_MEMBER,
        confidence=Confidence.LIKELY,
        headline=f"Member {worst.owner or worst.member or '?'} reads none of its {counted(len(mine), 'partition')}, "
        "though it is in the group.",
        evidence=(f"{names(mine)}: not moved for {format_duration(worst.still_ms)}; other members move",),
        next_commands=(f"kcon group members {case.word}", f"kcon group lag {case.word}"),
        at=worst.where,
    )


def _stopped(case: Case) -> Verdict:
    still_ms = min(each.still_ms for each in case.still)
    return Verdict(
        cause=Cause.STOPPED,
        confidence=Confidence.LIKELY if still_ms >= case.rules.unstable_ms else Confidence.POSSIBLE,
        headline=f"Group {case.facts.group} has {members(case)} and reads nothing: all of its "
        f"{counted(len(case.behind), 'lagging partition')} {'stands' if len(case.behind) == 1 else 'stand'} still.",
        evidence=(
            f"no commit has moved for {format_duration(still_ms)}",
            oldest(case),
            "a consumer that commits rarely would look the same for as long",
        ),
        next_commands=(
            f"kcon group members {case.word}",
            f"kcon why {case.word} --for 60s",
        ),
    )


def hot(case: Case) -> Verdict | None:
    """Return that one partition gets most of the writes, and has most of the lag."""
    known = [each for each in case.facts.partitions if each.lag is not None]
    if not case.is_watched or len(known) < 3 or not case.behind:
        return None
    worst = max(case.behind, key=lambda each: each.lag or 0)
    writes = [each.in_per_s for each in known if each.in_per_s is not None]
    fair = sum(writes) / len(writes) if writes else 0.0
    is_hot = worst.in_per_s is not None and fair > 0 and worst.in_per_s >= HOT_TIMES * fair
    if not is_hot or (worst.lag or 0) < case.rules.hot_share * case.lag or not worst.out_per_s:
        return None
    share = (worst.in_per_s or 0.0) / sum(writes)
    return Verdict(
        cause=Cause.HOT_PARTITION,
        confidence=Confidence.LIKELY,
        headline=f"{place(worst)} gets {share:.0%} of the writes, more than its reader keeps up with.",
        evidence=(
            f"{rate(worst.in_per_s)} written, {rate(worst.out_per_s)} read; its fair share is {rate(fair)}",
            f"{(worst.lag or 0) / case.lag:.0%} of the lag is there",
        ),
        next_commands=(f"kcon topic analyze {word(worst.where.topic)}",),
        at=worst.where,
    )


def speed(case: Case) -> Verdict | None:
    """More is written than read, or less."""
    if not case.is_watched or not case.behind or not case.moving:
        return None
    written = sum(each.in_per_s or 0.0 for each in case.facts.partitions)
    read = sum(each.out_per_s or 0.0 for each in case.facts.partitions)
    evidence = (f"{rate(written)} written, {rate(read)} read", oldest(case))
    if written > read * GROWTH:
        left = [each.retention_left_ms for each in case.behind if each.retention_left_ms is not None]
        risk = (f"retention reaches the oldest unread record in {format_duration(min(left))}",) if left else ()
        return Verdict(
            cause=Cause.SLOW_CONSUMER,
            confidence=Confidence.LIKELY,
            headline=f"Group {case.facts.group} reads {rate(read)} and {rate(written)} is written: the lag only grows.",
            evidence=(*evidence, *risk),
            next_commands=(
                f"kcon group lag {case.word}",
                f"kcon group members {case.word}",
            ),
        )
    if read <= written * GROWTH:
        return None  # Level: neither grows nor shrinks, as far as a short look can tell.
    eta_ms = round(case.lag / (read - written) * 1000)
    return Verdict(
        cause=Cause.CATCHING_UP,
        confidence=Confidence.LIKELY,
        headline=f"Group {case.facts.group} catches up: {format_count(case.lag)} records, "
        f"about {format_duration(eta_ms)} more.",
        evidence=evidence,
    )
