"""How does one group move, for as long as it takes to judge it? A few looks a second apart, then the verdict.

What one look shows for certain (no leader, nobody in the group, records lost, an open transaction) is told at once;
what only movement shows takes `VerdictRules.watch_ms`. All questions are reads.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from kcon.admin.client import Admin
from kcon.core.config_entry import ConfigEntry, ConfigResource, ResourceType
from kcon.core.group_verdict import judge_group
from kcon.core.ids import GroupId, TopicName, TopicPartition, group_id
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import offset_lag, records_lost
from kcon.core.offset_query import EARLIEST, LATEST
from kcon.core.snapshot import (
    NO_BROKER,
    CommittedOffset,
    GroupDescription,
    GroupMember,
    OffsetResult,
    PartitionInfo,
    TopicInfo,
    offset_of,
)
from kcon.core.time_lag import SKEW_MS, UNKNOWN_LAG, Probe, TimeLag, time_lag
from kcon.core.verdict import Cause, Confidence, GroupFacts, PartitionFacts, Verdict, VerdictRules
from kcon.core.wire_text import WireText
from kcon.observe.lag_engine import STEADY
from kcon.observe.rings import rate_per_s
from kcon.services.groups import DEAD
from kcon.services.near_names import group_not_found
from kcon.services.session import Session

INTERVAL_MS: Final = 1_000
PROBES_MAX: Final = 20
TOPICS_WITH_CONFIGS_MAX: Final = 100
AT_ONCE: Final = frozenset(
    {
        Cause.NOTHING_READ,
        Cause.BROKER_DOWN,
        Cause.RETENTION_LOSS,
        Cause.HANGING_TRANSACTION,
        Cause.UNDER_MIN_ISR,
        Cause.HEALTHY,
        Cause.IDLE,
    }
)
"""Causes that one look shows, when they are certain."""

FromHistory = Callable[["Session", GroupId, "Look"], Awaitable["tuple[list[Look], list[str]]"]]
"""Returns looks before a look, the oldest first, and sentences of evidence."""
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One group at one moment."""

    at_ms: int
    about: GroupDescription
    commits: Mapping[TopicPartition, int]
    starts: Mapping[TopicPartition, OffsetResult]
    ends: Mapping[TopicPartition, OffsetResult]
    stable_ends: Mapping[TopicPartition, OffsetResult]
    partitions: Mapping[TopicPartition, PartitionInfo]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What is asked once."""

    probes: Mapping[TopicPartition, Probe | KafkaError | None]
    transaction_ages_ms: Mapping[TopicPartition, int]
    min_isr: Mapping[TopicName, int]
    retention_ms: Mapping[TopicName, int]
    problems: tuple[str, ...] = ()


async def why_group(
    session: Session,
    name: str,
    *,
    watch_ms: int | None = None,
    on_look: Callable[[Verdict], None] | None = None,
    sleep: Sleep = asyncio.sleep,
    clock_ms: Callable[[], int] | None = None,
    history: "FromHistory | None" = None,
    rules: VerdictRules | None = None,
) -> Verdict:
    """Return why a group lags. NotFoundError when there is no such group.

    watch_ms: look for so long, even if one look would do or none tells enough; None: as long as it takes, and at most
    what the rules want. history: tells what was seen of the minute before, which then need not be waited for.
    on_look: gets what is known. clock_ms: None is the session's, going on evenly from now.
    """
    rules = rules or VerdictRules()
    now_ms = clock_ms or _steady_ms(session.now_ms())
    admin = await session.admin()
    group = group_id(name)
    looks = [await take_look(admin, group, now_ms())]
    extras = await _ask_once(admin, looks[0], rules, now_ms())
    until_ms = looks[0].at_ms + (rules.watch_ms if watch_ms is None else watch_ms)
    earlier, told = ([], []) if history is None else await history(session, group, looks[0])
    if watch_ms is None and earlier:
        looks, until_ms = [*earlier, *looks], earlier[0].at_ms + rules.watch_ms
    while True:
        if looks[-1].at_ms >= until_ms:
            extras = replace(extras, probes={**extras.probes, **await _probe_again(admin, looks, extras)})
        verdict = judge_group(facts_of(looks, extras), rules)
        verdict = replace(verdict, evidence=(*verdict.evidence, *told))
        if on_look is not None:
            on_look(verdict)
        if looks[-1].at_ms >= until_ms or (watch_ms is None and _is_told_at_once(verdict, looks)):
            return verdict
        await sleep(INTERVAL_MS / 1000)
        # Two looks, one of them the first, tell the rates; those between tell rebalances.
        looks.append(await take_look(admin, group, now_ms()))


def _steady_ms(from_ms: int) -> Callable[[], int]:
    """Return a clock that a change of the machine's clock does not move: rates are differences of its times."""
    begun_ns = time.monotonic_ns()
    return lambda: from_ms + (time.monotonic_ns() - begun_ns) // 1_000_000


