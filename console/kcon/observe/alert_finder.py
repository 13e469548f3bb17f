"""What does one look find? The rules that come with kcon, and the user's own, asked of one tick of the sampler.

What could not be read is said to be unknown, so that an alert about it neither ends nor begins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Final

from kcon.core.alert import Finding, Labels, Observation, labels_of
from kcon.core.alert_rules import PROBE_RULES, RULES
from kcon.core.filter.outcome import FilterError, FilterErrors, Predicate
from kcon.core.group_status import GroupStatus
from kcon.core.ids import GroupId, TopicPartition
from kcon.core.kafka_error import KafkaError
from kcon.core.lag import records_lost
from kcon.core.partition_health import PartitionHealth, partition_health
from kcon.core.snapshot import NO_BROKER
from kcon.core.units import format_count, format_duration
from kcon.core.wire_text import display_safe
from kcon.observe.alert_scopes import SCOPES, Values
from kcon.observe.kcon_families import named_brokers, topics_lacking_replicas
from kcon.observe.metric_families import Rows, Tick, lag_retention_percent
from kcon.observe.rings import Rings
from kcon.observe.slow_facts import SlowFacts

DOWN_RULE: Final = "KconDown"
WINDOW_MS: Final = 600_000
"""Over so long tendencies are told."""
SPAN_MIN_MS: Final = 60_000
TICKS: Final = 64
DISK_WINDOW_MS: Final = 3_600_000
DISK_SPAN_MIN_MS: Final = 600_000
DISK_LOOKS: Final = 128
DAY_MS: Final = 86_400_000

_DISK_RULES: Final = frozenset({"KafkaLogDirOffline", "KafkaDiskLow", "KafkaDiskFull"})
_TRANSACTION_RULES: Final = frozenset({"KafkaTransactionOpen"})
_GROUP_RULES: Final = frozenset(rule.name for rule in RULES if rule.name.startswith("KafkaGroup")) | {
    "KafkaRecordsLost"
}
_BUILT_IN: Final = frozenset(rule.name for rule in RULES if not rule.is_for_prometheus) - {
    rule.name for rule in PROBE_RULES
}
"""Those that a look at the cluster can judge."""
THRESHOLDS: Final = {rule.name: rule.threshold for rule in RULES if rule.threshold is not None}

_STATUS_RULES: Final = {
    GroupStatus.STOP: ("KafkaGroupStopped", "reads nothing"),
    GroupStatus.STALL: ("KafkaGroupStalled", "stands still while other partitions move"),
    GroupStatus.REWIND: ("KafkaGroupRewound", "went back"),
    GroupStatus.REBALANCING: ("KafkaGroupRebalancing", "waits for a rebalance that does not end"),
    GroupStatus.DEAD: ("KafkaGroupWithoutMembers", "records wait, and nobody is in the group"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """A rule of the user's."""

    name: str
    scope: str
    """A key of `SCOPES`."""
    text: str
    """What it wants, in CEL."""
    matches: Predicate
    summary: str
    """A `string.Template` over the names of the scope."""


