"""Why does a group lag? One cause with its evidence, told from facts that were measured; or what is still missing.

The rules stand in the order in which they explain: a group whose broker is down is not "slow", and one that rebalances
all the time has no owner to blame. A rule speaks only of what was watched long enough for it; a confident wrong answer
is worse than "need 10 s more". No I/O, no clock.
"""

import shlex
from dataclasses import dataclass, field
from typing import Final

from kcon.core.units import format_count, format_duration
from kcon.core.verdict import Cause, Confidence, GroupFacts, PartitionFacts, Verdict, VerdictRules
from kcon.core.wire_text import WireText

HOT_TIMES: Final = 3.0
GROWTH: Final = 1.05
"""More written than read by this factor is growth."""


@dataclass(frozen=True, slots=True)
class _Case:
    """The facts, with what several rules ask of them."""

    facts: GroupFacts
    rules: VerdictRules
    behind: tuple[PartitionFacts, ...] = field(default=())
    """Partitions with a lag that is old enough to matter, or of unknown age."""

    @classmethod
    def of(cls, facts: GroupFacts, rules: VerdictRules) -> "_Case":
        behind = tuple(
            each
            for each in facts.partitions
            if each.lag and (each.time_lag.value_ms is None or each.time_lag.value_ms > rules.late_ms)
        )
        return cls(facts, rules, behind)

    @property
    def word(self) -> str:
        return _word(self.facts.group)

    @property
    def is_watched(self) -> bool:
        return self.facts.watched_ms >= self.rules.watch_ms

    @property
    def still(self) -> tuple[PartitionFacts, ...]:
        return tuple(each for each in self.behind if each.still_ms >= self.rules.still_ms)

    @property
    def moving(self) -> tuple[PartitionFacts, ...]:
        return tuple(each for each in self.facts.partitions if each.out_per_s)

    @property
    def lag(self) -> int:
        return sum(each.lag or 0 for each in self.facts.partitions)


def judge_group(facts: GroupFacts, rules: VerdictRules | None = None) -> Verdict:
    """Return the cause that explains most, with the others that hold too. UNKNOWN says what is missing."""
    case = _Case.of(facts, rules or VerdictRules())
    found = [verdict for rule in _RULES if (verdict := rule(case)) is not None]
    if not found:
        found = [_unknown(case)]
    first, *others = found
    also = tuple(other for other in others if not other.cause.is_fine and other.cause is not Cause.UNKNOWN)
    return Verdict(
        cause=first.cause,
        confidence=first.confidence,
        headline=first.headline,
        evidence=(*first.evidence, *facts.problems),
        next_commands=first.next_commands,
        at=first.at,
        also=also if not first.cause.is_fine else (),
        missing_ms=first.missing_ms,
    )


# --- what the cluster says itself ------------------------------------------------------------------------------


def _nothing_read(case: _Case) -> Verdict | None:
    if case.facts.partitions:
        return None
    group = case.facts.group
    return Verdict(
        cause=Cause.NOTHING_READ,
        confidence=Confidence.CERTAIN,
        headline=f"Group {group} has neither a commit nor a partition assigned.",
        evidence=(f"state {case.facts.state or 'unknown'}, {_members(case)}",),
        next_commands=(f"kcon group describe {_word(group)}",),
    )


def _broker_down(case: _Case) -> Verdict | None:
    gone = [each for each in case.facts.partitions if not each.has_leader]
    if not gone:
        return None
    return Verdict(
        cause=Cause.BROKER_DOWN,
        confidence=Confidence.CERTAIN,
        headline=f"{_count(len(gone), 'partition')} that the group reads "
        f"{'has' if len(gone) == 1 else 'have'} no leader.",
        evidence=(f"without a leader: {_names(gone)}",),
        next_commands=("kcon broker list", f"kcon topic describe {_word(gone[0].where.topic)}"),
        at=gone[0].where,
    )


