"""Why does a group lag? One cause with its evidence, told from facts that were measured; or what is still missing.

The rules stand in the order in which they explain: a group whose broker is down is not "slow", and one that rebalances
all the time has no owner to blame. A rule speaks only of what was watched long enough for it; a confident wrong answer
is worse than "need 10 s more". No I/O, no clock.
"""

from typing import Final

from kcon.core import movement_verdict
from kcon.core.units import format_count, format_duration
from kcon.core.verdict import Cause, Confidence, GroupFacts, Verdict, VerdictRules
from kcon.core.verdict_case import EXAMPLES, Case, counted, members, names, oldest, place, word


def judge_group(facts: GroupFacts, rules: VerdictRules | None = None) -> Verdict:
    """Return the cause that explains most, with the others that hold too. UNKNOWN says what is missing."""
    case = Case.of(facts, rules or VerdictRules())
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


def _nothing_read(case: Case) -> Verdict | None:
    if case.facts.partitions:
        return None
    group = case.facts.group
    return Verdict(
        cause=Cause.NOTHING_READ,
        confidence=Confidence.CERTAIN,
        headline=f"Group {group} has neither a commit nor a partition assigned.",
        evidence=(f"state {case.facts.state or 'unknown'}, {members(case)}",),
        next_commands=(f"kcon group describe {word(group)}",),
    )


def _broker_down(case: Case) -> Verdict | None:
    gone = [each for each in case.facts.partitions if not each.has_leader]
    if not gone:
        return None
    return Verdict(
        cause=Cause.BROKER_DOWN,
        confidence=Confidence.CERTAIN,
        headline=f"{counted(len(gone), 'partition')} that the group reads "
        f"{'has' if len(gone) == 1 else 'have'} no leader.",
        evidence=(f"without a leader: {names(gone)}",),
        next_commands=("kcon broker list", f"kcon topic describe {word(gone[0].where.topic)}"),
        at=gone[0].where,
    )


def _retention_loss(case: Case) -> Verdict | None:
    lost = [each for each in case.facts.partitions if each.lost]
    if not lost:
        return None
    worst = max(lost, key=lambda each: each.lost)
    return Verdict(
        cause=Cause.RETENTION_LOSS,
        confidence=Confidence.CERTAIN,
        headline=f"Retention took {format_count(sum(each.lost for each in lost))} records before the group read them.",
        evidence=tuple(
            f"{place(each)}: committed {each.committed:,}, the log begins at {each.start:,}"
            for each in lost[:EXAMPLES]
            if each.committed is not None and each.start is not None
        ),
        next_commands=(
            f"kcon group lag {case.word}",
            f"kcon topic alter {word(worst.where.topic)} --set retention.ms=... --dry-run",
        ),
        at=worst.where,
    )


def _rebalance_loop(case: Case) -> Verdict | None:
    facts, rules = case.facts, case.rules
    if facts.rebalances < rules.rebalances and facts.unstable_ms < rules.unstable_ms:
        return None
    evidence = [f"{counted(facts.rebalances, 'rebalance')} in {format_duration(facts.watched_ms)}"]
    if facts.unstable_ms:
        evidence.append(f"in {facts.state} for {format_duration(facts.unstable_ms)}")
    return Verdict(
        cause=Cause.REBALANCE_LOOP,
        confidence=Confidence.CERTAIN if facts.rebalances >= rules.rebalances else Confidence.LIKELY,
        headline=f"Group {facts.group} keeps rebalancing, so nobody reads for long.",
        evidence=tuple(evidence),
        next_commands=(f"kcon group members {case.word} --watch", f"kcon group describe {case.word}"),
    )


def _hanging_transaction(case: Case) -> Verdict | None:
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
        headline=f"An open transaction holds back what read_committed consumers may read in {place(worst)}.",
        evidence=tuple(
            f"{place(each)}: {(each.end or 0) - (each.stable_end or 0):,} records wait behind offset "
            f"{each.stable_end:,}, for {format_duration(each.transaction_age_ms or 0)}"
            for each in hanging[:EXAMPLES]
        ),
        next_commands=("kcon txn hanging", f"kcon txn producers {word(worst.where.topic)}"),
        at=worst.where,
    )


def _clock_skew(case: Case) -> Verdict | None:
    skewed = [each for each in case.facts.partitions if each.time_lag.is_implausible]
    if not skewed:
        return None
    return Verdict(
        cause=Cause.CLOCK_SKEW,
        confidence=Confidence.LIKELY,
        headline=f"Records in {names(skewed)} carry times that cannot be: a producer's clock is off.",
        evidence=("the time of the next record lies in the future, or before the log began",),
        next_commands=(f"kcon consume {word(skewed[0].where.topic)} -p {skewed[0].where.partition} -o -1 -e -J",),
        at=skewed[0].where,
    )


# --- nothing is wrong ------------------------------------------------------------------------------------------


def _no_lag(case: Case) -> Verdict | None:
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
        evidence=(f"lag {format_count(case.lag)}, {members(case)}",),
    )


def _under_min_isr(case: Case) -> Verdict | None:
    short = [each for each in case.facts.partitions if each.is_under_min_isr and each.has_leader]
    if not short:
        return None
    return Verdict(
        cause=Cause.UNDER_MIN_ISR,
        confidence=Confidence.CERTAIN,
        headline=f"{names(short)} {'has' if len(short) == 1 else 'have'} too few replicas in sync: "
        "acks=all writes are refused.",
        next_commands=(f"kcon topic describe {word(short[0].where.topic)}", "kcon broker list"),
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
    movement_verdict.dead,
    movement_verdict.stands,
    movement_verdict.unowned,
    movement_verdict.hot,
    movement_verdict.speed,
)


def _unknown(case: Case) -> Verdict:
    missing_ms = max(0, case.rules.watch_ms - case.facts.watched_ms)
    unread = sum(each.lag is None for each in case.facts.partitions)
    evidence = [f"lag {format_count(case.lag)}, {members(case)}", oldest(case)]
    if unread:
        evidence.append(f"{counted(unread, 'partition')} could not be read")
    said = f"need {format_duration(missing_ms)} more" if missing_ms else "nothing that kcon knows explains it"
    return Verdict(
        cause=Cause.UNKNOWN,
        confidence=Confidence.POSSIBLE,
        headline=f"Group {case.facts.group} lags, and the cause is not clear yet: {said}.",
        evidence=tuple(evidence),
        next_commands=(f"kcon why {case.word} --for 60s",),
        missing_ms=missing_ms,
    )