class AlertFinder:
    """Asks the rules. One thread at a time; no I/O."""

    def __init__(self, own_rules: Sequence[OwnRule] = (), thresholds: Mapping[str, float] | None = None) -> None:
        self._own_rules = tuple(own_rules)
        self._thresholds = {**THRESHOLDS, **(thresholds or {})}
        self._lags: Rings[GroupId] = Rings(TICKS)
        self._rebalances: Rings[GroupId] = Rings(TICKS)
        self._free: Rings[tuple[int, str]] = Rings(DISK_LOOKS)
        self._slow: SlowFacts | None = None
        self.unanswered: tuple[str, ...] = ()
        """Sentences: own rules that had no answer about anything at the last look."""

    def failed(self, reason: str) -> Observation:
        """Return what a look that failed tells: that it failed."""
        return Observation(findings=(Finding(rule=DOWN_RULE, summary=f"kcon cannot read the cluster: {reason}"),))

    def look(self, tick: Tick, rows: Rows) -> Observation:
        """Return what the rules find in one tick."""
        self._remember(tick)
        judged = set(_BUILT_IN) | {rule.name for rule in self._own_rules}
        slow = tick.slow
        if slow is None or slow.volumes is None:
            judged -= _DISK_RULES
        if slow is None:
            judged.discard("KafkaCertificateEnds")
        if slow is None or slow.transactions is None:
            judged -= _TRANSACTION_RULES
        if tick.sample.groups.errors:
            judged -= _GROUP_RULES | {rule.name for rule in self._own_rules if rule.scope in {"group", "partition"}}
        health = self._health(tick)
        findings = [
            *_of_brokers(tick),
            *_of_partitions(tick, health),
            *self._of_disks(slow),
            *self._of_transactions(slow),
            *self._of_certificates(slow, tick.sample.taken_ms),
            *self._of_groups(tick),
            *self._of_rows(rows),
            *self._of_own_rules(tick, rows),
        ]
        return Observation(
            findings=tuple(findings), judged=frozenset(judged), unknown=frozenset(_unknown(tick, rows, health))
        )

    def _remember(self, tick: Tick) -> None:
        taken_ms = tick.sample.taken_ms
        if tick.snapshot is not None:
            groups = tick.snapshot.groups
            lags = dict(zip(groups.group, groups.lag, strict=True))
            self._lags.push(taken_ms, lags)
            self._rebalances.push(taken_ms, {group: tick.engine.rebalances(group) for group in lags})
        if tick.slow is not None and tick.slow is not self._slow:
            self._slow = tick.slow
            volumes = tick.slow.volumes or ()
            self._free.push(taken_ms, {(each.broker_id, each.path.raw): each.usable_bytes for each in volumes})

    def _health(self, tick: Tick) -> PartitionHealth:
        topics = topics_lacking_replicas(tick.sample)
        nothing = dict.fromkeys([topic.name.raw for topic in topics])
        return partition_health(topics, nothing | dict(tick.slow.minimums) if tick.slow else nothing)

    def _of_disks(self, slow: SlowFacts | None) -> Iterator[Finding]:
        for volume in (slow.volumes if slow else None) or ():
            labels = labels_of(broker=volume.broker_id, path=volume.path)
            where = f"{volume.path} on broker {volume.broker_id}"
            if volume.error is not None:
                yield Finding(rule="KafkaLogDirOffline", labels=labels, summary=f"Log dir {where} is offline.")
                continue
            share = volume.free_share
            if share is not None and share < self._thresholds["KafkaDiskLow"]:
                yield Finding(
                    rule="KafkaDiskLow",
                    labels=labels,
                    summary=f"The volume of {where} has {share:.0%} free.",
                    value=share,
                )
            change = self._free.series((volume.broker_id, volume.path.raw)).change_per_s(
                DISK_WINDOW_MS, span_min_ms=DISK_SPAN_MIN_MS
            )
            if change is None or change >= 0 or volume.usable_bytes is None:
                continue
            full_in_s = volume.usable_bytes / -change
            left = format_duration(full_in_s * 1000)
            if full_in_s < 3_600 * self._thresholds["KafkaDiskFull"]:
                yield Finding(
                    rule="KafkaDiskFull",
                    labels=labels,
                    summary=f"At its present growth the volume of {where} is full in {left}.",
                    value=full_in_s,
                )

    def _of_transactions(self, slow: SlowFacts | None) -> Iterator[Finding]:
        for each in (slow.transactions if slow else None) or ():
            if each.age_ms / 1000 > self._thresholds["KafkaTransactionOpen"]:
                yield Finding(
                    rule="KafkaTransactionOpen",
                    labels=labels_of(transactional_id=each.transactional_id),
                    summary=f"Transaction {each.transactional_id} has been open for {format_duration(each.age_ms)}.",
                    value=each.age_ms / 1000,
                )

    def _of_certificates(self, slow: SlowFacts | None, now_ms: int) -> Iterator[Finding]:
        for address, ends_ms in (slow.certificates if slow else {}).items():
            left_ms = ends_ms - now_ms
            if left_ms < DAY_MS * self._thresholds["KafkaCertificateEnds"]:
                words = f"ends in {format_duration(left_ms)}" if left_ms > 0 else "has ended"
                yield Finding(
                    rule="KafkaCertificateEnds",
                    labels=labels_of(address=display_safe(address)),
                    summary=f"The certificate of {display_safe(address)} {words}.",
                    value=left_ms / 1000,
                )

    def _of_groups(self, tick: Tick) -> Iterator[Finding]:
        if tick.snapshot is None:
            return
        groups = tick.snapshot.groups
        for index, group in enumerate(groups.group):
            labels = labels_of(group=group)
            late_ms = groups.time_lag[index].value_ms
            late_s = None if late_ms is None else late_ms / 1000
            if late_s is not None and late_s > self._thresholds["KafkaGroupLate"]:
                yield Finding(
                    rule="KafkaGroupLate",
                    labels=labels,
                    summary=f"Group {group} is {format_duration(late_s * 1000)} behind.",
                    value=late_s,
                )
            if late_s is not None and late_s > self._thresholds["KafkaGroupFallsBehind"]:
                growth = self._lags.series(group).change_per_s(WINDOW_MS, span_min_ms=SPAN_MIN_MS)
                if growth is not None and growth > 0:
                    yield Finding(
                        rule="KafkaGroupFallsBehind",
                        labels=labels,
                        summary=f"Group {group} falls behind by {growth:.3g} records a second.",
                        value=growth,
                    )
            many = self._rebalances_lately(group)
            if many > self._thresholds["KafkaGroupRebalancesOften"]:
                yield Finding(
                    rule="KafkaGroupRebalancesOften",
                    labels=labels,
                    summary=f"Group {group} rebalanced {many:.0f} times in 10 minutes.",
                    value=many,
                )

    def _rebalances_lately(self, group: GroupId) -> float:
        series = self._rebalances.series(group)
        recent = [
            value
            for time_ms, value in zip(series.times_ms, series.values, strict=True)
            if series.times_ms[-1] - time_ms <= WINDOW_MS
        ]
        return recent[-1] - recent[0] if recent else 0.0

    def _of_rows(self, rows: Rows) -> Iterator[Finding]:
        near = self._thresholds["KafkaGroupNearRetention"]
        for group, of_group in rows.items():
            for row in of_group:
                found = _STATUS_RULES.get(row.status)
                lost = records_lost(row.committed, row.bounds.start)
                share = lag_retention_percent(row) if row.bounds.start and not lost else None
                if found is None and not lost and (share is None or share <= near):
                    continue
                labels = _place(group, row.where)
                words = f"{group} in {row.where.topic}/{row.where.partition}"
                if found is not None:
                    yield Finding(rule=found[0], labels=labels, summary=f"{words}: {found[1]}.")
                if lost:
                    yield Finding(
                        rule="KafkaRecordsLost",
                        labels=labels,
                        summary=f"{words} lost {format_count(lost)} records to retention before it read them.",
                        value=lost,
                    )
                if share is not None and share > near:
                    yield Finding(
                        rule="KafkaGroupNearRetention",
                        labels=labels,
                        summary=f"{words}: retention is about to take what is not read yet.",
                        value=share,
                    )

    def _of_own_rules(self, tick: Tick, rows: Rows) -> Iterator[Finding]:
        unanswered = []
        for rule in self._own_rules if tick.snapshot is not None else ():
            assert tick.snapshot is not None, "looked at above"
            errors, answers = FilterErrors(), 0
            for labels, values in SCOPES[rule.scope].subjects(tick, tick.snapshot, rows):
                verdict = rule.matches(values)
                if isinstance(verdict, FilterError):
                    errors.add(verdict)
                    continue
                answers += 1
                if verdict is True:
                    yield Finding(rule=rule.name, labels=labels, summary=_summary(rule, values))
            # Of some things a value is not known, now and then; a rule that never has an answer is a mistake.
            if errors.total and not answers:
                (reason, _count), *_others = errors.reasons.most_common(1)
                unanswered.append(f"Rule {rule.name} had no answer about anything: {reason}.")
        self.unanswered = tuple(unanswered)