def _retention_loss(case: _Case) -> Verdict | None:
    lost = [each for each in case.facts.partitions if each.lost]
    if not lost:
        return None
    worst = max(lost, key=lambda each: each.lost)
    return Verdict(
        cause=Cause.RETENTION_LOSS,
        confidence=Confidence.CERTAIN,
        headline=f"Retention took {format_count(sum(each.lost for each in lost))} records before the group read them.",
        evidence=tuple(
            f"{_place(each)}: committed {each.committed:,}, the log begins at {each.start:,}"
            for each in lost[:_EXAMPLES]
            if each.committed is not None and each.start is not None
        ),
        next_commands=(
            f"kcon group lag {case.word}",
            f"kcon topic alter {_word(worst.where.topic)} --set retention.ms=... --dry-run",
        ),
        at=worst.where,
    )


def _rebalance_loop(case: _Case) -> Verdict | None:
    facts, rules = case.facts, case.rules
    if facts.rebalances < rules.rebalances and facts.unstable_ms < rules.unstable_ms:
        return None
    evidence = [f"{_count(facts.rebalances, 'rebalance')} in {format_duration(facts.watched_ms)}"]
    if facts.unstable_ms:
        evidence.append(f"in {facts.state} for {format_duration(facts.unstable_ms)}")
    return Verdict(
        cause=Cause.REBALANCE_LOOP,
        confidence=Confidence.CERTAIN if facts.rebalances >= rules.rebalances else Confidence.LIKELY,
        headline=f"Group {facts.group} keeps rebalancing, so nobody reads for long.",
        evidence=tuple(evidence),
        next_commands=(f"kcon group members {case.word} --watch", f"kcon group describe {case.word}"),
    )


def _hanging_transaction(case: _Case) -> Verdict | None:
    hanging = [
        each
        for each in case.facts.partitions
        if each.transaction_age_ms is not None
        and each.transaction_age_ms >= case.rules.transaction_ms
        and each.stable_end is not None
        and each.end is not None
        and each.committed is not None
        and each.stable_end < each.end
        and each.committed >= each.stable_end
    ]
    if not hanging:
        return None
    worst = max(hanging, key=lambda each: each.transaction_age_ms or 0)
    return Verdict(
        cause=Cause.HANGING_TRANSACTION,
        confidence=Confidence.CERTAIN,
        headline=f"An open transaction holds back what read_committed consumers may read in {_place(worst)}.",
        evidence=tuple(
            f"{_place(each)}: {(each.end or 0) - (each.stable_end or 0):,} records wait behind offset "
            f"{each.stable_end:,}, for {format_duration(each.transaction_age_ms or 0)}"
            for each in hanging[:_EXAMPLES]
        ),
        next_commands=("kcon txn hanging", f"kcon txn producers {_word(worst.where.topic)}"),
        at=worst.where,
    )


def _clock_skew(case: _Case) -> Verdict | None:
    skewed = [each for each in case.facts.partitions if each.time_lag.is_implausible]
    if not skewed:
        return None
    return Verdict(
        cause=Cause.CLOCK_SKEW,
        confidence=Confidence.LIKELY,
        headline=f"Records in {_names(skewed)} carry times that cannot be: a producer's clock is off.",
        evidence=("the time of the next record lies in the future, or before the log began",),
        next_commands=(f"kcon consume {_word(skewed[0].where.topic)} -p {skewed[0].where.partition} -o -1 -e -J",),
        at=skewed[0].where,
    )


# --- nothing is wrong ------------------------------------------------------------------------------------------


def _no_lag(case: _Case) -> Verdict | None:
    if case.behind or any(each.lag is None and each.end for each in case.facts.partitions):
        return None
    if not case.is_watched and any(each.lag and not each.out_per_s for each in case.facts.partitions):
        return None  # A few young records: read in a moment, or the first of many that nobody reads.
    writes = any(each.in_per_s for each in case.facts.partitions)
    is_quiet = all(each.in_per_s == 0 for each in case.facts.partitions)
    cause = Cause.HEALTHY if writes or case.facts.members else Cause.IDLE
    said = "has read everything; nothing is written" if is_quiet else "keeps up"
    return Verdict(
        cause=cause,
        confidence=Confidence.CERTAIN,
        headline=f"Group {case.facts.group} {said}.",
        evidence=(f"lag {format_count(case.lag)}, {_members(case)}",),
    )


# --- what takes a while to see ---------------------------------------------------------------------------------