def _is_told_at_once(verdict: Verdict, looks: Collection[Look]) -> bool:
    if verdict.cause is Cause.DEAD_CONSUMER:
        return len(looks) > 1  # One look might fall between a last and a first member.
    return verdict.cause in AT_ONCE and verdict.confidence is Confidence.CERTAIN


async def take_look(admin: Admin, group: GroupId, now_ms: int) -> Look:
    """Ask everything about a group that changes. NotFoundError when there is no such group."""
    described, committed = await asyncio.gather(admin.describe_groups([group]), admin.committed_offsets([group]))
    about, offsets = described[group], committed[group]
    for told in (about, offsets):
        if isinstance(told, KafkaError):
            if told.name == "GROUP_ID_NOT_FOUND":
                raise await group_not_found(admin, group)
            raise told.as_exception(f"group {group}")
    assert isinstance(about, GroupDescription)
    assert not isinstance(offsets, KafkaError)
    commits = {where: told.offset for where, told in offsets.items() if isinstance(told, CommittedOffset)}
    if about.state == DEAD and not commits:
        raise await group_not_found(admin, group)
    places = sorted({*commits, *(where for member in about.members for where in member.assignment)})
    topics = await admin.topics(list(dict.fromkeys(where.topic for where in places))) if places else []
    starts, ends, stable_ends = await asyncio.gather(
        admin.list_offsets(places, EARLIEST),
        admin.list_offsets(places, LATEST),
        admin.list_offsets(places, LATEST, read_committed=True),
    )
    return Look(
        at_ms=now_ms,
        about=about,
        commits=commits,
        starts=starts,
        ends=ends,
        stable_ends=stable_ends,
        partitions=_partitions(topics),
    )


async def _probe_again(
    admin: Admin, looks: "list[Look]", extras: Extras
) -> Mapping[TopicPartition, Probe | KafkaError | None]:
    """Look at the records where the commits stand now: those of the first look lie behind."""
    first, last = looks[0], looks[-1]
    moved = {
        where: max(last.commits[where], offset_of(last.starts.get(where)) or 0)
        for where in extras.probes
        if where in last.commits
        and last.commits[where] != first.commits.get(where)
        and (offset_of(last.ends.get(where)) or 0) > last.commits[where]
    }
    return await admin.probe_times(moved) if moved else {}


def _partitions(topics: list[TopicInfo]) -> dict[TopicPartition, PartitionInfo]:
    return {TopicPartition(topic.name, part.partition): part for topic in topics for part in topic.partitions}


async def _ask_once(admin: Admin, look: Look, rules: VerdictRules, now_ms: int) -> Extras:
    behind = {
        where: max(committed, offset_of(look.starts.get(where)) or 0)
        for where, committed in look.commits.items()
        if (offset_of(look.ends.get(where)) or 0) > committed
    }
    held = [
        where
        for where in behind
        if (offset_of(look.stable_ends.get(where)) or 0) < (offset_of(look.ends.get(where)) or 0)
    ]
    topics = list(dict.fromkeys(where.topic for where in look.ends))[:TOPICS_WITH_CONFIGS_MAX]
    probes, ages_ms, configs = await asyncio.gather(
        admin.probe_times(dict(list(behind.items())[:PROBES_MAX])),
        _transaction_ages_ms(admin, held, now_ms),
        admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in topics]),
    )
    settings = {TopicName(key.name): told for key, told in configs.items() if not isinstance(told, KafkaError)}
    failed = [told for told in configs.values() if isinstance(told, KafkaError)]
    return Extras(
        probes=probes,
        transaction_ages_ms=ages_ms,
        min_isr={name: _number(told, "min.insync.replicas", 1) for name, told in settings.items()},
        retention_ms={
            name: _number(told, "retention.ms", -1) for name, told in settings.items() if _is_deleted_by_age(told)
        },
        problems=(f"Settings of {len(failed)} topics could not be read ({failed[0].name}).",) if failed else (),
    )


async def _transaction_ages_ms(
    admin: Admin, places: Collection[TopicPartition], now_ms: int
) -> dict[TopicPartition, int]:
    """Return for how long the oldest open transaction of each partition has been silent."""
    if not places:
        return {}
    ages: dict[TopicPartition, int] = {}
    for where, told in (await admin.producers(places)).items():
        if isinstance(told, KafkaError):
            continue
        writing = [state for state in told if state.txn_start_offset is not None]
        if writing:
            first = min(writing, key=lambda state: state.txn_start_offset or 0)
            ages[where] = max(0, now_ms - first.last_timestamp_ms)
    return ages


def _number(configs: Mapping[WireText, ConfigEntry], name: str, default: int) -> int:
    entry = configs.get(WireText(name))
    try:
        return int(entry.value.raw) if entry is not None and entry.value is not None else default
    except ValueError:
        return default


def _is_deleted_by_age(configs: Mapping[WireText, ConfigEntry]) -> bool:
    entry = configs.get(WireText("cleanup.policy"))
    policy = entry.value.raw if entry is not None and entry.value is not None else "delete"
    return "delete" in policy and _number(configs, "retention.ms", -1) > 0