def _of_brokers(tick: Tick) -> Iterator[Finding]:
    info = tick.sample.cluster
    if info.brokers and info.controller_id < 0:
        yield Finding(rule="KafkaNoController", summary="The cluster has no controller.")
    for broker_id in sorted(named_brokers(tick.sample) - {broker.id for broker in info.brokers}):
        yield Finding(
            rule="KafkaBrokerDown",
            labels=labels_of(broker=broker_id),
            summary=f"Broker {broker_id} is gone, and replicas are on it.",
        )


def _of_partitions(tick: Tick, health: PartitionHealth) -> Iterator[Finding]:
    for topic in tick.sample.topics:
        for part in topic.partitions:
            if part.leader_id == NO_BROKER:
                where = TopicPartition(topic.name, part.partition)
                yield _of_partition("KafkaPartitionOffline", where, "has no leader")
    for where in health.under_min_isr:
        yield _of_partition("KafkaUnderMinIsr", where, "has too few replicas in sync: acks=all writes are refused")
    for where in health.under_replicated:
        yield _of_partition("KafkaUnderReplicated", where, "has replicas that are not in sync")


def _of_partition(rule: str, where: TopicPartition, words: str) -> Finding:
    labels = labels_of(topic=where.topic, partition=where.partition)
    return Finding(rule=rule, labels=labels, summary=f"{where.topic}/{where.partition} {words}.")


def _place(group: GroupId, where: TopicPartition) -> Labels:
    return labels_of(group=group, topic=where.topic, partition=where.partition)


def _unknown(tick: Tick, rows: Rows, health: PartitionHealth) -> Iterable[tuple[str, str]]:
    for group, told in tick.sample.commits.items():
        if isinstance(told, KafkaError) or any(row.bounds.end is None for row in rows.get(group, ())):
            yield "group", str(group)
    for topic in tick.sample.topics:
        if topic.error is not None:
            yield "topic", str(topic.name)
    for where in health.uncertain:
        yield "topic", str(where.topic)
    for broker_id in tick.slow.silent_brokers if tick.slow else ():
        yield "broker", str(broker_id)


def _summary(rule: OwnRule, values: Values) -> str:
    shown: Callable[[object], str] = lambda value: f"{value:.6g}" if isinstance(value, float) else str(value)  # noqa: E731
    return Template(rule.summary).safe_substitute({name: shown(value) for name, value in values.items()})