def _dead(case: _Case) -> Verdict | None:
    if case.facts.members != 0 or not case.behind or case.facts.state in {"PreparingRebalance", "CompletingRebalance"}:
        return None
    if any(each.out_per_s for each in case.behind):
        return None  # Somebody commits from outside the group: a simple consumer.
    return Verdict(
        cause=Cause.DEAD_CONSUMER,
        confidence=Confidence.CERTAIN if case.is_watched else Confidence.LIKELY,
        headline=f"Nobody is in group {case.facts.group}, and {format_count(case.lag)} records wait.",
        evidence=(f"state {case.facts.state}, no members", _oldest(case)),
        next_commands=(f"kcon group describe {case.word}", f"kcon group lag {case.word}"),
    )


def _unowned(case: _Case) -> Verdict | None:
    if not case.facts.members or case.facts.unstable_ms or not any(each.member for each in case.facts.partitions):
        return None
    unowned = [each for each in case.still if each.member is None]
    if not unowned or len(unowned) == len(case.facts.partitions):
        return None
    return Verdict(
        cause=Cause.UNOWNED_PARTITION,
        confidence=Confidence.LIKELY,
        headline=f"{_names(unowned)} {'has' if len(unowned) == 1 else 'have'} a commit and no owner in the group.",
        evidence=("its members are assigned other partitions only: they may have changed their subscription",),
        next_commands=(f"kcon group members {case.word}",),
        at=unowned[0].where,
    )


def _stands(case: _Case) -> Verdict | None:
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
    topic = _word(worst.where.topic)
    return Verdict(
        cause=Cause.POISON_RECORD,
        confidence=Confidence.LIKELY if is_member_alive else Confidence.POSSIBLE,
        headline=f"{_place(worst)} is stuck at {worst.committed or 0:,} while others move. Likely a record "
        "that cannot be processed.",
        evidence=(
            f"not moved for {format_duration(worst.still_ms)}; owner {worst.owner or 'unknown'}",
            "its owner commits other partitions meanwhile"
            if is_member_alive
            else "its owner has no other partition, so a hung process would look the same",
            _oldest(case),
        ),
        next_commands=(
            f"kcon get {topic}/{worst.where.partition}/{worst.committed or 0}",
            f"kcon group reset {case.word} -t {topic}:{worst.where.partition} --to current+1 --dry-run",
        ),
        at=worst.where,
    )


def _stuck_member(case: _Case, worst: PartitionFacts) -> Verdict:
    mine = [each for each in case.facts.partitions if each.member == worst.member]
    return Verdict(
        cause=Cause.STUCK_MEMBER,
        confidence=Confidence.LIKELY,
        headline=f"Member {worst.owner or worst.member or '?'} reads none of its {_count(len(mine), 'partition')}, "
        "though it is in the group.",
        evidence=(f"{_names(mine)}: not moved for {format_duration(worst.still_ms)}; other members move",),
        next_commands=(f"kcon group members {case.word}", f"kcon group lag {case.word}"),
        at=worst.where,
    )


def _stopped(case: _Case) -> Verdict:
    still_ms = min(each.still_ms for each in case.still)
    return Verdict(
        cause=Cause.STOPPED,
        confidence=Confidence.LIKELY if still_ms >= case.rules.unstable_ms else Confidence.POSSIBLE,
        headline=f"Group {case.facts.group} has {_members(case)} and reads nothing: all of its "
        f"{_count(len(case.behind), 'lagging partition')} {'stands' if len(case.behind) == 1 else 'stand'} still.",
        evidence=(
            f"no commit has moved for {format_duration(still_ms)}",
            _oldest(case),
            "a consumer that commits rarely would look the same for as long",
        ),
        next_commands=(
            f"kcon group members {case.word}",
            f"kcon why {case.word} --for 60s",
        ),
    )


def _hot(case: _Case) -> Verdict | None:
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
        headline=f"{_place(worst)} gets {share:.0%} of the writes, more than its reader keeps up with.",
        evidence=(
            f"{_rate(worst.in_per_s)} written, {_rate(worst.out_per_s)} read; its fair share is {_rate(fair)}",
            f"{(worst.lag or 0) / case.lag:.0%} of the lag is there",
        ),
        next_commands=(f"kcon topic analyze {_word(worst.where.topic)}",),
        at=worst.where,
    )