def facts_of(looks: "list[Look]", extras: Extras) -> GroupFacts:
    """Put together what the looks show. The last one is the present, the first one where the rates begin."""
    first, last = looks[0], looks[-1]
    owners = {where: member for member in last.about.members for where in member.assignment}
    return GroupFacts(
        group=last.about.group,
        state=last.about.state,
        members=len(last.about.members),
        partitions=tuple(_partition_facts(where, looks, owners.get(where), extras) for where in last.ends),
        watched_ms=last.at_ms - first.at_ms,
        rebalances=_rebalances(looks),
        unstable_ms=_unstable_ms(looks),
        problems=extras.problems,
    )


def _partition_facts(
    where: TopicPartition, looks: "list[Look]", owner: GroupMember | None, extras: Extras
) -> PartitionFacts:
    first, last = looks[0], looks[-1]
    committed = last.commits.get(where)
    start, end = offset_of(last.starts.get(where)), offset_of(last.ends.get(where))
    part = last.partitions.get(where)
    late = _time_lag(where, looks, extras)
    retention_ms = extras.retention_ms.get(where.topic)
    return PartitionFacts(
        where=where,
        committed=committed,
        start=start,
        end=end,
        lag=offset_lag(committed, start, end),
        time_lag=late,
        in_per_s=rate_per_s(offset_of(first.ends.get(where)), end, last.at_ms - first.at_ms),
        out_per_s=rate_per_s(first.commits.get(where), committed, last.at_ms - first.at_ms),
        owner=owner.client_id if owner else None,
        member=str(owner.member_id) if owner else None,
        lost=records_lost(committed, start),
        still_ms=_still_ms(where, looks),
        stable_end=offset_of(last.stable_ends.get(where)),
        transaction_age_ms=extras.transaction_ages_ms.get(where),
        has_leader=part is not None and part.leader_id != NO_BROKER,
        # With every replica in sync nothing is refused: a setting above the replication factor counts as that.
        is_under_min_isr=part is not None
        and part.is_under_replicated
        and len(part.isr) < extras.min_isr.get(where.topic, 1),
        retention_left_ms=None
        if retention_ms is None or late.value_ms is None
        else max(0, retention_ms - late.value_ms),
    )


def _time_lag(where: TopicPartition, looks: "list[Look]", extras: Extras) -> TimeLag:
    """Return the time lag by the probe, on the line through its batch as long as the commit is in there.

    A commit that moved beyond leaves what was probed behind: the lag is then at most what its newest record says.
    """
    first, last = looks[0], looks[-1]
    committed, end = last.commits.get(where), offset_of(last.ends.get(where))
    start = offset_of(last.starts.get(where))
    probe = extras.probes.get(where)
    if isinstance(probe, Probe) and committed is not None and probe.base_offset <= committed <= probe.last_offset:
        probe = replace(probe, asked_offset=committed)
    known = time_lag(
        committed=committed,
        start=start,
        end=end,
        history=None,
        now_ms=last.at_ms,
        probe=probe if isinstance(probe, Probe) else None,
    )
    if known.value_ms is not None or committed is None or end is None:
        return known
    if not isinstance(probe, Probe) or committed == first.commits.get(where):
        return UNKNOWN_LAG
    age_ms = last.at_ms - probe.max_timestamp_ms
    return TimeLag(max(0, age_ms), known.quality.INTERPOLATED, max(0, age_ms), is_implausible=age_ms < -SKEW_MS)


def _still_ms(where: TopicPartition, looks: "list[Look]") -> int:
    last = looks[-1]
    for later, earlier in zip(reversed(looks), reversed(looks[:-1]), strict=False):
        if later.commits.get(where) != earlier.commits.get(where):
            return last.at_ms - later.at_ms
    return last.at_ms - looks[0].at_ms


def _rebalances(looks: "list[Look]") -> int:
    """Count the looks that found other members, another generation, or a rebalance that was not there before.

    In the middle of a rebalance members that come are a part of it; one that left means that it began anew.
    """
    count = 0
    for earlier, later in pairwise(looks):
        before, now = earlier.about, later.about
        has_begun = now.state not in STEADY and before.state in STEADY
        is_past = now.state in STEADY and before.state in STEADY and _roster(now) != _roster(before)
        has_begun_anew = now.state not in STEADY and before.state not in STEADY and bool(_left(before, now))
        count += has_begun or is_past or has_begun_anew
    return count


def _left(before: GroupDescription, now: GroupDescription) -> frozenset[str]:
    return _roster(before)[1] - _roster(now)[1]


def _roster(about: GroupDescription) -> tuple[int | None, frozenset[str]]:
    return about.generation_id, frozenset(str(member.member_id) for member in about.members)


def _unstable_ms(looks: "list[Look]") -> int:
    last = looks[-1]
    since_ms = last.at_ms
    for look in reversed(looks):
        if look.about.state in STEADY:
            break
        since_ms = look.at_ms
    return last.at_ms - since_ms