def _speed(case: _Case) -> Verdict | None:
    """More is written than read, or less."""
    if not case.is_watched or not case.behind or not case.moving:
        return None
    written = sum(each.in_per_s or 0.0 for each in case.facts.partitions)
    read = sum(each.out_per_s or 0.0 for each in case.facts.partitions)
    evidence = (f"{_rate(written)} written, {_rate(read)} read", _oldest(case))
    if written > read * GROWTH:
        left = [each.retention_left_ms for each in case.behind if each.retention_left_ms is not None]
        risk = (f"retention reaches the oldest unread record in {format_duration(min(left))}",) if left else ()
        return Verdict(
            cause=Cause.SLOW_CONSUMER,
            confidence=Confidence.LIKELY,
            headline=f"Group {case.facts.group} reads {_rate(read)} and {_rate(written)} is written: "
            "the lag only grows.",
            evidence=(*evidence, *risk),
            next_commands=(
                f"kcon group lag {case.word}",
                f"kcon group members {case.word}",
            ),
        )
    if read <= written:
        return None  # Level: neither grows nor shrinks.
    eta_ms = round(case.lag / (read - written) * 1000)
    return Verdict(
        cause=Cause.CATCHING_UP,
        confidence=Confidence.LIKELY,
        headline=f"Group {case.facts.group} catches up: {format_count(case.lag)} records, "
        f"about {format_duration(eta_ms)} more.",
        evidence=evidence,
    )


def _under_min_isr(case: _Case) -> Verdict | None:
    short = [each for each in case.facts.partitions if each.is_under_min_isr and each.has_leader]
    if not short:
        return None
    return Verdict(
        cause=Cause.UNDER_MIN_ISR,
        confidence=Confidence.CERTAIN,
        headline=f"{_names(short)} {'has' if len(short) == 1 else 'have'} too few replicas in sync: "
        "acks=all writes are refused.",
        next_commands=(f"kcon topic describe {_word(short[0].where.topic)}", "kcon broker list"),
        at=short[0].where,
    )


_RULES: Final = (
    _nothing_read,
    _broker_down,
    _retention_loss,
    _rebalance_loop,
    _hanging_transaction,
    _under_min_isr,
    _clock_skew,
    _no_lag,
    _dead,
    _stands,
    _unowned,
    _hot,
    _speed,
)


def _unknown(case: _Case) -> Verdict:
    missing_ms = max(0, case.rules.watch_ms - case.facts.watched_ms)
    unread = sum(each.lag is None for each in case.facts.partitions)
    evidence = [f"lag {format_count(case.lag)}, {_members(case)}", _oldest(case)]
    if unread:
        evidence.append(f"{_count(unread, 'partition')} could not be read")
    said = f"need {format_duration(missing_ms)} more" if missing_ms else "nothing that kcon knows explains it"
    return Verdict(
        cause=Cause.UNKNOWN,
        confidence=Confidence.POSSIBLE,
        headline=f"Group {case.facts.group} lags, and the cause is not clear yet: {said}.",
        evidence=tuple(evidence),
        next_commands=(f"kcon why {case.word} --for 60s",),
        missing_ms=missing_ms,
    )


_EXAMPLES: Final = 3


def _word(name: WireText) -> str:
    """Return a name as one word of a shell, made safe."""
    return shlex.quote(str(name))


def _place(each: PartitionFacts) -> str:
    return f"{each.where.topic}/{each.where.partition}"


def _names(facts: "list[PartitionFacts]") -> str:
    names = ", ".join(_place(each) for each in facts[:_EXAMPLES])
    return names if len(facts) <= _EXAMPLES else f"{names} and {len(facts) - _EXAMPLES} more"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _members(case: _Case) -> str:
    members = case.facts.members
    return "members unknown" if members is None else _count(members, "member")


def _rate(per_s: float | None) -> str:
    return "—" if per_s is None else f"{format_count(round(per_s))}/s"


def _oldest(case: _Case) -> str:
    known = [each.time_lag for each in case.behind if each.time_lag.value_ms is not None]
    if not known:
        return "how old the oldest unread record is, is not known"
    worst = max(known, key=lambda lag: lag.value_ms or 0)
    return f"the oldest unread record is {format_duration(worst.value_ms or 0)} old ({worst.quality.mark})"
